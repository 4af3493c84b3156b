"""The days that a report is about, and those that it compares them with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sessionize.dashboard.clock import as_date, as_day

LONGEST_COMPARISON = 28


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both inclusive, counted from 1970-01-01."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """The number of days."""
        return self.last - self.first + 1

    def days(self) -> range:
        """List the days."""
        return range(self.first, self.last + 1)

    def end(self, length: int) -> Period:
        """Return the last days of the period."""
        return Period(self.last - length + 1, self.last)

    def before(self) -> Period:
        """Return as many days, just before the first."""
        return Period(self.first - self.length, self.first - 1)

    def __str__(self) -> str:
        """Write the period as its dates."""
        first, last = as_date(self.first), as_date(self.last)
        return f"{first}" if first == last else f"{first} to {last}"


@dataclass(frozen=True)
class Asked:
    """The days that were asked for; None where the table decides."""

    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, from_date: str | date | None, to_date: str | date | None) -> Asked:
        """Read two dates, both inclusive.

        Raises:
            ValueError: For text that is no ISO date, or dates the wrong way round.
        """
        asked = cls(read_day("from", from_date), read_day("to", to_date))
        if asked.first is not None and asked.last is not None and asked.last < asked.first:
            raise ValueError(f"from {from_date} to {to_date}: the end is before the beginning.")
        return asked

    def period(self, days: list[int]) -> Period | None:
        """Return the period: what was asked for, else from the first to the last day that has sessions.

        Args:
            days: The days that have sessions, in any order.

        Returns:
            The period; None where no session starts in it.
        """
        inside = [day for day in days if self.holds(day)]
        if not inside:
            return None
        first = min(inside) if self.first is None else self.first
        return Period(first, max(inside) if self.last is None else self.last)

    def holds(self, day: int) -> bool:
        """Say whether a day is among those asked for."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def recent(self, period: Period) -> Period:
        """Return the days to compare with as many before them.

        All of a period whose beginning was asked for; else up to four weeks at its end, whole weeks where
        they fit twice, so that weekdays meet weekdays. Of a single day it is empty.
        """
        if self.first is not None:
            return period
        length = min(period.length // 2, LONGEST_COMPARISON)
        return period.end(length - length % 7 if length > 7 else length)


def read_day(name: str, value: str | date | None) -> int | None:
    """Read a date as the number of days since 1970-01-01.

    Raises:
        ValueError: For text that is no ISO date.
    """
    if value is None:
        return None
    try:
        return as_day(value if isinstance(value, date) else date.fromisoformat(value))
    except ValueError:
        raise ValueError(f"{name} {value!r} is no date. Write it as 2026-11-23.") from None
