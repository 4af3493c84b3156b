"""Invents the events of the benchmarks' logs, a day at a time, so that no log is too long to make.

About 25 events a user, few users with very many and many with few; sessions of 8 events on
average, seconds to minutes apart, spread over 30 days with more in the evening than at night. The
same arguments give the same events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SEED = 20260101
EVENTS_PER_USER = 25
EVENTS_PER_SESSION = 8
DAYS = 30
DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
BOT = 9_999_999
BOT_GAP_US = 600_000_000


@dataclass(frozen=True)
class Events:
    """Events, in the order in which they are written.

    Attributes:
        time_us: int64, shape (n,): microseconds since the epoch.
        user: int64, shape (n,): the user's number.
    """

    time_us: NDArray[np.int64]
    user: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_us)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Events:
        return Events(self.time_us[rows], self.user[rows])

    @classmethod
    def joined(cls, parts: Iterable[Events]) -> Events:
        """Return all the parts' events, in the parts' order; none for no parts."""
        parts = [cls(np.empty(0, np.int64), np.empty(0, np.int64)), *parts]
        return cls(
            np.concatenate([part.time_us for part in parts]), np.concatenate([part.user for part in parts])
        )

    def by_time(self) -> Events:
        """Return the same events in time order."""
        return self[np.argsort(self.time_us, kind="stable")]


def ordered(rows: int, *, users: int | None = None, days: int = DAYS) -> Iterator[Events]:
    """Give the days of a log in time order.

    Args:
        rows: Events of the whole log.
        users: Users who may appear; one for each 25 events unless given.
        days: Days over which the events are spread evenly.

    Yields:
        For each day its events in time order; what begins before the last midnight and ends after
        it belongs to the last day.
    """
    random = np.random.default_rng(SEED)
    activity = np.cumsum(random.lognormal(0, 1.2, users or max(rows // EVENTS_PER_USER, 1)))
    waiting = Events.joined([])
    for day in range(days):
        count = rows * (day + 1) // days - rows * day // days
        made = Events.joined([waiting, _opened_on(day, random, activity, count)]).by_time()
        midnight_us = START_US + (day + 1) * DAY_US
        end = len(made) if day == days - 1 else int(np.searchsorted(made.time_us, midnight_us))
        yield made[:end]
        waiting = made[end:]


def _opened_on(day: int, random: np.random.Generator, activity: NDArray[np.float64], rows: int) -> Events:
    """Make the sessions that open on a day, one after another."""
    opens = random.random(rows) < 1 / EVENTS_PER_SESSION
    opens[:1] = True
    session, sessions = np.cumsum(opens) - 1, int(opens.sum())
    since_us = np.cumsum((random.lognormal(3.5, 1.2, rows) * 1e6).astype(np.int64))
    since_us -= since_us[opens][session]
    start_us = START_US + ((day + random.triangular(0, 0.8, 1, sessions)) * DAY_US).astype(np.int64)
    user = np.searchsorted(activity, random.random(sessions) * activity[-1]).astype(np.int64)
    return Events(start_us[session] + since_us, user[session])


def long(rows: int) -> Iterator[Events]:
    """Give four times 30 days of the users that `ordered` has in a quarter of the rows."""
    return ordered(rows, users=max(rows // 4 // EVENTS_PER_USER, 1), days=4 * DAYS)


def shuffled(rows: int) -> Iterator[Events]:
    """Give, in no order, the first events of an ordered log of five for every two asked for."""
    parts, count = [], 0
    for day in ordered(rows * 5 // 2):
        parts.append(day)
        count += len(day)
        if count >= rows:
            break
    yield Events.joined(parts)[:rows][np.random.default_rng(SEED + 1).permutation(rows)]


def giant(rows: int, share: float = 0.3) -> Iterator[Events]:
    """Give a log in time order in which one user has so large a share of the events."""
    random = np.random.default_rng(SEED + 2)
    for day in ordered(rows):
        yield replace(day, user=np.where(random.random(len(day)) < share, 0, day.user))


def bot(rows: int) -> Iterator[Events]:
    """Give the ordered log plus one user with an event every ten minutes from beginning to end."""
    for number, day in enumerate(ordered(rows)):
        visits_us = START_US + number * DAY_US + np.arange(0, DAY_US, BOT_GAP_US)
        yield Events.joined([day, Events(visits_us, np.full(len(visits_us), BOT))]).by_time()


def pieces(days: Iterable[Events], rows: int) -> Iterator[Events]:
    """Give the same events in pieces of exactly so many rows, the last of what is left."""
    held, count = list[Events](), 0
    for day in days:
        held.append(day)
        count += len(day)
        if count < rows:
            continue
        joined = Events.joined(held)
        ends = count - count % rows
        yield from (joined[begin : begin + rows] for begin in range(0, ends, rows))
        held, count = [joined[ends:]], count - ends
    if count:
        yield Events.joined(held)
