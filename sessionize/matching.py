"""Comparing a column with a value written as text: `--include event=click`, `count_if:event,click`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from sessionize.errors import InputError


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
    return pc.fill_null(pc.equal(values, _scalar(text, values.type, column)), False)


def _scalar(text: str, type_: pa.DataType, column: str) -> pa.Scalar:
    try:
        return pa.scalar(text).cast(type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"column {column!r} is {type_}, and {text!r} is no such value.") from None
