"""What every task of a run on Spark knows, and the tables that go from stage to stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.division import hashes_of
from sessionize.core.fragments import cut, falls_apart, identity_names, lift
from sessionize.core.ordering import storage_type
from sessionize.core.sessions import SessionTable, local_dates
from sessionize.core.walk import change_names
from sessionize.engine.held import as_waiting
from sessionize.events import Events
from sessionize.reading.rows import Needed
from sessionize.reading.types import ColumnTypes
from sessionize.spark.merging import MergedFragments, Merging, WalkedEvents
from sessionize.spark.wire import Wire
from sessionize.writing.atomic import DATE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Work:
    """What a run is about; it travels to every task.

    Attributes:
        table: What a session is, and what its row looks like.
        needed: The columns that are read, and how.
        types: The log's type of each of them.
    """

    table: SessionTable
    needed: Needed
    types: ColumnTypes

    @property
    def identity(self) -> list[str]:
        """The names of the identity columns in what is shuffled."""
        return identity_names(self.table.rules)

    @cached_property
    def taken(self) -> Wire:
        """What is shuffled by identity: fragments, or events where rules ask for them in order."""
        rules = self.table.rules
        if rules.is_sequential:
            events = [pa.field(f"event_{name}", self.types[name]) for name in rules.event_columns]
            return Wire(pa.schema([_integer("start_us"), *self._identity(), *events]))
        counts = map(_integer, ["event_count", "end_us", "start_us"])
        return Wire(pa.schema([*counts, *self._identity(), *self._rest()]), relative={"end_us": "start_us"})

    @cached_property
    def found(self) -> Wire:
        """What is shuffled by date: sessions as fragments, and the local day on which they started."""
        counts = map(_integer, ["event_count", "start_us"])
        fields = [*counts, *self._identity(), _integer("end_us"), pa.field(DATE, pa.date32()), *self._rest()]
        return Wire(pa.schema(fields), relative={"start_us": "end_us"})

    def take(self, events: Events) -> pa.Table:
        """Make what is shuffled by identity out of a chunk of events."""
        rules, aggregates = self.table.rules, self.table.aggregates
        waiting = as_waiting(events, self.table)
        if rules.is_sequential:
            return waiting
        way = lift if falls_apart(waiting, hashes_of(waiting, rules), rules) else cut
        return way(events, rules, aggregates)

    @property
    def in_order(self) -> list[str]:
        """The columns by which what is shuffled by identity comes sorted."""
        return [*self.identity, "start_us"]

    def by_identity(self, taken: DataFrame) -> DataFrame:
        """Shuffle what was taken, so that it comes `in_order`, each identity to one task."""
        shuffled = taken.repartition(*self.taken.names(*self.identity))
        return shuffled.sortWithinPartitions(*self.taken.names(*self.in_order))

    def merging(self) -> Merging:
        """Begin to merge what was shuffled by identity."""
        way = WalkedEvents if self.table.rules.is_sequential else MergedFragments
        return way(self.table, self.taken.schema)

    def dated(self, sessions: pa.Table) -> pa.Table:
        """Add the local day on which each session started."""
        started_us = column(sessions, "start_us").to_numpy()
        return sessions.append_column(DATE, local_dates(started_us, self.table.rules))

    def _identity(self) -> Iterator[pa.Field]:
        types = [storage_type(self.table.schema.field(name).type) for name in self.table.rules.by]
        yield from map(pa.field, self.identity, types)

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
