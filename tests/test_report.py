"""The numbers of a report against plain Python over the sessions, and what it does with odd tables."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from sessionize.dashboard.rows import Reader
from sessionize.dashboard.spelled import duration
from sessionize.dashboard.still_open import StillOpen
from sessionize.rules import SessionRules
from sessionize.written.opening import open_written
from sessionize.zones import Zone
from tests.command_line import ROOT, call
from tests.report_pages import Page, page_of
from tests.small_logs import at, events, rows

SAMPLE = ROOT / "sample_data" / "daily"
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The sessions of the sample, in Paris."""
    path = tmp_path_factory.mktemp("sample") / "sessions.parquet"
    sz.run(SAMPLE, path, timezone="Europe/Paris")
    return pq.read_table(path)


@pytest.fixture(scope="module")
def page(sample: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(sample, tmp_path_factory.mktemp("page"))


def local(row: dict[str, Any], name: str = "start_time") -> datetime:
    moment = row[name]
    assert isinstance(moment, datetime)
    return moment.astimezone(PARIS)


def by_day(table: pa.Table) -> dict[date, list[dict[str, Any]]]:
    found: dict[date, list[dict[str, Any]]] = {}
    for row in rows(table):
        found.setdefault(local(row).date(), []).append(row)
    return found


# ---------------------------------------------------------------- the numbers


def test_tiles_sum_up_the_table(page: Page, sample: pa.Table) -> None:
    all_rows = rows(sample)
    users = {row["user_id"] for row in all_rows}
    single = sum(row["event_count"] == 1 for row in all_rows)

    assert page.figures["sessions"] == f"{len(all_rows):,}"
    assert page.figures["users"] == f"{len(users):,}"
    assert page.figures["sessions-per-user"] == f"{len(all_rows) / len(users):.2f}"
    assert page.figures["events"] == f"{sum(row['event_count'] for row in all_rows):,}"
    assert page.figures["single-event"] == f"{single / len(all_rows):.1%}".replace("%", " %")
    seconds = [row["duration_seconds"] for row in all_rows]
    assert page.figures["mean-duration"] == duration(fmean(seconds))
    assert page.figures["median-duration"] == duration(median(seconds))


def test_days_are_local_and_each_has_its_sessions_and_users(page: Page, sample: pa.Table) -> None:
    expected = by_day(sample)

    assert {row[0]: row[1] for row in page.tables["sessions"]} == {
        str(day): f"{len(found):,}" for day, found in expected.items()
    }
    assert {row[0]: row[1] for row in page.tables["users"]} == {
        str(day): f"{len({row['user_id'] for row in found}):,}" for day, found in expected.items()
    }


def test_day_stands_beside_the_day_as_long_before_as_is_compared(page: Page, sample: pa.Table) -> None:
    """Eight days have two halves of four."""
    counts = {day: len(found) for day, found in by_day(sample).items()}

    assert {row[0]: row[2] for row in page.tables["sessions"]} == {
        str(day): f"{counts[day - timedelta(4)]:,}" if day - timedelta(4) in counts else "–" for day in counts
    }


def test_user_is_new_on_the_day_of_the_first_session(page: Page, sample: pa.Table) -> None:
    first: dict[str, date] = {}
    for row in rows(sample):
        day = local(row).date()
        first[row["user_id"]] = min(day, first.get(row["user_id"], day))
    new = Counter(first.values())

    assert {row[0]: row[1] for row in page.tables["newcomers"]} == {
        str(day): f"{new[day]:,}" for day in by_day(sample)
    }


def test_hours_are_those_of_local_clocks(page: Page, sample: pa.Table) -> None:
    counts = Counter((f"{local(row):%a}", local(row).hour) for row in rows(sample))

    assert page.tables["hours"] == [
        [day, *(f"{counts[day, hour]:,}" for hour in range(24))]
        for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    ]


def test_distributions_count_every_session_once(page: Page, sample: pa.Table) -> None:
    for name in ("durations", "events", "reasons"):
        assert sum(int(row[1].replace(",", "")) for row in page.tables[name]) == len(sample)


def test_longest_sessions_stand_first(page: Page, sample: pa.Table) -> None:
    longest = sorted(rows(sample), key=lambda row: -row["duration_seconds"])[:10]

    assert [row[0] for row in page.tables["longest"]] == [row["user_id"] for row in longest]
    assert page.tables["longest"][0][0] == "uptime-monitor"


def test_users_with_most_sessions_stand_first(page: Page, sample: pa.Table) -> None:
    counts = Counter(row["user_id"] for row in rows(sample))

    found = {row[0]: int(row[1]) for row in page.tables["busiest"]}

    assert list(found.values()) == sorted(counts.values(), reverse=True)[:10]
    assert all(counts[user] == count for user, count in found.items())


def test_open_sessions_are_those_of_the_run(page: Page) -> None:
    *_, summary = sz.sessionize(pq.read_table(ROOT / "sample_data/events.parquet"), return_summary=True)

    assert page.row("quality", "Sessions that may still grow")[0] == f"{summary.open_sessions:,}"


def test_open_sessions_are_counted_by_identity_whoever_the_user_is(tmp_path: Path) -> None:
    log = events("09:00", "09:00", who=["d1", "d2"], owner=pa.array(["ada", "ada"]))
    pq.write_table(log, tmp_path / "log.parquet")
    sz.run(tmp_path / "log.parquet", tmp_path / "s.parquet", agg={"owner": "first:owner"})

    page = page_of(tmp_path / "s.parquet", tmp_path, by="owner")

    assert page.row("quality", "Sessions that may still grow")[0] == "2"


@pytest.mark.parametrize(
    ("bar", "seconds"),
    [
        ("0 s", 0.0),
        ("under 1 s", 0.999999),
        ("1 s to 10 s", 1.0),
        ("30 min to 1 h", 1800.0),
        ("7 d and more", 604800.0),
    ],
    ids=["nothing", "just below a bound", "exactly a bound", "the usual timeout", "a week"],
)
def test_session_lies_in_the_bar_whose_lower_bound_it_reaches(
    bar: str, seconds: float, tmp_path: Path
) -> None:
    assert page_of(table(seconds=[seconds]), tmp_path).tables["durations"] == [[bar, "1", "100.0 %"]]


@pytest.mark.parametrize(
    ("bar", "count"), [("1", 1), ("5", 5), ("6 to 10", 6), ("6 to 10", 10), ("10,001 and more", 1 << 40)]
)
def test_number_of_events_has_its_bar(bar: str, count: int, tmp_path: Path) -> None:
    assert page_of(table(events=[count]), tmp_path).tables["events"] == [[bar, "1", "100.0 %"]]


def table(
    users: Any = None, seconds: Any = None, events: Any = None, starts: Any = None, **columns: Any
) -> pa.Table:
    """A sessions table by hand: one session of A at nine unless told otherwise."""
    size = len(next(given for given in (users, seconds, events, starts, [0]) if given is not None))
    start = [at("09:00")] * size if starts is None else [at(text) for text in starts]
    length = [60.0] * size if seconds is None else seconds
    return pa.table(
        {
            "session_id": [f"s{place}" for place in range(size)],
            "user_id": ["A"] * size if users is None else users,
            "start_time": pa.array(start, pa.timestamp("us", "UTC")),
            "end_time": pa.array(
                [begin + timedelta(seconds=each) for begin, each in zip(start, length, strict=True)],
                pa.timestamp("us", "UTC"),
            ),
            "duration_seconds": pa.array(length, pa.float64()),
            "event_count": pa.array([2] * size if events is None else events, pa.int64()),
            "start_reason": ["inactivity"] * size,
            **columns,
        }
    )


# ---------------------------------------------------------------- the period


def test_period_that_is_asked_for_is_compared_with_as_many_days_before(tmp_path: Path) -> None:
    sessions = table(starts=[f"2026-01-{day:02} 09:00" for day in (1, 3, 4, 4, 5, 9)])

    page = page_of(sessions, tmp_path, from_date="2026-01-04", to_date="2026-01-05")

    assert page.figures["period"] == "2026-01-04 to 2026-01-05"
    assert page.figures["sessions"] == "3"
    assert page.row("comparison", "sessions") == ["3", "1", "+200.0 %"]


def test_session_before_the_period_makes_its_user_a_returning_one(tmp_path: Path) -> None:
    sessions = table(
        users=["ada", "ada", "bob"], starts=["2026-01-01 09:00", "2026-01-04 09:00", "2026-01-04 09:00"]
    )

    page = page_of(sessions, tmp_path, from_date=date(2026, 1, 4))

    assert page.tables["newcomers"] == [["2026-01-04", "1", "1"]]


def _store(folder: Path) -> Path:
    sz.SessionStore(folder / "store").update([SAMPLE])
    return folder / "store"


def _folder(folder: Path) -> Path:
    sz.run(SAMPLE, folder / "by_day", partition_by="date")
    return folder / "by_day"


@pytest.mark.parametrize("make", [_store, _folder])
def test_what_begins_after_the_period_is_not_read(make: Callable[[Path], Path], tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = page_of(_table_of(_folder(tmp_path / "whole")), tmp_path, to_date="2026-11-04")
    made = make(tmp_path)
    for data in made.glob("session_date=2026-11-07/*.parquet"):
        _damage(data)

    page = page_of(made, tmp_path, to_date="2026-11-04")

    assert (page.figures, page.tables) == (whole.figures, whole.tables)
    assert page.row("quality", "Sessions that may still grow")[0] == "1"  # the monitor that never sleeps
    with pytest.raises(sz.SessionizeError, match="cannot be read"):
        page_of(made, tmp_path)


def test_session_that_a_later_event_shows_to_be_closed_does_not_grow() -> None:
    sessions, still_open = table(), StillOpen(SessionRules())
    layout = open_written(sessions).layout
    found, _ = Reader(layout, layout.users(None), Zone.named("UTC")).read(sessions)
    end_us = int(found.end_us[0])

    still_open.note_event(end_us)
    still_open.add(found)
    still_open.note_event(end_us + 1_800_000_001)

    assert still_open.count() == 0


def _table_of(folder: Path) -> pa.Table:
    files = sorted(folder.glob("session_date=*/*.parquet"))
    return pa.concat_tables([pq.ParquetFile(file).read() for file in files])


def _damage(parquet: Path) -> None:
    """Lose the rows of a file, and keep its footer."""
    size = parquet.stat().st_size
    footer = parquet.read_bytes()[pq.read_metadata(parquet).serialized_size * -1 - 8 :]
    parquet.write_bytes(b"PAR1".ljust(size - len(footer), b"\0") + footer)


def test_days_without_sessions_are_shown_as_such(tmp_path: Path) -> None:
    page = page_of(table(starts=["2026-01-01 09:00", "2026-01-03 09:00"]), tmp_path)

    assert [row[:2] for row in page.tables["sessions"]] == [
        ["2026-01-01", "1"],
        ["2026-01-02", "0"],
        ["2026-01-03", "1"],
    ]
    assert page.row("quality", "Days without sessions") == ["1", "of 3"]


def test_single_day_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert "comparison" not in page_of(table(), tmp_path).tables


def test_charts_by_day_show_two_years_at_most(tmp_path: Path) -> None:
    page = page_of(table(starts=["2020-01-01 09:00", "2026-01-01 09:00"]), tmp_path)

    assert len(page.tables["sessions"]) == 731
    assert page.figures["sessions"] == "2"


@pytest.mark.parametrize(
    ("days", "compared"),
    [(2, 1), (13, 6), (15, 7), (27, 7), (28, 14), (100, 28)],
    ids=["two days", "no two weeks", "two weeks", "nearly four", "four weeks", "months"],
)
def test_comparison_is_of_whole_weeks_where_they_fit_twice(days: int, compared: int, tmp_path: Path) -> None:
    starts = [str(date(2026, 1, 1) + timedelta(day)) + " 09:00" for day in range(days)]

    page = page_of(table(starts=starts), tmp_path)

    assert page.row("comparison", "sessions")[:2] == [str(compared), str(compared)]


def test_zone_decides_the_day(tmp_path: Path) -> None:
    sessions = table(starts=["2026-01-01 23:30"])

    assert page_of(sessions, tmp_path).figures["period"] == "2026-01-01"
    assert page_of(sessions, tmp_path, timezone="Europe/Paris").figures["period"] == "2026-01-02"


@pytest.mark.parametrize(
    ("instant", "hour"),
    [("2026-10-25 00:30", 2), ("2026-10-25 01:30", 2), ("2026-03-29 00:59", 1), ("2026-03-29 01:00", 3)],
    ids=["first pass", "second pass", "before the skip", "after the skip"],
)
def test_hour_at_a_clock_change_is_what_the_clock_showed(instant: str, hour: int, tmp_path: Path) -> None:
    page = page_of(table(starts=[instant]), tmp_path, timezone="Europe/Paris")

    assert page.row("hours", "Sun")[hour] == "1"


# ---------------------------------------------------------------- who is a user


def test_user_may_be_another_column_than_the_identity(tmp_path: Path) -> None:
    sessions = table(users=["d1", "d2", "d3"], owner=pa.array(["ada", "ada", None]))

    page = page_of(sessions, tmp_path, by=["owner"])

    assert (page.figures["users"], page.figures["sessions-per-user"]) == ("1", "2.00")
    assert page.row("quality", "Sessions without a user") == ["1", "33.3 %"]


def test_user_may_be_several_columns(tmp_path: Path) -> None:
    sessions = table(users=["1", "1", "2"], site=pa.array(["a", "b", "a"]))

    assert page_of(sessions, tmp_path, by=["site", "user_id"]).figures["users"] == "3"


def test_empty_name_is_a_user_that_can_be_seen(tmp_path: Path) -> None:
    assert page_of(table(users=[""]), tmp_path).tables["busiest"][0][0] == "(empty)"


def test_table_without_known_users_has_none(tmp_path: Path) -> None:
    page = page_of(table(owner=pa.array([None], pa.string())), tmp_path, by="owner")

    assert (page.figures["users"], page.figures["sessions-per-user"]) == ("0", "–")
    assert page.tables["longest"][0][0] == "(none)"


# ---------------------------------------------------------------- the table


def test_order_of_the_rows_changes_nothing(sample: pa.Table, tmp_path: Path) -> None:
    shuffled = sample.take(pa.array(np.random.default_rng(1).permutation(len(sample))))
    sz.report(sample, tmp_path / "one.html")
    sz.report(shuffled, tmp_path / "two.html")

    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_pieces_of_the_table_change_nothing(
    sample: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sz.report(sample, tmp_path / "one.html")
    monkeypatch.setattr("sessionize.written.opening.TABLE_ROWS", 7)
    monkeypatch.setattr("sessionize.dashboard.counts._WAITING", 1)
    sz.report(sample, tmp_path / "two.html")

    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


@pytest.mark.parametrize("kind", [pa.Table.to_pandas, pl.from_arrow], ids=["pandas", "polars"])
def test_data_frames_give_the_numbers_of_the_table(
    kind: Any, sample: pa.Table, page: Page, tmp_path: Path
) -> None:
    assert page_of(kind(sample), tmp_path, timezone="Europe/Paris").figures == page.figures


def test_times_may_be_text_as_pandas_reads_them_from_csv(tmp_path: Path) -> None:
    sz.run(SAMPLE, tmp_path / "s.csv")
    frame = pd.read_csv(tmp_path / "s.csv", dtype={"user_id": str})

    assert page_of(frame, tmp_path).figures["sessions"] == "600"


def test_column_that_cannot_be_what_it_says_is_named(tmp_path: Path) -> None:
    broken = table().set_column(2, "start_time", pa.array(["soon"]))

    with pytest.raises(sz.InputError, match="<sessions>: column 'start_time' is string, not timestamp"):
        sz.report(broken, tmp_path / "report.html")


def test_rows_that_are_no_whole_sessions_are_counted_and_left_out(tmp_path: Path) -> None:
    odd = pa.array([60.0, None, -1.0, float("nan")])
    sessions = table(seconds=[60.0] * 4).set_column(4, "duration_seconds", odd)

    page = page_of(sessions, tmp_path)

    assert page.figures["sessions"] == "1"
    assert page.row("quality", "Rows left out")[0] == "3"


def test_table_without_a_whole_session_has_none(tmp_path: Path) -> None:
    sz.run(SAMPLE, tmp_path / "s.parquet")
    whole = pq.read_table(tmp_path / "s.parquet")
    broken = whole.set_column(4, "duration_seconds", pa.nulls(len(whole), pa.float64()))

    assert "no session" in page_of(broken, tmp_path).figures["empty"]


def test_rejected_rows_beside_the_table_are_counted_by_reason(tmp_path: Path) -> None:
    log = "user_id,timestamp\nada,2026-01-01T09:00:00Z\n,2026-01-01T09:00:00Z\nada,soon\nada,\n,\n"
    (tmp_path / "log.csv").write_text(log, encoding="utf-8")
    sz.run(tmp_path / "log.csv", tmp_path / "s.csv", max_rejected="90%")

    page = page_of(tmp_path / "s.csv", tmp_path)

    assert page.row("quality", "Input rows rejected by the run") == [
        "4",
        "2 missing_identity, 1 unparseable_time, 1 missing_time",
    ]


def test_table_without_rejected_rows_says_nothing_of_them(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "s.parquet")
    (tmp_path / "s.parquet.rejected.jsonl").touch()

    found = [row[0] for row in page_of(tmp_path / "s.parquet", tmp_path).tables["quality"]]

    assert "Input rows rejected by the run" not in found


def test_rules_of_the_table_are_explained(page: Page, tmp_path: Path) -> None:
    sz.run(SAMPLE, tmp_path / "s.parquet", rules=sz.SessionRules.preset("ga4").evolve(timeout="45m"))

    sz.report(tmp_path / "s.parquet", tmp_path / "report.html")

    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Preset: ga4" in text
    assert "more than 45m have passed since the one before" in text
    assert "<code>--timeout 45m</code>" in text


def test_table_that_does_not_know_its_rules_says_so(tmp_path: Path) -> None:
    page = page_of(table(), tmp_path)

    assert page.row("quality", "Sessions that may still grow") == ["–", "the table does not say its rules"]
    assert "does not say by which rules" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_stays_small(tmp_path: Path) -> None:
    sz.report(table(starts=["2020-01-01 09:00", "2026-01-01 09:00"]), tmp_path / "report.html")

    assert (tmp_path / "report.html").stat().st_size < 3_000_000


# ---------------------------------------------------------------- the output


def test_report_returns_the_numbers_of_the_period(tmp_path: Path) -> None:
    made = sz.report(table(users=["ada", "bob"]), str(tmp_path / "report.html"))

    assert made.totals is not None
    assert (made.totals.sessions, made.totals.users, made.first_day) == (2, 2, date(2026, 1, 1))


def test_progress_is_told_of_every_row(tmp_path: Path) -> None:
    told: list[int] = []

    sz.report(table(users=["ada", "bob"]), tmp_path / "report.html", progress=told.append)

    assert sum(told) == 2


def test_old_page_stands_where_the_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old", encoding="utf-8")

    with pytest.raises(sz.MissingColumnError):
        sz.report(pa.table({"x": [1]}), tmp_path / "report.html")

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "old"


def test_output_that_is_no_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sessions.parquet: a report is a web page"):
        sz.report(table(), tmp_path / "sessions.parquet")


def test_output_without_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sz.OutputError, match="there is no folder"):
        sz.report(table(), tmp_path / "nowhere" / "report.html")


def test_output_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()

    with pytest.raises(sz.OutputError, match="a folder stands there"):
        sz.report(table(), tmp_path / "report.html")


def test_output_in_a_folder_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)

    with pytest.raises(sz.OutputError, match="not writable"):
        sz.report(table(), tmp_path / "report.html")


def test_missing_library_is_named_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "sessionize.dashboard.page", raising=False)
    monkeypatch.delattr("sessionize.dashboard.page", raising=False)
    monkeypatch.setitem(sys.modules, "vl_convert", None)

    with pytest.raises(ModuleNotFoundError, match=r"needs vl_convert.*sessionize\[report\]"):
        sz.report(table(), tmp_path / "report.html")


# ---------------------------------------------------------------- the command


@pytest.fixture
def job(tmp_path: Path) -> Path:
    pq.write_table(table(users=["ada", "bob", "ada"]), tmp_path / "s.parquet")
    return tmp_path


def test_command_writes_the_page_and_says_what_it_is_about(job: Path) -> None:
    outcome = call("report", "s.parquet", "-o", "report.html", "--title", "Shop", cwd=job)

    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert outcome.stderr.splitlines() == [
        "sessions  3 of 2 users, from 2026-01-01 to 2026-01-01 (UTC)",
        "output    report.html",
    ]
    assert "<title>Shop</title>" in (job / "report.html").read_text(encoding="utf-8")


def test_json_prints_the_numbers(job: Path) -> None:
    outcome = call("report", "s.parquet", "-o", "report.html", "--json", "--to", "2026-01-01", cwd=job)

    assert outcome.stdout.startswith(
        '{"output": "report.html", "first_day": "2026-01-01", "last_day": "2026-01-01", "timezone": "UTC", '
        '"sessions": 3, "users": 2, "sessions_per_user": 1.5,'
    )


def test_period_without_sessions_makes_a_page_that_says_so(job: Path) -> None:
    outcome = call("report", "s.parquet", "-o", "report.html", "--from", "2027-01-01", cwd=job)

    assert (outcome.exit_code, outcome.stderr.splitlines()[0]) == (0, "sessions  none")
    assert "no session" in Page((job / "report.html").read_text(encoding="utf-8")).figures["empty"]


def test_json_of_nothing_has_no_days(job: Path) -> None:
    outcome = call("report", "s.parquet", "-o", "report.html", "--from", "2027-01-01", "--json", cwd=job)

    assert '"first_day": null' in outcome.stdout
    assert '"sessions": 0' in outcome.stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        ("missing.parquet -o r.html", 3, "missing.parquet: no such file or folder"),
        ("s.parquet -o r.txt", 2, "r.txt: a report is a web page"),
        ("s.parquet -o nowhere/r.html", 1, "there is no folder"),
        ("s.parquet -o r.html --from soon", 2, "'--from': from 'soon' is no date"),
        ("s.parquet -o r.html --from 2026-02-01 --to 2026-01-01", 2, "the end is before the beginning"),
        ("s.parquet -o r.html --timezone Europe/Pariss", 2, "did you mean 'Europe/Paris'?"),
        ("s.parquet -o r.html --by owner", 3, "s.parquet: no column 'owner'. Found: session_id, user_id"),
    ],
    ids=["no table", "no page", "no folder", "no date", "wrong way round", "no zone", "no column"],
)
def test_mistake_is_one_clear_line(job: Path, words: str, exit_code: int, message: str) -> None:
    outcome = call("report", *words.split(), cwd=job)

    assert outcome.exit_code == exit_code
    assert message in outcome.stderr
