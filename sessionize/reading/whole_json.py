"""JSON lines as a whole: a first pass finds the columns and types of all objects.

A line that is no record to the rules' reader is none here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from sessionize.errors import InputError
from sessionize.reading.json_values import infer_exactly, is_number
from sessionize.reading.jsonl import JsonLog, Rows, read_block, was_integer
from sessionize.reading.log import Task, guarded
from sessionize.reading.records import Records, TextRecords
from sessionize.reading.rows import Needed
from sessionize.reading.streams import readable
from sessionize.reading.types import ColumnTypes, unify


@dataclass(frozen=True, eq=False)
class WholeJsonLog:
    """One file of JSON lines, with the columns of all files of JSON lines of its log."""

    log: JsonLog
    read_by_rules: Needed
    types_of_rules: ColumnTypes
    types: ColumnTypes

    is_indexed = False

    @property
    def name(self) -> str:
        """The file as named."""
        return self.log.name

    @property
    def size(self) -> int | None:
        """Its bytes on disk."""
        return self.log.size

    @property
    def names(self) -> Sequence[str]:
        """The columns."""
        return list(self.types)

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for each block."""
        schema = pa.schema([(name, types[name]) for name in self.types])
        for rows in self.log.blocks(self.read_by_rules, self.types_of_rules):
            yield Task(WholeRowsOfJson(rows, schema).load)


@dataclass(frozen=True)
class WholeRowsOfJson:
    """One block, how the rules' columns of it are parsed, and the columns of the whole."""

    rows: Rows
    schema: pa.Schema

    def load(self) -> Iterator[tuple[pa.Table, Records]]:
        """Parse the block without the lines that are no records."""
        table, bad = replace(self.rows, schema=self.schema).parse(), np.array([], np.int64)
        if table is None:
            data, bad = _records_only(self.rows)
            table = _parsed(data, self.schema, self.rows)
        yield table, TextRecords(self.rows.block, bad)


def whole_json_logs(
    logs: Sequence[JsonLog], needed: Needed, types: ColumnTypes
) -> dict[JsonLog, WholeJsonLog]:
    """Read files of JSON lines to their ends, to know the columns of all objects.

    Args:
        logs: The files.
        needed: What the rules read of them.
        types: The types of that.

    Returns:
        Each file as a whole; all have the columns of all.

    Raises:
        InputError: For a column whose values have no common type.
    """
    known: ColumnTypes = {}
    for log in logs:
        for rows in guarded(log.name, log.blocks(needed, types)):
            for name, type_ in _types_of_block(rows).items():
                known[name] = _united(known.get(name, pa.null()), type_, name, log.name)
    for name in known:
        declared = needed.options.arrow_type(name)
        if declared is not None and is_number(declared) and is_number(known[name]):
            known[name] = declared  # as the rules read it, so that no digit is lost
    return {log: WholeJsonLog(log, needed, types, known) for log in logs}


def _types_of_block(rows: Rows) -> ColumnTypes:
    with readable(rows.file.name):
        try:
            return _inferred(rows.block.data, rows.file.name)
        except (pa.ArrowException, UnicodeDecodeError):
            data, _ = _records_only(rows)
    if not data:
        return {}
    try:
        return _inferred(data, rows.file.name)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _no_one_type(rows, error) from error


def _inferred(data: bytes, file: str) -> ColumnTypes:
    table = read_block(data, None)
    if any(map(was_integer, table.columns)):
        return infer_exactly(data, file)
    return {
        name: _as_written(type_) for name, type_ in zip(table.column_names, table.schema.types, strict=True)
    }


def _as_written(type_: pa.DataType) -> pa.DataType:
    """Take back what Arrow makes of text that looks like a time."""
    if pt.is_struct(type_):
        return pa.struct([(field.name, _as_written(field.type)) for field in type_])
    if pt.is_list(type_):
        return pa.list_(_as_written(type_.value_type))
    return pa.string() if pt.is_timestamp(type_) else type_


def _records_only(rows: Rows) -> tuple[bytes, NDArray[np.int64]]:
    """Return the lines that are records to the rules' reader, and the places of the others."""
    bad = np.array([place - 1 for _, records in rows.load() for place, _ in records.malformed()], np.int64)
    starts, ends = (np.delete(offsets, bad).tolist() for offsets in rows.block.spans())
    data = rows.block.data
    return b"\n".join(data[start:end].rstrip(b"\r\n") for start, end in zip(starts, ends, strict=True)), bad


def _parsed(data: bytes, schema: pa.Schema, rows: Rows) -> pa.Table:
    if not data:
        return schema.empty_table()
    try:
        table = read_block(data, schema).select(schema.names)
        table.validate(full=True)
    except (pa.ArrowException, UnicodeDecodeError, KeyError) as error:
        raise _no_one_type(rows, error) from error
    return table


def _no_one_type(rows: Rows, error: Exception) -> InputError:
    return InputError(
        f"{rows.file.name}: a line holds what its column cannot: {error}. "
        "Every column of a labelled log has one type: mend the line, or leave the column out."
    )


def _united(first: pa.DataType, second: pa.DataType, name: str, file: str) -> pa.DataType:
    """Return the type that holds both: numbers widen, objects have the keys of both."""
    united = _deep(first, second)
    if united is None:
        raise InputError(
            f"{file}: column {name!r} holds {first} and {second}. "
            "Every column of a labelled log has one type: mend the lines, or leave the column out."
        )
    return united


def _deep(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    if pt.is_struct(first) and pt.is_struct(second):
        names = dict.fromkeys([*(field.name for field in first), *(field.name for field in second)])
        fields = {name: _deep(_field(first, name), _field(second, name)) for name in names}
        return None if None in fields.values() else pa.struct(list(fields.items()))
    if pt.is_list(first) and pt.is_list(second):
        items = _deep(first.value_type, second.value_type)
        return None if items is None else pa.list_(items)
    if {first, second} == {pa.int64(), pa.float64()}:
        return pa.float64()
    return unify(first, second)


def _field(struct: pa.DataType, name: str) -> pa.DataType:
    index = struct.get_field_index(name)
    return pa.null() if index < 0 else struct.field(index).type
