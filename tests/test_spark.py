"""A real Spark gives the sessions that the embedded engine gives."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import sessionize as sz
from tests.generators import logs
from tests.logs import Log, assert_same_sessions, session_rows
from tests.published import REAL_LOGS, Bounds, EngineCase, RealLog, engine_cases, read_bounds, write_log
from tests.spark_runs import ROOT, same_files, summary_of

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.usefixtures("spark")

SAMPLE = ROOT / "sample_data" / "daily"
AGG = {"landing": "first:page", "pages": "set:page", "purchases": "count_if:event,purchase"}
"""Of the sample; a set is a column that Spark would not take from us as it is."""


def run_both(folder: Path, inputs: Any, name: str, **options: Any) -> tuple[Path, Path]:
    """Run on the embedded engine and on Spark; the two outputs, whose summaries are equal."""
    here, there = folder / "here" / name, folder / "there" / name
    here.parent.mkdir()
    there.parent.mkdir()
    expected = sz.run(inputs, here, **options)
    summary = sz.run(inputs, there, engine="spark", **options)
    assert summary_of(summary) == summary_of(expected)
    assert summary.rejected.equals(expected.rejected)
    return here, there


@pytest.mark.parametrize("name", ["s.parquet", "s.csv.gz", "s.jsonl"])
def test_a_file_has_the_bytes_that_the_embedded_engine_writes(name: str, tmp_path: Path) -> None:
    here, there = run_both(tmp_path, SAMPLE, name, exclude={"event": "heartbeat"}, agg=AGG)

    assert there.read_bytes() == here.read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="timeout"),
        pytest.param({"split_daily": True, "timezone": "Asia/Kolkata", "agg": AGG}, id="daily"),
        pytest.param({"split_on": "page", "max_events": 5, "agg": AGG}, id="sequential"),
        pytest.param({"by": ["user_id", "event"], "dedupe": "page"}, id="dedupe"),
    ],
)
def test_a_folder_has_the_files_that_the_embedded_engine_writes(
    options: dict[str, Any], tmp_path: Path
) -> None:
    here, there = run_both(tmp_path, SAMPLE, "sessions", partition_by="date", **options)

    same_files(there, here)


def test_data_points_are_the_same(tmp_path: Path) -> None:
    here, there = run_both(tmp_path, SAMPLE, "points.parquet", emit="datapoints", preset="ga4")

    assert there.read_bytes() == here.read_bytes()


@pytest.mark.parametrize("log", REAL_LOGS, ids=lambda log: log.name)
def test_real_logs_have_the_expected_sessions(log: RealLog, tmp_path: Path) -> None:
    options = {"by": log.by, "time": log.time, "max_rejected": log.rejected}
    here, there = run_both(tmp_path, log.events_file, "s.parquet", **options)

    assert there.read_bytes() == here.read_bytes()
    assert pq.read_metadata(there).num_rows == log.sessions


def vectors() -> dict[tuple[int, str], list[EngineCase]]:
    """The cases of other engines by their rules: those of the same rules are one log."""
    groups: defaultdict[tuple[int, str], list[EngineCase]] = defaultdict(list)
    for case in engine_cases():
        groups[case.timeout_seconds, case.boundary].append(case)
    return groups


@pytest.mark.slow
@pytest.mark.parametrize(("rules", "cases"), vectors().items(), ids=str)
def test_other_engines_cases(rules: tuple[int, Any], cases: list[EngineCase], tmp_path: Path) -> None:
    seconds, boundary = rules
    events = [(f"{case.name} {user}", time) for case in cases for user, time in case.events]
    users, times = zip(*events, strict=True)
    log = write_log(
        tmp_path / "log.parquet", {"user_id": users, "timestamp": pa.array(times, pa.timestamp("us"))}
    )

    sz.run(log, tmp_path / "s.parquet", engine="spark", timeout=f"{seconds}s", boundary=boundary)

    expected: list[Bounds] = [
        (f"{case.name} {user}", start, end, count)
        for case in cases
        for user, start, end, count in case.sessions
    ]
    assert read_bounds(tmp_path / "s.parquet", "user_id") == sorted(expected)


@pytest.mark.slow
@settings(max_examples=100)
@given(logs())
def test_random_logs_under_random_rules(log: Log) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(log.table(), Path(folder, "log.parquet"), row_group_size=3)

        here, there = run_both(Path(folder), Path(folder, "log.parquet"), "s.parquet", **log.options())

        found, expected = (session_rows(pq.read_table(path)) for path in (there, here))
        assert_same_sessions(found, expected, log.rules)
        assert_same_sessions(found, log.expected().sessions, log.rules)
