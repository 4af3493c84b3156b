"""History in steps: which files, in which order, and what a second attempt finds."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

import sessionize as sz
from sessionize.errors import InputError, RejectedRowsError, StoreError
from sessionize.store.snapshot import ledger_of
from sessionize.store.table import SessionsTable
from tests.command_line import ROOT
from tests.nights import Nights
from tests.store_files import put

SAMPLE = ROOT / "sample_data" / "daily"
HEADER = "user_id,timestamp\n"


def event(day: str, clock: str = "09:00", who: str = "ada") -> str:
    return f"{HEADER}{who},{day}T{clock}:00Z\n"


def files_in(store: sz.SessionStore) -> list[str]:
    """The files of the ledger, by name."""
    return [Path(path).name for path in ledger_of(SessionsTable.open(store.location)).files]


def days(summary: sz.BackfillSummary) -> list[tuple[str, str]]:
    return [(str(step.days.first), str(step.days.last)) for step in summary.steps]


@pytest.fixture
def store(tmp_path: Path) -> sz.SessionStore:
    return sz.SessionStore(tmp_path / "store")


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """A file a day, from Monday to Sunday."""
    for day in range(23, 30):
        put(tmp_path / "week" / f"2026-11-{day}.csv", event(f"2026-11-{day}"))
    return tmp_path / "week"


def test_each_step_is_one_commit(store: sz.SessionStore, week: Path) -> None:
    summary = store.backfill(week, "2026-11-23", "2026-11-29", step="3d")

    assert days(summary) == [
        ("2026-11-23", "2026-11-25"),
        ("2026-11-26", "2026-11-28"),
        ("2026-11-29", "2026-11-29"),
    ]
    assert [step.update.table_version for step in summary.steps] == [1, 2, 3]
    assert summary.is_complete


def test_files_outside_the_period_stay_out(store: sz.SessionStore, week: Path) -> None:
    store.backfill(week, date(2026, 11, 24), date(2026, 11, 25))

    assert files_in(store) == ["2026-11-24.csv", "2026-11-25.csv"]


PERIODS = [(2, 3), (4, 5), (6, 7), (8, 8)]


@pytest.mark.parametrize("rules", [{}, {"max_events": 7, "split_on": "platform"}], ids=["silence", "events"])
@pytest.mark.parametrize(
    "periods",
    [PERIODS, PERIODS[::-1], random.Random(5).sample(PERIODS, len(PERIODS))],
    ids=["forwards", "backwards", "shuffled"],
)
def test_any_order_of_steps_gives_the_table_of_one_run(
    store: sz.SessionStore, tmp_path: Path, periods: Sequence[tuple[int, int]], rules: dict[str, Any]
) -> None:
    for first, last in periods:
        store.backfill(SAMPLE, f"2026-11-0{first}", f"2026-11-0{last}", **rules)

    other = sz.SessionStore(tmp_path / "other")
    other.update(SAMPLE, **rules)
    assert store.sessions() == other.sessions()
    assert store.verify().agrees


def test_backwards_the_latest_step_comes_first(store: sz.SessionStore, week: Path) -> None:
    summary = store.backfill(week, "2026-11-23", "2026-11-26", step="2d", backwards=True)

    assert days(summary) == [("2026-11-25", "2026-11-26"), ("2026-11-23", "2026-11-24")]


def test_a_backfill_that_failed_goes_on_where_it_was(store: sz.SessionStore, week: Path) -> None:
    put(week / "2026-11-24.csv", f"{HEADER},2026-11-24T09:00:00Z\n")
    with pytest.raises(RejectedRowsError):
        store.backfill(week, "2026-11-23", "2026-11-25", step="1d")
    assert files_in(store) == ["2026-11-23.csv"]

    put(week / "2026-11-24.csv", event("2026-11-24"))
    again = store.backfill(week, "2026-11-23", "2026-11-25", step="1d")

    assert [step.update.changed_nothing for step in again.steps] == [True, False, False]
    assert store.verify().agrees


def test_asked_to_stop_it_ends_after_the_step(store: sz.SessionStore, week: Path) -> None:
    done: list[sz.BackfillStep] = []

    summary = store.backfill(
        week, "2026-11-23", "2026-11-25", step="1d", stop=lambda: len(done) == 2, stepped=done.append
    )

    assert [step.number for step in done] == [1, 2]
    assert not summary.is_complete
    assert summary.as_dict()["planned_steps"] == 3
    assert files_in(store) == ["2026-11-23.csv", "2026-11-24.csv"]


def test_rejected_rows_of_all_steps_are_told_together(store: sz.SessionStore, week: Path) -> None:
    for day in (23, 25):
        put(week / f"2026-11-{day}.csv", f"{event(f'2026-11-{day}')}bob,\n")

    summary = store.backfill(week, "2026-11-23", "2026-11-25", step="1d", max_rejected=1)

    assert summary.rejected["reason"].to_pylist() == ["missing_time"] * 2
    assert summary.tally.rejected == 2
    assert store.rejected().num_rows == 2


def test_a_period_without_files_is_refused(store: sz.SessionStore, week: Path) -> None:
    with pytest.raises(InputError, match=r"none of 7 files is of 2025-01-01 to 2025-01-07\."):
        store.backfill(week, "2025-01-01", "2025-01-07")


def test_a_period_may_be_without_files_if_allowed(store: sz.SessionStore, week: Path) -> None:
    summary = store.backfill(week, "2025-01-01", "2025-01-07", allow_empty=True)

    assert (summary.steps, summary.is_complete) == ([], True)


def test_the_date_pattern_says_where_the_date_is(store: sz.SessionStore, tmp_path: Path) -> None:
    put(tmp_path / "shop_23.11.2026.csv", event("2026-11-23"))

    store.backfill(tmp_path / "shop_23.11.2026.csv", "2026-11-23", "2026-11-23", date_pattern="shop_%d.%m.%Y")

    assert files_in(store) == ["shop_23.11.2026.csv"]


def test_a_dry_run_writes_nothing(store: sz.SessionStore, week: Path) -> None:
    summary = store.backfill(week, "2026-11-23", "2026-11-24", step="1d", dry_run=True)

    assert [len(step.update.new) for step in summary.steps] == [1, 1]
    assert not Path(store.location).exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("23.11.2026", "2026-11-24"), "no date"),
        ((datetime(2026, 11, 23, 9), "2026-11-24"), "is a time"),
        (("2026-11-24", "2026-11-23"), "before it begins"),
    ],
    ids=["not ISO", "a time", "wrong way round"],
)
def test_what_is_no_period_is_a_value_error(
    store: sz.SessionStore, week: Path, given: tuple[str | date, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        store.backfill(week, *given)


# ---------------------------------------------------------------- corrected periods


def test_replace_sees_a_correction_that_left_size_and_time_as_they_were(
    store: sz.SessionStore, week: Path
) -> None:
    store.backfill(week, "2026-11-23", "2026-11-29")
    file = week / "2026-11-24.csv"
    modified_ns = file.stat().st_mtime_ns
    file.write_text(event("2026-11-24", who="bob"))
    os.utime(file, ns=(modified_ns, modified_ns))
    assert store.backfill(week, "2026-11-23", "2026-11-29").steps[0].update.changed_nothing

    (step,) = store.backfill(week, "2026-11-23", "2026-11-29", replace=True).steps

    assert step.update.changed == [str(file)]
    assert store.verify().agrees


def test_replace_leaves_files_outside_the_period_alone(store: sz.SessionStore, week: Path) -> None:
    store.update(week)
    put(week / "2026-11-23.csv", event("2026-11-23", who="bob"))
    put(week / "2026-11-29.csv", event("2026-11-29", who="bob"))

    (step,) = store.backfill(week, "2026-11-23", "2026-11-24", replace=True).steps

    assert step.update.changed == [str(week / "2026-11-23.csv")]


def test_replace_takes_out_what_was_delivered_anew_under_other_names(
    store: sz.SessionStore, tmp_path: Path
) -> None:
    day = tmp_path / "logs" / "dt=2026-11-23"
    old = put(day / "part-0-aaaa.csv", event("2026-11-23"))
    store.update(tmp_path / "logs")
    old.unlink()
    put(day / "part-0-bbbb.csv", event("2026-11-23", "09:05", "bob"))
    put(day / "part-1-bbbb.csv", event("2026-11-23", "09:05"))

    (step,) = store.backfill(tmp_path / "logs", "2026-11-23", "2026-11-23", replace=True).steps

    assert step.update.forgotten == [str(old)]
    assert files_in(store) == ["part-0-bbbb.csv", "part-1-bbbb.csv"]
    assert store.verify().agrees


def test_replace_takes_the_same_content_under_another_name(store: sz.SessionStore, week: Path) -> None:
    store.update(week)
    (week / "2026-11-23.csv").rename(week / "2026-11-23-again.csv")

    store.backfill(week, "2026-11-23", "2026-11-23", replace=True)

    assert "2026-11-23-again.csv" in files_in(store)
    assert len(store.sessions()) == 7


def test_replace_keeps_a_day_of_which_no_file_is_left(store: sz.SessionStore, week: Path) -> None:
    store.update(week)
    (week / "2026-11-23.csv").unlink()

    store.backfill(week, "2026-11-23", "2026-11-29", replace=True)

    assert len(files_in(store)) == 7


def test_replace_keeps_the_files_of_other_folders(store: sz.SessionStore, tmp_path: Path) -> None:
    for place in ("web", "app"):
        put(tmp_path / "logs" / place / "2026-11-23.csv", event("2026-11-23", who=place))
    store.update(tmp_path / "logs")
    (tmp_path / "logs" / "app" / "2026-11-23.csv").unlink()

    store.backfill(tmp_path / "logs", "2026-11-23", "2026-11-23", replace=True)

    assert len(files_in(store)) == 2


def test_replace_knows_the_days_of_a_nameless_file_by_its_events(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(old := nights.write("one", "09:00"), other := nights.write("two", "2026-01-05 09:00"))
    old.unlink()
    other.unlink()
    nights.write("three", "12:00")

    (step,) = nights.store.backfill(nights.raw, "2026-01-01", "2026-01-01", replace=True).steps

    assert step.update.forgotten == [str(old)]
    assert files_in(nights.store) == ["three.parquet", "two.parquet"]


def test_replace_by_a_pattern_keeps_what_the_pattern_does_not_fit(
    store: sz.SessionStore, tmp_path: Path
) -> None:
    other = put(tmp_path / "logs" / "extra.csv", event("2026-11-23"))
    put(tmp_path / "logs" / "x-23.11.2026.csv", event("2026-11-23", "12:00"))
    store.update(tmp_path / "logs")
    other.unlink()

    store.backfill(tmp_path / "logs", "2026-11-23", "2026-11-23", replace=True, date_pattern="x-%d.%m.%Y")

    assert files_in(store) == ["extra.csv", "x-23.11.2026.csv"]


def test_a_step_waits_for_another_writer_no_longer_than_told(
    store: sz.SessionStore, week: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise StoreError("another one writes")

    monkeypatch.setattr("sessionize.store.backfill.locked", busy)

    with pytest.raises(StoreError, match="another one writes"):
        store.backfill(week, "2026-11-23", "2026-11-24", lock_timeout="0s")
