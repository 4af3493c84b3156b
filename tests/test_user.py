"""`sessionize user` and `sz.user`: one user's app usage."""

from __future__ import annotations

import io
import json
import sys
import uuid
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from sessionize.cli.usage import user as command
from sessionize.usage import most_alike
from tests.command_line import ROOT, call
from tests.small_logs import at, events, rows


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    for name in ("s.parquet", "s.csv", "s.jsonl"):
        sz.run(ROOT / "sample_data/daily", folder / name)
    sz.run(ROOT / "sample_data/daily", folder / "s", partition_by="date")
    return folder


def of(table: Path, user: str) -> list[dict[str, Any]]:
    return [row for row in rows(pq.read_table(table)) if row["user_id"] == user]


@pytest.mark.parametrize("name", ["s.parquet", "s.csv", "s.jsonl", "s"])
def test_numbers_are_those_of_the_users_sessions(sample: Path, name: str) -> None:
    own = of(sample / "s.parquet", "000518")

    usage = sz.user(sample / name, "000518")

    assert usage.sessions == len(own)
    assert usage.first_used == min(row["start_time"] for row in own)
    assert usage.last_used == max(row["end_time"] for row in own)
    assert usage.total_seconds == pytest.approx(sum(row["duration_seconds"] for row in own))
    assert usage.median_seconds == median(row["duration_seconds"] for row in own)
    assert usage.events == sum(row["event_count"] for row in own)
    assert usage.active_days == len({row["start_time"].date() for row in own})


def test_last_ten_sessions_come_latest_first() -> None:
    times = [f"2026-01-{day:02} 09:00" for day in range(1, 13)]

    usage = sz.user(sz.sessionize(events(*times)), "A")

    assert [visit.start_time for visit in usage.last_sessions] == [at(time) for time in reversed(times[2:])]


def test_active_days_are_those_of_the_zone() -> None:
    sessions = sz.sessionize(events("2026-01-01 20:00", "2026-01-01 23:30"))

    assert sz.user(sessions, "A").active_days == 1
    assert sz.user(sessions, "A", timezone="Europe/Paris").active_days == 2


def test_zone_is_that_of_the_tables_rules(tmp_path: Path) -> None:
    sz.run(ROOT / "sample_data/daily", tmp_path / "s.parquet", timezone="Asia/Tokyo")

    assert sz.user(tmp_path / "s.parquet", "000518").timezone == "Asia/Tokyo"


def test_session_across_midnight_counts_for_the_day_of_its_start() -> None:
    usage = sz.user(sz.sessionize(events("2026-01-01 23:50", "2026-01-02 00:10")), "A")

    assert (usage.sessions, usage.active_days, usage.sessions_per_active_day) == (1, 1, 1.0)


# ---------------------------------------------------------------- who it is


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([7, 8]), "7"),
        (pa.array([2**63 + 5, 8], pa.uint64()), str(2**63 + 5)),
        (pa.array([True, False]), "true"),
        (pa.array([date(2026, 1, 5), date(2026, 1, 6)]), "2026-01-05"),
        (pa.array([Decimal("1.50"), Decimal("2.50")]), "1.50"),
        (pa.array([b"\x01\xff", b"\x02"]), "01ff"),
        (pa.array([uuid.UUID(int=5).bytes, uuid.UUID(int=6).bytes], pa.uuid()), str(uuid.UUID(int=5))),
        (pa.array(["", "x"]), ""),
        (pa.array(["x", "y"]).dictionary_encode(), "x"),
    ],
    ids=["integer", "large integer", "bool", "date", "decimal", "binary", "uuid", "empty text", "dictionary"],
)
def test_value_is_found_by_its_text_whatever_its_type(values: pa.Array, text: str) -> None:
    sessions = sz.sessionize(events("09:00", "10:00", who=values))

    assert sz.user(sessions, text).sessions == 1


def test_value_may_have_its_own_type() -> None:
    assert sz.user(sz.sessionize(events("09:00", who=[7])), 7).user == {"user_id": "7"}


def test_identity_of_several_columns_takes_a_value_each() -> None:
    sessions = sz.sessionize(
        events("09:00", "09:00", who=["1", "1"], site=pa.array(["a", "b"])), by=["site", "user_id"]
    )

    assert sz.user(sessions, ["b", "1"]).user == {"site": "b", "user_id": "1"}


def test_wrong_number_of_values_is_misuse() -> None:
    with pytest.raises(ValueError, match="a user is one user_id: give 1 value, not 2"):
        sz.user(sz.sessionize(events("09:00")), ["A", "B"])


def test_user_may_be_another_column_than_the_identity() -> None:
    log = events("09:00", "12:00", who=["d1", "d2"], owner=pa.array(["ada", "ada"]))

    assert sz.user(sz.sessionize(log, split_on="owner"), "ada", by="owner").sessions == 2


@pytest.mark.parametrize("value", ["518", "00518", "000518 ", "soon"])
def test_other_spelling_is_another_user(sample: Path, value: str) -> None:
    with pytest.raises(sz.InputError, match="no session of user_id"):
        sz.user(sample / "s.parquet", value)


def test_value_that_the_type_cannot_hold_is_nobody() -> None:
    with pytest.raises(sz.InputError, match="no session of user_id 'soon'"):
        sz.user(sz.sessionize(events("09:00", who=[7])), "soon")


@pytest.mark.parametrize(
    ("asked", "known", "alike"),
    [
        ("37", ["000037", "137", "37x"], ["000037", "37x", "137"]),
        ("ADA", ["ada", "bob"], ["ada"]),
        ("adda", ["ada", "bob"], ["ada"]),
        ("zzz", ["ada", "bob"], []),
        ("0", ["0000", "1"], []),
    ],
    ids=["without zeros", "other case", "a letter too many", "nobody", "nothing but zeros"],
)
def test_names_most_alike_are_suggested(asked: str, known: list[str], alike: list[str]) -> None:
    assert most_alike(asked, pa.array(known, pa.large_string())) == alike


def test_of_very_many_names_those_of_like_end_are_compared() -> None:
    known = pa.array([f"user-{number:07}" for number in range(20_000)], pa.large_string())

    assert most_alike("usr-0000123", known)[0] == "user-0000123"


# ---------------------------------------------------------------- the command


def test_command_shows_numbers_and_last_sessions(sample: Path) -> None:
    outcome = call("user", "s.parquet", "000518", "--timezone", "Europe/Paris", cwd=sample)

    lines = [line.rstrip() for line in outcome.stdout.splitlines()]
    assert outcome.exit_code == 0
    assert lines[:8] == [
        "user_id 000518",
        "sessions        8",
        "first used      2026-11-02 11:59:59",
        "last used       2026-11-06 21:58:22",
        "active days     5, 1.60 sessions on each",
        "total time      11 h 20 min",
        "median session  7 min 14 s",
        "events          100",
    ]
    assert lines[9] == "Last sessions, clocks of Europe/Paris"
    assert len(lines) == 12 + 8


def test_json_holds_plain_values(sample: Path) -> None:
    shown = json.loads(call("user", "s", "000518", "--json", cwd=sample).stdout)

    assert shown["user"] == {"user_id": "000518"}
    assert shown["sessions"] == len(shown["last_sessions"]) == 8
    assert shown["first_used"] == "2026-11-02T10:59:59.736000Z"


def test_unknown_user_is_refused_with_those_most_alike(sample: Path) -> None:
    outcome = call("user", "s.parquet", "518", cwd=sample)

    assert (outcome.exit_code, outcome.stdout) == (3, "")
    assert outcome.stderr == (
        "Error: s.parquet: no session of user_id '518'. Most alike: '000518', '005180'. "
        "Values are compared exactly.\n"
    )


def test_wrong_number_of_values_is_a_usage_error(sample: Path) -> None:
    outcome = call("user", "s.parquet", "1", "2", cwd=sample)

    assert outcome.exit_code == 2
    assert "give 1 value, not 2" in outcome.stderr


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_looks_like_markup_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = events("09:00", "09:01", who=["[red]A", "[red]A"], **{"[blue]": pa.array(["x", "y"])})
    pq.write_table(sz.sessionize(log, split_on="[blue]"), tmp_path / "s.parquet")
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "100")

    command.main([str(tmp_path / "s.parquet"), "[red]A"], standalone_mode=False)

    shown = click.unstyle(screen.getvalue())
    assert "user_id [red]A" in shown
    assert "change:[blue]" in shown


def test_durations_of_a_year_are_summed_exactly() -> None:
    starts = [at("09:00") + timedelta(days=day) for day in range(365)]
    log = pa.table(
        {
            "user_id": ["A"] * 730,
            "timestamp": pa.array(
                [*starts, *(start + timedelta(microseconds=100_001) for start in starts)],
                pa.timestamp("us", "UTC"),
            ),
        }
    )

    assert sz.user(sz.sessionize(log), "A").total_seconds == 36.500365
