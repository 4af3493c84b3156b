"""What stands in the files that are written, and that it depends on the rows alone."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionize.errors import OutputError
from sessionize.events import REJECTED
from sessionize.writing import batches, folder
from sessionize.writing.output import open_output
from sessionize.writing.rejects import keeping_rejected
from sessionize.writing.target import output_target

ALL_BYTES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FILES = ["s.parquet", "s.arrow", "s.csv", "s.jsonl", "s.csv.gz", "s.jsonl.zst"]


def write(path: Path, *pieces: pa.Table, metadata: dict[str, str] | None = None) -> Path:
    with open_output(output_target(path), pieces[0].schema, metadata=metadata or {}) as writer:
        for piece in pieces:
            writer.write(piece)
    return path


def csv_lines(path: Path, **columns: pa.Array) -> list[str]:
    return write(path / "s.csv", pa.table(columns)).read_text().split("\n")[1:-1]


def json_rows(path: Path, **columns: pa.Array) -> list[dict[str, Any]]:
    text = write(path / "s.jsonl", pa.table(columns)).read_text()
    return [json.loads(line) for line in text.split("\n")[:-1]]


def pieces_of(table: pa.Table, cuts: Sequence[int]) -> list[pa.Table]:
    edges = [0, *sorted(cut % (len(table) + 1) for cut in cuts), len(table)]
    return [table.slice(begin, end - begin) for begin, end in pairwise(edges)]


def sessions(rows: int) -> pa.Table:
    """Make a table with every kind of column, nulls among them, of few enough repeats for dictionaries."""
    return pa.table(
        {
            "session_id": [f"u{row}:{row * 7}" for row in range(rows)],
            "user": [None if row % 5 == 4 else f"u{row % 3}" for row in range(rows)],
            "start_time": pa.array(range(rows), pa.timestamp("us", "UTC")),
            "duration_seconds": [row / 4 for row in range(rows)],
            "event_count": pa.array([None if row % 7 == 6 else row for row in range(rows)], pa.int64()),
            "start_reason": pa.array(["inactivity", "calendar"] * rows)[:rows].dictionary_encode(),
            "pages": [["a", "b"][: row % 3] for row in range(rows)],
        }
    )


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few rows fill a batch."""
    monkeypatch.setattr(batches, "BATCH_ROWS", 4)


class TestEveryFormat:
    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.usefixtures("small_batches")
    def test_bytes_do_not_depend_on_how_the_rows_come(
        self, name: str, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        tmp_path = tmp_path_factory.mktemp("cuts")
        table = sessions(11)
        whole = write(tmp_path / f"whole.{name}", table).read_bytes()

        @given(st.lists(st.integers(0, 11), max_size=5))
        def check(cuts: list[int]) -> None:
            assert write(tmp_path / name, *pieces_of(table, cuts)).read_bytes() == whole

        check()

    @pytest.mark.parametrize("name", FILES)
    def test_bytes_do_not_depend_on_what_lies_under_a_null(self, name: str, tmp_path: Path) -> None:
        validity = pa.py_buffer(b"\x05")
        written = [
            pa.Array.from_buffers(pa.int32(), 3, [validity, pa.array(values, pa.int32()).buffers()[1]])
            for values in ([1, 2, 3], [1, 9, 3])
        ]

        first, second = (
            write(tmp_path / f"{index}{name}", pa.table({"a": column})).read_bytes()
            for index, column in enumerate(written)
        )

        assert first == second

    @pytest.mark.parametrize("name", FILES)
    def test_two_writes_give_equal_bytes(self, name: str, tmp_path: Path) -> None:
        first, second = (write(tmp_path / f"{run}{name}", sessions(9)).read_bytes() for run in (1, 2))

        assert first == second

    def test_a_table_without_rows_keeps_its_columns(self, tmp_path: Path) -> None:
        empty = sessions(3).slice(0, 0)

        assert pq.read_table(write(tmp_path / "s.parquet", empty)).column_names == empty.column_names
        assert pa.ipc.open_file(write(tmp_path / "s.arrow", empty)).read_all().num_rows == 0
        assert write(tmp_path / "s.csv", empty).read_text() == ",".join(empty.column_names) + "\n"
        assert write(tmp_path / "s.jsonl", empty).read_text() == ""

    def test_compressed_text_is_the_text(self, tmp_path: Path) -> None:
        text = write(tmp_path / "s.csv", sessions(9)).read_bytes()

        unzipped = gzip.decompress(write(tmp_path / "s.csv.gz", sessions(9)).read_bytes())
        with pa.input_stream(write(tmp_path / "s.csv.zst", sessions(9))) as stream:
            assert stream.read() == text
        assert unzipped == text


class TestParquet:
    @pytest.mark.usefixtures("small_batches")
    def test_row_groups_follow_the_row_count(self, tmp_path: Path) -> None:
        file = pq.ParquetFile(write(tmp_path / "s.parquet", sessions(3), sessions(7)))

        assert [file.metadata.row_group(group).num_rows for group in range(3)] == [4, 4, 2]

    def test_values_come_back_as_they_were(self, tmp_path: Path) -> None:
        table = sessions(9)

        assert pq.read_table(write(tmp_path / "s.parquet", table)).to_pylist() == table.to_pylist()

    def test_the_file_tells_how_it_was_made(self, tmp_path: Path) -> None:
        path = write(tmp_path / "s.parquet", sessions(1), metadata={"sessionize.rules": "{}"})

        assert pq.read_schema(path).metadata == {b"sessionize.rules": b"{}"}

    def test_dictionaries_stand_only_where_values_repeat(self, tmp_path: Path) -> None:
        group = pq.ParquetFile(write(tmp_path / "s.parquet", sessions(9))).metadata.row_group(0)
        columns = {group.column(index).path_in_schema: group.column(index) for index in range(6)}

        assert not columns["session_id"].has_dictionary_page
        assert not columns["start_time"].has_dictionary_page
        assert columns["start_reason"].has_dictionary_page
        assert all(column.statistics.has_min_max for column in columns.values())


class TestArrow:
    @pytest.mark.usefixtures("small_batches")
    def test_record_batches_follow_the_row_count(self, tmp_path: Path) -> None:
        path = write(tmp_path / "s.arrow", sessions(3), sessions(7), metadata={"made": "so"})

        with pa.ipc.open_file(path) as file:
            assert [file.get_batch(index).num_rows for index in range(3)] == [4, 4, 2]
            assert file.schema.metadata == {b"made": b"so"}
            assert file.read_all().to_pylist() == [*sessions(3).to_pylist(), *sessions(7).to_pylist()]


class TestCsv:
    @pytest.mark.parametrize(
        ("value", "field"),
        [
            pytest.param("plain", "plain", id="plain"),
            pytest.param("", '""', id="empty string"),
            pytest.param(None, "", id="null"),
            pytest.param("a,b", '"a,b"', id="delimiter"),
            pytest.param('say "x"', '"say ""x"""', id="quote"),
            pytest.param("a\rb", '"a\rb"', id="carriage return"),
            pytest.param(" é ", " é ", id="blanks and accents"),
        ],
    )
    def test_only_fields_that_need_quotes_have_them(
        self, tmp_path: Path, value: str | None, field: str
    ) -> None:
        text = write(tmp_path / "s.csv", pa.table({"a": pa.array([value], pa.string()), "b": [1]}))

        assert text.read_bytes().decode() == f"a,b\n{field},1\n"

    def test_names_are_quoted_too(self, tmp_path: Path) -> None:
        assert write(tmp_path / "s.csv", pa.table({"a,b": [1], "c": [2]})).read_text() == '"a,b",c\n1,2\n'

    @given(st.lists(st.tuples(ALL_BYTES, ALL_BYTES), min_size=1))
    def test_another_reader_finds_the_same_text(
        self, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
    ) -> None:
        path = tmp_path_factory.mktemp("csv") / "s.csv"
        first, second = zip(*rows, strict=True)
        write(path, pa.table({"a": first, "b": second}))

        with path.open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file))[1:] == [list(row) for row in rows]

    @pytest.mark.parametrize(
        ("column", "texts"),
        [
            pytest.param(pa.array([True, False, None]), ["true", "false", ""], id="bool"),
            pytest.param(
                pa.array([-(2**63), 2**63 - 1]), ["-9223372036854775808", "9223372036854775807"], id="int64"
            ),
            pytest.param(pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"], id="uint64"),
            pytest.param(
                pa.array([1.5, 0.0, 100.0, 0.1 + 0.2, 1e22, math.nan, math.inf, -math.inf, None]),
                ["1.5", "0.0", "100.0", "0.30000000000000004", "1e+22", "NaN", "inf", "-inf", ""],
                id="float64",
            ),
            pytest.param(pa.array([0.1], pa.float32()), ["0.1"], id="float32"),
            pytest.param(
                pa.array([Decimal("1.50"), Decimal("0.00"), None], pa.decimal128(5, 2)),
                ["1.50", "0.00", ""],
                id="decimal",
            ),
            pytest.param(
                pa.array([Decimal("0"), Decimal("1e-9"), Decimal("2")], pa.decimal128(20, 9)),
                ["0.000000000", "0.000000001", "2.000000000"],
                id="small decimal",
            ),
            pytest.param(pa.array([0, None], pa.date32()), ["1970-01-01", ""], id="date"),
            pytest.param(
                pa.array([0, -1, 1_767_225_600_123_456, None], pa.timestamp("us", "UTC")),
                [
                    "1970-01-01T00:00:00.000000Z",
                    "1969-12-31T23:59:59.999999Z",
                    "2026-01-01T00:00:00.123456Z",
                    "",
                ],
                id="UTC",
            ),
            pytest.param(
                pa.array([0], pa.timestamp("ms", "Europe/Paris")), ["1970-01-01T00:00:00.000000Z"], id="zone"
            ),
            pytest.param(pa.array([0], pa.timestamp("s")), ["1970-01-01T00:00:00.000000"], id="zone-less"),
            pytest.param(pa.array([1], pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"], id="ns"),
            pytest.param(
                pa.array([0, 253_402_300_800], pa.timestamp("s", "UTC")),
                ["1970-01-01T00:00:00.000000Z", "10000-01-01T00:00:00.000000Z"],
                id="year 10000",
            ),
            pytest.param(pa.array([1500], pa.duration("ms")), ["1500"], id="duration"),
            pytest.param(pa.array([b"\x00\xff", None]), ["00ff", ""], id="binary"),
            pytest.param(
                pa.array([uuid.UUID(int=10).bytes], pa.uuid()),
                ["00000000-0000-0000-0000-00000000000a"],
                id="uuid",
            ),
            pytest.param(pa.array(["a", None, "a"]).dictionary_encode(), ["a", "", "a"], id="dictionary"),
            pytest.param(
                pa.array([["x", 'y"'], [], None]), ['"[""x"",""y\\""""]"', "[]", ""], id="list of text"
            ),
            pytest.param(pa.array([[1, None]], pa.large_list(pa.int64())), ['"[1,null]"'], id="list of ints"),
            pytest.param(pa.nulls(1), [""], id="null type"),
        ],
    )
    def test_values_are_exact_text(self, tmp_path: Path, column: pa.Array, texts: list[str]) -> None:
        lines = csv_lines(tmp_path, value=column, n=pa.array([1] * len(column)))

        assert lines == [f"{text},1" for text in texts]

    @given(st.lists(st.floats()))
    def test_floats_read_back_exactly(
        self, tmp_path_factory: pytest.TempPathFactory, values: list[float]
    ) -> None:
        path = tmp_path_factory.mktemp("floats")

        lines = csv_lines(path, value=pa.array(values, pa.float64()))

        assert [repr(float(line)) for line in lines] == [repr(value) for value in values]

    def test_what_csv_cannot_hold_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"csv has no form for column 'place' of type map"):
            csv_lines(tmp_path, place=pa.array([{"x": 1}], pa.map_(pa.string(), pa.int64())))

        assert list(tmp_path.iterdir()) == []


class TestJsonLines:
    def test_keys_stand_in_column_order(self, tmp_path: Path) -> None:
        path = write(tmp_path / "s.jsonl", pa.table({"b": ["x"], 'a"é': [1]}))

        assert path.read_text("utf-8") == '{"b":"x","a\\"é":1}\n'

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            pytest.param(pa.array([2**63 - 1, None]), [2**63 - 1, None], id="int64 in full"),
            pytest.param(
                pa.array([{"a": 1, "b": {"é": None}}, None]), [{"a": 1, "b": {"é": None}}, None], id="objects"
            ),
            pytest.param(pa.array([{}], pa.struct([])), [{}], id="an empty object"),
            pytest.param(pa.array([1.0, 1.5, math.nan, math.inf]), [1.0, 1.5, None, None], id="float64"),
            pytest.param(pa.array([True, None]), [True, None], id="bool"),
            pytest.param(pa.array([Decimal("1.50")]), ["1.50"], id="decimals are exact text"),
            pytest.param(pa.array([0], pa.timestamp("us", "UTC")), ["1970-01-01T00:00:00.000000Z"], id="UTC"),
            pytest.param(pa.array([0], pa.date32()), ["1970-01-01"], id="date"),
            pytest.param(pa.array([5], pa.duration("s")), [5], id="duration"),
            pytest.param(pa.array([["a", None], [], None]), [["a", None], [], None], id="list"),
            pytest.param(pa.array([[[1], []]]), [[[1], []]], id="list of lists"),
            pytest.param(pa.array([[]], pa.list_(pa.string())), [[]], id="empty list of text"),
            pytest.param(pa.array(["a", None]).dictionary_encode(), ["a", None], id="dictionary"),
            pytest.param(pa.nulls(1), [None], id="null type"),
        ],
    )
    def test_values_keep_their_kind(self, tmp_path: Path, column: pa.Array, values: list[Any]) -> None:
        assert [row["value"] for row in json_rows(tmp_path, value=column)] == values

    @given(st.lists(ALL_BYTES, min_size=1))
    def test_another_reader_finds_the_same_text(
        self, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
    ) -> None:
        rows = json_rows(tmp_path_factory.mktemp("json"), value=pa.array(texts))

        assert [row["value"] for row in rows] == texts

    def test_every_control_character_is_escaped(self, tmp_path: Path) -> None:
        text = "".join(map(chr, range(32))) + '"\\é'

        assert json_rows(tmp_path, value=pa.array([text, "plain"])) == [{"value": text}, {"value": "plain"}]


class TestFolder:
    @staticmethod
    def write(path: Path, *pieces: pa.Table) -> Path:
        target = output_target(path, partition_by="date")
        with open_output(target, pieces[0].schema, metadata={"made": "so"}, dates=day_of) as writer:
            for piece in pieces:
                writer.write(piece)
        return path

    def test_rows_stand_in_the_folder_of_their_date_in_order(self, tmp_path: Path) -> None:
        out = self.write(tmp_path / "out", days(1, 0, 1, 20))

        assert contents(out) == {
            "session_date=1970-01-01/part-0.parquet": [1],
            "session_date=1970-01-02/part-0.parquet": [0, 2],
            "session_date=1970-01-21/part-0.parquet": [3],
        }

    def test_the_marker_says_how_and_with_which_columns(self, tmp_path: Path) -> None:
        out = self.write(tmp_path / "out", days())

        marker = json.loads((out / "_sessionize.json").read_text())
        assert marker["metadata"] == {"made": "so"}
        assert marker["columns"] == {"day": "int64", "row": "int64"}
        assert contents(out) == {}

    @pytest.mark.usefixtures("small_batches")
    def test_a_date_that_comes_back_after_its_part_was_closed_opens_another(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder, "OPEN_PARTS", 2)

        out = self.write(tmp_path / "out", days(0, 0, 1, 1, 2, 2, 2, 2, 0))

        assert contents(out) == {
            "session_date=1970-01-01/part-0.parquet": [0, 1],
            "session_date=1970-01-01/part-1.parquet": [8],
            "session_date=1970-01-02/part-0.parquet": [2, 3],
            "session_date=1970-01-03/part-0.parquet": [4, 5, 6, 7],
        }

    @pytest.mark.usefixtures("small_batches")
    def test_few_rows_wait_however_many_dates_are_open(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder, "WAITING_ROWS", 3)

        out = self.write(tmp_path / "out", days(0, 0, 0, 1, 0, 0, 1, 1))

        first = pq.ParquetFile(out / "session_date=1970-01-01" / "part-0.parquet").metadata
        assert [first.row_group(group).num_rows for group in range(first.num_row_groups)] == [3, 2]
        assert contents(out)["session_date=1970-01-02/part-0.parquet"] == [3, 6, 7]

    @pytest.mark.usefixtures("small_batches")
    def test_files_do_not_depend_on_how_the_rows_come(
        self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder, "OPEN_PARTS", 2)
        monkeypatch.setattr(folder, "WAITING_ROWS", 3)
        tmp_path = tmp_path_factory.mktemp("cuts")
        table = days(0, 3, 0, 1, 1, 2, 0, 3, 3, 0, 1)
        whole = all_bytes(self.write(tmp_path / "whole", table))

        @given(st.lists(st.integers(0, 11), max_size=5))
        def check(cuts: list[int]) -> None:
            assert all_bytes(self.write(tmp_path / "cut", *pieces_of(table, cuts))) == whole

        check()

    def test_dates_must_be_given(self, tmp_path: Path) -> None:
        target = output_target(tmp_path / "out", partition_by="date")

        with (
            pytest.raises(ValueError, match="needs the rows' dates"),
            open_output(target, days().schema, metadata={}),
        ):
            pass

        assert list(tmp_path.iterdir()) == []


class TestStandardOutput:
    def test_rows_go_to_standard_output(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))

        with open_output(output_target("-"), pa.schema({"a": pa.int64()}), metadata={}) as writer:
            writer.write(pa.table({"a": [1, 2]}))

        assert raw.getvalue() == b"a\n1\n2\n"

    def test_nothing_is_printed_of_a_table_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))

        with (
            suppress(RuntimeError),
            open_output(output_target("-"), pa.schema({"a": pa.int64()}), metadata={}) as writer,
        ):
            writer.write(pa.table({"a": range(200_000)}))
            raise RuntimeError

        assert raw.getvalue() == b""


class TestRejects:
    rejected = pa.table([["a.csv"], [7], ["missing_time"], ["u1,,\n"]], schema=REJECTED)

    def test_rejected_rows_are_kept_as_json_lines(self, tmp_path: Path) -> None:
        with keeping_rejected(tmp_path / "r.txt") as keep:
            keep(self.rejected)

        row = json.loads((tmp_path / "r.txt").read_text())
        assert row == {"file": "a.csv", "record": 7, "reason": "missing_time", "raw": "u1,,\n"}

    @pytest.mark.parametrize("rows", [0, None], ids=["no rows", "nothing kept"])
    def test_without_rejected_rows_an_earlier_file_goes(self, rows: int | None, tmp_path: Path) -> None:
        with keeping_rejected(tmp_path / "r.jsonl") as keep:
            keep(self.rejected)

        with keeping_rejected(tmp_path / "r.jsonl") as keep:
            if rows is not None:
                keep(self.rejected.slice(0, rows))

        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", ["important", '{"file": "a"}', "[1]", ""])
    def test_a_file_that_holds_no_rejected_rows_stays(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text(content)

        with keeping_rejected(tmp_path / "notes.txt"):
            pass

        assert (tmp_path / "notes.txt").read_text() == content

    def test_a_table_that_fails_leaves_the_earlier_rejected_rows(self, tmp_path: Path) -> None:
        (tmp_path / "r.jsonl").write_text("old")

        with suppress(RuntimeError), keeping_rejected(tmp_path / "r.jsonl") as keep:
            keep(self.rejected)
            raise RuntimeError

        assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]

    def test_without_a_place_nothing_is_kept(self) -> None:
        with keeping_rejected(None) as keep:
            keep(self.rejected)

    def test_rejects_that_cannot_be_written_are_an_output_error(self, tmp_path: Path) -> None:
        with (
            pytest.raises(OutputError, match="its folder is gone"),
            keeping_rejected(tmp_path / "gone" / "r.jsonl") as keep,
        ):
            keep(self.rejected)


def days(*numbers: int) -> pa.Table:
    return pa.table({"day": pa.array(numbers, pa.int64()), "row": pa.array(range(len(numbers)), pa.int64())})


def day_of(rows: pa.Table) -> pa.Array:
    return rows["day"].combine_chunks().cast(pa.int32()).cast(pa.date32())


def contents(out: Path) -> dict[str, list[int]]:
    return {
        str(path.relative_to(out)): pq.ParquetFile(path).read()["row"].to_pylist()
        for path in sorted(out.rglob("*.parquet"))
    }


def all_bytes(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()
    }
