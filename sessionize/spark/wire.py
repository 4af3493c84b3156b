"""Rows as Spark carries them: columns of three plain types, which no setting of a session touches.

Spark has no unsigned integers, no decimals of 76 digits, no floats whose bits it leaves alone, and
shows instants in the zone of its session. So every column travels as int64, bool or binary, and
comes back as it was. Equal values travel as equal values, which is all that a shuffle by identity
asks for; the order of a column that is no `long` may change on the way.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sessionize.core.columns import one_chunk
from sessionize.spark.types import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_BITS = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}

Batches = Iterator[pa.RecordBatch]

GATHERED_ROWS = 1 << 17
"""Rows that a task takes in at a time; Spark hands them over in batches of any size."""


class NotSortedError(RuntimeError):
    """Spark, or what stands in for it, has not sorted what it was asked to sort."""

    def __init__(self) -> None:
        """Say what did not happen."""
        super().__init__(
            "the rows of a partition did not come sorted, as sortWithinPartitions promises."
            " Sessions from them would be wrong, so nothing was written."
        )


@dataclass(frozen=True)
class Wire:
    """How tables of one schema travel: rows, and among them notes, which are about rows and have none.

    Attributes:
        schema: The columns of the tables. They travel under their numbers: Spark cannot tell names
            apart that differ in case only.
        together: Columns whose equal values a shuffle brings to one task.
        by: The columns by which rows are then sorted.
    """

    schema: pa.Schema
    together: Sequence[str] = ()
    by: Sequence[str] = ()

    @property
    def ddl(self) -> str:
        """The columns as Spark's schema language writes them."""
        fields = [pa.field(f"c{index}", wire_type(type_)) for index, type_ in enumerate(self.schema.types)]
        return spark_schema(pa.schema([*fields, pa.field("note", pa.binary())]))

    def packed(self, table: pa.Table, notes: Sequence[object] = ()) -> pa.RecordBatch:
        """Write a table that has at least the columns of the schema, and notes, as one batch."""
        columns = map(to_wire, map(one_chunk, of_schema(table, self.schema).columns))
        arrays = [pa.concat_arrays([pa.nulls(len(notes), c.type), c]) for c in columns]
        arrays.append(pa.array([*map(pickle.dumps, notes), *[None] * len(table)], pa.binary()))
        return pa.RecordBatch.from_arrays(arrays, names=[*self._names(self.schema.names), "note"])

    def shuffled(self, frame: DataFrame) -> DataFrame:
        """Bring rows that belong together to one task, where they stand in order."""
        return frame.repartition(*self._names(self.together)).sortWithinPartitions(*self._names(self.by))

    def arriving(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.Table, list[Any]]]:
        """Read rows as they arrive in order, some batches at a time.

        Yields:
            A table of the schema, one chunk for each column, rows in their order; and the notes.

        Raises:
            NotSortedError: Where Spark, or what stands in for it, has not sorted them.
        """
        last = self.schema.empty_table()
        for rows, notes in self._unpacked(batches):
            joint = pa.concat_tables([last, rows.slice(0, 1)])  # apart, so that no row is copied
            keys = ([to_wire(one_chunk(part[name])) for name in self.by] for part in (joint, rows))
            if not all(map(is_ascending, keys)):
                raise NotSortedError
            last = rows.slice(len(rows) - 1) if len(rows) else last
            yield rows, notes

    def _names(self, columns: Iterable[str]) -> list[str]:
        """Return the names under which columns travel."""
        return [f"c{self.schema.get_field_index(name)}" for name in columns]

    def _unpacked(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.Table, list[Any]]]:
        for gathered in gathered_batches(batches, GATHERED_ROWS):
            arrived = pa.Table.from_batches(gathered).combine_chunks()
            notes = arrived.column(-1)
            rows = arrived.filter(notes.is_null()) if notes.null_count < len(notes) else arrived
            columns = [
                from_wire(one_chunk(values), type_)
                for values, type_ in zip(rows.columns[:-1], self.schema.types, strict=True)
            ]
            yield (
                pa.table(columns, schema=self.schema),
                [pickle.loads(note) for note in notes.drop_null().to_pylist()],
            )


def of_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Choose the columns of a schema: without dictionaries, and typed where all is null."""
    return table.select(schema.names).cast(schema)


def wire_type(type_: pa.DataType) -> pa.DataType:
    """Return the type as which values of a flat type travel: int64, bool, or binary.

    Example:
        >>> wire_type(pa.timestamp("us", "UTC")), wire_type(pa.string())
        (DataType(int64), DataType(binary))
    """
    if isinstance(type_, pa.BaseExtensionType):
        return wire_type(type_.storage_type)
    if pt.is_dictionary(type_):
        return wire_type(type_.value_type)
    if pt.is_null(type_) or pt.is_boolean(type_):
        return pa.bool_()
    if pt.is_integer(type_) or pt.is_floating(type_) or pt.is_temporal(type_):
        return pa.int64()
    return pa.binary()


def to_wire(values: pa.Array) -> pa.Array:
    """Write a column in the type as which it travels; nulls stay null."""
    type_ = values.type
    if isinstance(type_, pa.BaseExtensionType):
        return to_wire(values.storage)
    if pt.is_dictionary(type_):
        return to_wire(values.cast(type_.value_type))
    if pt.is_null(type_) or pt.is_boolean(type_):
        return values.cast(pa.bool_())
    if wire_type(type_) == pa.int64():
        return values.view(_BITS[type_.bit_width]).cast(pa.int64())
    return _as_bytes(values)


def from_wire(values: pa.Array, type_: pa.DataType) -> pa.Array:
    """Read a column that has travelled.

    Args:
        values: The column as it arrived: of `wire_type(type_)`, or that with 64-bit offsets.
        type_: The type that it had.
    """
    if isinstance(type_, pa.BaseExtensionType):
        return type_.wrap_array(from_wire(values, type_.storage_type))
    if pt.is_null(type_):
        return pa.nulls(len(values))
    if wire_type(type_) == pa.int64():
        return values.cast(_BITS[type_.bit_width]).view(type_)
    if pt.is_decimal(type_):
        return values.cast(pa.binary(type_.byte_width)).view(type_)
    return values.cast(type_)


def gathered_batches(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Take batches of so many rows together: Spark hands over as few, or as many, as its user has set."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= rows:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def in_utc(table: pa.Table) -> pa.Table:
    """Show instants in UTC: outside it Spark hands them over in the zone of the session."""
    fields = [
        field.with_type(pa.timestamp(field.type.unit, "UTC")) if getattr(field.type, "tz", None) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def is_ascending(columns: Sequence[pa.Array]) -> bool:
    """Say whether rows of travelling columns, without nulls, ascend as Spark sorts: column by column."""
    level: Any = True
    for values in columns:
        before, after = values[:-1], values[1:]
        if pc.any(pc.and_(level, pc.less(after, before))).as_py():
            return False
        level = pc.and_(level, pc.equal(after, before))
    return True


def _as_bytes(values: pa.Array) -> pa.Array:
    if pt.is_decimal(values.type):
        return values.view(pa.binary(values.type.byte_width)).cast(pa.binary())
    return values.cast(pa.binary())
