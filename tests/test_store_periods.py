"""Which files a backfill reads, and in which steps."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sessionize.errors import InputError
from sessionize.reading.folders import place_of
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import Source
from sessionize.reading.suffixes import hive_columns
from sessionize.store.periods import DatePattern, Days, Step, days_of, steps
from tests.store_files import source

UTC = ReadOptions()
NOVEMBER = Days(date(2026, 11, 1), date(2026, 11, 30))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(name: str) -> Source:
    """A file that is only looked at by its name."""
    return Source(place_of(name), "csv", partition=hive_columns(name))


def daily(*days: int) -> list[Source]:
    return [named(f"2026-11-{day:02}.csv") for day in days]


def parquet(name: str, *times: datetime, zone: str | None = "UTC", column: str = "timestamp") -> Source:
    pq.write_table(pa.table({column: pa.array(times, pa.timestamp("us", zone))}), name)
    return source(name)


def stretch(first: str, last: str) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(last))


def day(text: str) -> Days:
    return stretch(text, text)


def shown(found: list[Step]) -> list[tuple[int, int, list[str]]]:
    return [
        (step.days.first.day, step.days.last.day, [source.name[8:10] for source in step.sources])
        for step in found
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dt=2026-11-23/x.csv", day("2026-11-23")),
        ("DT=20261123/x.csv", day("2026-11-23")),
        ("session_date=2026-11-23/x.csv", day("2026-11-23")),
        ("dt=2026-11-23/exported-2026-12-01.csv", day("2026-11-23")),
        ("dt=2026-11-23/hour=07/x.csv", day("2026-11-23")),
        ("year=2026/month=11/day=23/x.csv", day("2026-11-23")),
        ("year=2026/month=2/day=3/x.csv", day("2026-02-03")),
        ("year=2028/month=02/x.csv", stretch("2028-02-01", "2028-02-29")),
        ("year=2026/x.csv", stretch("2026-01-01", "2026-12-31")),
        ("year=2026/day=23/x.csv", stretch("2026-01-01", "2026-12-31")),
        ("dt=__HIVE_DEFAULT_PARTITION__/2026-11-23.csv", day("2026-11-23")),
        ("site=2026-11-22/x-2026-11-23.csv", day("2026-11-23")),
        ("event_day=2026-11-23/x.csv", day("2026-11-23")),
        ("events-2026-11-23.csv.gz", day("2026-11-23")),
        ("events_20261123T07.jsonl", day("2026-11-23")),
        ("logs/2026/11/23/x.csv", day("2026-11-23")),
        ("backup-2026-12-31/2026-11-23.csv", day("2026-11-23")),
        ("2026-11-23/part-20269999.csv", day("2026-11-23")),
        ("year=20xx/x.csv", None),
        ("year=2026/month=13/x.csv", None),
        ("month=11/day=23/x.csv", None),
        ("events-1767225600123.csv", None),
        ("2026-00-10.csv", None),
        ("0000-01-01.csv", None),
        ("events.csv", None),
    ],
)
def test_days_of_a_file_are_those_of_its_path(name: str, expected: Days | None) -> None:
    assert days_of(named(name), UTC) == expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("%d.%m.%Y", "shop 23.11.2026.csv", day("2026-11-23")),
        ("events-%Y%m%d%H", "events-2026112307.csv", day("2026-11-23")),
        ("log.%Y-%m.", "log.2026-11.csv", stretch("2026-11-01", "2026-11-30")),
        ("y%Y", "y2026.csv", stretch("2026-01-01", "2026-12-31")),
        ("100%%-%Y-%m-%d", "100%-2026-11-23.csv", day("2026-11-23")),
        ("a.%Y%m%d", "ab20261123.csv", None),
        ("%Y%m%d", "20261323.csv", None),
        ("export-%Y%m%d", "dt=2026-11-23/export-20261124.csv", day("2026-11-24")),
        ("export-%Y%m%d", "dt=2026-11-23/x.csv", None),
    ],
)
def test_date_pattern_says_where_the_date_is(pattern: str, name: str, expected: Days | None) -> None:
    assert days_of(named(name), UTC, DatePattern(pattern)) == expected


@pytest.mark.parametrize("pattern", ["events", "%m-%d", "%Y-%d", "%Y%Y", "%Y-%j", "%Y%"])
def test_date_pattern_that_finds_no_date_is_misuse(pattern: str) -> None:
    with pytest.raises(ValueError, match="write %Y, %m and %d, each once"):
        DatePattern(pattern)


def test_days_of_parquet_without_a_date_are_those_of_its_statistics() -> None:
    found = parquet("x.parquet", datetime(2026, 11, 23, 23, 30), datetime(2026, 11, 24, 1))

    assert days_of(found, UTC) == stretch("2026-11-23", "2026-11-24")
    assert days_of(found, ReadOptions(timezone="Europe/Paris")) == day("2026-11-24")


def test_date_in_a_name_is_believed_over_statistics() -> None:
    found = parquet("2026-11-23.parquet", datetime(2026, 11, 24))

    assert days_of(found, UTC) == day("2026-11-23")


def test_parquet_without_the_time_column_says_nothing() -> None:
    assert days_of(parquet("x.parquet", datetime(2026, 11, 23), column="ts"), UTC) is None


def test_parquet_without_rows_says_nothing() -> None:
    assert days_of(parquet("x.parquet"), UTC) is None


def test_files_outside_the_period_are_left_out() -> None:
    period = stretch("2026-11-02", "2026-11-03")

    found = steps(daily(1, 2, 3, 4), period, reading=UTC)

    assert shown(found) == [(2, 3, ["02", "03"])]


def test_steps_begin_at_the_period_and_the_last_is_cut() -> None:
    found = steps(daily(30, 1, 8, 7, 29), NOVEMBER, reading=UTC)

    assert shown(found) == [(1, 7, ["01", "07"]), (8, 14, ["08"]), (29, 30, ["29", "30"])]


def test_backwards_is_the_same_steps_from_the_last() -> None:
    files = daily(1, 8, 29)

    forwards = steps(files, NOVEMBER, reading=UTC)
    backwards = steps(files, NOVEMBER, reading=UTC, backwards=True)

    assert backwards == forwards[::-1]


def test_length_of_a_step_is_chosen() -> None:
    found = steps(daily(1, 2, 3), NOVEMBER, reading=UTC, length=timedelta(days=1))

    assert [step.days.first.day for step in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "first"),
    [("year=2026/month=11/x.csv", "2026-11-10"), ("year=2026/x.csv", "2026-11-10")],
    ids=["reaches over both ends", "a year"],
)
def test_file_of_several_days_is_read_once_where_the_period_begins(name: str, first: str) -> None:
    period = stretch(first, "2026-11-25")

    (step,) = steps([named(name)], period, reading=UTC)

    assert step.days.first == period.first


def test_files_of_a_step_stand_in_the_order_of_their_days_then_as_given() -> None:
    given = [named("b/2026-11-02.csv"), named("a/2026-11-02.csv"), named("z/2026-11-01.csv")]

    (step,) = steps(given, NOVEMBER, reading=UTC)

    assert [source.name[0] for source in step.sources] == ["z", "b", "a"]


def test_period_without_files_has_no_steps() -> None:
    assert steps(daily(1), day("2026-12-01"), reading=UTC) == []


def test_pattern_chooses_files() -> None:
    given = [named("dt=2026-11-01/x-20261201.csv")]

    assert steps(given, NOVEMBER, reading=UTC, pattern=DatePattern("x-%Y%m%d")) == []


@pytest.mark.parametrize(
    ("pattern", "said"),
    [(None, "no date in its path"), (DatePattern("x-%Y"), "nothing like 'x-%Y' in its path")],
    ids=["default", "pattern"],
)
def test_file_whose_days_nothing_says_is_refused(pattern: DatePattern | None, said: str) -> None:
    with pytest.raises(
        InputError, match=rf"logs/x\.csv: {said}, so .* such as --date-pattern 'events-%Y%m%d'"
    ):
        steps([named("logs/x.csv")], NOVEMBER, reading=UTC, pattern=pattern)


def test_period_that_ends_before_it_begins_is_misuse() -> None:
    with pytest.raises(ValueError, match="ends on 2026-11-01, before it begins on 2026-11-02"):
        steps([], stretch("2026-11-02", "2026-11-01"), reading=UTC)


@pytest.mark.parametrize("length", [timedelta(hours=36), timedelta(hours=6)], ids=["36h", "6h"])
def test_steps_that_are_not_whole_days_are_misuse(length: timedelta) -> None:
    with pytest.raises(ValueError, match="write whole days, such as 7d"):
        steps([], NOVEMBER, reading=UTC, length=length)
