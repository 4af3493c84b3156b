"""`--emit datapoints`: when each session started and, unless it is open, when it ended."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sessionize as sz
from sessionize import job
from sessionize.datapoints import points_of
from tests.command_line import call, call_here
from tests.generators import logs
from tests.logs import Log, session_rows, tiny_chunks
from tests.small_logs import INSTANT, at, events

EXAMPLE = events("09:00", "09:10", "10:00", "10:05", who=["A", "A", "A", "B"])
"""A's first session is closed when the log ends; A's second and B's are open."""


def emitted(log: pa.Table, folder: Path, **options: Any) -> tuple[pa.Table, sz.Summary]:
    pq.write_table(log, folder / "log.parquet", row_group_size=3)
    output = folder / "points.out.parquet"
    summary = sz.run(folder / "log.parquet", output, emit="datapoints", **options)
    return pq.read_table(output), summary


@pytest.fixture
def points(tmp_path: Path) -> pa.Table:
    return emitted(EXAMPLE, tmp_path)[0]


def test_a_session_sends_its_start_then_its_end(points: pa.Table) -> None:
    assert points["point"].to_pylist() == ["session_start", "session_end", "session_start", "session_start"]
    assert points["time"].to_pylist() == [at("09:00"), at("09:10"), at("10:00"), at("10:05")]


def test_what_is_known_at_the_end_is_null_at_the_start(points: pa.Table) -> None:
    assert points["duration_seconds"].to_pylist() == [None, 600.0, None, None]
    assert points["event_count"].to_pylist() == [None, 2, None, None]


def test_why_a_session_started_is_said_at_its_start(points: pa.Table) -> None:
    assert points["start_reason"].to_pylist() == ["inactivity", None, "inactivity", "inactivity"]


def test_both_points_name_the_session_and_whose_it_is(points: pa.Table) -> None:
    first = "A:1767258000000000"

    assert points["session_id"].to_pylist()[:2] == [first, first]
    assert points["user_id"].to_pylist() == ["A", "A", "A", "B"]


def test_columns_are_typed_as_documented(tmp_path: Path) -> None:
    log = EXAMPLE.append_column("account", pa.array(["x"] * 4)).append_column("n", pa.array([1, 2, 3, 4]))

    table, _ = emitted(log, tmp_path, split_on="account", agg={"total": "sum:n", "seen": "set:n"})

    assert table.schema.remove_metadata().equals(
        pa.schema(
            {
                "point": pa.string(),
                "session_id": pa.string(),
                "user_id": pa.string(),
                "time": INSTANT,
                "duration_seconds": pa.float64(),
                "event_count": pa.int64(),
                "start_reason": pa.string(),
                "account": pa.string(),
                "total": pa.int64(),
                "seen": pa.list_(pa.field("element", pa.int64())),
            }
        )
    )


def test_split_columns_are_on_both_points_and_aggregates_on_the_end(tmp_path: Path) -> None:
    log = EXAMPLE.append_column("account", pa.array(["x", "x", "y", "z"]))

    table, _ = emitted(log, tmp_path, split_on="account", agg={"last": "last:account"})

    assert table["account"].to_pylist() == ["x", "x", "y", "z"]
    assert table["last"].to_pylist() == [None, "x", None, None]


def test_a_later_watermark_ends_more_sessions(tmp_path: Path) -> None:
    table, summary = emitted(EXAMPLE, tmp_path, as_of="2026-01-01T10:32:00Z")

    assert summary.points == {"session_start": 3, "session_end": 2}
    assert table["point"].to_pylist().count("session_end") == 2


def test_prefix_is_before_our_names_alone(tmp_path: Path) -> None:
    table, _ = emitted(EXAMPLE, tmp_path, prefix="s_")

    assert table.column_names[:4] == ["s_point", "s_session_id", "user_id", "s_time"]


@pytest.mark.parametrize("name", ["point", "time"])
def test_a_column_named_as_one_of_ours_asks_for_a_prefix(name: str, tmp_path: Path) -> None:
    log = EXAMPLE.rename_columns([name, "timestamp"])

    with pytest.raises(sz.InputError, match=f"would be named '{name}'. Rename ours with --prefix"):
        emitted(log, tmp_path, by=name)

    assert len(emitted(log, tmp_path, by=name, prefix="s_")[0]) == 4


def test_what_to_emit_is_one_of_two(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="emit 'points' is unknown"):
        sz.run(tmp_path / "log.csv", tmp_path / "out.csv", emit="points")  # type: ignore[arg-type]


# ---------------------------------------------------------------- any log


def of_session(rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each session's start, and its end if it has one; they must stand side by side."""
    for index, row in enumerate(rows):
        if row["point"] == "session_start":
            following = rows[index + 1] if index + 1 < len(rows) else None
            has_end = following is not None and following["point"] == "session_end"
            yield row, following if has_end else None


@pytest.mark.property
@given(logs(), st.integers(1, 5))
def test_points_are_those_of_the_sessions_table(log: Log, chunk: int) -> None:
    options = log.options()
    with tempfile.TemporaryDirectory() as name, tiny_chunks(chunk):
        table, summary = emitted(log.table(), Path(name), **options)
        sz.run(Path(name, "log.parquet"), Path(name, "sessions.out.parquet"), **options)
        sessions = session_rows(pq.read_table(Path(name, "sessions.out.parquet")))

    rows = table.set_column(3 + len(log.rules.by) - 1, "time", table["time"].cast(pa.int64())).to_pylist()
    pairs = list(of_session(rows))
    ended = [(session, end) for session, (_, end) in zip(sessions, pairs, strict=True) if end is not None]
    assert len(rows) == len(pairs) + len(ended)
    assert summary.points == {"session_start": len(sessions), "session_end": len(ended)}
    assert len(sessions) - len(ended) == log.expected().open_sessions == summary.open_sessions
    for session, (start, _) in zip(sessions, pairs, strict=True):
        wanted = (session["session_id"], session["start_time"], session["start_reason"])
        assert (start["session_id"], start["time"], start["start_reason"]) == wanted
    for session, end in ended:
        assert (end["session_id"], end["time"]) == (session["session_id"], session["end_time"])
        shared = ["duration_seconds", "event_count", *(item.name for item in log.rules.agg)]
        assert repr([end[name] for name in shared]) == repr([session[name] for name in shared])


@pytest.mark.property
@given(logs())
def test_the_last_session_of_an_identity_alone_may_have_no_end(log: Log) -> None:
    with tempfile.TemporaryDirectory() as name:
        table, _ = emitted(log.table(), Path(name), **log.options())

    rows = table.drop_columns("time").to_pylist()
    still_open = [
        str([start[column] for column in log.rules.by]) for start, end in of_session(rows) if not end
    ]
    assert len(still_open) == len(set(still_open))


def test_sessions_out_of_reach_are_written_while_the_log_is_read(tmp_path: Path) -> None:
    """Only those that may be open when it ends are held back."""
    log = events(*(f"2026-01-{day:02} 09:00" for day in range(1, 21)))
    waiting: list[int] = []

    def noting(*arguments: Any) -> Iterator[pa.Table]:
        for rows in points_of(*arguments):
            waiting.append(rows["point"].to_pylist().count("session_start"))
            yield rows

    with tiny_chunks(1), patch.object(job, "points_of", noting):
        emitted(log, tmp_path, threads=1)

    assert sum(waiting) == 20
    assert len(waiting) > 10


# ---------------------------------------------------------------- outputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pa.csv.write_csv(EXAMPLE.append_column("n", pa.array([1, 2, 3, 4])), tmp_path / "log.csv")
    return tmp_path


Run = Callable[[str], str]


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`sessionize run --emit datapoints` inside this process; gives what it printed."""
    monkeypatch.chdir(folder)

    def called(words: str) -> str:
        outcome = call_here(capsys, "run", "log.csv", "--emit", "datapoints", *words.split())
        assert outcome.exit_code == 0, outcome.stderr
        return outcome.stdout or outcome.stderr

    return called


def test_csv_leaves_blank_what_a_point_does_not_have(folder: Path) -> None:
    outcome = call("run", "log.csv", "-o", "-", "--emit", "datapoints", cwd=folder)

    assert outcome.stdout.splitlines()[:3] == [
        "point,session_id,user_id,time,duration_seconds,event_count,start_reason",
        "session_start,A:1767258000000000,A,2026-01-01T09:00:00.000000Z,,,inactivity",
        "session_end,A:1767258000000000,A,2026-01-01T09:10:00.000000Z,600.0,2,",
    ]


def test_json_lines_have_null_there(folder: Path, run: Run) -> None:
    run("-o points.jsonl")

    first = json.loads((folder / "points.jsonl").read_text().splitlines()[0])
    assert (first["point"], first["duration_seconds"]) == ("session_start", None)


def test_arrow_and_parquet_hold_the_same_rows(folder: Path, run: Run) -> None:
    run("-o points.arrow")
    run("-o points.parquet")

    with pa.ipc.open_file(folder / "points.arrow") as file:
        assert file.read_all().equals(pq.read_table(folder / "points.parquet"))


def test_metadata_says_that_these_are_points(folder: Path, run: Run) -> None:
    run("-o points.parquet")

    made = json.loads(pq.read_schema(folder / "points.parquet").metadata[b"sessionize"])
    assert made["emit"] == "datapoints"


def test_both_points_stand_under_the_day_on_which_the_session_started(tmp_path: Path) -> None:
    log = events("2026-01-01 22:50", "2026-01-01 23:10", "2026-01-03 09:00", who=["a:1.2", "a:1.2", "x"])
    pq.write_table(log, tmp_path / "log.parquet")

    sz.run(
        tmp_path / "log.parquet",
        tmp_path / "points",
        emit="datapoints",
        partition_by="date",
        timezone="Europe/Paris",
    )

    first = pq.read_table(tmp_path / "points" / "session_date=2026-01-01", partitioning=None)
    assert first["point"].to_pylist() == ["session_start", "session_end"]


def test_one_start_of_several_sessions_has_one_day(tmp_path: Path) -> None:
    pq.write_table(events("09:00", "09:00"), tmp_path / "log.parquet")

    sz.run(
        tmp_path / "log.parquet", tmp_path / "points", emit="datapoints", partition_by="date", max_events=1
    )

    assert [path.name for path in (tmp_path / "points").glob("session_date=*")] == ["session_date=2026-01-01"]


def test_rejected_rows_are_kept_beside_the_points(folder: Path, run: Run) -> None:
    (folder / "log.csv").write_text("user_id,timestamp\nA,2026-01-01T09:00:00Z\nA,soon\n")

    run("-o points.csv --max-rejected 1")

    assert "unparseable_time" in (folder / "points.csv.rejected.jsonl").read_text()


def test_json_counts_the_points(run: Run) -> None:
    told = json.loads(run("-o points.csv --json"))

    assert told["points"] == {"session_start": 3, "session_end": 1}


def test_json_of_sessions_counts_no_points(folder: Path) -> None:
    outcome = call("run", "log.csv", "-o", "sessions.csv", "--json", cwd=folder)

    assert "points" not in json.loads(outcome.stdout)


def test_summary_counts_the_points(run: Run) -> None:
    assert "points    3 session_start, 1 session_end\n" in run("-o points.csv")


def test_an_empty_log_gives_an_empty_table(tmp_path: Path) -> None:
    table, summary = emitted(EXAMPLE.slice(0, 0), tmp_path)

    assert (len(table), summary.points) == (0, {"session_start": 0, "session_end": 0})
