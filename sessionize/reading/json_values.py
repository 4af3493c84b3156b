"""JSON lines one by one, exactly: for the few blocks that `pyarrow.json` refuses or would round."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from sessionize.errors import InputError
from sessionize.reading.blocks import Block, RecordFile
from sessionize.reading.grammars import Lines

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)


class _MalformedError(ValueError):
    """A line that is no record of the log."""


def read_lines(
    block: Block, schema: pa.Schema, declared: frozenset[str], file: RecordFile
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Read a block line by line.

    A line is malformed that is no JSON object, or has a value of another JSON type than its column.

    Args:
        block: The lines.
        schema: The columns to read.
        declared: The columns whose type was declared.
        file: Where the block is from, for the error.

    Returns:
        The table of the good lines, and the positions (from 0) of the malformed ones, ascending.

    Raises:
        InputError: For a fraction in a column that held integers so far, unless that was declared.
    """
    rows: list[list[Any]] = []
    bad: list[int] = []
    starts, ends = block.spans()
    for position, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        try:
            record = _object(block.data[start:end])
            rows.append([_value(record.get(field.name), field.type) for field in schema])
        except _MalformedError:
            if fraction := _fraction(record_of(block.data[start:end]), schema, declared):
                raise _fraction_error(file, block.offset + start, *fraction) from None
            bad.append(position)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema), np.array(bad, np.int64)


def infer_exactly(sample: bytes, file: str) -> dict[str, pa.DataType]:
    """Infer columns and types from the lines that are objects; the first value that is not null counts.

    Raises:
        InputError: For integers beyond 64 bits.
    """
    values: dict[str, list[object]] = {}
    for start, end in zip(*(offsets.tolist() for offsets in Lines().spans(sample)), strict=True):
        for name, value in record_of(sample[start:end]).items():
            values.setdefault(name, []).append(value)
    known = {name: [value for value in found if value is not None] for name, found in values.items()}
    return {name: _type_of(found, name, file) for name, found in known.items()}


def record_of(line: bytes) -> Mapping[str, Any]:
    """Return the line's object, or an empty one where it holds none."""
    try:
        return _object(line)
    except _MalformedError:
        return {}


def is_number(type_: pa.DataType) -> bool:
    """Say whether JSON writes values of the type as numbers."""
    return bool(pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_))


def _object(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise _MalformedError from error
    if not isinstance(record, dict):
        raise _MalformedError
    return record


def _value(value: object, type_: pa.DataType) -> object:
    if value is None:
        return None
    if pt.is_string(type_):
        return _text(value)
    if pt.is_boolean(type_) and isinstance(value, bool):
        return value
    if is_number(type_) and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _number(value, type_)
    raise _MalformedError


def _text(value: object) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise _MalformedError
    return value


def _number(value: float | Decimal, type_: pa.DataType) -> object:
    if pt.is_integer(type_):
        if isinstance(value, int) and value in (_UINT64 if pt.is_uint64(type_) else _INT64):
            return value
        raise _MalformedError
    if pt.is_floating(type_):
        if isinstance(value, int) and value not in _INT64:
            raise _MalformedError
        return float(value)
    try:
        return pa.scalar(Decimal(value), type_).as_py()
    except (pa.ArrowInvalid, ValueError, OverflowError) as error:
        raise _MalformedError from error


def _fraction(
    record: Mapping[str, Any], schema: pa.Schema, declared: frozenset[str]
) -> tuple[str, Decimal] | None:
    """Find a fraction where integers are expected, and its column."""
    for field in schema:
        value = record.get(field.name)
        if pt.is_integer(field.type) and isinstance(value, Decimal) and field.name not in declared:
            return field.name, value
    return None


def _fraction_error(file: RecordFile, offset: int, column: str, value: Decimal) -> InputError:
    return InputError(
        f"{file.name}: column {column!r} held integers at first, and {value} in {file.where(offset)}. "
        f"Say what it is with --type {column}=float64."
    )


def _type_of(values: list[object], column: str, file: str) -> pa.DataType:
    kinds: list[tuple[Callable[[object], bool], pa.DataType]] = [
        (lambda value: isinstance(value, str), pa.string()),
        (lambda value: isinstance(value, bool), pa.bool_()),
        (lambda value: isinstance(value, int) and value in _INT64, pa.int64()),
        (lambda value: isinstance(value, int) and value in _UINT64, pa.uint64()),
    ]
    if not values:
        return pa.null()
    for holds, type_ in kinds:
        if all(map(holds, values)):
            return type_
    if all(isinstance(value, int) for value in values):
        raise InputError(f"{file}: column {column!r} holds integers beyond 64 bits. Write them in quotes.")
    first = values[0]
    if isinstance(first, str):
        return pa.string()
    if isinstance(first, bool):
        return pa.bool_()
    if isinstance(first, int | float | Decimal):
        return pa.float64() if any(isinstance(value, float | Decimal) for value in values) else pa.int64()
    return pa.list_(pa.string()) if isinstance(first, list) else pa.struct([])
