"""Text as the type that `--type` declares: exact, or malformed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

from sessionize.errors import InputError
from sessionize.reading.options import ReadOptions
from sessionize.reading.times import parse_times
from sessionize.reading.types import canonical, is_text

Mask = NDArray[np.bool_]

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TRUTHS = pa.array(["true", "1", "false", "0"])
_INT64 = range(-(2**63), 2**63)


def declared_type(column: str, type_: pa.DataType, options: ReadOptions, file: str) -> pa.DataType:
    """Return the type that a column of a file has once `--type` is applied.

    Args:
        column: Its name.
        type_: Its type in the file.
        options: With the declared types.
        file: For the error.

    Raises:
        InputError: Where another type than text or the declared one is in the file.

    Example:
        >>> declared_type("price", pa.string(), ReadOptions(types={"price": "float64"}), "events.csv")
        DataType(double)
    """
    wanted = options.arrow_type(column)
    found = canonical(type_)
    if wanted is None or wanted == found or pt.is_null(found):
        return wanted or found
    if is_text(found):
        return wanted
    if pt.is_integer(found) and pt.is_int64(wanted) and not pt.is_uint64(found):
        return wanted
    if pt.is_timestamp(found) and pt.is_timestamp(wanted):
        return found
    raise InputError(
        f"{file}: column {column!r} is {found}, not text, so --type {column}={options.types[column]} "
        "cannot be applied. Leave it out."
    )


def convert(column: pa.Array, type_: pa.DataType, options: ReadOptions) -> tuple[pa.Array, Mask]:
    """Read text as values of another type, each exactly.

    `17850.0` and `abc` are no int64; `1.005` is no decimal(9, 2); a bool is true, false, 1 or 0 in
    any case; dates and timestamps are ISO 8601, without an offset in the log's time zone.

    Args:
        column: n texts, with a dictionary or without.
        type_: int64, float64, decimal, bool, date32 or timestamp[us, UTC].
        options: With time zone and policy for clock changes.

    Returns:
        The n values, null where the text is null or no such value; and a mask of the latter.
    """
    if pt.is_dictionary(column.type):
        values, malformed = convert(column.dictionary, type_, options)
        rows = column.indices
        of_rows = pc.fill_null(pa.array(malformed).take(rows), False)
        return values.take(rows), _mask(of_rows)
    if pt.is_boolean(type_):
        found = pc.index_in(pc.utf8_lower(column), _TRUTHS)
        values = pc.less(found, 2)
    elif pt.is_timestamp(type_):
        values = _timestamps(column, options)
    else:
        values = _by_pattern(column, type_)
    return values, _mask(values.is_null()) & _mask(column.is_valid())


def _timestamps(column: pa.Array, options: ReadOptions) -> pa.Array:
    iso_only = options.evolve(time_format=(), time_unit=None, not_before=None, not_after=None)
    instants = parse_times(column, iso_only)
    return pa.array(instants.time_us, mask=instants.problem > 0).cast(pa.timestamp("us", "UTC"))


def _by_pattern(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Cast the texts that surely are values all at once, and look at the others one by one."""
    pattern, read_one = _grammar(type_)
    plain = pc.match_substring_regex(column, pattern)
    values = pc.if_else(plain, column, pa.scalar(None, pa.string()))
    rest = np.flatnonzero(_mask(pc.fill_null(pc.invert(plain), False)))
    try:
        cast = values.cast(type_)
    except pa.ArrowInvalid:  # a date such as 2026-02-30 has the pattern only
        cast, rest = pa.nulls(len(column), type_), np.flatnonzero(_mask(column.is_valid()))
    if not len(rest):
        return cast
    found = pa.array([read_one(text) for text in column.take(pa.array(rest)).to_pylist()], type_)
    mask = np.zeros(len(column), np.bool_)
    mask[rest] = True
    return pc.replace_with_mask(cast, pa.array(mask), found)


def _grammar(type_: pa.DataType) -> tuple[str, Callable[[str], object]]:
    if pt.is_int64(type_):
        return r"^-?[0-9]{1,18}$", _integer
    if pt.is_float64(type_):
        return r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$", _float
    if pt.is_date(type_):
        return _DATE, _date
    whole, scale = type_.precision - type_.scale, type_.scale
    fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    return rf"^-?[0-9]{{1,{max(whole, 1)}}}{fraction}$", lambda text: _decimal(text, type_)


def _integer(text: str) -> int | None:
    sign, digits = text[:1].strip("0123456789"), text.lstrip("+-")
    if (
        sign not in {"", "+", "-"}
        or not (digits.isascii() and digits.isdigit())
        or len(text) - len(digits) > 1
    ):
        return None
    value = int(text)
    return value if value in _INT64 else None


def _float(text: str) -> float | None:
    if not text.isascii() or "_" in text or text != text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(_DATE, text, re.ASCII) else None
    except ValueError:
        return None


def _decimal(text: str, type_: pa.DataType) -> Decimal | None:
    if not text.isascii() or "_" in text or text != text.strip():
        return None
    try:
        pa.scalar(value := Decimal(text), type_)
    except (InvalidOperation, pa.ArrowInvalid):
        return None
    return value


def _mask(array: pa.Array) -> Mask:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.bool_)
