"""Packets: many rows of ours as one row of Spark's, of which it knows the place and nothing else.

A row costs Spark more than it costs us to find the session that it tells of, and each of its types
has settings that change values. So rows travel as bytes, some hundreds in a packet: Spark brings the
packets of a place to one task and sorts them, and what is in them is put in order there.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.division import IDENTITY_PARTS, MOST_PARTS, hashes_of
from sessionize.core.fragments import merge, together
from sessionize.core.groups import begins
from sessionize.core.sessions import SessionTable, start_dates
from sessionize.spark.types import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Batches = Iterator[pa.RecordBatch]

GATHERED_ROWS = 1 << 17
"""Rows that a task looks at together; Spark hands packets over in batches of any size."""

PACKET_ROWS = 1 << 10
"""The most rows of a packet; of every task that sends some to a place, one is held in memory at least."""

_TASKS = 200
_PARTS_A_TASK = 4
_ENOUGH_PARTS = 1 << 12
"""Of more parts, packets would hold few rows each."""

_SIZE = 8
_ZSTD = pa.Codec("zstd", 1)

_ROW = pa.schema([("place", pa.int64()), ("since", pa.int64()), ("note", pa.binary()), ("rows", pa.binary())])


class NotSortedError(RuntimeError):
    """Spark, or what stands in for it, has not sorted what it was asked to sort."""

    def __init__(self) -> None:
        """Say what did not happen."""
        super().__init__(
            "the rows of a partition did not come sorted, as sortWithinPartitions promises."
            " Sessions from them would be wrong, so nothing was written."
        )


class Packet(NamedTuple):
    """Rows that travel together, sorted.

    Attributes:
        place: Where they belong.
        since: The first value of what they are sorted by; 0 if nothing.
        rows: Some rows.
    """

    place: int
    since: int
    rows: pa.Table

    def before(self, since: int, by: str) -> tuple[pa.Table, Packet]:
        """Part the rows below a value from the others."""
        values = column(self.rows, by).to_numpy()
        count = int(np.searchsorted(values, since))
        return self.rows.slice(0, count), Packet(self.place, since, self.rows.slice(count))


@dataclass(frozen=True)
class Packets(ABC):
    """How tables of one schema travel, and notes, which are about rows and have no place.

    Attributes:
        schema: The columns of the tables.
        table: What a session is.
        by: The column, of int64, by which the rows of a place come in order; None for no order.
    """

    schema: pa.Schema
    table: SessionTable
    by: ClassVar[str | None] = None
    ddl: ClassVar[str] = spark_schema(_ROW)

    @property
    def nothing(self) -> pa.Table:
        """A table without rows; Arrow makes no empty array of lists of some types, such as uuid."""
        return pa.Table.from_batches([], self.schema)

    @abstractmethod
    def places(self, table: pa.Table) -> NDArray[np.int64]:
        """Say of each row where it belongs; shape (n,)."""

    def condensed(self, waiting: list[Packet]) -> list[Packet]:
        """Make less of packets of one place that have to wait, if that can be done."""
        return waiting

    def packed(self, table: pa.Table, notes: Sequence[object] = ()) -> pa.RecordBatch:
        """Write a table that has at least the columns of the schema, and notes, as one batch."""
        packets = list(self._divided(_of_schema(table, self.schema)))
        nothing = [None] * len(notes)
        columns = {
            "place": [*nothing, *(packet.place for packet in packets)],
            "since": [*nothing, *(packet.since for packet in packets)],
            "note": [*map(pickle.dumps, notes), *[None] * len(packets)],
            "rows": [*nothing, *(_as_bytes(packet.rows) for packet in packets)],
        }
        return pa.RecordBatch.from_pydict(columns, schema=_ROW)

    def shuffled(self, frame: DataFrame) -> DataFrame:
        """Bring the packets of each place to one task, where they stand in order."""
        return frame.repartition("place").sortWithinPartitions("place", "since")

    def arriving(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.Table, list[Any]]]:
        """Read packets that come in order, many of them at a time.

        Yields:
            A table of the schema, one chunk for each column, and some notes. Places ascend, over all
            tables; rows of one place are in one table, those of a place with an order where they have
            the same value of `by`, and lower values are in none that comes later.

        Raises:
            NotSortedError: Where Spark, or what stands in for it, has not sorted the packets.
        """
        waiting: list[Packet] = []
        notes: list[Any] = []
        last, rows, enough = (-1 << 63, 0), 0, GATHERED_ROWS
        for place, since, note, content in _rows(batches):
            if note is not None:
                notes.append(pickle.loads(note))
                continue
            if (place, since) < last:
                raise NotSortedError
            last = place, since
            if rows >= enough:
                ready, waiting = self._parted(waiting, place, since)
                if ready:
                    yield together(ready), notes
                    notes = []
                if len(waiting) > 1:
                    waiting = self.condensed(waiting)
                rows = sum(len(packet.rows) for packet in waiting)
                enough = max(GATHERED_ROWS, 2 * rows)
            waiting.append(Packet(place, since, _from_bytes(content, self.schema)))
            rows += len(waiting[-1].rows)
        yield together([self.nothing, *(packet.rows for packet in waiting)]), notes

    def _divided(self, table: pa.Table) -> Iterator[Packet]:
        place = self.places(table)
        since = column(table, self.by).to_numpy() if self.by else np.zeros(len(table), np.int64)
        order = np.lexsort([since, place])
        place, since, table = place[order], since[order], table.take(pa.array(order)).combine_chunks()
        starts = np.flatnonzero(begins(place))
        for start, end in pairwise([*starts, len(table)]):
            for first in range(start, end, PACKET_ROWS):
                rows = table.slice(first, min(PACKET_ROWS, end - first))
                yield Packet(int(place[first]), int(since[first]), rows)

    def _parted(self, waiting: list[Packet], place: int, since: int) -> tuple[list[pa.Table], list[Packet]]:
        """Part what comes before all packets that are still to come from what may not."""
        ready = [packet.rows for packet in waiting if packet.place < place]
        rest = [packet for packet in waiting if packet.place == place]
        if self.by is None:
            return ready, rest
        parts = [packet.before(since, self.by) for packet in rest]
        ready += [rows for rows, _ in parts if len(rows)]
        return ready, [packet for _, packet in parts if len(packet.rows)]


@dataclass(frozen=True)
class IdentityPackets(Packets):
    """Rows by identity: a place is one of many parts of the identities, of which one task takes care.

    Attributes:
        parts: How many places there are.
    """

    parts: int

    def places(self, table: pa.Table) -> NDArray[np.int64]:
        """Hash the identities."""
        return (hashes_of(table, self.table.rules) % np.uint64(self.parts)).astype(np.int64)


class FragmentPackets(IdentityPackets):
    """Fragments by identity."""

    def condensed(self, waiting: list[Packet]) -> list[Packet]:
        """Merge what is there of a part: of an identity with most of the events little is left."""
        merged = merge([packet.rows for packet in waiting], self.table.rules, self.table.aggregates)
        return [waiting[0]._replace(rows=_of_schema(merged, self.schema))]


class EventPackets(IdentityPackets):
    """Waiting events by identity, those of a part by time."""

    by: ClassVar[str | None] = "start_us"


@dataclass(frozen=True)
class SessionPackets(Packets):
    """Sessions by their end.

    Attributes:
        is_dated: Whether a place is the day on which sessions started; else all have one place.
    """

    is_dated: bool
    by: ClassVar[str | None] = "end_us"

    def shuffled(self, frame: DataFrame) -> DataFrame:
        """Bring the packets of each place to one task, where they stand in order, behind all notes."""
        # By place, notes, which have none, would come to another task than the sessions of one place.
        gathered = frame.repartition("place") if self.is_dated else frame.repartition(1)
        return gathered.sortWithinPartitions("place", "since")

    def places(self, table: pa.Table) -> NDArray[np.int64]:
        """Give the days since the epoch, or one place for all."""
        if not self.is_dated:
            return np.zeros(len(table), np.int64)
        return start_dates(table, self.table)


def parts_of(spark: SparkSession) -> int:
    """Say into how many parts identities are divided: some for each task that merges them."""
    said = str(spark.conf.get("spark.sql.shuffle.partitions", str(_TASKS)))  # Spark checks the default, too
    tasks = int(said) if said.isdecimal() else _TASKS  # "auto" on Databricks
    return min(max(tasks, min(_PARTS_A_TASK * tasks, _ENOUGH_PARTS), IDENTITY_PARTS), MOST_PARTS)


def _of_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Choose the columns of a schema: without dictionaries, and typed where all is null."""
    return table.select(schema.names).cast(schema)


def _as_bytes(rows: pa.Table) -> bytes:
    """Write rows of one chunk: their size, and what zstd makes of them, a fifth less than Spark's LZ4."""
    [batch] = rows.to_batches()
    plain = batch.serialize()
    return plain.size.to_bytes(_SIZE, "little") + _ZSTD.compress(plain, asbytes=True)


def _from_bytes(content: bytes, schema: pa.Schema) -> pa.Table:
    size = int.from_bytes(content[:_SIZE], "little")
    plain = _ZSTD.decompress(memoryview(content)[_SIZE:], size)
    return pa.Table.from_batches([pa.ipc.read_record_batch(plain, schema)])


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*(values.to_pylist() for values in batch.columns), strict=True)
