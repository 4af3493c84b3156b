"""Spark's types and Arrow's, by the names that Spark's schema language gives them."""

from __future__ import annotations

import re

import pyarrow as pa

from sessionize.errors import InputError
from sessionize.reading.frames import EVENTS

_ARROW_TYPES = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}
_SPARK_TYPES = {type_: name for name, type_ in _ARROW_TYPES.items()} | {pa.string(): "string"}
_TEXT = re.compile(r"(string|char|varchar)\b.*")
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def arrow_type(column: str, name: str) -> pa.DataType:
    """Return the Arrow type in which Spark hands over a column.

    Args:
        column: The column, for the error.
        name: Its type as Spark names it (`simpleString`).

    Raises:
        InputError: For a type that no event has.
    """
    if known := _ARROW_TYPES.get(name):
        return known
    if _TEXT.fullmatch(name):
        return pa.string()
    if decimal := _DECIMAL.fullmatch(name):
        return pa.decimal128(*map(int, decimal.groups()))
    raise InputError(f"{EVENTS}: column {column!r} is of type {name}, which no rule can read. Cast it.")


def spark_schema(schema: pa.Schema) -> str:
    """Write the columns of a table as Spark's schema language does.

    Example:
        >>> spark_schema(pa.schema([("user.id", pa.string()), ("pages", pa.list_(pa.int64()))]))
        '`user.id` string, `pages` array<bigint>'
    """
    return ", ".join(f"{quoted(field.name)} {_spark_type(field.type)}" for field in schema)


def quoted(name: str) -> str:
    """Quote a column's name, which may hold anything.

    Example:
        >>> quoted("user.id")
        '`user.id`'
    """
    return "`" + name.replace("`", "``") + "`"


def _spark_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"array<{_spark_type(type_.value_type)}>"
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    return _SPARK_TYPES[type_]
