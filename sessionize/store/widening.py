"""Types of a store's columns that get wider: files that know more, and what is kept in the narrower ones.

A column that has had nothing but nulls has no type yet. It is read as text, of which there is none,
until a file comes that knows better.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.types as pt

from sessionize.errors import InputError
from sessionize.reading.log import Log
from sessionize.reading.types import ColumnTypes, Unification


def wider(types: ColumnTypes | None, log: Log, store: str) -> ColumnTypes:
    """Return the types that hold what a store has and what a log brings.

    Args:
        types: Those of the store; None before its first file.
        log: The log.
        store: The store as named, for the message.

    Returns:
        The type of each column; null where nobody has seen a value.

    Raises:
        InputError: For a column of which no type holds both.
    """
    seen = {name: pa.null() if name in log.unseen else type_ for name, type_ in log.types.items()}
    unification = Unification()
    for name, type_ in seen.items():
        unification.add(name, (types or {}).get(name, pa.null()), store)
        unification.add(name, type_, "the new files")
    return unification.types()


def as_read(types: Mapping[str, pa.DataType]) -> ColumnTypes:
    """Return the types that columns are read as: text where nobody has seen a value.

    Example:
        >>> as_read({"user_id": pa.int64(), "landing": pa.null()})
        {'user_id': DataType(int64), 'landing': DataType(string)}
    """
    return {name: pa.string() if pt.is_null(type_) else type_ for name, type_ in types.items()}


def after_reading(types: Mapping[str, pa.DataType], valued: Collection[str]) -> ColumnTypes:
    """Return the types of columns that have been read: those are text that had values and no other type."""
    return {
        name: pa.string() if pt.is_null(type_) and name in valued else type_ for name, type_ in types.items()
    }


def reading_as(log: Log, types: Mapping[str, pa.DataType]) -> Log:
    """Let a log be read as other types, each at least as wide as its own."""
    read = as_read(types)
    return replace(log, types=read, pieces=(replace(piece, types=read) for piece in log.pieces))


def widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give columns the types of a schema, each at least as wide as its own.

    Args:
        table: n rows.
        schema: The columns to take, in any order.

    Returns:
        n rows of the schema.

    Raises:
        InputError: For a time that the finer unit cannot reach in 64 bits.
    """
    try:
        return table.select(schema.names).cast(schema)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"what the store has does not fit a type of the new files: {error}. Give them the store's type."
        ) from error
