"""Our Arrow types as types that a Delta table has, and back without the loss of a bit.

Delta knows fewer types than Arrow. What it lacks is stored as the nearest type that holds every
value exactly; our type stands beside it (`sessionize.store.layout`), and reading restores it.

| ours | in the table |
|---|---|
| uint8, uint16, uint32 | the next wider signed integer |
| uint64 | decimal(20, 0) |
| float16 | float32 |
| any text, dictionaries of text | string |
| any binary, of fixed size too | binary |
| uuid | string: 32 lower-case hex digits and four hyphens |
| date64 | date |
| timestamp in s, ms or µs | timestamp in µs, UTC; without a zone the clock's reading stands there as if UTC |
| timestamp in ns | int64: nanoseconds since the epoch |
| time of day, duration | int32 or int64: a count of the type's unit |
| decimal of at most 38 digits | decimal |
| decimal of more digits, or a scale that Delta lacks | string |
| null | string |
| list and struct | the same, of what their parts become |

A column that is stored as another type says so in its comment, which Spark shows in `DESCRIBE`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sessionize.core.texts import as_text
from sessionize.errors import InputError

_UTC = pa.timestamp("us", "UTC")
_DIGITS = 38
_UUID_BYTES = 16
_SIMPLE: dict[pa.DataType, pa.DataType] = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
    pa.null(): pa.string(),
    pa.uuid(): pa.string(),
}
_SAME = (
    pt.is_boolean, pt.is_signed_integer, pt.is_float32, pt.is_float64, pt.is_date32,
)  # fmt: skip
_NIBBLES = np.zeros(256, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def plain_types(schema: pa.Schema) -> pa.Schema:
    """Return the schema that reading gives back: without metadata, dictionaries as their values."""
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns as the Delta table has them.

    Args:
        schema: Ours.

    Returns:
        The same names in the same order; every column may hold nulls.

    Raises:
        InputError: For a type that Delta cannot hold: a map, a union, a calendar interval.

    Example:
        >>> stored_schema(pa.schema([("user_id", pa.uint64())])).field("user_id").type
        Decimal128Type(decimal128(20, 0))
    """
    return pa.schema([_stored_field(field) for field in schema])


def to_stored(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Write a table's columns in the types that the Delta table has.

    Args:
        table: Rows in our types; dictionaries may stand for their values.
        schema: Ours: which columns to take, in which order.

    Returns:
        Table of `stored_schema(schema)`, rows and nulls as they are.

    Raises:
        InputError: For a time that microseconds in 64 bits cannot reach.
    """
    columns = [_by_chunk(table[field.name], _stored(field.type), _to_stored, field.name) for field in schema]
    return pa.table(columns, schema=stored_schema(schema))


def from_stored(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Write columns that were read from the Delta table in our types.

    Args:
        table: Columns as stored, in any encoding of text, binary and lists.
        schema: Ours, as `plain_types` returned it: which columns to take, in which order.

    Returns:
        Table of `schema`, rows and nulls as they are.
    """
    columns = [_by_chunk(table[field.name], field.type, _to_own, field.name) for field in schema]
    return pa.table(columns, schema=schema)


def schema_to_text(schema: pa.Schema) -> str:
    """Write a schema as one line of ASCII: Arrow's own serialisation in base64."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode("ascii")


def schema_from_text(text: str) -> pa.Schema:
    """Read what `schema_to_text` wrote.

    Raises:
        ValueError: For anything else; pyarrow's and base64's errors are among them.
    """
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text, validate=True)))


def _stored_field(field: pa.Field) -> pa.Field:
    try:
        stored = _stored(field.type)
    except TypeError:
        raise InputError(
            f"column {field.name!r} is {field.type}, which a sessions store cannot hold. "
            "Leave it out, or turn it into text."
        ) from None
    comment = None if stored == _plain(field.type) else {"comment": f"{field.type}, stored as {stored}"}
    return pa.field(field.name, stored, metadata=comment)


def _plain(type_: pa.DataType) -> pa.DataType:
    if pt.is_dictionary(type_):
        return _plain(type_.value_type)
    if pt.is_struct(type_):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in type_])
    if pt.is_list(type_):
        return pa.list_(_plain(type_.value_type))
    return type_


def _stored(type_: pa.DataType) -> pa.DataType:  # noqa: C901 (a table of types, one line each)
    if type_ in _SIMPLE:
        return _SIMPLE[type_]
    if any(test(type_) for test in _SAME):
        return type_
    if _is_text(type_):
        return pa.string()
    if _is_bytes(type_):
        return pa.binary()
    if pt.is_timestamp(type_):
        return pa.int64() if type_.unit == "ns" else _UTC
    if pt.is_time32(type_):
        return pa.int32()
    if pt.is_time64(type_) or pt.is_duration(type_):
        return pa.int64()
    if pt.is_decimal(type_):
        return _stored_decimal(type_)
    if pt.is_dictionary(type_):
        return _stored(type_.value_type)
    if pt.is_struct(type_):
        return pa.struct([pa.field(field.name, _stored(field.type)) for field in type_])
    if _is_list(type_):
        return pa.list_(_stored(type_.value_type))
    raise TypeError


def _stored_decimal(type_: pa.DataType) -> pa.DataType:
    scale = max(type_.scale, 0)
    digits = type_.precision + scale - type_.scale
    return pa.decimal128(digits, scale) if scale <= digits <= _DIGITS else pa.string()


def _by_chunk(
    column: pa.ChunkedArray,
    type_: pa.DataType,
    convert: Callable[[pa.Array, pa.DataType], pa.Array],
    name: str,
) -> pa.ChunkedArray:
    try:
        return pa.chunked_array([convert(chunk, type_) for chunk in column.chunks], type_)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"column {name!r}: a value does not fit a sessions store: {error}. Leave such rows out."
        ) from error


def _to_stored(array: pa.Array, stored: pa.DataType) -> pa.Array:
    type_ = array.type
    if pt.is_null(type_):
        return pa.nulls(len(array), stored)
    if pt.is_dictionary(type_):
        return _to_stored(array.dictionary_decode(), stored)
    if isinstance(type_, pa.UuidType):
        return as_text(array)
    return _nested(array, stored, _to_stored) if pt.is_nested(stored) else array.cast(stored)


def _to_own(array: pa.Array, type_: pa.DataType) -> pa.Array:
    if pt.is_null(type_):
        return pa.nulls(len(array))
    if isinstance(type_, pa.UuidType):
        return type_.wrap_array(_uuid_bytes(array.cast(pa.string())))
    return _nested(array, type_, _to_own) if pt.is_nested(type_) else array.cast(type_)


def _nested(
    array: pa.Array, type_: pa.DataType, convert: Callable[[pa.Array, pa.DataType], pa.Array]
) -> pa.Array:
    if pt.is_struct(type_):
        parts = [convert(array.field(field.name), field.type) for field in type_]
        return pa.StructArray.from_arrays(parts, fields=list(type_), mask=array.is_null())
    lists = array if pt.is_list(array.type) else array.cast(pa.list_(array.type.value_type))
    converted = pa.Array.from_buffers(
        pa.list_(type_.value_type),
        len(lists),
        lists.buffers()[:2],
        offset=lists.offset,
        children=[convert(lists.values, type_.value_type)],
    )
    return converted if converted.type == type_ else converted.cast(type_)


def _uuid_bytes(texts: pa.Array) -> pa.Array:
    """Read uuids written as text: hyphens at their places, lower-case digits."""
    digits = pc.fill_null(pc.replace_substring(texts, "-", ""), "0" * (2 * _UUID_BYTES))
    together = pc.binary_join(_one_list(digits), "")[0].as_buffer() if len(digits) else pa.py_buffer(b"")
    nibbles = _NIBBLES[np.frombuffer(together, np.uint8)].reshape(-1, 2)
    values = pa.py_buffer(nibbles[:, 0] << 4 | nibbles[:, 1])
    fixed = pa.Array.from_buffers(pa.binary(_UUID_BYTES), len(texts), [None, values])
    return pc.if_else(texts.is_valid(), fixed, pa.scalar(None, fixed.type))


def _one_list(texts: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)


def _is_text(type_: Any) -> bool:
    return bool(pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_))


def _is_bytes(type_: Any) -> bool:
    return bool(
        pt.is_binary(type_)
        or pt.is_large_binary(type_)
        or pt.is_binary_view(type_)
        or pt.is_fixed_size_binary(type_)
    )


def _is_list(type_: Any) -> bool:
    return bool(pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_))
