"""The numbers of a report, from the gathered figures: exactly what the page shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sessionize.dashboard.counts import Counts, duration_keys, key_seconds
from sessionize.dashboard.figures import Day, Figures
from sessionize.dashboard.people import NEVER
from sessionize.dashboard.period import Period
from sessionize.zones import Zone

_MICROSECONDS = 1_000_000
_NO_DAY = Day()


@dataclass(frozen=True)
class Totals:
    """The sessions of some days, in numbers.

    Attributes:
        sessions: How many start on these days.
        users: Distinct users.
        sessions_per_user: Sessions that name a user, for each user; None without users.
        mean_seconds: Mean duration; None without sessions.
        median_seconds: Median duration, to one part in 8,192; None without sessions.
        events: Their events.
        single_event_sessions: How many hold a single event.
        total_seconds: Their time together.
        without_user: How many name no user.
    """

    sessions: int
    users: int
    sessions_per_user: float | None
    mean_seconds: float | None
    median_seconds: float | None
    events: int
    single_event_sessions: int
    total_seconds: float
    without_user: int


@dataclass(frozen=True)
class DayLine:
    """One day of the page.

    Attributes:
        day: Days since 1970-01-01.
        totals: Its sessions in numbers.
        new_users: Users whose first session of the whole table started on it.
        before: The numbers of the day as many days before as are compared; None without a comparison.
    """

    day: int
    totals: Totals
    new_users: int
    before: Totals | None


class Overview:
    """The numbers of one report.

    Attributes:
        figures: What they are made from.
        period: The days of the report.
        all: The numbers of all its days together.
        recent: The days that are compared with as many before them; None where there is but one day.
    """

    def __init__(self, figures: Figures, period: Period, zone: Zone) -> None:
        """Derive the numbers of a period that holds sessions.

        Args:
            figures: What was gathered.
            period: The days of the report.
            zone: Whose days count.
        """
        self.figures = figures
        self.period = period
        recent = figures.asked.recent(period)
        self.recent = recent if recent.length > 0 else None
        self.all = self.totals(period)
        self._first_days = _first_days(figures, zone)

    @property
    def previous(self) -> Period | None:
        """The days before the recent ones; None without a comparison."""
        return None if self.recent is None else self.recent.before()

    def totals(self, days: Period) -> Totals:
        """Sum up some days."""
        found = [self.figures.days[day] for day in days.days() if day in self.figures.days]
        seen = np.zeros(len(self.figures.people.names), bool)
        durations = Counts()
        for day in found:
            seen[day.users] = True
            durations.join(day.durations)
        return _totals(found, int(seen.sum()), durations)

    def lines(self, most: int) -> list[DayLine]:
        """Return the last days of the period, earliest first, those without sessions too.

        Args:
            most: How many at most.
        """
        shift = 0 if self.recent is None else self.recent.length
        days = self.period.end(min(self.period.length, most)).days()
        return [
            DayLine(day, self._of_day(day), self._first_days.get(day, 0), self._before(day, shift))
            for day in days
        ]

    def durations(self, bounds_seconds: list[float]) -> list[int]:
        """Count the sessions of the period between neighbouring bounds, lower ones included.

        Args:
            bounds_seconds: Ascending; each with at most 14 significant bits, which whole minutes below four
                days and whole hours below two years have.

        Returns:
            A count for each bound, up to the next; the last has no end.
        """
        everything = Counts()
        for day in self.period.days():
            everything.join(self.figures.days.get(day, _NO_DAY).durations)
        return everything.between(duration_keys(np.array(bounds_seconds))).tolist()

    def event_counts(self, bounds: list[int]) -> list[int]:
        """Count the sessions of the period by number of events, between neighbouring bounds."""
        return self.figures.event_counts.between(np.array(bounds)).tolist()

    def _before(self, day: int, shift: int) -> Totals | None:
        return self._of_day(day - shift) if shift and day - shift >= min(self.figures.days) else None

    def _of_day(self, day: int) -> Totals:
        found = self.figures.days.get(day, _NO_DAY)
        return _totals([found], len(found.users), found.durations)


def _totals(days: list[Day], users: int, durations: Counts) -> Totals:
    sessions = sum(day.sessions for day in days)
    of_users = sum(day.of_users for day in days)
    seconds = sum(day.used_us for day in days) / _MICROSECONDS
    return Totals(
        sessions=sessions,
        users=users,
        sessions_per_user=of_users / users if users else None,
        mean_seconds=seconds / sessions if sessions else None,
        median_seconds=durations.middle(key_seconds),
        events=sum(day.events for day in days),
        single_event_sessions=sum(day.single for day in days),
        total_seconds=seconds,
        without_user=sessions - of_users,
    )


def _first_days(figures: Figures, zone: Zone) -> dict[int, int]:
    """Count the users by the day of their first session."""
    first_us = figures.people.first_us
    days, counts = np.unique(zone.local_day(first_us[first_us != NEVER]), return_counts=True)
    return dict(zip(days.tolist(), counts.tolist(), strict=True))
