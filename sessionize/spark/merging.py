"""Merging as a stream: what was shuffled by identity comes in, sessions leave.

Fragments come part by part, and what one identity did between two rests is one of them: a part is
small, however much somebody did. Events come by identity and time, so that only the session that
was found last may still grow: memory holds a batch of them and that one session.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.division import part_with
from sessionize.core.fragments import identity_codes, identity_names, merge, together
from sessionize.core.groups import last_run
from sessionize.core.sessions import SessionTable
from sessionize.core.walk import Walk
from sessionize.engine.held import waiting_events


class Merging(Protocol):
    """Takes rows in, and gives sessions up as nothing can touch them any more.

    Attributes:
        deduplicated: Events so far that were repeated deliveries.
    """

    deduplicated: int

    def add(self, rows: pa.Table) -> pa.Table:
        """Take in the next rows; return the sessions that they leave behind, in no order."""

    def rest(self) -> pa.Table:
        """Return the sessions that were still carried."""


class MergedFragments:
    """Fragments, merged as they come: those of one identity always together."""

    deduplicated = 0

    def __init__(self, table: SessionTable, schema: pa.Schema) -> None:
        """Carry nothing, ever; `schema` is that of fragments."""
        self._table, self._schema = table, schema

    def add(self, rows: pa.Table) -> pa.Table:
        """Merge fragments that nothing to come can touch."""
        return merge([rows], self._table.rules, self._table.aggregates)

    def rest(self) -> pa.Table:
        """Return no session."""
        return self._schema.empty_table()


class WalkedEvents:
    """Events, walked as they come: those of one identity and one instant always together."""

    def __init__(self, table: SessionTable, schema: pa.Schema) -> None:
        """Carry nothing yet; `schema` is that of waiting events."""
        self.deduplicated = 0
        self._table = table
        self._held = schema.empty_table()
        self._open: pa.Table | None = None

    def add(self, rows: pa.Table) -> pa.Table:
        """Walk the next events behind the session that is open; those of the last instant wait."""
        if not len(rows):
            return self._walked(rows)
        rows = together([self._held, rows])
        codes = identity_codes(rows, self._table.rules).values
        first = last_run(codes, column(rows, "start_us").to_numpy())
        self._held = rows.slice(first)
        return self._walked(rows.slice(0, first))

    def rest(self) -> pa.Table:
        """Walk the events that were held back, and return what is open."""
        held, self._held = self._held, self._held.slice(0, 0)
        return self._walked(held)

    def _walked(self, events: pa.Table) -> pa.Table:
        table = self._table
        walk = Walk(waiting_events(events, table), table.rules, table.aggregates, self._open)
        sessions = walk.sessions()
        self.deduplicated += walk.rows.repeated
        self._open, left = part_with(sessions, self._goes_on(sessions))
        return left

    def _goes_on(self, sessions: pa.Table) -> NDArray[np.bool_]:
        """Mark the session that the events held back may join: the last one of their identity."""
        if not len(self._held):
            return np.zeros(len(sessions), bool)
        names = identity_names(self._table.rules)
        both = together([self._held.slice(0, 1).select(names), sessions.select(names)])
        codes = identity_codes(both, self._table.rules).values
        return (codes[1:] == codes[0]) & column(sessions, "is_last").to_numpy(zero_copy_only=False)
