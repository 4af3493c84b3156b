"""What every task of a run on Spark knows, and the tables that go from stage to stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from sessionize.core.division import hashes_of
from sessionize.core.fragments import cut, falls_apart, identity_names, lift
from sessionize.core.ordering import storage_type
from sessionize.core.sessions import SessionTable
from sessionize.core.walk import change_names
from sessionize.engine.held import as_waiting
from sessionize.events import Events
from sessionize.reading.rows import Needed
from sessionize.reading.types import ColumnTypes
from sessionize.spark.merging import MergedFragments, Merging, WalkedEvents
from sessionize.spark.packets import EventPackets, FragmentPackets, SessionPackets


@dataclass(frozen=True)
class Work:
    """What a run is about; it travels to every task.

    Attributes:
        table: What a session is, and what its row looks like.
        needed: The columns that are read, and how.
        types: The log's type of each of them.
        parts: Into how many parts identities are divided.
        is_dated: Whether sessions are written by the date on which they started.
    """

    table: SessionTable
    needed: Needed
    types: ColumnTypes
    parts: int
    is_dated: bool = False

    @cached_property
    def taken(self) -> FragmentPackets | EventPackets:
        """What is shuffled by identity: fragments, or events where rules ask for them in order."""
        rules, identity = self.table.rules, list(self._identity())
        if rules.is_sequential:
            events = [pa.field(f"event_{name}", self.types[name]) for name in rules.event_columns]
            schema = pa.schema([_integer("start_us"), *identity, *events])
            return EventPackets(schema, self.table, self.parts)
        counts = map(_integer, ["event_count", "end_us", "start_us"])
        return FragmentPackets(pa.schema([*counts, *identity, *self._rest()]), self.table, self.parts)

    @cached_property
    def found(self) -> SessionPackets:
        """What is shuffled by date: sessions as fragments."""
        times = map(_integer, ["event_count", "start_us", "end_us"])
        fields = [*times, *self._identity(), *self._rest()]
        return SessionPackets(pa.schema(fields), self.table, self.is_dated)

    def take(self, events: Events) -> pa.Table:
        """Make what is shuffled by identity out of a chunk of events."""
        rules, aggregates = self.table.rules, self.table.aggregates
        waiting = as_waiting(events, self.table)
        if rules.is_sequential:
            return waiting
        way = lift if falls_apart(waiting, hashes_of(waiting, rules), rules) else cut
        return way(events, rules, aggregates)

    def merging(self) -> Merging:
        """Begin to merge what was shuffled by identity."""
        taken = self.taken
        return WalkedEvents(taken) if isinstance(taken, EventPackets) else MergedFragments(taken)

    def _identity(self) -> Iterator[pa.Field]:
        rules, schema = self.table.rules, self.table.schema
        types = [storage_type(schema.field(name).type) for name in rules.by]
        yield from map(pa.field, identity_names(rules), types)

    def _rest(self) -> Iterator[pa.Field]:
        """Give what fragments, or walked sessions, have beside identity, times and count."""
        rules, schema = self.table.rules, self.table.schema
        if rules.is_sequential:
            yield from (_integer("ordinal"), pa.field("reason", pa.int8()))
            types = [storage_type(schema.field(name).type) for name in rules.split_on]
            yield from map(pa.field, change_names(rules), types)
        elif rules.split_daily:
            yield _integer("previous_end_us")
        for aggregate in self.table.aggregates:
            yield from map(pa.field, aggregate.state_names, aggregate.state_types)


def _integer(name: str) -> pa.Field:
    return pa.field(name, pa.int64())
