"""The core, where rules ask for an identity's events in order: `Walk`.

Changes of a value, markers, limits and dedupe cannot be told from fragments: what stands between
two events decides. So events are walked, each identity's behind the session that it has open:

    Walk(events, …, open_sessions).sessions() == sessions, of which an identity's last may go on

An open session is its own state: its start, its count and its values say what may join it. So a
log can be walked in any number of steps, as long as each brings only later events.

A table of walked sessions is one of fragments (`sessionize.core.fragments`), and has

* `ordinal` (int64): which of the sessions of its identity and start it is, from 1;
* `reason` (int8): the index of its start reason in `reasons(rules)`;
* `change_0`, …: its values of the `split_on` columns, null where it has none;
* `is_ended` (bool): whether its last event matches an end marker;
* `is_last` (bool): whether the walk found no later session of its identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.conditions import Condition
from sessionize.core.aggregates import AggregateColumn
from sessionize.core.columns import column
from sessionize.core.fragments import identity_names, together
from sessionize.core.groups import Groups, begins
from sessionize.core.identity import encode
from sessionize.core.in_order import InOrder, in_order
from sessionize.core.matching import matches
from sessionize.core.ordering import equality_keys, positive_zero, storage, value_and_null
from sessionize.core.splits import Changes, Path, follows_silence, is_over
from sessionize.events import Events
from sessionize.rules import SessionRules

SLICE_ROWS = 1 << 17
"""Rows whose sessions are found at a time, whole identities more or less."""

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


def reasons(rules: SessionRules) -> list[str]:
    """Name the start reasons, in their order of precedence."""
    changes = [f"change:{name}" for name in rules.split_on]
    return ["inactivity", "calendar", *changes, "marker", "max_duration", "max_events"]


def change_names(rules: SessionRules) -> list[str]:
    """Name the columns of walked sessions that hold their values of the `split_on` columns."""
    return [f"change_{index}" for index in range(len(rules.split_on))]


def may_go_on(sessions: pa.Table, watermark_us: int, rules: SessionRules) -> Mask:
    """Mark the walked sessions that an event at or after the watermark may join, as far as time lets it.

    None may where an end marker was the last event, or the session is full or lasts too long by then.
    """
    ended = _mask(column(sessions, "is_ended"))
    count, start_us = column(sessions, "event_count").to_numpy(), column(sessions, "start_us").to_numpy()
    full = count >= (rules.max_events or np.inf)
    return ~(ended | full | is_over(watermark_us - start_us, rules))


class Walk:
    """Events in their order, each identity's behind the session that it has open.

    Attributes:
        rows: Open sessions and events, in order.
    """

    def __init__(
        self,
        events: Events,
        rules: SessionRules,
        aggregates: Sequence[AggregateColumn] = (),
        open_sessions: pa.Table | None = None,
    ) -> None:
        """Put the rows in order.

        Args:
            events: The events, in any order.
            rules: What a session is.
            aggregates: The rules' aggregates, bound to the log's types.
            open_sessions: Walked sessions that may go on, of each identity one at most; they end
                before every event of theirs.
        """
        self._events, self._rules, self._aggregates = events, rules, aggregates
        self._open = open_sessions if open_sessions is not None and len(open_sessions) else None
        self._first_event = 0 if self._open is None else len(self._open)
        identity = zip(identity_names(rules), rules.by, strict=True)
        codes = encode([self._values(own, events.columns[name]) for own, name in identity])
        self.rows = in_order(codes, self._both("end_us", events.time_us), events, rules)

    def unbroken(self) -> Groups:
        """Group the rows by nothing but identity and silence."""
        return Groups.opening(follows_silence(self.rows, self._rules))

    def sessions(self, chosen: Mask | None = None) -> pa.Table:
        """Find the sessions.

        Args:
            chosen: bool, shape (n,): which of `rows` are walked, of what `unbroken` groups all or none;
                all of them unless given.

        Returns:
            Table of walked sessions, by identity and start; those that were open are among them.
        """
        chosen = np.ones(len(self.rows), bool) if chosen is None else chosen
        slices = _by_identity(self.rows)
        parts = [self._sessions_of(self.rows.part(*ends).where(chosen[slice(*ends)])) for ends in slices]
        return parts[0] if len(parts) == 1 else pa.concat_tables(parts).combine_chunks()

    def _sessions_of(self, rows: InOrder) -> pa.Table:
        """Find the sessions of some identities."""
        path = self._path(rows.where(rows.is_kept))
        sessions, reason = path.sessions(self._rules)
        columns = self._own_columns(path, sessions, reason)
        if self._aggregates:
            loose = _loose(rows, sessions)
            for aggregate, states in zip(self._aggregates, self._states, strict=True):
                order = self._dealt(rows, loose, aggregate.column)[rows.is_kept]
                columns |= aggregate.merge(states, order, sessions)
        return pa.table(columns)

    def labels(self) -> tuple[pa.Table, pa.Table]:
        """Find the sessions, and the place of each event in them.

        Open sessions need one column more than elsewhere, `number`.

        Returns:
            Table of walked sessions, as of `sessions`, without aggregates, and with `number` (int64,
            from 1): which of its identity's sessions each one is. Table of a row for each event, in
            the order given: `session` (int64: a row of the other table), `event_index` (int64, from
            1) and `gap_us` (int64: since the event, or open session, before it; null where there is
            none). All are null for a repeated delivery.
        """
        path = self._path(self.rows.where(self.rows.is_kept))
        sessions, reason = path.sessions(self._rules)
        rows, count = path.rows, np.cumsum(path.event_count)
        gap_us = np.diff(rows.time_us, prepend=0)
        places = pa.table(
            {
                "session": sessions.of_row,
                "event_index": count - (count - path.event_count)[sessions.starts][sessions.of_row],
                "gap_us": pa.array(gap_us, mask=begins(rows.code)),
            }
        )
        stands = np.full(len(self.rows), -1)
        stands[rows.order] = np.arange(len(rows))
        stands = stands[self._first_event :]
        columns = self._own_columns(path, sessions, reason)
        columns["number"] = self._numbers(rows, sessions.starts)
        return pa.table(columns), places.take(pa.array(stands, mask=stands < 0))

    def _numbers(self, rows: InOrder, firsts: Rows) -> Rows:
        """Number each identity's sessions, of which one may be open and have its number."""
        stood = rows.order[firsts]
        base = np.ones(len(firsts), np.int64)
        known = np.flatnonzero(stood < self._first_event)
        if self._open is not None:
            base[known] = column(self._open, "number").to_numpy()[stood[known]]
        identities = Groups.opening(begins(rows.code[firsts]))
        return base[identities.starts][identities.of_row] + identities.place

    def _path(self, rows: InOrder) -> Path:
        """Look at what decides where rows, in order, are split."""
        return Path(
            rows=rows,
            start_us=self._as_open("start_us", rows, rows.time_us),
            event_count=self._as_open("event_count", rows, np.ones(len(rows), np.int64)),
            changes=[Changes(key[rows.order], is_valid[rows.order]) for _, key, is_valid in self._changing],
            is_start=self._starts[rows.order],
            is_end=self._as_open("is_ended", rows, self._ends[rows.order]),
        )

    def _own_columns(self, path: Path, sessions: Groups, reason: NDArray[np.int8]) -> dict[str, Any]:
        rows, firsts, lasts = path.rows, sessions.starts, sessions.lasts
        identity = rows.codes.decode(rows.code[firsts])
        columns: dict[str, Any] = dict(zip(identity_names(self._rules), identity, strict=True))
        columns["start_us"] = path.start_us[firsts]
        columns["end_us"] = rows.time_us[lasts]
        columns["event_count"] = sessions.sum(path.event_count)
        columns["ordinal"] = _ordinals(rows.code[firsts], columns["start_us"])
        columns["reason"] = reason
        for name in ("ordinal", "reason"):  # an open session knows better where it began, and why
            columns[name] = self._as_open(name, rows, columns[name], firsts)
        for own, (values, _, _), changes in zip(
            change_names(self._rules), self._changing, path.changes, strict=True
        ):
            latest = changes.latest[lasts]
            stands = pa.array(rows.order[latest], mask=latest < firsts)
            columns[own] = positive_zero(values.take(stands))
        columns["is_ended"] = path.is_end[lasts]
        columns["is_last"] = np.append(begins(rows.code[lasts])[1:], True)[: len(lasts)]
        return columns

    @cached_property
    def _changing(self) -> list[tuple[pa.Array, NDArray[np.int64], Mask]]:
        """The `split_on` columns of the rows as given: values, equal integers for equal ones, no nulls."""
        columns = [
            self._values(own, self._events.columns[name])
            for own, name in zip(change_names(self._rules), self._rules.split_on, strict=True)
        ]
        return [(values, equality_keys(values), _mask(values.is_valid())) for values in columns]

    @cached_property
    def _states(self) -> list[pa.Table]:
        """Each aggregate's state columns of the rows as they were given."""
        lifted = [
            pa.table(dict(zip(aggregate.state_names, aggregate.lift(self._events), strict=True)))
            for aggregate in self._aggregates
        ]
        if self._open is None:
            return lifted
        return [together([self._open.select(states.column_names), states]) for states in lifted]

    def _dealt(self, rows: InOrder, loose: Rows, name: str) -> Rows:
        """Return where the rows stood, level ones that go apart dealt out by their values of a column.

        Nothing else tells which of them is whose, and the order of the input must not.
        """
        if not len(loose):
            return rows.order
        order = rows.order.copy()
        taken = self._events.columns.select([name]).take(pa.array(order[loose] - self._first_event))
        value, is_null = value_and_null(column(taken, name))
        run = np.cumsum(~rows.is_level)[loose]
        order[loose] = order[loose][np.lexsort((value, is_null, run))]
        return order

    def _values(self, own: str, values: pa.ChunkedArray) -> pa.Array:
        """Return a column of the events behind that of the open sessions."""
        table = pa.table({own: pa.chunked_array([storage(chunk) for chunk in values.chunks] or values)})
        return column(table if self._open is None else together([self._open.select([own]), table]), own)

    def _both(self, name: str, of_events: NDArray[Any]) -> NDArray[Any]:
        """Return a column of the open sessions, and behind it what the events have."""
        if self._open is None:
            return of_events
        return np.concatenate([column(self._open, name).to_numpy(zero_copy_only=False), of_events])

    def _as_open(
        self, name: str, rows: InOrder, values: NDArray[Any], places: Rows | None = None
    ) -> NDArray[Any]:
        """Return values along the rows (or some places of them), an open session's taken from its column."""
        if self._open is None:
            return values
        order = rows.order if places is None else rows.order[places]
        known = np.flatnonzero(order < self._first_event)
        values = values.copy()
        values[known] = column(self._open, name).to_numpy(zero_copy_only=False)[order[known]]
        return values

    @cached_property
    def _starts(self) -> Mask:
        return self._marked(self._rules.split_before)

    @cached_property
    def _ends(self) -> Mask:
        return self._marked(self._rules.split_after)

    def _marked(self, conditions: Sequence[Condition]) -> Mask:
        """Mark the rows, as they were given, whose event matches any of the conditions."""
        found = (matches(column(self._events.columns, name), name, text) for name, text in conditions)
        marked = reduce(np.logical_or, map(_mask, found), np.zeros(len(self._events), bool))
        return np.append(np.zeros(self._first_event, bool), marked)


def _mask(values: pa.Array) -> Mask:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.bool_)


def _by_identity(rows: InOrder) -> list[tuple[int, int]]:
    """Divide rows between identities, so that what is looked at at a time stays near the processor."""
    if len(rows) <= SLICE_ROWS:
        return [(0, len(rows))]
    firsts = np.flatnonzero(begins(rows.code))
    cuts = firsts[np.searchsorted(firsts, np.arange(0, len(rows), SLICE_ROWS), side="right") - 1]
    bounds = np.unique(np.append(cuts, len(rows)))
    return list(pairwise(bounds.tolist()))


def _ordinals(code: NDArray[np.uint64], start_us: Rows) -> Rows:
    """Number the sessions of one identity and one start from 1; they stand together."""
    return Groups.opening(begins(code, start_us)).place + 1


def _loose(rows: InOrder, sessions: Groups) -> Rows:
    """Find the level rows that do not all go the same way: into one session, every one."""
    parts = np.zeros(len(rows), bool)
    parts[np.flatnonzero(rows.is_kept)[sessions.starts]] = True
    parts |= ~rows.is_kept
    run = np.cumsum(~rows.is_level)
    torn = np.unique(run[parts & rows.is_level])
    return np.flatnonzero(np.isin(run, torn))
