"""A log read once more as a whole: every column of every row, for what is written beside it.

The pieces are those of the log that the rules were read from, in input order. Rows are told apart by
the place of their record in the piece: a reader of more columns may find more of them malformed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.errors import InputError
from sessionize.reading.jsonl import JsonLog
from sessionize.reading.log import Load, OpenFile, PlacedFile, guarded
from sessionize.reading.rows import NAMED_BY_NOBODY, Needed
from sessionize.reading.types import ColumnTypes, unify
from sessionize.reading.whole_json import whole_json_logs

TABLE_ROWS = 1 << 17
"""Rows that are read as a whole at a time: they may have many columns."""


@dataclass(frozen=True)
class WholeRows:
    """Some rows of a piece.

    Attributes:
        table: All columns of the log, n rows, as they stand in the file.
        places: int64, shape (n,): the place of each row's record in the piece, from 0, ascending.
        records: How many records of the piece these and all rows before are, malformed ones too.
    """

    table: pa.Table
    places: NDArray[np.int64]
    records: int


@dataclass(frozen=True)
class WholePiece:
    """What one task reads of a file, by the file's name and the columns that its folders name."""

    file: str
    load: Load
    partition: Mapping[str, str | None]
    schema: pa.Schema

    def read(self) -> Iterator[WholeRows]:
        """Read it; may be called in a worker thread."""
        before = 0
        for table, records in guarded(self.file, self.load()):
            places = before + records.numbers(np.arange(len(table))) - 1
            before += len(table) + len(records.malformed())
            yield WholeRows(self._conformed(table), places, before)

    def _conformed(self, table: pa.Table) -> pa.Table:
        columns = [self._column(table, field) for field in self.schema]
        return pa.table(columns, schema=self.schema)

    def _column(self, table: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
        if field.name not in table.column_names:
            value = self.partition.get(field.name)
            return pa.nulls(len(table), field.type) if value is None else pa.repeat(value, len(table))
        values = table[field.name]
        return values if values.type == field.type else values.cast(field.type)


@dataclass(frozen=True)
class WholeLog:
    """A log as a whole.

    Attributes:
        schema: The columns of all files, in the order in which they come up.
    """

    files: Sequence[PlacedFile]
    needed: Needed
    schema: pa.Schema

    def pieces(self) -> Iterator[WholePiece]:
        """Give the pieces, those of the log that the rules are read from, in the same order."""
        types = dict(zip(self.schema.names, self.schema.types, strict=True))
        for file, partition in self.files:
            for task in guarded(file.name, file.tasks(self.needed, types)):
                groups = task.row_groups
                load = task.load if groups is None else replace(groups, most_rows=TABLE_ROWS).load
                yield WholePiece(file.name, load, partition, self.schema)


def whole_log(files: Sequence[PlacedFile], needed: Needed, types: ColumnTypes) -> WholeLog:
    """Take opened files as a whole.

    Args:
        files: The files, which can be read more than once.
        needed: What the rules read of them.
        types: The types of that.

    Returns:
        The log; files of JSON lines have been read to their ends, to know their columns.

    Raises:
        InputError: Where two columns of a file have one name, or a column of two files no common type.
    """
    json = whole_json_logs([file for file, _ in files if isinstance(file, JsonLog)], needed, types)
    as_whole: list[PlacedFile] = [
        (json[file] if isinstance(file, JsonLog) else file, partition) for file, partition in files
    ]
    schema = _schema(as_whole)
    # What the rules call null stays the text that it is.
    options = needed.options.evolve(null_value=(), include=(), exclude=())
    everything = Needed.of(schema.names, (), options, NAMED_BY_NOBODY)
    return WholeLog(as_whole, replace(everything, time=needed.time), schema)


def _schema(files: Sequence[PlacedFile]) -> pa.Schema:
    """Unite the columns of all files."""
    known: dict[str, tuple[pa.DataType, str]] = {}
    for file, partition in files:
        for name, type_ in _columns(file, partition):
            before, first_file = known.get(name, (type_, file.name))
            united = before if before == type_ else unify(before, type_)
            if united is None:
                raise InputError(
                    f"column {name!r} is {before} in {first_file} and {type_} in {file.name}. "
                    "Every column of a labelled log has one type: give both files the same."
                )
            known[name] = united, first_file
    return pa.schema([pa.field(name, type_) for name, (type_, _) in known.items()])


def _columns(file: OpenFile, partition: Mapping[str, str | None]) -> Iterator[tuple[str, pa.DataType]]:
    for index, name in enumerate(file.names):
        if name in file.names[:index]:
            raise InputError(f"{file.name}: two columns are named {name!r}. Rename one of them.")
        yield name, file.types[name]
    yield from ((name, pa.string()) for name in partition if name not in file.names)
