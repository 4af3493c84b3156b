"""What one pass over a sessions table gathers: sums by day, user, hour and reason; the longest sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.dashboard.clock import HOURS, weekday
from sessionize.dashboard.counts import Counts, duration_keys
from sessionize.dashboard.people import NOBODY, People
from sessionize.dashboard.period import Asked
from sessionize.dashboard.rows import Rows
from sessionize.dashboard.still_open import StillOpen
from sessionize.rules import SessionRules

LONGEST = 10
MOST_EVENTS = 1 << 30
"""A session of more events counts as one of so many in the distribution, and nowhere else."""
_MICROSECONDS = 1_000_000
_LONGEST_FIRST = [("seconds", "descending"), ("start_us", "ascending"), ("session_id", "ascending")]


@dataclass
class Day:
    """The sessions that started on one local day.

    Attributes:
        sessions: How many.
        of_users: How many of them name a user.
        single: How many hold a single event.
        events: Their events.
        used_us: Their time, in µs.
        users: int64, shape (n,): the numbers of the users, distinct, ascending.
        durations: How many there are of each duration (`duration_keys`).
    """

    sessions: int = 0
    of_users: int = 0
    single: int = 0
    events: int = 0
    used_us: int = 0
    users: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    durations: Counts = field(default_factory=Counts)

    def add(self, who: NDArray[np.int64], events: NDArray[np.int64], seconds: NDArray[np.float64]) -> None:
        """Take in sessions of the day."""
        named = who[who != NOBODY]
        self.sessions += len(who)
        self.of_users += len(named)
        self.single += int((events == 1).sum())
        self.events += int(events.sum())
        self.used_us += int(_microseconds(seconds).sum())
        self.users = np.union1d(self.users, named.astype(np.int32))
        self.durations.add(duration_keys(seconds))


class Figures:
    """Everything that a report shows, gathered from one pass over the sessions.

    Memory grows with the users, with the days on which each was active, and with the distinct durations of
    each day (bounded, see `duration_keys`); never with the columns, the events or the size of a file.

    Attributes:
        asked: The days that the report is about.
        people: Every user of the table.
        days: By local day, those before the period too.
        hours: int64, shape (7, 24): sessions of the period by weekday (Monday first) and hour of their start.
        reasons: Sessions of the period by start reason.
        event_counts: Sessions of the period by number of events.
        longest: Table of the longest sessions of the period, longest first.
        unusable: Rows without start, end, duration or number of events.
        timeless: Sessions of the period that hold several events and last no time.
        still_open: Sessions that began by the period's end and could still grow after the table's last
            event; None where the rules are not known.
    """

    def __init__(self, asked: Asked, rules: SessionRules | None) -> None:
        """Gather nothing yet.

        Args:
            asked: The days that the report is about.
            rules: The rules that the table was made by, where they are known.
        """
        self.asked = asked
        self.people = People()
        self.days: dict[int, Day] = {}
        self.hours = np.zeros((7, HOURS), np.int64)
        self.reasons: Counter[str] = Counter()
        self.event_counts = Counts()
        self.longest: pa.Table | None = None
        self.unusable = 0
        self.timeless = 0
        self.still_open = None if rules is None else StillOpen(rules)

    def note_event(self, time_us: int) -> None:
        """Learn of an event, in µs since the epoch, of a session that may never be taken in."""
        if self.still_open is not None:
            self.still_open.note_event(time_us)

    def add(self, rows: Rows, unusable: int = 0) -> None:
        """Take in sessions; those after the period are left out.

        Args:
            rows: The sessions.
            unusable: How many rows beside them were no whole sessions.
        """
        self.unusable += unusable
        if len(rows):
            self.note_event(int(rows.end_us.max()))
        if self.asked.last is not None:
            rows = rows.where(rows.day <= self.asked.last)
        if self.still_open is not None:
            self.still_open.add(rows)
        who = self.people.numbers(rows.user)
        self._add_days(rows, who)
        named = who != NOBODY
        self.people.note_starts(who[named], rows.start_us[named])
        inside = np.full(len(rows), True) if self.asked.first is None else rows.day >= self.asked.first
        self._add_period(rows.where(inside), who[inside])

    def _add_days(self, rows: Rows, who: NDArray[np.int64]) -> None:
        order = np.argsort(rows.day, kind="stable")
        days, begins = np.unique(rows.day[order], return_index=True)
        for day, places in zip(days.tolist(), np.split(order, begins[1:]), strict=bool(len(days))):
            self.days.setdefault(day, Day()).add(who[places], rows.events[places], rows.seconds[places])

    def _add_period(self, rows: Rows, who: NDArray[np.int64]) -> None:
        place = weekday(rows.day) * HOURS + rows.hour
        self.hours += np.bincount(place, minlength=7 * HOURS).reshape(7, HOURS)
        self.reasons.update(
            {each["values"]: each["counts"] for each in pc.value_counts(rows.reason).to_pylist()}
        )
        self.event_counts.add(np.minimum(rows.events, MOST_EVENTS).astype(np.int32))
        self.timeless += int(((rows.seconds == 0) & (rows.events > 1)).sum())
        named = who != NOBODY
        used_us = _microseconds(rows.seconds[named])
        self.people.note_sessions(who[named], rows.end_us[named], rows.events[named], used_us)
        self._keep_longest(rows)

    def _keep_longest(self, rows: Rows) -> None:
        names = ("session_id", "user", "start_us", "end_us", "seconds", "events", "reason")
        found = pa.table({name: getattr(rows, name) for name in names})
        kept = found if self.longest is None else pa.concat_tables([self.longest, found])
        chosen = pc.select_k_unstable(kept, LONGEST, sort_keys=_LONGEST_FIRST) if len(kept) else []
        self.longest = kept.take(pa.array(chosen, pa.int64())).combine_chunks()


def _microseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sums of whole µs are exact, so that no order of the rows changes one."""
    return np.rint(seconds * _MICROSECONDS).astype(np.int64)
