"""Sums that lose nothing: integers and decimals are added in 32-bit limbs, which no grouping can round.

A number is the sum of its limbs times powers of 2³²; all limbs but the topmost are in [0, 2³²).
int64 holds the sum of 2³¹ of them, and carrying after each addition keeps them small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Parts = Sequence[NDArray[Any]]

_LIMB_BITS = 32
_LIMB_MASK = (1 << _LIMB_BITS) - 1
_DECIMAL128_DIGITS = 38


class Sum(Protocol):
    """A way to add values up in parts that can be added further."""

    @property
    def type(self) -> pa.DataType:
        """The type of the sums."""

    @property
    def part_types(self) -> Sequence[pa.DataType]:
        """The types of the parts."""

    def split(self, values: pa.Array) -> Parts:
        """Split each value, a null as zero."""

    def carry(self, parts: Parts) -> Parts:
        """Bring added parts back into their range."""

    def join(self, parts: Parts) -> pa.Array:
        """Write sums as values of `type`; `OverflowError` where one does not fit."""

    def as_float(self, parts: Parts) -> NDArray[np.float64]:
        """Write sums as float64."""


class FloatSum:
    """float64 addition; the grouping shows in the last bits."""

    type = pa.float64()
    part_types = (pa.float64(),)

    def split(self, values: pa.Array) -> Parts:
        """Take each value as it is."""
        return [values.cast(pa.float64()).fill_null(0.0).to_numpy()]

    def carry(self, parts: Parts) -> Parts:
        """Leave the part alone."""
        return parts

    def join(self, parts: Parts) -> pa.Array:
        """Write the sums; −0.0 as 0.0."""
        return pa.array(self.as_float(parts))

    def as_float(self, parts: Parts) -> NDArray[np.float64]:
        """Return the sums."""
        return parts[0] + 0.0


class LimbSum:
    """Exact addition of integers (to int64, unsigned ones to uint64) and decimals (to 38 digits)."""

    def __init__(self, type_: pa.DataType) -> None:
        """Add values of an integer or decimal type up."""
        self._scale = type_.scale if pa.types.is_decimal(type_) else None
        self._is_signed = not pa.types.is_unsigned_integer(type_)
        self.type = self._sum_type()
        self.part_types = (pa.int64(),) * (2 if self._scale is None else 4)

    def _sum_type(self) -> pa.DataType:
        if self._scale is not None:
            return pa.decimal128(_DECIMAL128_DIGITS, self._scale)
        return pa.int64() if self._is_signed else pa.uint64()

    def split(self, values: pa.Array) -> Parts:
        """Cut each value into limbs, the lowest first."""
        if self._scale is not None:
            return _decimal_limbs(values.cast(self.type))
        integers = values.cast(self.type).fill_null(0).to_numpy()
        return [
            (integers & np.array(_LIMB_MASK, integers.dtype)).astype(np.int64),
            (integers >> np.array(_LIMB_BITS, integers.dtype)).astype(np.int64),
        ]

    def carry(self, parts: Parts) -> Parts:
        """Move what is beyond 32 bits up; the topmost limb keeps it."""
        limbs = []
        carried = np.zeros_like(parts[0])
        for part in parts[:-1]:
            total = part + carried
            limbs.append(total & _LIMB_MASK)
            carried = total >> _LIMB_BITS
        return [*limbs, parts[-1] + carried]

    def join(self, parts: Parts) -> pa.Array:
        """Put the limbs together."""
        top = parts[-1]
        smallest, beyond = (-(1 << 31), 1 << 31) if self._is_signed else (0, 1 << 32)
        if ((top < smallest) | (top >= beyond)).any():
            raise OverflowError(f"It needs more than {self._digits} digits.")
        words = np.column_stack([part.astype(np.uint32) for part in parts])
        sums = pa.Array.from_buffers(self.type, len(top), [None, pa.py_buffer(np.ascontiguousarray(words))])
        if self._scale is not None:
            _check_precision(sums)
        return sums

    def as_float(self, parts: Parts) -> NDArray[np.float64]:
        """Round the exact sums; from the topmost limb down, so that nothing cancels."""
        total = np.zeros(len(parts[0]))
        for index, part in reversed(list(enumerate(parts))):
            total += part.astype(np.float64) * 2.0 ** (_LIMB_BITS * index)
        return total if self._scale is None else total / 10.0**self._scale

    @property
    def _digits(self) -> int:
        return _DECIMAL128_DIGITS if self._scale is not None else 19 + (not self._is_signed)


def _decimal_limbs(values: pa.Array) -> Parts:
    buffer = values.buffers()[1]
    words = np.frombuffer(buffer, np.uint32).reshape(-1, 4)[values.offset : values.offset + len(values)]
    limbs = words.astype(np.int64)
    limbs[:, 3] = words[:, 3].view(np.int32)
    limbs[values.is_null().to_numpy(zero_copy_only=False)] = 0  # what stands under a null is undefined
    return list(limbs.T)


def _check_precision(sums: pa.Array) -> None:
    try:
        sums.validate(full=True)
    except pa.ArrowInvalid:
        raise OverflowError(f"It needs more than {_DECIMAL128_DIGITS} digits.") from None
