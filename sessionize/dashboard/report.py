"""A report on one screen: open the sessions, gather the figures, write the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sessionize.dashboard.clock import DAY_US, as_date
from sessionize.dashboard.figures import Figures
from sessionize.dashboard.overview import Overview, Totals
from sessionize.dashboard.period import Asked
from sessionize.dashboard.rows import Reader
from sessionize.errors import OutputError
from sessionize.progress import Progress, follow
from sessionize.reading.extent import Extent
from sessionize.writing.atomic import explained, replaced_file
from sessionize.written.opening import Written, open_written
from sessionize.written.rejected import rejected_beside
from sessionize.zones import Zone

TITLE = "Sessions"
_ANY_ZONE_DAYS = 2
"""A local day is over in every zone so many days after it has begun in UTC."""


@dataclass(frozen=True)
class Report:
    """What a report says of the whole period.

    Attributes:
        output: The page as named.
        first_day: The first day of the period; None without sessions.
        last_day: Its last day; None without sessions.
        timezone: Whose days they are.
        totals: The numbers of the period; None without sessions.
    """

    output: str
    first_day: date | None
    last_day: date | None
    timezone: str
    totals: Totals | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold, dates as ISO 8601 text."""
        totals = asdict(self.totals) if self.totals else {"sessions": 0, "users": 0}
        return {
            "output": self.output,
            "first_day": self.first_day and self.first_day.isoformat(),
            "last_day": self.last_day and self.last_day.isoformat(),
            "timezone": self.timezone,
            **totals,
        }


def report(
    sessions: Any,
    output: str | Path,
    *,
    by: str | Sequence[str] | None = None,
    timezone: str | None = None,
    title: str | None = None,
    from_date: str | date | None = None,
    to_date: str | date | None = None,
    progress: Progress | None = None,
) -> Report:
    """Write a page about a sessions table: the command `sessionize report`.

    The table is read once, a stretch at a time; memory grows with the users and the days on which each was
    active, never with the events. The page appears whole, or not at all.

    Args:
        sessions: A sessions table: a path (`.parquet`, `.csv`, `.jsonl`, `.arrow`, a folder by
            `session_date=`, or a store), or a pandas, Polars or PyArrow table.
        output: The `.html` file to write; an existing one is replaced.
        by: The column or columns that tell users apart, where they are not the identity: the `user_id` of
            sessions by device. A session in which one is null counts as one without user.
        timezone: IANA zone of days and hours; unless given, that of the table's rules, else UTC.
        title: The heading of the page.
        from_date: The first local day of the report; unless given, the table's first. Sessions before it
            still say who is new, and what to compare with.
        to_date: The last local day; unless given, the table's last.
        progress: Called with each further number of rows.

    Returns:
        The numbers of the period.

    Raises:
        InputError: For a table that holds no sessions, or lacks a column.
        OutputError: Where the page cannot be written.
        ValueError: For an unknown zone, a date that is none, or an output that is no `.html` file.
        ModuleNotFoundError: Without the extra `sessionize[report]`.

    Example:
        >>> import tempfile
        >>> import pandas as pd
        >>> import sessionize as sz
        >>> visits = pd.DataFrame({"user_id": ["ada"], "timestamp": ["2026-01-01T09:00:00Z"]})
        >>> page = Path(tempfile.mkdtemp(), "report.html")
        >>> report(sz.sessionize(visits), page).totals.sessions
        1
    """
    path = _checked(output)
    write = _page_writer()
    asked = Asked.of(from_date, to_date)
    written = open_written(sessions)
    zone = zone_of(written, timezone)
    reader = Reader(written.layout, written.layout.users(by), zone)

    figures = _gathered(written, reader, asked, progress)
    period = asked.period(list(figures.days))
    overview = None if period is None else Overview(figures, period, zone)
    about = write.About(
        title=title or TITLE,
        source=Path(written.layout.name).name,
        user_columns=reader.users,
        zone=zone,
        origin=written.origin,
        rejected=rejected_beside(Path(sessions)) if isinstance(sessions, str | Path) else None,
    )
    text = write.page(overview, about)
    with explained(str(output)), replaced_file(path) as file:
        file.write(text.encode("utf-8"))
    return _made(str(output), overview, zone)


def _made(output: str, overview: Overview | None, zone: Zone) -> Report:
    if overview is None:
        return Report(output, None, None, zone.name, None)
    period = overview.period
    return Report(output, as_date(period.first), as_date(period.last), zone.name, overview.all)


def zone_of(written: Written, timezone: str | None) -> Zone:
    """Return the zone that was named, else that of the table's rules, else UTC.

    Raises:
        ValueError: For an unknown zone.
    """
    if timezone is not None:
        return Zone.named(timezone)
    return Zone.named("UTC") if written.origin.rules is None else written.origin.rules.zone


def _gathered(written: Written, reader: Reader, asked: Asked, progress: Progress | None) -> Figures:
    figures = Figures(asked, written.origin.rules if written.layout.identity else None)
    last_us = None if asked.last is None else written.latest_end_us()
    if asked.last is None or last_us is None:
        where = None
        follow(progress, Extent(written.rows).share)
    else:  # What begins later shows on the page only as the table's last event.
        where = written.begun_before((asked.last + _ANY_ZONE_DAYS) * DAY_US)
        figures.note_event(last_us)
    for table in written.tables(reader.columns, where):
        figures.add(*reader.read(table))
        if progress is not None:
            progress(len(table))
    return figures


def _checked(output: str | Path) -> Path:
    """Refuse an output that could never be written, before hours of reading."""
    path = Path(output)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{output}: a report is a web page. Name a file that ends in .html.")
    if path.is_dir():
        raise OutputError(f"{output}: a folder stands there. Choose another output.")
    if not path.resolve().parent.is_dir():
        raise OutputError(f"{output}: there is no folder {path.resolve().parent}. Create it first.")
    if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: its folder is not writable. Choose another output.")
    return path


def _page_writer() -> Any:
    """Import what draws and writes the page, or say how to install it."""
    try:
        from sessionize.dashboard import page
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"a report needs {error.name}, which is not installed. "
            "Install what draws the charts: pip install 'sessionize[report]'",
            name=error.name,
        ) from None
    return page
