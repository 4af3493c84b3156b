"""SEMANTICS.md, sentence by sentence: what opens a session, what closes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

import sessionize as sz
from tests.small_logs import at, column, events, sessionized

# ---------------------------------------------------------------- timeout and boundary

BELOW, EXACTLY, ABOVE = "09:29:59.999999", "09:30", "09:30:00.000001"


@pytest.mark.parametrize(
    ("second", "boundary", "sessions"),
    [
        pytest.param(BELOW, "exceeds", 1, id="below timeout, exceeds"),
        pytest.param(EXACTLY, "exceeds", 1, id="exactly timeout, exceeds"),
        pytest.param(ABOVE, "exceeds", 2, id="just above, exceeds"),
        pytest.param(BELOW, "reaches", 1, id="below timeout, reaches"),
        pytest.param(EXACTLY, "reaches", 2, id="exactly timeout, reaches"),
        pytest.param(ABOVE, "reaches", 2, id="just above, reaches"),
    ],
)
def test_the_gap_is_compared_with_the_timeout(second: str, boundary: str, sessions: int) -> None:
    assert len(sessionized("09:00", second, boundary=boundary)) == sessions


def test_the_timeout_is_thirty_minutes_and_must_be_exceeded_by_default() -> None:
    assert column("event_count", sessionized("09:00", "09:30", "10:00:00.000001")) == [2, 1]


def test_the_gap_is_between_consecutive_events_not_from_the_start() -> None:
    assert column("event_count", sessionized("09:00", "09:20", "09:40", "10:00")) == [4]


def test_the_gap_is_that_of_one_identity() -> None:
    found = sessionized("09:00", "09:20", "09:40", who=["A", "B", "A"])

    assert column("user_id", found) == ["A", "B", "A"]


@pytest.mark.parametrize(
    "timeout", ["15m", "900s", "PT15M", timedelta(minutes=15)], ids=["15m", "900s", "PT15M", "timedelta"]
)
def test_a_timeout_is_written_with_a_unit(timeout: object) -> None:
    assert len(sessionized("09:00", "09:15", "09:30:00.000001", timeout=timeout)) == 2


@pytest.mark.parametrize("timeout", ["900", 900, "999ms", "0s", "soon"])
def test_a_timeout_without_unit_or_below_a_second_is_refused(timeout: object) -> None:
    with pytest.raises(ValueError, match=r"900s|minimum is 1s|not a duration"):
        sessionized("09:00", timeout=timeout)


def test_without_timeout_an_identity_has_one_session() -> None:
    (session,) = sessionized("2024-01-01", "2025-01-01", "2026-01-01", timeout="none")

    assert (session["event_count"], session["start_reason"]) == (3, "inactivity")


# ---------------------------------------------------------------- local days


def test_a_new_local_day_opens_a_session_that_the_calendar_caused() -> None:
    found = sessionized("2026-01-01 23:55", "2026-01-02 00:05", split_daily=True)

    assert column("start_reason", found) == ["inactivity", "calendar"]


def test_days_do_not_matter_unless_asked_for() -> None:
    assert column("event_count", sessionized("2026-01-01 23:55", "2026-01-02 00:05")) == [2]


def test_the_last_microsecond_of_a_day_belongs_to_it() -> None:
    found = sessionized(
        "2026-01-01 23:50", "2026-01-01 23:59:59.999999", "2026-01-02 00:00", split_daily=True
    )

    assert column("event_count", found) == [2, 1]


def test_inactivity_comes_before_the_calendar_as_the_reason() -> None:
    found = sessionized("2026-01-01 23:00", "2026-01-02 00:00", split_daily=True)

    assert column("start_reason", found) == ["inactivity", "inactivity"]


def test_an_exact_timeout_over_midnight_is_the_calendars_under_exceeds() -> None:
    found = sessionized("2026-01-01 23:45", "2026-01-02 00:15", split_daily=True)

    assert column("start_reason", found) == ["inactivity", "calendar"]


def test_an_exact_timeout_over_midnight_is_inactivity_under_reaches() -> None:
    found = sessionized("2026-01-01 23:45", "2026-01-02 00:15", split_daily=True, boundary="reaches")

    assert column("start_reason", found) == ["inactivity", "inactivity"]


def test_without_timeout_every_session_starts_by_the_calendar() -> None:
    found = sessionized("2026-01-01 09:00", "2026-01-02 09:00", timeout="none", split_daily=True)

    assert column("start_reason", found) == ["calendar", "calendar"]


def test_the_day_is_that_of_the_zone() -> None:
    times = ["2026-01-01 18:20", "2026-01-01 18:40"]

    assert len(sessionized(*times, split_daily=True)) == 1
    assert len(sessionized(*times, split_daily=True, timezone="Asia/Kolkata")) == 2


@pytest.mark.parametrize(
    ("first", "second", "sessions"),
    [
        pytest.param("2026-03-28 22:59", "2026-03-28 23:00", 2, id="spring: midnight at 23:00Z"),
        pytest.param("2026-03-28 23:00", "2026-03-29 21:59:59.999999", 1, id="the day has 23 hours"),
        pytest.param("2026-03-29 21:59", "2026-03-29 22:00", 2, id="next midnight at 22:00Z"),
        pytest.param("2026-10-24 22:00", "2026-10-25 22:59:59.999999", 1, id="the day has 25 hours"),
        pytest.param("2026-10-25 22:59", "2026-10-25 23:00", 2, id="autumn: midnight at 23:00Z"),
    ],
)
def test_days_of_paris_around_its_clock_changes(first: str, second: str, sessions: int) -> None:
    found = sessionized(first, second, timeout="none", split_daily=True, timezone="Europe/Paris")

    assert len(found) == sessions


def test_a_clock_set_back_over_midnight_returns_to_no_earlier_day() -> None:
    """St. John's, 2006-10-29 00:01 → 2006-10-28 23:01; the clock shows midnight twice, a day starts once."""
    found = sessionized(
        "2006-10-29 02:29",  # 23:59, the 28th
        "2006-10-29 02:30",  # 00:00, the 29th
        "2006-10-29 02:31",  # 23:01 again, the 28th once more
        "2006-10-29 03:29",
        "2006-10-29 03:30",  # 00:00 again
        split_daily=True,
        timezone="America/St_Johns",
        timeout="2h",
    )

    assert column("event_count", found) == [1, 4]


def test_apia_skipped_a_whole_day() -> None:
    found = sessionized(
        "2011-12-30 09:59", "2011-12-30 10:00", split_daily=True, timezone="Pacific/Apia"
    )  # the 29th, then the 31st

    assert column("start_reason", found) == ["inactivity", "calendar"]


# ---------------------------------------------------------------- open sessions


def open_sessions(*times: str, who: Sequence[Any] | None = None, **options: Any) -> int:
    _, summary = sz.sessionize(events(*times, who=who), return_summary=True, **options)
    return int(summary.open_sessions)


def test_a_session_is_closed_when_its_identity_has_a_later_one() -> None:
    assert open_sessions("09:00", "10:00") == 1


@pytest.mark.parametrize(
    ("watermark", "boundary", "is_open"),
    [
        pytest.param(BELOW, "exceeds", True, id="below timeout, exceeds"),
        pytest.param(EXACTLY, "exceeds", True, id="exactly timeout, exceeds"),
        pytest.param(ABOVE, "exceeds", False, id="just above, exceeds"),
        pytest.param(BELOW, "reaches", True, id="below timeout, reaches"),
        pytest.param(EXACTLY, "reaches", False, id="exactly timeout, reaches"),
    ],
)
def test_a_session_is_open_while_an_event_at_the_watermark_could_join_it(
    watermark: str, boundary: str, is_open: bool
) -> None:
    assert open_sessions("09:00", as_of=at(watermark), boundary=boundary) == is_open


def test_the_watermark_of_a_finite_log_is_its_last_event() -> None:
    assert open_sessions("09:00", "09:30:00.000001", who=["A", "B"]) == 1


def test_a_session_is_closed_when_its_local_day_is_over() -> None:
    times = ["2026-01-01 23:55", "2026-01-02 00:00"]

    assert open_sessions(*times, who=["A", "B"]) == 2
    assert open_sessions(*times, who=["A", "B"], split_daily=True) == 1


def test_without_timeout_and_days_an_identity_stays_open() -> None:
    assert open_sessions("2020-01-01", "2026-01-01", who=["A", "B"], timeout="none") == 2
