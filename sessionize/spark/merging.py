"""Merging as a stream: what was shuffled by identity comes in, part by part; sessions leave.

Of a part all fragments come at once: what one identity did between two rests is one of them, however
much it was. Its events come by time, and are walked behind the sessions that are open.
"""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.division import part_with
from sessionize.core.fragments import merge
from sessionize.core.walk import Walk
from sessionize.engine.held import waiting_events
from sessionize.spark.packets import EventPackets, FragmentPackets


class Merging(Protocol):
    """Takes rows in as they arrive, and gives sessions up as nothing can touch them any more.

    Attributes:
        deduplicated: Events so far that were repeated deliveries.
    """

    deduplicated: int

    def add(self, rows: pa.Table) -> pa.Table:
        """Take in the next rows; return the sessions that they leave behind, in no order."""

    def rest(self) -> pa.Table:
        """Return the sessions that were still open."""


class MergedFragments:
    """Fragments, merged as they come."""

    deduplicated = 0

    def __init__(self, packets: FragmentPackets) -> None:
        """Carry nothing, ever."""
        self._packets = packets

    def add(self, rows: pa.Table) -> pa.Table:
        """Merge the fragments of whole parts."""
        table = self._packets.table
        return merge([rows], table.rules, table.aggregates)

    def rest(self) -> pa.Table:
        """Return no session."""
        return self._packets.nothing


class WalkedEvents:
    """Events, walked as they come, each behind the session that its identity has open."""

    def __init__(self, packets: EventPackets) -> None:
        """Carry nothing yet."""
        self.deduplicated = 0
        self._packets = packets
        self._open = self._walk(packets.nothing, None)

    def add(self, rows: pa.Table) -> pa.Table:
        """Walk the next events; of the last part each identity's last session stays open."""
        if not len(rows):
            return self._open.slice(0, 0)
        sessions, places = self._walk(rows, self._open), self._packets.places
        is_last = column(sessions, "is_last").to_numpy(zero_copy_only=False)
        last_place = places(rows.slice(len(rows) - 1))  # places ascend
        self._open, left = part_with(sessions, is_last & (places(sessions) == last_place))
        return left

    def rest(self) -> pa.Table:
        """Return the sessions that are open."""
        return self._open

    def _walk(self, events: pa.Table, opened: pa.Table | None) -> pa.Table:
        table = self._packets.table
        walk = Walk(waiting_events(events, table), table.rules, table.aggregates, opened)
        sessions = walk.sessions()
        self.deduplicated += walk.rows.repeated
        return sessions
