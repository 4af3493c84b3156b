"""Text files cut into blocks, and where their records begin and end."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionize.errors import UnreadableFileError
from sessionize.reading import blocks
from sessionize.reading.blocks import RecordFile
from sessionize.reading.grammars import Lines, QuotedRecords
from sessionize.reading.streams import OnceStream

CSV = QuotedRecords(",")


def text_file(data: bytes, *, skip: int = 0, reopens: bool = True) -> RecordFile:
    return RecordFile("log.csv", CSV, lambda: OnceStream(io.BytesIO(data)), skip, reopens=reopens)


def contents(file: RecordFile, block_bytes: int) -> list[bytes]:
    return [block.data for block in file.blocks(block_bytes)]


CELLS = st.text(alphabet=st.sampled_from('ab",\r\n; '), max_size=4)


@given(st.lists(CELLS, max_size=60).map(",".join), st.integers(1, 100))
def test_records_are_those_that_arrow_finds(text: str, block_bytes: int) -> None:
    data = text.encode()
    if CSV.unclosed(data) is not None:
        return

    found = list(text_file(data).blocks(block_bytes))

    kept = b"".join(block.data for block in found)
    assert kept.translate(None, b"\r\n") == data.translate(None, b"\r\n")
    assert sum(len(block.spans()[0]) for block in found) == arrow_records(data)


def arrow_records(data: bytes) -> int:
    """Count the records of a CSV text the way that `pyarrow.csv` does."""
    skipped: list[int] = []

    def skip(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number)
        return "skip"

    if not data.strip(b"\r\n"):
        return 0
    table = pacsv.read_csv(
        pa.BufferReader(data),
        pacsv.ReadOptions(use_threads=False, column_names=["x"]),
        pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
        pacsv.ConvertOptions(column_types={"x": pa.string()}),
    )
    return table.num_rows + len(skipped)


def test_offsets_of_records_skip_blank_ones() -> None:
    starts, ends = CSV.spans(b"\na\r\n\r\nb")

    np.testing.assert_array_equal(starts, [1, 6])
    np.testing.assert_array_equal(ends, [4, 7])


@pytest.mark.parametrize(
    ("data", "block_bytes", "expected"),
    [
        (b"ab\ncd\nef\n", 7, [b"ab\ncd\n", b"ef\n"]),
        (b"ab\ncd\nef", 6, [b"ab\ncd\n", b"ef"]),
        (b"ab\ncdefghi\njk\n", 4, [b"ab\n", b"cdefghi\n", b"jk\n"]),
        (b'ab\n"c\nd"\ne\n', 6, [b"ab\n", b'"c\nd"\ne\n']),
        (b'"a""\n"\n"b\n"\n', 8, [b'"a""\n"\n', b'"b\n"\n']),
        (b'"a\n"\r"b\n"\r', 6, [b'"a\n"\r', b'"b\n"\r']),
        (b"ab\rcd\ref\r", 7, [b"ab\rcd\r", b"ef\r"]),
        (b"ab\r\ncd\r\n", 5, [b"ab\r\n", b"cd\r\n"]),
        (b"a\n\n\n\n\n\n\nb", 2, [b"a\n", b"b"]),
    ],
    ids=[
        "last line break", "no line break at the end", "long record", "newline in quotes", "doubled quote",
        "quotes and lone CR", "lone CR", "CRLF", "blank blocks",
    ],
)  # fmt: skip
def test_blocks_end_where_records_end(data: bytes, block_bytes: int, expected: list[bytes]) -> None:
    assert contents(text_file(data), block_bytes) == expected


@pytest.mark.parametrize("length", [1, 62, 63, 64, 65, 127, 128, 129, 1000])
def test_quoted_part_of_any_length_holds_no_end(length: int) -> None:
    data = b'x\n"%s",y\n' % (b"\n" * length)

    np.testing.assert_array_equal(CSV.ends(data), [2, len(data)])
    assert CSV.last_end(data[:-1]) == 2
    assert CSV.unclosed(data[:-4]) == 2


def test_quotes_inside_unquoted_fields_are_text() -> None:
    data = b'5" wide,"a\nb"\n6" wide\n7"'

    np.testing.assert_array_equal(CSV.ends(data), [14, 22])
    assert CSV.last_end(data) == 22
    assert CSV.unclosed(data) is None


def test_json_lines_end_at_line_feeds_only() -> None:
    assert Lines().last_end(b'{"a"}\n{\r') == 6
    assert Lines().unclosed(b'"') is None


OPEN = b'a,x\n\nb,x\nc,"y\nd,z\n'


@pytest.mark.parametrize(
    ("reopens", "place"), [(True, "record 3"), (False, "the record at byte 11")], ids=["file", "pipe"]
)
@pytest.mark.parametrize("block_bytes", [4, 100])
def test_quote_that_nothing_closes_is_an_error(block_bytes: int, reopens: bool, place: str) -> None:
    file = text_file(b"h\n" + OPEN, skip=2, reopens=reopens)

    with pytest.raises(
        UnreadableFileError, match=rf"a quote opens at '\"y', in {place}, and is never closed"
    ):
        contents(file, block_bytes)


def test_record_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGEST_RECORD_BYTES", 512)
    file = text_file(b'ada,x\nbob,"' + b"y\n" * 5000)

    with pytest.raises(UnreadableFileError, match=r"log\.csv: record 2 is longer than"):
        contents(file, 64)
