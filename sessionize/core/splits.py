"""Where sessions begin along rows in order, and why.

Silence, midnight and markers can be told from a row and the one before it; they cut the rows into
stretches. Changes of a value and limits depend on where the session began. But where a session
that began at a row must end can be said for every row alone: so each row's successor is found, the
row that would open the next session, for all rows at once. The sessions of a stretch are what one
meets from its first row, successor by successor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sessionize.core.fragments import within_timeout
from sessionize.core.groups import Groups, begins
from sessionize.core.in_order import InOrder
from sessionize.rules import SessionRules

CALENDAR = 1
"""The index of that reason in `sessionize.core.walk.reasons`."""

_FEW = 32
"""So few stretches are sooner followed one by one than all at once."""


@dataclass(frozen=True)
class Changes:
    """How one `split_on` column's values change along the rows.

    Attributes:
        value: int64, shape (n,): equal integers for equal values.
        is_valid: bool, shape (n,): false where the value is null.
    """

    value: NDArray[np.int64]
    is_valid: NDArray[np.bool_]

    @cached_property
    def latest(self) -> NDArray[np.int64]:
        """Where the latest value at or before each row stands; -1 where there is none."""
        return np.maximum.accumulate(np.where(self.is_valid, np.arange(len(self.value)), -1))

    @cached_property
    def before(self) -> NDArray[np.int64]:
        """Where the latest value before each row stands; -1 where there is none."""
        return np.concatenate(([-1], self.latest[:-1]))[: len(self.value)]

    @cached_property
    def differs(self) -> NDArray[np.bool_]:
        """Whether each row has a value other than the latest before it."""
        return self.is_valid & (self.before >= 0) & (self.value != self.value[self.before])

    def splits(
        self, rows: NDArray[np.int64], start: NDArray[np.int64], rules: SessionRules
    ) -> NDArray[np.bool_]:
        """Say whether rows open a session by this column, where the open one began at the rows `start`."""
        is_known = self.before[rows] >= start
        if rules.split_from_null:
            return self.is_valid[rows] & (self.differs[rows] | ~is_known)
        return self.differs[rows] & is_known

    def successors(self, rules: SessionRules) -> NDArray[np.int64]:
        """Return, for a session that begins at each row, the row that this column would split it at."""
        rows = np.arange(len(self.value))
        first = _next_marked(self.is_valid)[:-1]
        split = np.append(_next_marked(self.differs)[1:], len(rows))[first]
        return np.where(first > rows, first, split) if rules.split_from_null else split

    def of(self, rows: NDArray[np.int64]) -> Changes:
        """Return the same for some of the rows."""
        return Changes(self.value[rows], self.is_valid[rows])


@dataclass(frozen=True)
class Path:
    """Rows in order, and what of them decides where sessions begin.

    Attributes:
        rows: The rows; repeated deliveries are not among them.
        start_us: int64, shape (n,): where a session that begins with the row began: its time, or an
            open session's start.
        event_count: int64, shape (n,): the events that each row stands for.
        changes: The `split_on` columns, in the rules' order.
        is_start: bool, shape (n,): whether the row matches a start marker.
        is_end: bool, shape (n,): whether the row, or an open session's last event, matches an end marker.
    """

    rows: InOrder
    start_us: NDArray[np.int64]
    event_count: NDArray[np.int64]
    changes: Sequence[Changes]
    is_start: NDArray[np.bool_]
    is_end: NDArray[np.bool_]

    def sessions(self, rules: SessionRules) -> tuple[Groups, NDArray[np.int8]]:
        """Group the rows into sessions; give each one's start reason, an index into `reasons(rules)`."""
        silence, midnight = follows_silence(self.rows, rules), _follows_midnight(self.rows, rules)
        marked = self.is_start.copy()
        marked[1:] |= self.is_end[:-1]
        opens = silence | midnight | marked
        stretches = Stretches(
            Groups.opening(opens), self.rows.time_us, self.start_us, self.event_count, self.changes
        )
        opens[stretches.forced_starts(rules)] = True
        sessions = Groups.opening(opens)
        if rules.split_daily and rules.timeout is None and not rules.is_sequential:
            # Nothing but days opens sessions, an identity's first one too.
            return sessions, np.full(len(sessions), CALENDAR, np.int8)
        first = sessions.starts
        before = np.concatenate((first[:1], first[:-1]))
        holds = [
            silence[first],
            midnight[first],
            *(changes.splits(first, before, rules) for changes in self.changes),
            marked[first],
            is_over(self.rows.time_us[first] - self.start_us[before], rules),
        ]
        codes = np.arange(len(holds) + 1, dtype=np.int8)
        return sessions, np.select(holds, list(codes[:-1]), codes[-1])


@dataclass(frozen=True)
class Stretches:
    """Rows in order, cut wherever a split depends on nothing but the two rows beside it.

    Attributes:
        groups: The stretches.
        time_us: int64, shape (n,): each row's time.
        start_us: int64, shape (n,): where a session that begins with the row began: its time, or an
            open session's start.
        event_count: int64, shape (n,): the events that each row stands for.
        changes: The `split_on` columns, in the rules' order.
    """

    groups: Groups
    time_us: NDArray[np.int64]
    start_us: NDArray[np.int64]
    event_count: NDArray[np.int64]
    changes: Sequence[Changes]

    def forced_starts(self, rules: SessionRules) -> NDArray[np.int64]:
        """Find the rows inside stretches at which sessions begin; int64, in no order."""
        if len(self.changes) == 1 and rules.max_events is None and rules.max_duration_us is None:
            # A session begins with a value wherever it begins for want of the same: the rows decide alone.
            return np.flatnonzero(self._changes_inside(self.changes[0], rules))
        may_be_cut = self._may_be_cut(rules)
        if not may_be_cut.any():
            return np.empty(0, np.int64)
        rows = np.flatnonzero(np.repeat(may_be_cut, self.groups.sizes))
        part = self._of(rows, self.groups.sizes[may_be_cut])
        return rows[_met(part._successors(rules), part.groups)]

    def _may_be_cut(self, rules: SessionRules) -> NDArray[np.bool_]:
        groups, first = self.groups, self.groups.starts
        cut = np.zeros(len(groups), bool)
        if rules.max_events is not None:
            cut |= groups.sum(self.event_count) > rules.max_events
        if rules.max_duration_us is not None:
            cut |= is_over(self.time_us[groups.lasts] - self.start_us[first], rules)
        for changes in self.changes:
            cut |= groups.any(self._changes_inside(changes, rules))
        return cut

    def _changes_inside(self, changes: Changes, rules: SessionRules) -> NDArray[np.bool_]:
        """Mark the rows that would split a session which began with their stretch."""
        rows, start = np.arange(self.groups.rows), self.groups.starts[self.groups.of_row]
        return changes.splits(rows, start, rules) & (rows > start)

    def _of(self, rows: NDArray[np.int64], sizes: NDArray[np.int64]) -> Stretches:
        groups = Groups(np.cumsum(sizes) - sizes, len(rows))
        changes = [column.of(rows) for column in self.changes]
        return Stretches(groups, self.time_us[rows], self.start_us[rows], self.event_count[rows], changes)

    def _successors(self, rules: SessionRules) -> NDArray[np.int64]:
        """Return, for a session that begins at each row, the row that begins the next one."""
        rows, ends = np.arange(self.groups.rows), (self.groups.lasts + 1)[self.groups.of_row]
        found = [ends, *(changes.successors(rules) for changes in self.changes)]
        if rules.max_events is not None:
            found.append(rows + np.maximum(rules.max_events - self.event_count + 1, 1))
        if rules.max_duration_us is not None:
            found.append(self._first_over(rows, ends, rules))
        return np.minimum.reduce(found)

    def _first_over(
        self, rows: NDArray[np.int64], ends: NDArray[np.int64], rules: SessionRules
    ) -> NDArray[np.int64]:
        """Find the first row after each that is over the longest duration: a binary search of all at once."""
        low, high = rows + 1, ends.copy()
        while (low < high).any():
            middle = (low + high) // 2
            over = is_over(self.time_us[np.minimum(middle, len(rows) - 1)] - self.start_us, rules)
            searching = low < high
            high = np.where(searching & over, middle, high)
            low = np.where(searching & ~over, middle + 1, low)
        return low


def follows_silence(rows: InOrder, rules: SessionRules) -> NDArray[np.bool_]:
    """Mark the rows that no earlier one of their identity stands within the timeout of; bool, shape (n,)."""
    opens = begins(rows.code)
    opens[1:] |= ~within_timeout(rows.time_us[1:] - rows.time_us[:-1], rules)
    return opens


def _follows_midnight(rows: InOrder, rules: SessionRules) -> NDArray[np.bool_]:
    if not rules.split_daily:
        return np.zeros(len(rows), bool)
    return begins(rules.zone.local_day(rows.time_us))


def is_over(duration_us: NDArray[np.int64], rules: SessionRules) -> NDArray[np.bool_]:
    """Say whether an event so long after its session's start may not join it."""
    limit_us = rules.max_duration_us
    if limit_us is None:
        return np.zeros(len(duration_us), bool)
    return duration_us > limit_us if rules.max_duration_boundary == "exceeds" else duration_us >= limit_us


def _next_marked(marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first marked row at or after each row, and after the last one; n where there is none."""
    rows = np.append(np.where(marked, np.arange(len(marked)), len(marked)), len(marked))
    return np.minimum.accumulate(rows[::-1])[::-1]


def _met(successors: NDArray[np.int64], groups: Groups) -> NDArray[np.int64]:
    """Return the rows that are met from the first row of each group, without it."""
    met: list[NDArray[np.int64]] = []
    at, ends = groups.starts, groups.lasts + 1
    while len(at) >= _FEW:
        at = successors[at]
        at, ends = at[at < ends], ends[at < ends]
        met.append(at)
    few: list[int] = []
    one_by_one = successors.data
    for row, end in zip(at.tolist(), ends.tolist(), strict=True):
        while (row := one_by_one[row]) < end:
            few.append(row)
    return np.concatenate([*met, np.array(few, np.int64)])
