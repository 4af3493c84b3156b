"""Tables as Spark carries them: columns of five plain types, which no setting of a session touches.

Spark has no unsigned integers, no decimals of 76 digits, no floats whose bits it leaves alone, and
shows instants in the zone of its session. So every column travels as int64, bool, binary, or a list
of these, and comes back as it was. Equal values travel as equal values, which is all that a shuffle
by identity asks for; the order of a column that is no `long` may change on the way.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sessionize.core.columns import one_chunk
from sessionize.spark.types import spark_schema

_BITS = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}

Batches = Iterator[pa.RecordBatch]

GATHERED_ROWS = 1 << 17
"""Rows that a task takes in at a time; Spark hands them over in batches of any size."""

_NOTE = 1
"""Where the note stands: beside another column that hardly varies, which compresses best."""


@dataclass(frozen=True)
class Wire:
    """How tables of one schema travel: rows, and among them notes, which are about rows and have none.

    Attributes:
        schema: The columns of the tables. They travel under their numbers: Spark cannot tell names
            apart that differ in case only.
        relative: Columns of int64 that travel as their distance from another column, which is a small
            number: a shuffle is compressed.
    """

    schema: pa.Schema
    relative: Mapping[str, str] = field(default_factory=dict)

    @property
    def ddl(self) -> str:
        """The columns as Spark's schema language writes them."""
        fields = [pa.field(f"c{index}", wire_type(type_)) for index, type_ in enumerate(self.schema.types)]
        fields.insert(_NOTE, pa.field("note", pa.binary()))
        return spark_schema(pa.schema(fields))

    def names(self, *columns: str) -> list[str]:
        """Return the names under which columns travel."""
        return [f"c{self.schema.get_field_index(name)}" for name in columns]

    def packed(self, table: pa.Table, notes: Sequence[object] = ()) -> pa.RecordBatch:
        """Write a table that has at least the columns of the schema, and notes, as one batch."""
        for name, base in self.relative.items():
            table = _replaced(table, name, pc.subtract(table[name], table[base]))
        columns = [_of_type(one_chunk(table[each.name]), each.type) for each in self.schema]
        arrays = [pa.concat_arrays([pa.nulls(len(notes), c.type), c]) for c in map(to_wire, columns)]
        names = self.names(*self.schema.names)
        arrays.insert(_NOTE, pa.array([*map(pickle.dumps, notes), *[None] * len(table)], pa.binary()))
        names.insert(_NOTE, "note")
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def unpacked(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.Table, list[Any]]]:
        """Read batches as they arrive, some of them at a time.

        Yields:
            A table of the schema, one chunk for each column, rows in their order; and the notes.
        """
        for gathered in gathered_batches(batches):
            arrived = pa.Table.from_batches(gathered).combine_chunks()
            notes = arrived.column(_NOTE)
            rows = arrived.filter(notes.is_null()) if notes.null_count < len(notes) else arrived
            columns = [
                from_wire(one_chunk(values), type_)
                for values, type_ in zip(rows.remove_column(_NOTE).columns, self.schema.types, strict=True)
            ]
            table = pa.table(columns, schema=self.schema)
            for name, base in self.relative.items():
                table = _replaced(table, name, pc.add(table[name], table[base]))
            yield table, [pickle.loads(note) for note in notes.drop_null().to_pylist()]

    def in_order(
        self, batches: Iterable[pa.RecordBatch], by: Sequence[str]
    ) -> Iterator[tuple[pa.Table, list[Any]]]:
        """Unpack batches, and make sure that their rows ascend by some columns, as was asked for.

        Raises:
            RuntimeError: Where Spark, or what stands in for it, has not sorted them.
        """
        last = self.schema.empty_table()
        for rows, notes in self.unpacked(batches):
            joint = pa.concat_tables([last, rows.slice(0, 1)])  # apart, so that no row is copied
            keys = ([to_wire(one_chunk(part[name])) for name in by] for part in (joint, rows))
            if not all(map(is_ascending, keys)):
                raise RuntimeError(
                    "the rows of a partition did not come sorted, as sortWithinPartitions promises."
                    " Sessions from them would be wrong, so nothing was written."
                )
            last = rows.slice(len(rows) - 1) if len(rows) else last
            yield rows, notes


def wire_type(type_: pa.DataType) -> pa.DataType:
    """Return the type as which values of a type travel: int64, bool, binary, or a list of one of them.

    Example:
        >>> wire_type(pa.timestamp("us", "UTC")), wire_type(pa.list_(pa.string()))
        (DataType(int64), ListType(list<item: binary>))
    """
    if isinstance(type_, pa.BaseExtensionType):
        return wire_type(type_.storage_type)
    if pt.is_dictionary(type_):
        return wire_type(type_.value_type)
    if pt.is_list(type_):
        return pa.list_(wire_type(type_.value_type))
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
    if pt.is_list(type_):
        return pa.ListArray.from_arrays(values.offsets, to_wire(values.values), mask=_nulls(values))
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
    if pt.is_list(type_):
        values = values.cast(wire_type(type_))
        return pa.ListArray.from_arrays(
            values.offsets, from_wire(values.values, type_.value_type), type=type_, mask=_nulls(values)
        )
    if pt.is_null(type_):
        return pa.nulls(len(values))
    if wire_type(type_) == pa.int64():
        return values.cast(_BITS[type_.bit_width]).view(type_)
    if pt.is_decimal(type_):
        return values.cast(pa.binary(type_.byte_width)).view(type_)
    return values.cast(type_)


def gathered_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Take batches together: Spark hands rows over in as few, or as many, at a time as its user has set."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= GATHERED_ROWS:
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


def _replaced(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), values)


def _of_type(values: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return values without a dictionary; a column that has only nulls may have come without a type."""
    return values if values.type == type_ else values.cast(type_)


def _as_bytes(values: pa.Array) -> pa.Array:
    if pt.is_decimal(values.type):
        return values.view(pa.binary(values.type.byte_width)).cast(pa.binary())
    return values.cast(pa.binary())


def _nulls(values: pa.Array) -> pa.Array | None:
    return values.is_null() if values.null_count else None
