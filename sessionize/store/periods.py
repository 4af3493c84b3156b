"""Which files a backfill reads, and in which steps: files by the local days that they are of.

A file's days come from the first of these that says something: `--date-pattern`; its folders
(`dt=2026-11-23/`, `year=2026/month=11/`); a date in its path (`2026-11-23`, `20261123`, `2026/11/23`,
the last one); the statistics of a Parquet file. The path is the one that was given, from there on
down. A name is believed: every event of a file that is read counts, whatever its time.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import chain

import numpy as np
from attrs import frozen

from sessionize.durations import format_duration
from sessionize.errors import InputError
from sessionize.reading.options import ReadOptions
from sessionize.reading.ranges import joint_range, parquet_promise
from sessionize.reading.sources import Source
from sessionize.reading.streams import readable

_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)
_DATE_FOLDERS = ("dt", "ds", "date", "day", "event_date", "session_date")
_DATES = [
    re.compile(rf"(?<!\d){form}(?!\d)")
    for form in (
        r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
        r"(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)",
    )
]
_DIRECTIVES = {
    "%Y": r"(?P<year>\d{4})",
    "%m": r"(?P<month>\d{2})",
    "%d": r"(?P<day>\d{2})",
    "%H": r"\d{2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
    "%%": "%",
}


@frozen(order=True)
class Days:
    """A stretch of local days.

    Attributes:
        first: Its first day.
        last: Its last day, included.
    """

    first: date
    last: date

    def overlaps(self, other: Days) -> bool:
        """Say whether the two have a day in common."""
        return self.first <= other.last and other.first <= self.last


@frozen
class DatePattern:
    """How to find the date in a path, as of `--date-pattern`.

    Attributes:
        text: Text with `%Y`, `%m`, `%d` (without `%d` a month, without `%m` a year), and `%H`, `%M`, `%S`
            for digits to pass over; `%%` is a percent sign, and all else stands for itself.
    """

    text: str

    def __attrs_post_init__(self) -> None:
        """Refuse what finds no date.

        Raises:
            ValueError: For an unknown directive, one that is there twice, or a pattern without a year.
        """
        directives = re.findall(r"%.?", self.text)
        dated = [directive for directive in directives if directive in ("%Y", "%m", "%d")]
        unknown = [directive for directive in directives if directive not in _DIRECTIVES]
        if unknown or "%Y" not in dated or len(set(dated)) < len(dated) or set(dated) == {"%Y", "%d"}:
            raise ValueError(
                f"date_pattern {self.text!r}: write %Y, %m and %d, each once, as in 'events-%Y%m%d'."
            )

    def days(self, path: str) -> Days | None:
        """Find the days that a path names; None where the pattern does not occur.

        Example:
            >>> DatePattern("%d.%m.%Y").days("logs/shop 23.11.2026.csv").first
            datetime.date(2026, 11, 23)
        """
        tokens = re.findall(r"%.|[^%]+", self.text)
        form = "".join(_DIRECTIVES.get(token) or re.escape(token) for token in tokens)
        return _last_days(re.finditer(form, path))


@frozen
class Step:
    """What one step of a backfill reads.

    Attributes:
        days: The days of the step.
        sources: Its files, in the order of their days, then as given; at least one.
    """

    days: Days
    sources: tuple[Source, ...]


def days_of(source: Source, reading: ReadOptions, pattern: DatePattern | None = None) -> Days | None:
    """Find the local days that a file is of, see above.

    Args:
        source: The file.
        reading: Which column of a Parquet file holds the time, and the zone of its days.
        pattern: Where the date is in the path; nothing else counts where this is given.

    Returns:
        The days; None where nothing says them.
    """
    if pattern:
        return pattern.days(source.name)
    named = _folder_days(source.partition) or _last_date(source.name)
    return named or _statistics_days(source, reading)


def steps(
    sources: Iterable[Source],
    period: Days,
    *,
    reading: ReadOptions,
    length: timedelta = timedelta(days=7),
    pattern: DatePattern | None = None,
    backwards: bool = False,
) -> list[Step]:
    """Choose the files that are of a period, and put them into steps.

    A file of several days is read when one of them is in the period, in the step of its first.

    Args:
        sources: Files, in any order.
        period: The days of `--from` and `--to`.
        reading: See `days_of`.
        length: How many days a step has, whole; the last one may have fewer.
        pattern: See `days_of`.
        backwards: Whether the latest step comes first. The same steps, and at last the same table.

    Returns:
        The steps that have files.

    Raises:
        InputError: For a file whose days nothing says.
        ValueError: For a period that ends before it begins, or steps that are not whole days.
    """
    if period.last < period.first:
        raise ValueError(f"the period ends on {period.last}, before it begins on {period.first}.")
    if length < _DAY or length % _DAY:
        raise ValueError(f"step {format_duration(length)}: write whole days, such as 7d.")
    files: dict[int, list[tuple[Days, Source]]] = {}
    for days, source in _dated(sources, reading, pattern):
        if days.overlaps(period):
            number = max(days.first - period.first, timedelta(0)) // length
            files.setdefault(number, []).append((days, source))
    return [_step(number, files[number], period, length) for number in sorted(files, reverse=backwards)]


def _step(number: int, files: list[tuple[Days, Source]], period: Days, length: timedelta) -> Step:
    first = period.first + number * length
    in_order = sorted(files, key=lambda file: file[0])
    return Step(Days(first, min(first + length - _DAY, period.last)), tuple(source for _, source in in_order))


def _dated(
    sources: Iterable[Source], reading: ReadOptions, pattern: DatePattern | None
) -> Iterator[tuple[Days, Source]]:
    for source in sources:
        days = days_of(source, reading, pattern)
        if days is None:
            where = f"nothing like {pattern.text!r} in its path" if pattern else "no date in its path"
            raise InputError(
                f"{source.name}: {where}, so no telling whether it is of the period. Say where the date is, "
                "such as --date-pattern 'events-%Y%m%d', or bring the file in with sessionize update."
            )
        yield days, source


def _folder_days(partition: Mapping[str, str | None]) -> Days | None:
    """Read the days off Hive folders: a date in one, or year, month and day in several."""
    folders = {name.lower(): value for name, value in partition.items() if value is not None}
    for name in _DATE_FOLDERS:
        if found := _last_date(folders.get(name, "")):
            return found
    parts = {name: folders[name] for name in ("year", "month", "day") if folders.get(name, "").isdigit()}
    return _days(parts)


def _last_date(path: str) -> Days | None:
    return _last_days(chain.from_iterable(form.finditer(path) for form in _DATES))


def _last_days(matches: Iterable[re.Match[str]]) -> Days | None:
    """Take the last match that is a date."""
    found = [(match.start(), days) for match in matches if (days := _days(match.groupdict()))]
    return max(found)[1] if found else None


def _days(parts: Mapping[str, str]) -> Days | None:
    """Turn year, month and day, as far as they are given, into days; None where there are no such."""
    if "year" not in parts:
        return None
    year = int(parts["year"])
    first_month, last_month = (int(parts["month"]),) * 2 if "month" in parts else (1, 12)
    has_day = "month" in parts and "day" in parts
    try:
        first = date(year, first_month, int(parts["day"]) if has_day else 1)
        return Days(first, first if has_day else date(year, last_month, monthrange(year, last_month)[1]))
    except ValueError:
        return None


def _statistics_days(source: Source, reading: ReadOptions) -> Days | None:
    """Read the days off the statistics of a Parquet file's times."""
    if source.format != "parquet":
        return None
    with readable(source.name):
        footer = source.footer
        schema = footer.schema.to_arrow_schema()
        if reading.time not in schema.names:
            return None
        type_ = schema.field(reading.time).type
        bounds = joint_range([parquet_promise(footer, range(footer.num_row_groups), type_, reading)])
    if bounds is None:
        return None
    first, last = (_EPOCH + int(day) * _DAY for day in reading.zone.local_day(np.array(bounds, np.int64)))
    return Days(first, last)
