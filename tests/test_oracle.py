"""The oracle itself, judged by published sessions, by a second way of finding local days, by its promises.

What it says of the rules that walk is judged by the cases that `hand_made.py` puts to it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from hypothesis import given

from tests import clocks, hand_made, oracle
from tests.clocks import MICROSECOND
from tests.generators import logs
from tests.logs import Log, assert_same_sessions
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


# ---------------------------------------------------------------- labels

LABELS = ("session_id", "session_number", "event_index", "gap_seconds", "start_reason")


def labels(log: Log) -> list[tuple[Any, ...] | None]:
    return [None if row is None else tuple(row[name] for name in LABELS) for row in log.expected().labels]


def test_a_label_says_which_session_a_row_belongs_to() -> None:
    times = ["1970-01-01 01:00", "1970-01-01", "1970-01-01 00:00:01.5", "1970-01-01 00:10", "1970-01-01"]
    rules = Rules(split_on=("user",))

    found = labels(
        hand_made.log(rules, times=times, user=["ada", "ada", None, "bob", "bob"], user_id=[*"AAAAB"])
    )

    assert found == [
        ("A:3600000000", 3, 1, 3000.0, "inactivity"),
        ("A:0", 1, 1, None, "inactivity"),
        ("A:0", 1, 2, 1.5, "inactivity"),
        ("A:600000000", 2, 1, 598.5, "change:user"),
        ("B:0", 1, 1, None, "inactivity"),
    ]


def test_rows_that_are_no_events_have_no_label() -> None:
    rules = Rules(dedupe="id", exclude=(("event", "beat"),))
    events = ["beat", "view", "view", "view"]

    found = labels(
        hand_made.log(
            rules, times=["1970-01-01"] * 4, user_id=["A", None, "A", "A"], id=["x"] * 4, event=events
        )
    )

    assert found == [None, None, ("A:0", 1, 1, None, "inactivity"), None]


def test_labels_order_level_events_by_their_place_in_the_input() -> None:
    found = labels(hand_made.log(Rules(max_events=2), times=["1970-01-01"] * 3, x=[3, 2, 1]))

    assert found == [
        ("A:0", 1, 1, None, "inactivity"),
        ("A:0", 1, 2, 0.0, "inactivity"),
        ("A:0.2", 2, 1, 0.0, "max_events"),
    ]


@pytest.mark.property
@given(logs())
def test_labels_grouped_by_session_are_the_sessions(log: Log) -> None:
    outcome = log.expected()
    labelled = [row for row in outcome.labels if row is not None]
    starts = [row for row in labelled if row["event_index"] == 1]

    assert len(labelled) == len(outcome.events)
    assert sorted((row["session_id"], row["start_reason"]) for row in starts) == sorted(
        (row["session_id"], row["start_reason"]) for row in outcome.sessions
    )
    for session in outcome.sessions:
        indices = [row["event_index"] for row in labelled if row["session_id"] == session["session_id"]]
        assert sorted(indices) == list(range(1, session["event_count"] + 1))


# ---------------------------------------------------------------- a pure function of the events


@pytest.mark.property
@given(logs())
def test_the_order_of_the_input_changes_no_session(log: Log) -> None:
    found, shuffled = log.expected(), log.shuffled(1).expected()

    assert_same_sessions(shuffled.sessions, found.sessions, log.rules)
    assert shuffled.deduplicated == found.deduplicated
    assert shuffled.open_sessions == found.open_sessions


@pytest.mark.property
@given(logs())
def test_walked_rules_that_never_cut_change_nothing_but_a_reason(log: Log) -> None:
    """A limit that no session reaches only changes why an identity's first session starts without timeout."""
    plain = replace(
        log.rules,
        split_on=(),
        split_before=(),
        split_after=(),
        max_duration_us=None,
        max_events=None,
        dedupe=None,
    )
    unlimited = replace(plain, max_events=len(log.rows) + 1)
    found, expected = (oracle.sessionize(log.rows, rules).sessions for rules in (unlimited, plain))

    if log.rules.timeout_us is None:
        found, expected = ([{**row, "start_reason": ""} for row in rows] for rows in (found, expected))
    assert_same_sessions(found, expected, plain)
