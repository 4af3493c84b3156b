"""The oracle itself, judged by published sessions and by a second way of finding local days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from tests import clocks, oracle
from tests.clocks import MICROSECOND
from tests.oracle import Aggregation, Rules
from tests.published import REAL_LOGS, VECTORS, EngineCase, RealLog, engine_cases, read_csv

UTC_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bounds(sessions: list[oracle.Row], identity: str) -> list[tuple[Any, ...]]:
    return [(row[identity], row["start_time"], row["end_time"], row["event_count"]) for row in sessions]


def us(text: str) -> int:
    return (datetime.fromisoformat(text) - UTC_EPOCH) // MICROSECOND


@pytest.mark.parametrize("case", engine_cases(), ids=lambda case: case.name)
def test_oracle_gives_the_sessions_of_other_engines(case: EngineCase) -> None:
    rows = [{"user_id": identity, "timestamp": time_us} for identity, time_us in case.events]
    rules = Rules(timeout_us=case.timeout_seconds * 1_000_000, boundary=case.boundary)

    outcome = oracle.sessionize(rows, rules)

    assert sorted(bounds(outcome.sessions, "user_id")) == sorted(case.sessions)


@pytest.mark.parametrize("log", REAL_LOGS, ids=lambda log: log.name)
def test_oracle_gives_the_sessions_of_real_logs(log: RealLog) -> None:
    expected = pq.read_table(log.expected_file).to_pylist()

    outcome = oracle.sessionize(read_csv(log.events_file), Rules(by=(log.by,), time=log.time))

    assert outcome.input_rows == log.rows
    assert len(outcome.rejected) == log.rejected
    assert len({event.identity for event in outcome.events}) == log.users
    assert sum(row["duration_seconds"] for row in outcome.sessions) == pytest.approx(log.total_seconds)
    assert sorted(bounds(outcome.sessions, log.by)) == sorted(
        (row["user"], row["start_ns"] // 1000, row["end_ns"] // 1000, row["n_events"]) for row in expected
    )


def test_oracle_gives_madlibs_sessions() -> None:
    rows = read_csv(VECTORS / "madlib_installcheck_3min.csv")

    outcome = oracle.sessionize(rows, Rules(time="event_timestamp", timeout_us=180_000_000))

    expected = {(row["user_id"], row["expected_session_id"]) for row in rows if row["event_timestamp"]}
    assert len(outcome.sessions) == len(expected)
    assert outcome.rejected_by_reason == {"missing_time": 5}


def test_oracle_gives_datafus_sessions() -> None:
    rows = [{**row, "value": int(row["value"] or 0)} for row in read_csv(VECTORS / "datafu_events.csv")]
    rules = Rules(time="time", agg=(Aggregation("largest", "max", "value"),))

    outcome = oracle.sessionize(rows, rules)

    assert sorted((row["user_id"], row["largest"]) for row in outcome.sessions) == [
        ("1", 20),
        ("1", 30),
        ("2", 10),
        ("2", 20),
        ("2", 30),
        ("2", 40),
        ("2", 50),
        ("3", 50),
    ]


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Europe/Paris", "2026-03-29T01:00+00:00"),
        ("America/St_Johns", "2006-10-29T02:31+00:00"),
        ("Pacific/Apia", "2011-12-30T10:00+00:00"),
        ("America/Toronto", "1919-03-31T04:30+00:00"),
        ("America/Havana", "2023-03-12T05:00+00:00"),
        ("America/Juneau", "1867-10-18T09:00+00:00"),
        ("Africa/Casablanca", "2024-04-14T02:00+00:00"),
        ("Asia/Kolkata", "2026-06-01T18:30+00:00"),
    ],
)
def test_a_local_day_is_the_latest_date_that_a_minute_by_minute_scan_has_seen(zone: str, around: str) -> None:
    middle = datetime.fromisoformat(around)
    minutes = [middle + timedelta(minutes=minute) for minute in range(-3 * 1440, 3 * 1440)]
    latest = minutes[0].date()

    for moment in minutes:
        latest = max(latest, moment.astimezone(ZoneInfo(zone)).date())

        if moment > minutes[1440]:
            assert clocks.local_day(zone, (moment - UTC_EPOCH) // MICROSECOND) == (
                (latest - UTC_EPOCH.date()).days
            )


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01 02:00+02", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T02:00:00.1234567+0200", "2026-01-01T00:00:00.123456+00:00"),
        ("2025-12-31T24:00:00", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("1969-12-31T23:59:59.9999999-00:30", "1970-01-01T00:29:59.999999+00:00"),
    ],
)
def test_oracle_reads_iso_8601(text: str, instant: str) -> None:
    assert clocks.instant(text, Rules()) == (us(instant), "")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-01-01T24:00:01", "1767225600"])
def test_oracle_rejects_other_text(text: str) -> None:
    assert clocks.instant(text, Rules()) == (None, "unparseable_time")


@pytest.mark.parametrize(
    ("policy", "instant"), [("earlier", "2026-03-29T01:30:00+00:00"), ("later", "2026-03-29T00:30:00+00:00")]
)
def test_oracle_resolves_a_skipped_time_by_the_policy(policy: str, instant: str) -> None:
    rules = Rules(timezone="Europe/Paris", dst_policy=policy)

    assert clocks.instant("2026-03-29T02:30:00", rules) == (us(instant), "nonexistent_time")
