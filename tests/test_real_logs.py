"""Logs that this project did not write, with the figures that their README states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from tests.process import run_command
from tests.published import REAL_LOGS, Bounds, RealLog, read_bounds, read_csv

FORMATS = ["parquet", "csv"]
each_log = pytest.mark.parametrize("log", REAL_LOGS, ids=lambda log: log.name)
each_output = pytest.mark.parametrize("output_suffix", FORMATS, ids="to {}".format)
each_input = pytest.mark.parametrize("suffix", FORMATS, ids="from {}".format)


def expected(log: RealLog) -> list[Bounds]:
    rows = pq.read_table(log.expected_file).to_pylist()
    return sorted(
        (row["user"], row["start_ns"] // 1000, row["end_ns"] // 1000, row["n_events"]) for row in rows
    )


def as_file(log: RealLog, suffix: str, folder: Path) -> Path:
    """The log as it came, or as Parquet with the types that Arrow finds in it."""
    if suffix == "csv":
        return log.events_file
    converted = folder / "events.parquet"
    null_strings = pa.csv.ConvertOptions(strings_can_be_null=True)
    options = pa.csv.ParseOptions(newlines_in_values=True)
    pq.write_table(pa.csv.read_csv(log.events_file, None, options, null_strings), converted)
    return converted


@each_log
@each_input
@each_output
def test_run_finds_the_expected_sessions(
    log: RealLog, suffix: str, output_suffix: str, tmp_path: Path
) -> None:
    output = tmp_path / f"sessions.{output_suffix}"

    summary = sz.run(
        [as_file(log, suffix, tmp_path)], output, by=log.by, time=log.time, max_rejected=log.rejected
    )

    assert read_bounds(output, log.by) == expected(log)
    assert (summary.tally.input_rows, summary.tally.rejected) == (log.rows, log.rejected)
    assert summary.sessions == log.sessions


@each_log
@each_input
@each_output
def test_the_command_finds_the_expected_sessions(
    log: RealLog, suffix: str, output_suffix: str, tmp_path: Path
) -> None:
    output = tmp_path / f"sessions.{output_suffix}"

    done = run_command(
        "run", as_file(log, suffix, tmp_path), "-o", output, "--json",
        "--by", log.by, "--time", log.time, "--max-rejected", str(log.rejected),
    )  # fmt: skip

    assert read_bounds(output, log.by) == expected(log)
    summary = json.loads(done.stdout)
    assert (summary["input_rows"], summary["rejected"]) == (log.rows, log.rejected)
    assert summary["sessions"] == log.sessions


@each_log
def test_frames_add_up_to_the_stated_figures(log: RealLog, tmp_path: Path) -> None:
    events = pq.read_table(as_file(log, "parquet", tmp_path))

    sessions = sz.sessionize(events, by=log.by, time=log.time, max_rejected=log.rejected)

    assert sessions.num_rows == log.sessions
    assert len(sessions[log.by].unique()) == log.users
    assert sum(sessions["duration_seconds"].to_pylist()) == pytest.approx(log.total_seconds)
    assert sum(sessions["event_count"].to_pylist()) == log.rows - log.rejected


@each_log
def test_newest_first_gives_the_same_sessions_as_oldest_first(log: RealLog, tmp_path: Path) -> None:
    events = pq.read_table(as_file(log, "parquet", tmp_path)).select([log.by, log.time])
    backwards = events.take(pa.array(range(events.num_rows - 1, -1, -1)))
    options: dict[str, Any] = {"by": log.by, "time": log.time, "max_rejected": log.rejected}

    assert sz.sessionize(backwards, **options).equals(sz.sessionize(events, **options))


def test_sessions_of_retentioneering_are_its_own(tmp_path: Path) -> None:
    """Its column `session_id` draws the same partition."""
    log = REAL_LOGS[0]
    own = {row["session_id"] for row in read_csv(log.events_file)}
    output = tmp_path / "sessions.parquet"

    sz.run([log.events_file], output, agg={"own": "set:session_id"}, prefix="our_")

    labels = [label for labels in pq.read_table(output)["own"].to_pylist() for label in labels]
    assert len(labels) == len(own)
    assert set(labels) == own


def test_the_row_without_user_is_kept_beside_the_sessions(tmp_path: Path) -> None:
    log = REAL_LOGS[2]
    output = tmp_path / "sessions.parquet"

    sz.run([log.events_file], output, by=log.by, time=log.time, max_rejected="1%")

    lines = (tmp_path / "sessions.parquet.rejected.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    record = next(number for number, row in enumerate(read_csv(log.events_file), 1) if not row[log.by])
    assert [(row["record"], row["reason"]) for row in kept] == [(record, "missing_identity")]
