"""Columns of epoch numbers: integers, floats and decimals that count a declared unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.reading.iso8601 import shift_point
from sessionize.reading.text_times import MAXIMUM_US, MINIMUM_US

if TYPE_CHECKING:
    from decimal import DecimalTuple

    from sessionize.reading.options import TimeUnit

EXPONENTS: dict[TimeUnit, int] = {"s": 6, "ms": 3, "us": 0, "ns": -3}
"""Each unit as a power of ten of microseconds."""

# int64 holds every power of ten up to this one.
_LARGEST_EXPONENT = 18


def parse_epochs(numbers: pa.Array, unit: TimeUnit) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Turn numbers into instants.

    Integers and decimals are exact, floored to the microsecond; a float is rounded to the nearest
    microsecond, because it holds no exact one.

    Args:
        numbers: Array of n integers, floats or decimals without nulls.
        unit: What the numbers count since the epoch.

    Returns:
        int64 microseconds since the epoch, UTC (0 where unusable), and whether each number is an
        instant of the years 1 to 9999; both of shape (n,), in the order given. NaN and infinities
        are none.
    """
    exponent = EXPONENTS[unit]
    if pa.types.is_decimal(numbers.type):
        return _decimals(numbers, exponent)
    values = numbers.to_numpy()
    if pa.types.is_floating(numbers.type):
        return _floats(values.astype(np.float64), exponent)
    return scale_integers(values if values.dtype == np.uint64 else values.astype(np.int64), exponent)


def scale_integers(
    values: NDArray[np.int64] | NDArray[np.uint64], exponent: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Multiply integers by a power of ten, exactly, floored to whole microseconds.

    Args:
        values: int64 or uint64, shape (n,).
        exponent: The power of ten, from -18 to 18.

    Returns:
        int64 microseconds (0 where unusable), and whether each lies in the years 1 to 9999.

    Example:
        >>> scale_integers(np.array([-1, 1_999]), -3)
        (array([-1,  1]), array([ True,  True]))
    """
    scale = 10 ** max(exponent, 0)
    if exponent < 0:
        values = values // values.dtype.type(10**-exponent)
    if len(values) and int(values.min()) * scale >= MINIMUM_US and int(values.max()) * scale <= MAXIMUM_US:
        return values.astype(np.int64, copy=False) * scale, np.ones(len(values), np.bool_)
    is_valid = np.asarray(values <= MAXIMUM_US // scale)
    if values.dtype == np.int64:
        is_valid &= values >= -(-MINIMUM_US // scale)
    return np.where(is_valid, values, 0).astype(np.int64) * scale, is_valid


def _floats(values: NDArray[np.float64], exponent: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    scale = 10.0 ** max(exponent, 0)
    is_valid = np.abs(values) <= MAXIMUM_US * 10.0**-exponent
    values = np.where(is_valid, values, 0.0)
    if exponent < 0:
        time_us = np.rint(values / 10**-exponent).astype(np.int64)
    else:
        # The whole units need no rounding, and without them the fraction has digits to spare.
        whole = np.floor(values)
        time_us = whole.astype(np.int64) * int(scale) + np.rint((values - whole) * scale).astype(np.int64)
    is_valid &= (time_us >= MINIMUM_US) & (time_us <= MAXIMUM_US)
    return np.where(is_valid, time_us, 0), is_valid


def _decimals(numbers: pa.Array, exponent: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    shift = exponent - numbers.type.scale
    unscaled, fits = _unscaled(numbers)
    if abs(shift) > _LARGEST_EXPONENT:
        fits = np.zeros(len(numbers), np.bool_)
        shift = 0
    time_us, is_valid = scale_integers(np.where(fits, unscaled, 0), shift)
    for row in np.flatnonzero(~fits):
        exact_us = _exact_us(numbers[int(row)].as_py().as_tuple(), exponent)
        is_valid[row] = MINIMUM_US <= exact_us <= MAXIMUM_US
        time_us[row] = exact_us if is_valid[row] else 0
    return time_us, is_valid


def _unscaled(numbers: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return decimals without their point, and whether each fits in an int64."""
    try:
        wide = numbers.cast(pa.decimal128(38, numbers.type.scale))
    except pa.ArrowInvalid:
        return np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.bool_)
    halves = np.frombuffer(wide.buffers()[1], "<i8").reshape(-1, 2)[wide.offset : wide.offset + len(wide)]
    low, high = halves[:, 0], halves[:, 1]
    return low, high == low >> 63


def _exact_us(number: DecimalTuple, exponent: int) -> int:
    unscaled = int("".join(map(str, number.digits))) * (-1 if number.sign else 1)
    return shift_point(unscaled, exponent + int(number.exponent))
