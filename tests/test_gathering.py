"""Small files are read together, and what is said of each of them is what it is read alone."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from sessionize.engine.gathering import Gathered, gathered
from tests.chunks import opened

HOUR = "2026-01-01T09:00:0"


def put(path: Path, ids: pa.Array) -> None:
    times = pa.array([f"{HOUR}{second}Z" for second in range(len(ids))])
    pq.write_table(pa.table({"user_id": ids, "timestamp": times}), path, row_group_size=2)


@pytest.mark.parametrize("other", [pa.int64(), pa.int32()], ids=["alike", "of another type"])
def test_a_rejected_row_is_counted_in_its_own_file(tmp_path: Path, other: pa.DataType) -> None:
    (tmp_path / "log").mkdir()
    put(tmp_path / "log" / "1.parquet", pa.array([7, 7, 7]))
    put(tmp_path / "log" / "2.parquet", pa.array([7, 7, None, 7], other))
    put(tmp_path / "log" / "3.parquet", pa.array([None, 8]))

    summary = sz.run(tmp_path / "log", tmp_path / "out.csv", max_rejected=2)

    lines = (tmp_path / "out.csv.rejected.jsonl").read_text().splitlines()
    rejected = [(Path(row["file"]).name, row["record"]) for row in map(json.loads, lines)]
    assert rejected == [("2.parquet", 3), ("3.parquet", 1)]
    assert (summary.tally.input_rows, summary.tally.events, summary.sessions) == (9, 7, 2)


def test_bare_numbers_are_refused_in_the_name_of_their_file(tmp_path: Path) -> None:
    put(tmp_path / "1.parquet", pa.array([7, 7]))
    bare = pa.table({"user_id": [7, 7], "timestamp": ["1767258000", "1767258001"]})
    pq.write_table(bare, tmp_path / "2.parquet")

    with pytest.raises(sz.InputError, match=r"2\.parquet: 'timestamp' holds bare numbers"):
        sz.run([tmp_path / "1.parquet", tmp_path / "2.parquet"], tmp_path / "out.csv")


def test_what_is_gathered_promises_the_range_of_all(tmp_path: Path) -> None:
    for name, second, unit in (("1", 5, "us"), ("2", 3, "ms"), ("3", 9, "us")):
        times = pa.array([second, second + 1], pa.timestamp("s", "UTC")).cast(pa.timestamp(unit, "UTC"))
        pq.write_table(pa.table({"user_id": [7, 7], "timestamp": times}), tmp_path / f"{name}.parquet")

    (piece,) = gathered(opened(tmp_path).pieces)

    assert isinstance(piece, Gathered)
    assert piece.time_range == (3_000_000, 10_000_000)
    assert [dict(chunk.records) for chunk in piece.read()] == [{0: 2}, {1: 2}, {2: 2}]
