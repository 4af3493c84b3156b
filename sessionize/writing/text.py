"""Values as CSV and JSON lines show them, a column at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_
from numpy.typing import NDArray

from sessionize.core.texts import as_text

TEXT = pa.large_string()
"""The type of all text here: its offsets have 64 bits, so no batch is too large."""

_TO_MICROSECONDS = {"s": ".000000", "ms": "000", "us": "", "ns": ""}


def constant(text: str) -> pa.Scalar:
    """Return text that repeats on every row."""
    return pa.scalar(text, TEXT)


def joined(*parts: pa.Array | pa.Scalar | str) -> pa.Array:
    """Put columns and constants side by side, row by row; null where any part is null.

    Example:
        >>> joined("<", pa.array(["a", None], TEXT), ">").to_pylist()
        ['<a>', None]
    """
    texts = [constant(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, constant(""))


def output_text(column: pa.Array) -> pa.Array:
    """Write a column's values as text that reads back as the same values.

    Floats are the shortest text that reads back exactly (`1.5`, `0.0`, `NaN`, `inf`); dates and
    times ISO 8601 with at least microseconds and, where they have a zone, in UTC with `Z`;
    durations count their own unit; everything else is as in session ids (`sessionize.core.texts`).

    Args:
        column: n values of a type that `has_text`, one chunk.

    Returns:
        Array of n values, type `TEXT`; null stays null.

    Example:
        >>> output_text(pa.array([0, 1_500_000], pa.timestamp("us", "UTC"))).to_pylist()
        ['1970-01-01T00:00:00.000000Z', '1970-01-01T00:00:01.500000Z']
    """
    if is_text(column.type):
        return column.cast(TEXT)
    if is_.is_floating(column.type):
        return _float(column)
    if is_.is_timestamp(column.type):
        return _timestamp(column)
    if is_.is_duration(column.type):
        return column.cast(pa.int64()).cast(TEXT)
    return as_text(column).cast(TEXT)


def has_text(type_: pa.DataType) -> bool:
    """Say whether `output_text` can write this type: none that is nested or an interval.

    Example:
        >>> has_text(pa.int64()), has_text(pa.list_(pa.int64()))
        (True, False)
    """
    return is_text(type_) or type_ == pa.uuid() or any(fits(type_) for fits in _KINDS)


def is_text(type_: pa.DataType) -> bool:
    """Say whether values of this type are free text."""
    return bool(is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_))


def used_bytes(column: pa.Array) -> NDArray[np.uint8]:
    """Return the bytes of a `TEXT` column's values, end to end: uint8, no copy."""
    if not len(column):
        return np.empty(0, np.uint8)
    _, begins, values = column.buffers()
    offsets = np.frombuffer(begins, np.int64)
    whole = np.frombuffer(values or b"", np.uint8)
    return whole[offsets[column.offset] : offsets[column.offset + len(column)]]


def _float(column: pa.Array) -> pa.Array:
    text = column.cast(TEXT)
    text = pc.if_else(pc.match_substring_regex(text, r"^-?\d+$"), joined(text, ".0"), text)
    return pc.if_else(pc.is_nan(column), constant("NaN"), text)


def _timestamp(column: pa.Array) -> pa.Array:
    type_ = column.type
    # Stripped of its zone the same number is a wall time in UTC.
    text = _iso(column.view(pa.timestamp(type_.unit)).cast(TEXT))
    ending = _TO_MICROSECONDS[type_.unit] + ("Z" if type_.tz else "")
    return joined(text, ending) if ending else text


def _iso(text: pa.Array) -> pa.Array:
    lengths = pc.min_max(pc.binary_length(text))
    if lengths["min"] == lengths["max"]:
        return pc.binary_replace_slice(text, 10, 11, "T")
    # A year before 0 or after 9999 is longer, so the blank has no fixed place.
    return pc.replace_substring(text, " ", "T")


_KINDS: tuple[Callable[[pa.DataType], Any], ...] = (
    is_.is_integer,
    is_.is_floating,
    is_.is_decimal,
    is_.is_boolean,
    is_.is_date,
    is_.is_time,
    is_.is_timestamp,
    is_.is_duration,
    is_.is_null,
    is_.is_binary,
    is_.is_large_binary,
    is_.is_fixed_size_binary,
)
