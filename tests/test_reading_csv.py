"""CSV as real systems write it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sessionize.errors import InputError, MissingColumnError, UnreadableFileError
from sessionize.reading import blocks
from tests.chunks import opened, read, rejected, seconds, tally, values

HEADER = b"user_id,timestamp,page\n"
AT = b"2026-01-01T00:00:00Z"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.csv"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 48 bytes, so that every record is near the edge of one."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 48)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + b"ada,%s,x\nbob,%s,y\n" % (AT, AT),
        HEADER + b"ada,%s,x\nbob,%s,y" % (AT, AT),
        b"\xef\xbb\xbf" + HEADER + b"ada,%s,x\nbob,%s,y\n" % (AT, AT),
        HEADER.replace(b"\n", b"\r\n") + b"ada,%s,x\r\nbob,%s,y\r\n" % (AT, AT),
        HEADER.replace(b"\n", b"\r") + b"ada,%s,x\rbob,%s,y\r" % (AT, AT),
        b'"user_id","timestamp","page"\n"ada","%s","x\n,""\r\n"\n"bob","%s",""\n' % (AT, AT),
        b"\n" + HEADER + b"\n\nada,%s,x\n\nbob,%s,y\n\n" % (AT, AT),
        HEADER + b'ada,%s,5" wide\nbob,%s,6" wide\n' % (AT, AT),
        HEADER + b'ada,%s,"a"b"c\nbob,%s,y\n' % (AT, AT),
        b'"page\nof site","user_id",timestamp\n1,ada,%s\n2,bob,%s\n' % (AT, AT),
    ],
    ids=[
        "plain", "no last newline", "byte-order mark", "CRLF", "lone CR", "all quoted", "blank lines",
        "quotes inside fields", "text after a quoted part", "newline in the header",
    ],
)  # fmt: skip
def test_rows_are_read_whatever_the_dialect(log: Path, content: bytes, small_blocks: None) -> None:
    log.write_bytes(content)

    chunks = read(log)

    assert values(chunks) == ["ada", "bob"]
    assert tally(chunks).input_rows == 2


def test_text_is_not_coerced(log: Path) -> None:
    ids = ["00042", "42", "17850.0", "A", "a", "NA", "null", "NaN", "0", "-9223372036854775808", " x "]
    log.write_text("user_id,timestamp\n" + "".join(f"{id_},2026-01-01\n" for id_ in ids))

    assert values(read(log)) == ids


def test_unquoted_nothing_is_null_and_quoted_nothing_is_empty(log: Path) -> None:
    log.write_bytes(HEADER + b',%s,\n"",%s,\n' % (AT, AT))

    chunks = read(log)

    assert values(chunks) == [""]
    assert rejected(chunks) == [(1, "missing_identity", f",{AT.decode()},")]


def test_named_text_is_null_unless_it_is_quoted(log: Path) -> None:
    log.write_bytes(HEADER + b'NA,%s,x\n"NA",%s,x\n' % (AT, AT))

    chunks = read(log, null_value=["NA"])

    assert values(chunks) == ["NA"]
    assert [record for record, _, _ in rejected(chunks)] == [1]


def test_short_and_long_rows_are_malformed(log: Path, small_blocks: None) -> None:
    rows = [b"ada,%s,x" % AT, b"short,1", b"bob,%s,y" % AT, b'"long\n",1,2,3', b"eve,%s,z" % AT, b"x"]
    log.write_bytes(HEADER + b"\r\n".join(rows))

    chunks = read(log)

    assert values(chunks) == ["ada", "bob", "eve"]
    assert rejected(chunks) == [
        (2, "malformed_row", "short,1"),
        (4, "malformed_row", '"long\n",1,2,3'),
        (6, "malformed_row", "x"),
    ]
    assert tally(chunks).input_rows == 6


def test_rejected_records_are_counted_past_malformed_ones(log: Path) -> None:
    log.write_bytes(HEADER + b"short\nada,soon,x\n\nshort\nbob,later,y\n")

    assert rejected(read(log)) == [
        (1, "malformed_row", "short"),
        (2, "unparseable_time", "ada,soon,x"),
        (3, "malformed_row", "short"),
        (4, "unparseable_time", "bob,later,y"),
    ]


def test_bytes_that_are_no_utf8_make_their_row_malformed(log: Path) -> None:
    log.write_bytes(
        HEADER + "zoë,%s,x\n".encode() % AT + b"jos\xe9,%s,x\nbob,%s,caf\xe9\n\xff\n,%s,x\n" % (AT, AT, AT)
    )

    chunks = read(log)

    assert values(chunks) == ["zoë", "bob"]
    assert rejected(chunks) == [
        (2, "malformed_row", "jos\\xe9,2026-01-01T00:00:00Z,x"),
        (4, "malformed_row", "\\xff"),
        (5, "missing_identity", ",2026-01-01T00:00:00Z,x"),
    ]


def test_encoding_is_decoded(log: Path) -> None:
    log.write_text("user_id,timestamp\njosé,2026-01-01\n", encoding="utf-16")

    assert values(read(log, encoding="utf-16")) == ["josé"]


@pytest.mark.parametrize(
    ("content", "encoding"), [(b"caf\xe9,timestamp\n", "utf-8"), (b"user_id,timestamp\n\x81,1\n", "cp1252")]
)
def test_undecodable_file_names_the_option(log: Path, content: bytes, encoding: str) -> None:
    log.write_bytes(content)

    with pytest.raises(UnreadableFileError, match=r"log\.csv: .*--encoding"):
        read(log, encoding=encoding)


def test_delimiter_is_taken(log: Path) -> None:
    log.write_text('user_id;timestamp\n"a;b";2026-01-01\n')

    assert values(read(log, csv_delimiter=";")) == ["a;b"]


def test_tab_separates_tsv(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("user_id\ttimestamp\na,b\t2026-01-01\n")

    assert values(read(tmp_path / "log.tsv")) == ["a,b"]


@pytest.mark.parametrize("newline", ["", "\n", "\r\n\n"])
def test_header_without_rows_is_a_log_without_rows(log: Path, newline: str) -> None:
    log.write_text("user_id,timestamp" + newline)

    assert read(log) == []


def test_wide_header_is_read_whole(log: Path) -> None:
    columns = [f"column_{number}" for number in range(9000)]
    log.write_text(",".join(["user_id", "timestamp", *columns]) + "\n" + "ada,2026-01-01" + "," * 9000 + "\n")

    assert values(read(log)) == ["ada"]


def test_blank_lines_alone_are_an_empty_file(log: Path) -> None:
    log.write_text("\n\n")

    with pytest.raises(UnreadableFileError, match="empty file"):
        read(log)


def test_compressed_nothing_is_an_empty_file_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b""))

    with pytest.raises(UnreadableFileError, match="empty file"):
        read(path)
    with pytest.raises(MissingColumnError, match="Found: none"):
        read(path, allow_empty=True)


def test_truncated_compression_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    content = gzip.compress(HEADER + b"".join(b"%d,%s,x\n" % (number * 7919, AT) for number in range(50_000)))
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(UnreadableFileError, match=r"log\.csv\.gz: cannot be read: .*[Tt]runcated"):
        read(path)


def test_record_longer_than_a_block_is_whole(log: Path, small_blocks: None) -> None:
    log.write_bytes(HEADER + b'ada,%s,"%s"\nbob,%s,x\n' % (AT, b"long\n" * 100, AT))

    chunks = read(log, columns=["page"])

    assert values(chunks, "page") == ["long\n" * 100, "x"]


def test_needed_column_named_twice_is_refused(log: Path) -> None:
    log.write_text("user_id,timestamp,user_id,page,page\na,2026-01-01,b,c,d\n")

    with pytest.raises(InputError, match="2 columns are named 'user_id'"):
        read(log)
    assert values(read(log, by=["timestamp"]), "timestamp") == ["2026-01-01"]


def test_blocks_are_pieces_of_their_own(log: Path, small_blocks: None) -> None:
    log.write_bytes(HEADER + b"ada,%s,x\n" % AT * 20)

    pieces = list(opened(log).pieces)

    assert len(pieces) > 5
    assert sum(len(chunk.events) for piece in reversed(pieces) for chunk in piece.read()) == 20


def test_columns_may_all_come_from_folders(tmp_path: Path) -> None:
    folder = tmp_path / "user_id=ada" / "timestamp=2026-01-01"
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text("page\nx\ny\n")

    assert values(read(tmp_path)) == ["ada", "ada"]


@pytest.mark.parametrize(
    ("times", "seconds_"),
    [
        (["1970-01-01T00:00:01Z", "1970-01-01T02:00:02+02:00"], [1, 2]),
        (["1970-01-01 01:00:01", "1970-01-01T01:00:02.5"], [1, 2.5]),
        (["1970-01-01", "1970-01-01"], [-3600, -3600]),
        (["1970-01-01T00:00:01Z", "1970-01-01 01:00:02"], [1, 2]),
        (["1970-01-01 01:00:01", "1970-01-01T00:00:02.1234567Z"], [1, 2.123456]),
        (["1970-01-01 01:00:01", "19700101T000002Z"], [1, 2]),
        (["19700101T000001Z", "1970-01-01 01:00:02"], [1, 2]),
    ],
    ids=[
        "instants", "local", "dates", "local among instants", "instants among local",
        "basic form later", "basic form first",
    ],
)  # fmt: skip
def test_times_are_read_alike_however_they_are_parsed(
    log: Path, times: list[str], seconds_: list[float], small_blocks: None
) -> None:
    rows = [f"ada,{time},x" for time in times * 3]
    log.write_text("user_id,timestamp,page\n" + "\n".join(rows))

    chunks = read(log, timezone="Europe/Paris")

    assert seconds(chunks) == seconds_ * 3


@pytest.mark.parametrize("row", [b"ada,soon,x", b'ada,"",x', b'ada,"NA",x'])
def test_odd_time_is_rejected_and_times_after_it_are_read(log: Path, row: bytes, small_blocks: None) -> None:
    good = b"ada,%s,x\n" % AT
    log.write_bytes(HEADER + good * 3 + row + b"\n" + good * 3)

    chunks = read(log, null_value=["NA"])

    assert [(record, reason) for record, reason, _ in rejected(chunks)] == [(4, "unparseable_time")]
    assert len(seconds(chunks)) == 6


def test_null_time_is_missing(log: Path) -> None:
    log.write_bytes(HEADER + b"ada,%s,x\nada,,x\nada,NA,x\n" % AT)

    reasons = [(record, reason) for record, reason, _ in rejected(read(log, null_value=["NA"]))]

    assert reasons == [(2, "missing_time"), (3, "missing_time")]


def test_first_row_may_be_anything(log: Path) -> None:
    log.write_bytes(HEADER + b"%s,%s,x\n" % (b"a" * 200_000, AT) + b"ada,%s,x\n" % AT)

    chunks = read(log)

    assert [len(value) for value in values(chunks)] == [200_000, 3]
    assert seconds(chunks) == [1_767_225_600] * 2
