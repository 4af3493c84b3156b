"""Columns whose type a later file widens: the table is what one run over all files gives."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable

import sessionize as sz
from sessionize.store.table import SessionsTable
from tests.nights import Nights, PartitionsRead, spans
from tests.small_logs import column

VALUES = {
    "int64": pa.array([2**40]),
    "uint64": pa.array([2**64 - 1], pa.uint64()),
    "float64": pa.array([0.5]),
    "text": pa.array(["ada"]),
    "bool": pa.array([True]),
    "date": pa.array([date(2026, 1, 1)]),
    "timestamp": pa.array([datetime(2026, 1, 1)], pa.timestamp("ns")),
    "decimal": pa.array([Decimal("4.20")]),
    "binary": pa.array([b"\xff"]),
    "uuid": pa.array([UUID(int=1).bytes], pa.uuid()),
}
VALUE_OF = {pa.timestamp("s"): datetime(2026, 1, 1), pa.binary(2): b"ab"}
NOTHING = pa.nulls(1)
AGGREGATES = {
    "earliest": "first:x",
    "least": "min:x",
    "all_of": "set:x",
    "kinds": "nunique:x",
    "n": "count:x",
}
DAYS = ["09:00", "01-02 09:00"]


@pytest.mark.parametrize("rules", [{}, {"split_on": "x"}], ids=["commutative", "sequential"])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_column_of_nulls_takes_the_type_of_the_first_value(
    tmp_path: Path, value: pa.Array, rules: dict[str, str]
) -> None:
    nights = Nights(tmp_path, agg=AGGREGATES, **rules)
    nights.update(blank := nights.write("blank", "09:00", x=NOTHING))

    nights.update(nights.write("known", "09:10", x=value), nights.write("later", "2026-01-02 09:00", x=value))

    assert spans(nights.rows()) == ["09:00–09:10", "01-02 09:00"]
    assert nights.store.verify().agrees
    nights.update(nights.write("blank", "08:50", x=NOTHING))
    assert spans(nights.rows()) == ["08:50–09:10", "01-02 09:00"]
    nights.update(forget=blank)
    assert spans(nights.rows()) == ["09:10", "01-02 09:00"]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (pa.int32(), pa.int64()),
        (pa.uint8(), pa.int64()),
        (pa.uint32(), pa.uint64()),
        (pa.timestamp("s"), pa.timestamp("us")),
        (pa.binary(2), pa.binary()),
    ],
    ids=str,
)
def test_a_wider_type_of_a_later_file_widens_the_table(
    tmp_path: Path, narrow: pa.DataType, wide: pa.DataType
) -> None:
    value = VALUE_OF.get(narrow, 7)
    nights = Nights(tmp_path, by=["user_id", "x"], agg={"least": "min:x", "all_of": "set:x"})
    first = nights.write("first", "09:00", "2026-01-02 09:00", x=pa.array([value] * 2, narrow))
    nights.update(first)

    done = nights.update(nights.write("second", "09:10", x=pa.array([value], wide)))

    assert spans(nights.rows()) == ["09:00–09:10", "01-02 09:00"]
    assert nights.store.sessions().schema.field("x").type == wide
    assert [str(day) for day in done.partitions] == ["2026-01-01", "2026-01-02"]
    nights.update(nights.write("first", "08:55", x=pa.array([value], narrow)))
    assert spans(nights.rows()) == ["08:55–09:10"]


def sums(nights: Nights) -> list[Any]:
    return column("total", nights.rows())


def test_a_sum_goes_on_in_the_wider_type(tmp_path: Path) -> None:
    nights = Nights(tmp_path, agg={"total": "sum:x", "average": "mean:x"})
    nights.update(nights.write("first", "09:00", x=pa.array([255], pa.uint8())))

    nights.update(nights.write("second", "09:10", x=pa.array([-(2**40)])))

    assert sums(nights) == [255 - 2**40]
    nights.update(forget=nights.raw / "second.parquet")
    assert column("total", nights.store.sessions().to_pylist()) == [255]


def widened(folder: Path) -> Nights:
    """A store of two days whose second version has wider users."""
    nights = Nights(folder)
    users = pa.array([1, 1, 2], pa.int32())
    nights.update(nights.write("first", "09:00", "2026-01-02 09:00", "09:30", who=users))
    nights.update(nights.write("second", "09:10", who=pa.array([2**40])))
    return nights


def test_other_programs_read_the_wider_table_and_the_older_version(tmp_path: Path) -> None:
    location = widened(tmp_path).store.location
    here = pafs.SubTreeFileSystem(location, pafs.LocalFileSystem())

    sessions = DeltaTable(location).to_pyarrow_dataset(filesystem=here)
    greatest = duckdb.connect().register("sessions", sessions).execute("select max(user_id) from sessions")

    assert greatest.fetchall() == [(2**40,)]
    assert pl.read_delta(location)["user_id"].dtype == pl.Int64
    assert pl.read_delta(location, version=1)["user_id"].sort().to_list() == [1, 1, 2]
    assert SessionsTable.open(location, 1).schema.field("user_id").type == pa.int32()


def test_changes_since_a_narrower_version_are_those_of_sessions_alone(tmp_path: Path) -> None:
    store = widened(tmp_path).store

    changes = store.changes(since=1)

    assert (changes.count("added"), changes.count("changed"), changes.count("removed")) == (1, 0, 0)


def test_after_a_widening_an_update_writes_what_it_touches_alone(tmp_path: Path) -> None:
    nights = widened(tmp_path)

    with PartitionsRead() as read:
        done = nights.update(nights.write("third", "2026-01-02 09:10", who=pa.array([1], pa.int16())))

    assert [str(day) for day in done.partitions] == read.days == ["2026-01-02"]
    assert len(nights.rows()) == 4


def test_a_dry_run_says_that_all_will_be_written_and_changes_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("first", "09:00", "2026-01-02 09:00", who=pa.array([1, 1], pa.int32())))

    said = nights.update(nights.write("second", "09:10", who=pa.array([1])), dry_run=True)

    assert [str(day) for day in said.partitions] == ["2026-01-01", "2026-01-02"]
    assert nights.store.sessions().schema.field("user_id").type == pa.int32()


def test_a_type_that_is_not_wider_is_refused_with_both(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("first", "09:00", who=[1]))

    with pytest.raises(
        sz.InputError, match=r"column 'user_id' is int64 in .*store and string in the new files"
    ):
        nights.update(nights.write("second", "09:10", who=["1"]))


def test_a_time_beyond_the_finer_unit_is_refused(tmp_path: Path) -> None:
    nights = Nights(tmp_path, agg={"latest": "max:x"})
    nights.update(nights.write("first", "09:00", x=pa.array([datetime(9999, 1, 1)], pa.timestamp("us"))))

    with pytest.raises(sz.InputError, match="does not fit"):
        nights.update(nights.write("second", "09:10", x=pa.array([0], pa.timestamp("ns"))))

    assert spans(nights.rows()) == ["09:00"]


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_of_json_lines_too_a_column_of_nulls_has_no_type_yet(tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    blank, number = (
        {"user_id": "A", "timestamp": f"2026-01-01T09:0{n}:00Z", "x": x} for n, x in ((0, None), (1, 7))
    )
    rules: dict[str, Any] = {"agg": {"least": "min:x"}, "include": {"user_id": "A"}}
    store.update(lines(tmp_path / "a.jsonl", blank), **rules)

    store.update(lines(tmp_path / "b.jsonl", number))
    store.update(lines(tmp_path / "c.jsonl", {**blank, "timestamp": "2026-01-01T09:02:00Z"}))

    assert store.sessions()["least"].to_pylist() == [7]
    assert store.verify().agrees
