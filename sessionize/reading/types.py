"""Types of columns: which are one, which widen, and which can be an identity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from sessionize.core.columns import one_chunk
from sessionize.errors import InputError

ColumnTypes = dict[str, pa.DataType]

_UNITS = ("s", "ms", "us", "ns")
_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}

_DECIMAL128_BITS = 128


def is_text(type_: pa.DataType) -> bool:
    """Say whether the type is text in any of Arrow's encodings, dictionaries of text among them."""
    return bool(pt.is_string(canonical(type_)))


def canonical(type_: pa.DataType) -> pa.DataType:
    """Return the one type that stands for all encodings of the same values.

    Example:
        >>> canonical(pa.dictionary(pa.int32(), pa.large_string()))
        DataType(string)
    """
    if pt.is_dictionary(type_):
        return canonical(type_.value_type)
    if pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_):
        return pa.string()
    if pt.is_binary(type_) or pt.is_large_binary(type_) or pt.is_binary_view(type_):
        return pa.binary()
    if pt.is_decimal(type_) and type_.bit_width < _DECIMAL128_BITS:
        return pa.decimal128(type_.precision, type_.scale)
    if pt.is_float16(type_):
        return pa.float32()
    return pa.date32() if pt.is_date64(type_) else type_


def unify(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    """Return the smallest type that holds the values of both exactly, or None where there is none.

    Integers widen, timestamps with a zone (or without one) take the finer unit, a column of nulls
    takes any type; everything else unifies with itself only.

    Example:
        >>> unify(pa.int32(), pa.uint32())
        DataType(int64)
        >>> unify(pa.int64(), pa.string()) is None
        True
    """
    first, second = canonical(first), canonical(second)
    if first == second or pt.is_null(second):
        return first
    if pt.is_null(first):
        return second
    if pt.is_integer(first) and pt.is_integer(second):
        return _unify_integers(first, second)
    if pt.is_timestamp(first) and pt.is_timestamp(second):
        return _unify_timestamps(first, second)
    return pa.binary() if _is_bytes(first) and _is_bytes(second) else None


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(pt.is_binary(type_) or pt.is_fixed_size_binary(type_))


def _unify_integers(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    if pt.is_signed_integer(first) == pt.is_signed_integer(second):
        return max(first, second, key=lambda type_: type_.bit_width)
    unsigned, signed = sorted((first, second), key=pt.is_signed_integer)
    return _SIGNED.get(max(signed.bit_width, 2 * unsigned.bit_width))


def _unify_timestamps(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    if (first.tz is None) != (second.tz is None):
        return None
    unit = max(first.unit, second.unit, key=_UNITS.index)
    return pa.timestamp(unit, first.tz if first.tz == second.tz else "UTC")


class Unification:
    """One type for each column of a log, and the file that each type came from."""

    def __init__(self) -> None:
        """Begin with no column known."""
        self._known: dict[str, tuple[pa.DataType, str]] = {}

    def add(self, column: str, type_: pa.DataType, file: str) -> None:
        """Take in the type that one file gives to a column.

        Raises:
            InputError: Where no type holds the values of this file and of those before.
        """
        known, first_file = self._known.get(column, (pa.null(), file))
        unified = unify(known, type_)
        if unified is None:
            raise InputError(
                f"column {column!r} is {known} in {first_file} and {canonical(type_)} in {file}. "
                f"Give both files the same type; text takes one with --type {column}=TYPE."
            )
        self._known[column] = (unified, first_file if unified == known else file)

    def types(self) -> ColumnTypes:
        """Return the unified type of every column that was added."""
        return {column: type_ for column, (type_, _) in self._known.items()}


def check_identity(column: str, type_: pa.DataType, file: str) -> None:
    """Refuse a type whose values cannot name somebody exactly.

    Raises:
        InputError: For floats, lists, structs, maps, durations, and times of day.
    """
    type_ = canonical(type_)
    exact = (
        pt.is_integer, pt.is_string, pt.is_boolean, pt.is_date, pt.is_timestamp, pt.is_decimal,
        pt.is_binary, pt.is_fixed_size_binary, pt.is_null, is_uuid,
    )  # fmt: skip
    if not any(test(type_) for test in exact):
        raise InputError(
            f"{file}: identity column {column!r} is {type_}; identities are compared by exact value. "
            "Use integers, text, bool, date, timestamp, decimal, uuid or binary."
        )


def check_flat(column: str, type_: pa.DataType, file: str) -> None:
    """Refuse nested types, which have no order.

    Raises:
        InputError: For lists, structs, maps and unions.
    """
    if pt.is_nested(canonical(type_)):
        raise InputError(f"{file}: column {column!r} is {type_}, which cannot be ordered. Use a flat column.")


def is_uuid(type_: pa.DataType) -> bool:
    """Say whether the type is Arrow's uuid extension."""
    return getattr(type_, "extension_name", None) == "arrow.uuid"


def flatten(column: Any) -> Any:
    """Return a chunked column as one chunk in its canonical type; text keeps its dictionary.

    Args:
        column: An Arrow array or chunked array of any type.

    Returns:
        An array of type `canonical(column.type)`, or `dictionary<int32, string>` for encoded text.
    """
    array = one_chunk(column) if isinstance(column, pa.ChunkedArray) else column
    wanted = canonical(array.type)
    if pt.is_dictionary(array.type) and pt.is_string(wanted) and not array.dictionary.null_count:
        return array.cast(pa.dictionary(pa.int32(), pa.string()))
    return array if array.type == wanted else array.cast(wanted)


def take_rows(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Take rows (int64, shape (n,)) of a table; views come as plain text or bytes: Arrow takes none."""
    views = (pa.string_view(), pa.binary_view())
    fields = [
        field.with_type(canonical(field.type)) if field.type in views else field for field in table.schema
    ]
    return table.cast(pa.schema(fields)).take(pa.array(rows))
