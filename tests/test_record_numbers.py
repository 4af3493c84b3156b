"""Rejected rows carry the number of their record in their file, however the file was read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sessionize.engine.outcome import Outcome, Reading
from sessionize.reading import blocks, parquet, tables
from sessionize.reading.log import Log
from sessionize.rules import SessionRules
from tests.chunks import opened, outcome_of

AT = "2026-01-01T00:00:00Z"


@pytest.fixture(params=[40, 100, 1 << 20], ids=["tiny blocks", "small blocks", "one block"])
def any_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of different sizes, which must show nowhere."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", request.param)


def numbers(log: Log) -> list[tuple[str, int, str]]:
    """The rejected rows of a log: file name, record, reason."""
    rows = outcome_of(log).rejected().to_pylist()
    return [(Path(row["file"]).name, row["record"], row["reason"]) for row in rows]


def test_csv_records_are_counted_across_blocks(tmp_path: Path, any_blocks: None) -> None:
    good = f"ada,{AT},x"
    rows = [good, "short", good, "", f'ada,"{AT}","x\n\ny"', "ada,soon,x", "", good, "a,b,c,d", f",{AT},x"]
    (tmp_path / "log.csv").write_text("user_id,timestamp,page\n" + "\n".join(rows))

    assert numbers(opened(tmp_path / "log.csv")) == [
        ("log.csv", 2, "malformed_row"),
        ("log.csv", 5, "unparseable_time"),
        ("log.csv", 7, "malformed_row"),
        ("log.csv", 8, "missing_identity"),
    ]


def test_rows_left_out_by_a_filter_are_counted(tmp_path: Path, any_blocks: None) -> None:
    rows = [f"ada,{AT},x", f"ada,{AT},y", f"ada,{AT},x", "ada,soon,y"]
    (tmp_path / "log.csv").write_text("user_id,timestamp,page\n" + "\n".join(rows))

    assert numbers(opened(tmp_path / "log.csv", exclude=[("page", "x")])) == [
        ("log.csv", 4, "unparseable_time")
    ]


def test_json_records_are_counted_across_blocks(tmp_path: Path, any_blocks: None) -> None:
    good = json.dumps({"user_id": "ada", "timestamp": AT})
    lines = [good, "", good, "{", good, "  ", good, json.dumps({"user_id": "ada", "timestamp": "soon"})]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))

    assert numbers(opened(tmp_path / "log.jsonl")) == [
        ("log.jsonl", 3, "malformed_row"),
        ("log.jsonl", 6, "unparseable_time"),
    ]


def test_each_file_is_counted_from_1(tmp_path: Path, any_blocks: None) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"user_id,timestamp\nada,{AT}\nbob,{AT}\nada,soon\n")

    assert [record for _, record, _ in numbers(opened(tmp_path))] == [3, 3]


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
def test_parquet_records_are_counted_across_row_groups(
    tmp_path: Path, chunk_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "CHUNK_ROWS", chunk_rows)
    ids = ["a", None, "b", "c", None, None, "d"]
    table = pa.table({"user_id": ids, "timestamp": pa.array(range(7), pa.timestamp("s"))})
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=3)

    assert [record for _, record, _ in numbers(opened(tmp_path / "log.parquet"))] == [2, 5, 6]


def test_arrow_records_are_counted_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "CHUNK_ROWS", 2)
    table = pa.table({"user_id": ["a", None, "b", "c", None], "timestamp": range(5)})
    with pa.ipc.new_file(tmp_path / "log.arrow", table.schema) as file:
        file.write_table(table, 3)

    log = opened(tmp_path / "log.arrow", time_unit="s")

    assert [record for _, record, _ in numbers(log)] == [2, 5]


def test_pieces_may_be_done_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    rows = f"ada,{AT}\nada,soon\nada,soon\nada,{AT}\nada,soon\n"
    (tmp_path / "log.csv").write_text("user_id,timestamp\n" + rows)
    outcome = Outcome(SessionRules())

    for index, piece in reversed(list(enumerate(opened(tmp_path / "log.csv").pieces))):
        reading = Reading()
        for chunk in piece.read():
            reading.add(chunk)
        outcome.note_reading(index, reading)

    assert outcome.rejected()["record"].to_pylist() == [2, 3, 5]
