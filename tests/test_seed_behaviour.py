"""How web sessions are tracked, told by what they do.

A browser sends an event whenever its user does something. While the page is in use a session is open; it
closes when nothing has happened for the timeout, 30 minutes unless configured, and it closed then at the
moment of the last activity. Whoever comes back sooner continues it; whoever comes back at the timeout or
later opens a new one. Changing users forces a new session at once.

The preset `braze-web` says all of that: a session belongs to a device, and the user is a value on it.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sessionize as sz
from tests.command_line import call
from tests.small_logs import INSTANT, at

OPENED = at("09:00")
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)

each_timeout = pytest.mark.parametrize(
    ("configured", "timeout"),
    [
        pytest.param({}, timedelta(minutes=30), id="30 minutes by default"),
        pytest.param({"timeout": "900s"}, timedelta(minutes=15), id="900s"),
    ],
)


def tracked(activity: list[tuple[datetime, str | None]], **configured: Any) -> list[dict[str, Any]]:
    """The sessions of one browser; a user of None has not logged in."""
    moments, users = zip(*activity, strict=True)
    events = pa.table(
        {
            "device_id": ["browser"] * len(activity),
            "user_id": pa.array(users, pa.string()),
            "timestamp": pa.array(moments, INSTANT),
        }
    )
    return [dict(row) for row in sz.sessionize(events, preset="braze-web", **configured).to_pylist()]


def spans(sessions: list[dict[str, Any]]) -> list[tuple[datetime, datetime]]:
    """When each session opened, and when it closed."""
    return [(session["start_time"], session["end_time"]) for session in sessions]


# ---------------------------------------------------------------- coming back


@each_timeout
@pytest.mark.parametrize("sooner", [SECOND, MICROSECOND], ids=["a second sooner", "a microsecond sooner"])
def test_a_return_within_less_than_the_timeout_continues_the_session(
    configured: dict[str, Any], timeout: timedelta, sooner: timedelta
) -> None:
    back = OPENED + timeout - sooner

    sessions = tracked([(OPENED, "ada"), (back, "ada")], **configured)

    assert spans(sessions) == [(OPENED, back)]


@each_timeout
@pytest.mark.parametrize(
    "later", [timedelta(0), MICROSECOND, timedelta(days=1)], ids=["exactly then", "just later", "next day"]
)
def test_at_the_timeout_or_later_the_session_closed_at_the_last_activity_and_a_new_one_opens(
    configured: dict[str, Any], timeout: timedelta, later: timedelta
) -> None:
    last_activity = OPENED + 5 * SECOND
    back = last_activity + timeout + later

    sessions = tracked([(OPENED, "ada"), (last_activity, "ada"), (back, "ada")], **configured)

    assert spans(sessions) == [(OPENED, last_activity), (back, back)]
    assert [session["duration_seconds"] for session in sessions] == [5.0, 0.0]
    assert [session["start_reason"] for session in sessions] == ["inactivity", "inactivity"]


@each_timeout
def test_a_session_lasts_as_long_as_it_is_used(configured: dict[str, Any], timeout: timedelta) -> None:
    """The timeout runs from the last activity, never from the start."""
    moments = [OPENED + n * (timeout - SECOND) for n in range(50)]

    sessions = tracked([(moment, "ada") for moment in moments], **configured)

    assert spans(sessions) == [(OPENED, moments[-1])]


# ---------------------------------------------------------------- changing users


@each_timeout
def test_changing_users_forces_a_new_session(configured: dict[str, Any], timeout: timedelta) -> None:
    changed = OPENED + timeout - SECOND

    sessions = tracked([(OPENED, "ada"), (changed, "bob"), (changed + SECOND, "bob")], **configured)

    assert spans(sessions) == [(OPENED, OPENED), (changed, changed + SECOND)]
    assert [session["user_id"] for session in sessions] == ["ada", "bob"]
    assert [session["start_reason"] for session in sessions] == ["inactivity", "change:user_id"]


@each_timeout
def test_logging_in_forces_a_new_session(configured: dict[str, Any], timeout: timedelta) -> None:
    logged_in = OPENED + timeout - SECOND

    sessions = tracked([(OPENED, None), (logged_in, "ada")], **configured)

    assert spans(sessions) == [(OPENED, OPENED), (logged_in, logged_in)]
    assert [session["user_id"] for session in sessions] == [None, "ada"]


@each_timeout
def test_an_event_without_a_user_changes_none(configured: dict[str, Any], timeout: timedelta) -> None:
    moments = [OPENED + n * (timeout - SECOND) for n in range(3)]

    sessions = tracked(list(zip(moments, ["ada", None, "ada"], strict=True)), **configured)

    assert spans(sessions) == [(moments[0], moments[-1])]
    assert [session["user_id"] for session in sessions] == ["ada"]


@each_timeout
def test_another_user_after_the_timeout_is_a_return_like_any_other(
    configured: dict[str, Any], timeout: timedelta
) -> None:
    sessions = tracked([(OPENED, "ada"), (OPENED + timeout, "bob")], **configured)

    assert [session["start_reason"] for session in sessions] == ["inactivity", "inactivity"]


# ---------------------------------------------------------------- configuring it


def test_the_preset_is_these_rules() -> None:
    assert sz.SessionRules.preset("braze-web") == sz.SessionRules(
        by="device_id", timeout="30m", boundary="reaches", split_on="user_id", split_from_null=True
    )


@pytest.mark.parametrize("timeout", ["999ms", "0s", timedelta(microseconds=999_999)])
def test_a_timeout_under_one_second_is_refused(timeout: str | timedelta) -> None:
    with pytest.raises(ValueError, match="the minimum is 1s"):
        tracked([(OPENED, "ada")], timeout=timeout)


def test_a_timeout_of_one_second_is_honoured() -> None:
    moments = [OPENED, OPENED + SECOND - MICROSECOND, OPENED + 2 * SECOND - MICROSECOND]

    sessions = tracked([(moment, "ada") for moment in moments], timeout="1s")

    assert spans(sessions) == [(moments[0], moments[1]), (moments[2], moments[2])]


# ---------------------------------------------------------------- on the command line

LOG = """\
device_id,user_id,timestamp
browser,,2026-01-01T09:00:00Z
browser,ada,2026-01-01T09:10:00Z
browser,ada,2026-01-01T09:24:59Z
browser,ada,2026-01-01T09:39:59Z
browser,bob,2026-01-01T09:40:00Z
"""
RULES = ["--by", "device_id", "--boundary", "reaches", "--split-on", "user_id", "--split-from-null"]


def test_the_command_tracks_the_same_sessions(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)

    done = call("run", "log.csv", "-o", "sessions.csv", "--timeout", "900s", *RULES, cwd=tmp_path)

    assert done.exit_code == 0, done.stderr
    with (tmp_path / "sessions.csv").open(newline="") as file:
        sessions = list(csv.DictReader(file))
    assert [(row["start_time"][11:19], row["end_time"][11:19]) for row in sessions] == [
        ("09:00:00", "09:00:00"),
        ("09:10:00", "09:24:59"),
        ("09:39:59", "09:39:59"),
        ("09:40:00", "09:40:00"),
    ]
    assert [(row["user_id"], row["start_reason"]) for row in sessions] == [
        ("", "inactivity"),
        ("ada", "change:user_id"),
        ("ada", "inactivity"),
        ("bob", "change:user_id"),
    ]


def test_the_command_refuses_a_timeout_under_one_second(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)

    done = call("run", "log.csv", "-o", "sessions.csv", "--timeout", "999ms", *RULES, cwd=tmp_path)

    assert done.exit_code == 2
    assert "the minimum is 1s" in done.stderr
    assert not (tmp_path / "sessions.csv").exists()
