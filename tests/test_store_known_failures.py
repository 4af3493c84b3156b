"""What other ways of keeping a sessions table get wrong, as their own users tell, and this store doesn't."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.nights import Nights, PartitionsRead, spans
from tests.small_logs import column

FIRST_DAY = date(2026, 1, 1)


def test_dbt_snowplow_a_session_that_straddles_the_lookback_window_keeps_its_head(tmp_path: Path) -> None:
    """Incremental models look some days back; what a session had before that is cut off."""
    nights = Nights(tmp_path)
    hours = [f"{FIRST_DAY + timedelta(days=day)} {hour:02}:00" for day in range(5) for hour in range(24)]
    for day in range(5):
        nights.update(nights.write(f"{day}", *hours[24 * day : 24 * day + 24]), timeout="1h")

    nights.options = {"timeout": "1h"}
    assert spans(nights.rows()) == ["00:00–01-05 23:00"]
    assert column("event_count", nights.rows()) == [120]


def test_dbt_segment_a_late_first_event_moves_the_start(tmp_path: Path) -> None:
    """Sessions that are keyed by their first event come twice when an earlier one arrives."""
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:10", "09:20"))

    summary = nights.update(nights.write("late", "09:00"))

    assert spans(nights.rows()) == ["09:00–09:20"]
    assert (summary.sessions.extended, summary.sessions.added) == (1, 0)


def test_merge_into_two_sessions_bridged_by_a_late_event_become_one(tmp_path: Path) -> None:
    """An upsert by session id updates the first of the two, and leaves the second as a phantom."""
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00", "09:40"))
    assert spans(nights.rows()) == ["09:00", "09:40"]

    summary = nights.update(nights.write("late", "09:20"))

    assert spans(nights.rows()) == ["09:00–09:40"]
    assert (summary.sessions.merged, summary.sessions.added, summary.sessions.extended) == (2, 0, 0)


def test_insert_into_a_rerun_adds_nothing(tmp_path: Path) -> None:
    """A job that appends, run again after it had died, holds everything twice."""
    nights = Nights(tmp_path)
    nights.update(day := nights.write("day", "09:00", "12:00"))

    again = nights.update(day)

    assert again.changed_nothing
    assert spans(nights.rows()) == ["09:00", "12:00"]


def test_insert_overwrite_a_session_over_midnight_is_one_row_of_its_first_day(tmp_path: Path) -> None:
    """A job that overwrites one day a night cuts what crosses midnight in two."""
    nights = Nights(tmp_path)
    nights.update(nights.write("first", "2026-01-01 23:50"))

    summary = nights.update(nights.write("second", "2026-01-02 00:10", "2026-01-02 12:00"))

    assert spans(nights.rows()) == ["23:50–01-02 00:10", "01-02 12:00"]
    assert [str(day) for day in summary.partitions] == ["2026-01-01", "2026-01-02"]


def test_row_number_ids_do_not_restart(tmp_path: Path) -> None:
    """Session numbers that count within one load collide with those of the loads before."""
    nights = Nights(tmp_path)
    nights.update(nights.write("first", "09:00", "10:00"))

    nights.update(nights.write("second", "11:00", "12:00"))

    assert len(set(column("session_id", nights.rows()))) == 4


def test_session_window_a_bot_that_never_sleeps_stays_one_session(tmp_path: Path) -> None:
    """State that only closes after silence keeps the month, or is cut at a limit nobody asked for.

    Each night reads the bot's one old partition and its own, however long the bot has been active.
    """
    nights = Nights(tmp_path)
    read_by_night = []
    for day in range(30):
        date_ = FIRST_DAY + timedelta(days=day)
        minutes = [f"{date_} {hour:02}:{minute}" for hour in range(24) for minute in ("00", "30")]
        visitors = [f"{date_} 12:15"] * 3
        who = ["bot"] * len(minutes) + [f"{day}-{number}" for number in range(3)]

        with PartitionsRead() as read:
            nights.update(nights.write(f"{date_}", *minutes, *visitors, who=who))

        read_by_night.append(read.days)

    (bot,) = [row for row in nights.rows() if row["user_id"] == "bot"]
    assert (bot["event_count"], spans([bot])) == (30 * 48, ["00:00–01-30 23:30"])
    assert read_by_night[-1] == ["2026-01-01"]
    assert {len(days) for days in read_by_night} == {0, 1}
