"""Sorting rows by identity and time.

A chunk of a log in time order is sorted by identity alone: a stable radix sort. Any other chunk has
identity and time packed into one integer for each row, which NumPy sorts without moving the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sessionize.core.identity import Codes

KEY_BITS = 64

_DIGIT_BITS = 16
"""NumPy's stable sort of 16-bit integers is a radix sort."""

_MOST_SHARES = 16

_RADIX_CODES = 1 << 32
"""Above it a radix sort of the codes takes more passes than sorting packed keys is worth."""

_NEARLY_SORTED = 20
"""One row in so many may step back in time for the log to be sorted by time first."""

_STEPS_US = (1_000_000, 1_000)


@dataclass(frozen=True)
class SortedRows:
    """Rows by identity code, then time.

    Attributes:
        codes: The coding; packing may have renumbered the codes.
        code: uint64, shape (n,): the sorted codes.
        time_us: int64, shape (n,): their times.
        order: int64, shape (n,): where each sorted row stood; empty where nobody asked.
    """

    codes: Codes
    code: NDArray[np.uint64]
    time_us: NDArray[np.int64]
    order: NDArray[np.int64]


@dataclass(frozen=True)
class Packing:
    """A way to hold an identity code and a time in one uint64 that sorts by code, then time.

    `key = code << time_bits | time`, the time being an offset from the earliest one, in steps of
    1 µs or, where all times are whole milliseconds or seconds apart, of those. Where even that
    needs more than 64 bits, times and codes are replaced by their ranks, which always fit.
    """

    codes: Codes
    base_us: int
    step_us: int
    time_bits: int
    distinct_us: NDArray[np.int64] | None
    offsets: NDArray[np.uint64]

    @classmethod
    def of(cls, codes: Codes, time_us: NDArray[np.int64]) -> Packing:
        """Choose the packing for these rows: n codes and int64 times in µs, shape (n,)."""
        base_us = int(time_us.min()) if len(time_us) else 0
        offsets = (time_us - base_us).view(np.uint64)
        span_us = int(offsets.max()) if len(time_us) else 0
        code_bits = (codes.size - 1).bit_length()
        if code_bits + span_us.bit_length() <= KEY_BITS:
            return cls(codes, base_us, 1, span_us.bit_length(), None, offsets)
        for step_us in _STEPS_US:
            time_bits = (span_us // step_us).bit_length()
            if code_bits + time_bits <= KEY_BITS and not (offsets % np.uint64(step_us)).any():
                return cls(codes, base_us, step_us, time_bits, None, offsets // np.uint64(step_us))
        distinct_us, ranks = np.unique(time_us, return_inverse=True)
        return cls(codes.dense(), 0, 1, len(distinct_us).bit_length(), distinct_us, ranks.astype(np.uint64))

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The packed keys, in row order."""
        return (self.codes.values << np.uint64(self.time_bits)) | self.offsets

    def code_of(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Take the identity codes out of keys."""
        return keys >> np.uint64(self.time_bits)

    def time_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Take the times out of keys, in µs."""
        offsets = (keys & np.uint64((1 << self.time_bits) - 1)).view(np.int64)
        if self.distinct_us is not None:
            return self.distinct_us[offsets]
        return offsets * self.step_us + self.base_us if self.step_us > 1 else offsets + self.base_us


def sort_rows(codes: Codes, time_us: NDArray[np.int64], *, with_order: bool) -> SortedRows:
    """Sort rows by identity code, then time, the cheapest way that their order allows.

    Args:
        codes: The identity codes of n rows.
        time_us: int64, shape (n,).
        with_order: Whether the caller needs to know where each sorted row stood.

    Returns:
        The sorted rows; rows equal in code and time come in any order.
    """
    if is_nearly_sorted(codes, time_us):
        return sort_by_code(codes, time_us)
    return _sort_packed(Packing.of(codes, time_us), with_order=with_order)


def is_nearly_sorted(codes: Codes, time_us: NDArray[np.int64]) -> bool:
    """Say whether rows are so nearly in time order that sorting them by code is most of the work."""
    backward = int((time_us[1:] < time_us[:-1]).sum())
    return backward * _NEARLY_SORTED <= len(time_us) and codes.size <= _RADIX_CODES


def sort_runs(codes: Codes, time_us: NDArray[np.int64]) -> SortedRows:
    """Sort rows that come in runs, one after the other in time, each sorted by code, then time.

    Args:
        codes: The identity codes of n rows.
        time_us: int64, shape (n,).

    Returns:
        The sorted rows, with their order. Runs that overlap in time cost a sort, no more.
    """
    order = _stable_order(codes.values, codes.size)
    rows = SortedRows(codes, _sorted_codes(codes, order), time_us[order], order)
    back = (rows.code[1:] == rows.code[:-1]) & (rows.time_us[1:] < rows.time_us[:-1])
    return _sort_packed(Packing.of(codes, time_us), with_order=True) if back.any() else rows


def sort_by_code(codes: Codes, time_us: NDArray[np.int64]) -> SortedRows:
    """Sort rows in time order, or nearly: a stable sort of the codes is left, and they stay what they are."""
    if (time_us[1:] >= time_us[:-1]).all():
        order = _stable_order(codes.values, codes.size)
    else:
        # Timsort: nearly sorted times cost little more than a look.
        by_time = np.argsort(time_us, kind="stable")
        order = by_time[_stable_order(codes.values[by_time], codes.size)]
    return SortedRows(codes, _sorted_codes(codes, order), time_us[order], order)


def _stable_order(values: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    """Return where the values (below `size`) stand in ascending order, equal ones in the order given."""
    low = values.astype(np.uint16)
    if size <= 1 << _DIGIT_BITS:
        return np.argsort(low, kind="stable")
    high, high_size = values >> np.uint64(_DIGIT_BITS), (size >> _DIGIT_BITS) + 1
    if high_size > _MOST_SHARES:
        order = np.argsort(low, kind="stable")
        return order[_stable_order(high[order], high_size)]
    # A few shares are picked out sooner than all rows are sorted twice.
    shares = [np.flatnonzero(high == value) for value in range(high_size)]
    return np.concatenate([rows[np.argsort(low[rows], kind="stable")] for rows in shares])


def _sorted_codes(codes: Codes, order: NDArray[np.int64]) -> NDArray[np.uint64]:
    if codes.size > len(order):
        return codes.values[order]
    # How often each code occurs says the same without a walk through memory.
    occurrences = np.bincount(codes.values.view(np.int64), minlength=codes.size)
    return np.repeat(np.arange(codes.size, dtype=np.uint64), occurrences)


def _sort_packed(packing: Packing, *, with_order: bool) -> SortedRows:
    """Sort by packed keys; without the order no row moves: code and time come back out of the keys."""
    keys, order = packing.keys, np.empty(0, np.int64)
    if with_order:
        order = np.argsort(keys)
        keys = keys[order]
    else:
        keys.sort()
    return SortedRows(packing.codes, packing.code_of(keys), packing.time_of(keys), order)
