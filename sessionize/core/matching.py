"""Comparing a column with a value written as text: `--include event=click`, `count_if:event,click`."""

from __future__ import annotations

from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from sessionize.core.ordering import storage
from sessionize.errors import InputError
from sessionize.reading.iso8601 import parse_iso8601


def matches(values: pa.Array, column: str, text: str) -> pa.Array:
    """Mark the values that equal `text`, read as the column's type; a null equals nothing.

    Args:
        values: Array of n values of a flat type.
        column: The column's name, for the error.
        text: The value as written.

    Returns:
        Boolean array of n, without nulls.

    Raises:
        InputError: Where `text` is no value of the column's type.
    """
    if pa.types.is_dictionary(values.type):
        wanted = matches(values.dictionary, column, text)
        return pc.fill_null(wanted.take(values.indices), False) if len(wanted) else pc.is_valid(values)
    if pa.types.is_null(values.type):
        return pc.is_valid(values)
    return pc.fill_null(pc.equal(storage(values), read_value(text, values.type, column)), False)


def read_value(text: str, type_: pa.DataType, column: str) -> pa.Scalar:
    """Read a value as a column's type; that of a uuid as what it is stored as.

    Args:
        text: The value as written; binary in hexadecimal, as session ids have it.
        type_: A flat type.
        column: The column's name, for the error.

    Raises:
        InputError: Where `text` is no value of the type.
    """
    try:
        if isinstance(type_, pa.UuidType):
            return pa.scalar(UUID(text).bytes, type_.storage_type)
        if pa.types.is_timestamp(type_):
            return _moment(text, type_)
        if pa.types.is_binary(type_) or pa.types.is_fixed_size_binary(type_):
            return pa.scalar(bytes.fromhex(text), type_)
        return pa.scalar(text).cast(type_)
    except (ValueError, pa.ArrowNotImplementedError):
        raise InputError(f"column {column!r} is {type_}, and {text!r} is no such value.") from None


def _moment(text: str, type_: pa.DataType) -> pa.Scalar:
    """Read ISO 8601; without an offset it is what the column shows: local, or UTC where it has a zone."""
    time = parse_iso8601(text.encode())
    if time is None or (time.has_offset and type_.tz is None):
        raise ValueError(text)
    return pa.scalar(time.time_us, pa.int64()).cast(pa.timestamp("us", type_.tz)).cast(type_)
