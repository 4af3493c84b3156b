"""The sessions that other systems' test suites and documentation promise, from frames and from files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sessionize as sz
from tests.logs import session_rows
from tests.process import run_command
from tests.published import (
    VECTORS,
    Boundary,
    Bounds,
    EngineCase,
    engine_cases,
    read_bounds,
    read_csv,
    read_rows,
    time_us,
    write_log,
)

FORMATS = ["parquet", "csv"]


def instants(case: EngineCase) -> pa.Array:
    return pa.array([time_us for _, time_us in case.events], pa.timestamp("us", "UTC"))


def bounds(sessions: pa.Table, identity: str = "user_id") -> list[Bounds]:
    names = (identity, "start_time", "end_time", "event_count")
    return sorted(tuple(row[name] for name in names) for row in session_rows(sessions))


# ---------------------------------------------------------------- Spark, Flink, Beam, Calcite


@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
def test_frames_give_the_sessions_of_other_engines(case: EngineCase) -> None:
    events = pa.table({"user_id": [identity for identity, _ in case.events], "timestamp": instants(case)})

    sessions = sz.sessionize(events, timeout=f"{case.timeout_seconds}s", boundary=case.boundary)

    assert bounds(sessions) == sorted(case.sessions)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
def test_files_give_the_sessions_of_other_engines(case: EngineCase, suffix: str, tmp_path: Path) -> None:
    log = tmp_path / f"log.{suffix}"
    write_log(log, {"user_id": [identity for identity, _ in case.events], "timestamp": instants(case)})
    output = tmp_path / f"sessions.{suffix}"

    sz.run([log], output, timeout=f"{case.timeout_seconds}s", boundary=case.boundary)

    assert read_bounds(output, "user_id") == sorted(case.sessions)


def cases_by_rule() -> Mapping[tuple[int, Boundary], list[EngineCase]]:
    groups = defaultdict(list)
    for case in engine_cases():
        groups[case.timeout_seconds, case.boundary].append(case)
    return groups


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("timeout_seconds", "boundary"), cases_by_rule())
def test_the_command_gives_the_sessions_of_other_engines(
    timeout_seconds: int, boundary: Boundary, suffix: str, tmp_path: Path
) -> None:
    """All cases of one rule in one log, each with its own identities."""
    cases = cases_by_rule()[timeout_seconds, boundary]
    identities = [f"{number}/{who}" for number, case in enumerate(cases) for who, _ in case.events]
    log = tmp_path / f"log.{suffix}"
    write_log(log, {"who": identities, "at": pa.concat_arrays([instants(case) for case in cases])})
    output = tmp_path / f"sessions.{suffix}"

    run_command(
        "run", log, "--by", "who", "--time", "at",
        "--timeout", f"{timeout_seconds}s", "--boundary", boundary, "-o", output,
    )  # fmt: skip

    assert read_bounds(output, "who") == sorted(
        (f"{number}/{who}", *rest) for number, case in enumerate(cases) for who, *rest in case.sessions
    )


# ---------------------------------------------------------------- MADlib


def labelled_spans(rows: list[dict[str, Any]], who: str, when: str, label: str) -> list[Bounds]:
    """Sessions as the rows' labels draw them; rows without a time have none."""
    times = defaultdict(list)
    for row in rows:
        if row[when]:
            times[row[who], row[label]].append(time_us(row[when]))
    return sorted((who, min(group), max(group), len(group)) for (who, _), group in times.items())


@pytest.mark.parametrize("output_suffix", FORMATS)
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("way", ["function", "command"])
def test_madlib(way: str, suffix: str, output_suffix: str, tmp_path: Path) -> None:
    """Three minutes, and five rows without a time."""
    rows = read_csv(VECTORS / "madlib_installcheck_3min.csv")
    log = VECTORS / "madlib_installcheck_3min.csv"
    if suffix == "parquet":
        log = write_log(tmp_path / "log.parquet", {name: [row[name] for row in rows] for name in rows[0]})
    output = tmp_path / f"sessions.{output_suffix}"

    if way == "function":
        summary = sz.run([log], output, time="event_timestamp", timeout="3m", max_rejected=5)
        assert summary.tally.rejected_by_reason == {"missing_time": 5}
    else:
        run_command(
            "run", log, "--time", "event_timestamp", "--timeout", "3m", "--max-rejected", "5", "-o", output
        )

    assert read_bounds(output, "user_id") == labelled_spans(
        rows, "user_id", "event_timestamp", "expected_session_id"
    )


# ---------------------------------------------------------------- DataFu


DATAFU = [("1", 20), ("1", 30), ("2", 10), ("2", 20), ("2", 30), ("2", 40), ("2", 50), ("3", 50)]
"""User and largest value of each session."""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("way", ["function", "command"])
def test_datafu(way: str, suffix: str, tmp_path: Path) -> None:
    """Sessions per user, and the largest value of each."""
    log = VECTORS / "datafu_events.csv"
    output = tmp_path / f"sessions.{suffix}"

    if way == "function":
        sz.run([log], output, time="time", types={"value": "int64"}, agg={"largest": "max:value"})
    else:
        run_command(
            "run", log, "--time", "time", "--type", "value=int64", "--agg", "largest=max:value", "-o", output
        )

    assert sorted((row["user_id"], int(row["largest"])) for row in read_rows(output)) == DATAFU


# ---------------------------------------------------------------- mloda


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("way", ["frame", "function", "command"])
@pytest.mark.parametrize(
    ("label", "by", "timeout"),
    [
        ("expected_30min_by_user", "user", "30m"),
        ("expected_1h_by_user", "user", "1h"),
        ("expected_30min_whole_table", "everyone", "30m"),
    ],
)
def test_mloda(label: str, by: str, timeout: str, way: str, suffix: str, tmp_path: Path) -> None:
    rows = [{**row, "everyone": "all"} for row in read_csv(VECTORS / "mloda_fixture9.csv")]
    columns = {name: [row[name] for row in rows] for name in ("user", "everyone", "ts")}
    log = write_log(tmp_path / f"log.{suffix}", columns)
    output = tmp_path / f"sessions.{suffix}"
    expected = labelled_spans(rows, by, "ts", label)

    if way == "frame":
        assert bounds(sz.sessionize(pa.table(columns), by=by, time="ts", timeout=timeout), by) == expected
    else:
        if way == "function":
            sz.run([log], output, by=by, time="ts", timeout=timeout)
        else:
            run_command("run", log, "--by", by, "--time", "ts", "--timeout", timeout, "-o", output)
        assert read_bounds(output, by) == expected
