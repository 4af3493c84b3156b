"""Columns of times written as text: ISO 8601 in all its shapes, and epoch numbers.

Three ways, each for the values that the one before could not read: Arrow's cast, where a stretch of
the column is plain; by shape, for many values that have the same layout; one by one, for the rest.
All three follow the grammar of `sessionize.reading.iso8601`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.reading import iso8601
from sessionize.reading.iso8601 import (
    DAY,
    DECIMALS,
    FRACTION,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    SIGN,
    WHOLE,
    YEAR,
    ZONE,
    ZONE_HOUR,
    ZONE_MINUTE,
)

UNREAD, LOCAL, INSTANT, NUMBER = range(4)
"""What a text was: no time; a time without offset; an instant; a number whose unit nobody declared."""

MINIMUM_US, MAXIMUM_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond of the years 1 to 9999."""

# A slice and its columns stay in the processor's cache, and one odd value sends no more than its
# slice from the first way to the second.
_SLICE_ROWS = 65_536
# Below so many alike values NumPy's calls cost more than reading them one by one.
_FEW = 24
_MOST_SHAPES = 16
_LONGEST = 48

_Bytes = NDArray[np.uint8]
_Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TextTimes:
    """What a column of texts says.

    Attributes:
        time_us: int64, shape (n,): microseconds from 1970-01-01 00:00, UTC for an instant, on the
            local clock for a local time, 0 for anything else.
        kind: uint8, shape (n,): `UNREAD`, `LOCAL`, `INSTANT` or `NUMBER`.
    """

    time_us: _Integers
    kind: _Bytes

    def put(self, rows: _Integers, time_us: _Integers, kind: _Bytes) -> None:
        """Enter the values of some rows."""
        self.time_us[rows] = np.where(kind == UNREAD, 0, time_us)
        self.kind[rows] = kind


def parse_texts(texts: pa.Array, exponent: int | None) -> TextTimes:
    """Read every text of a column.

    Args:
        texts: Array of n strings or large strings without nulls.
        exponent: Power of ten of an epoch number's unit in microseconds (6 for seconds); None leaves
            numbers unread, as `NUMBER`.

    Returns:
        n times in the order given, floored to the microsecond.
    """
    times = TextTimes(np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8))
    for start in range(0, len(texts), _SLICE_ROWS):
        part = texts.slice(start, _SLICE_ROWS)
        end = start + len(part)
        _parse_slice(part, exponent, TextTimes(times.time_us[start:end], times.kind[start:end]))
    return times


def _parse_slice(texts: pa.Array, exponent: int | None, times: TextTimes) -> None:
    if _cast(texts, times):
        return
    raw = _RawTexts.of(texts)
    for length, rows in raw.by_length():
        if length > _LONGEST:
            _parse_each(raw, rows, exponent, times)
        else:
            _parse_alike(raw, rows, length, exponent, times)


def plain_type(sample: bytes) -> pa.DataType | None:
    """Return the type as which Arrow reads a column of texts such as this one, or refuses it.

    Where Arrow reads a text, it reads what the grammar says.
    """
    fields = iso8601.match_time(sample)
    return None if fields is None else pa.timestamp("us", None if fields[ZONE] is None else "UTC")


def _cast(texts: pa.Array, times: TextTimes) -> bool:
    """Read a slice by Arrow's own parser, if all of it is as plain as its first value."""
    type_ = plain_type(texts[0].as_buffer().to_pybytes())
    if type_ is None:
        return False
    # Arrow spends a microsecond on the message for each value that it refuses, so try a few first.
    few = np.arange(0, len(texts), len(texts) // _FEW + 1)
    try:
        texts.take(pa.array(few)).cast(type_)
        read = texts.cast(type_)
    except pa.ArrowInvalid:
        return False
    times.time_us[:] = read.view(pa.int64()).to_numpy()
    times.kind[:] = LOCAL if type_.tz is None else INSTANT
    return True


@dataclass(frozen=True)
class _RawTexts:
    """The bytes of a string array: text i is `data[offsets[i]:offsets[i + 1]]`."""

    offsets: _Integers
    data: _Bytes

    @classmethod
    def of(cls, texts: pa.Array) -> _RawTexts:
        large = texts.cast(pa.large_string())
        _, offsets, data = large.buffers()
        first = large.offset
        return cls(
            np.frombuffer(offsets, np.int64)[first : first + len(large) + 1],
            np.frombuffer(data or b"", np.uint8),
        )

    def by_length(self) -> Iterator[tuple[int, _Integers]]:
        """Group the rows by length; those too long to be read together are one group."""
        lengths = np.minimum(np.diff(self.offsets), _LONGEST + 1)
        for length in np.flatnonzero(np.bincount(lengths)):
            yield int(length), np.flatnonzero(lengths == length)

    def columns(self, rows: _Integers, length: int) -> _Bytes:
        """Return the rows' bytes by place: shape (length, rows), each place contiguous."""
        if len(rows) == len(self.offsets) - 1:
            whole = self.data[self.offsets[0] : self.offsets[-1]].reshape(len(rows), length)
            return np.ascontiguousarray(whole.T)
        places: _Integers = self.offsets[rows] + np.arange(length)[:, np.newaxis]
        return np.take(self.data, places)

    def text(self, row: int) -> bytes:
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes()


def _parse_alike(
    raw: _RawTexts, rows: _Integers, length: int, exponent: int | None, times: TextTimes
) -> None:
    """Read texts of one length: those with the first one's layout together, then those left."""
    columns = raw.columns(rows, length) if len(rows) >= _FEW else np.empty((0, 0), np.uint8)
    for _ in range(_MOST_SHAPES):
        if len(rows) < _FEW:
            break
        sample = columns[:, 0].tobytes()
        alike = _alike(columns, sample)
        if alike.all():
            times.put(rows, *_parse_shape(columns, sample, exponent))
            return
        times.put(rows[alike], *_parse_shape(columns[:, alike], sample, exponent))
        rows, columns = rows[~alike], columns[:, ~alike]
    _parse_each(raw, rows, exponent, times)


def _alike(columns: _Bytes, sample: bytes) -> NDArray[np.bool_]:
    """Tell which texts have digits where the sample has, and its very bytes elsewhere."""
    alike = np.ones(columns.shape[1], np.bool_)
    for column, byte in zip(columns, sample, strict=True):
        # Below "0" the difference wraps round to a large number.
        alike &= (column - np.uint8(48) <= 9) if 48 <= byte <= 57 else (column == byte)
    return alike


def _parse_shape(columns: _Bytes, sample: bytes, exponent: int | None) -> tuple[_Integers, _Bytes]:
    """Read texts that all have the sample's layout; returns their times and kinds."""
    if fields := iso8601.match_time(sample):
        spans = [fields.span(group) for group in range(ZONE_MINUTE + 1)]
        time_us, is_valid = _times(columns, spans, is_behind=fields[SIGN] == b"-")
        return time_us, np.where(is_valid, INSTANT if fields[ZONE] else LOCAL, UNREAD).astype(np.uint8)
    number = iso8601.match_number(sample)
    count = columns.shape[1]
    if number is None:
        return np.zeros(count, np.int64), np.full(count, UNREAD, np.uint8)
    if exponent is None:
        return np.zeros(count, np.int64), np.full(count, NUMBER, np.uint8)
    return _epochs(columns, sample, number.span(WHOLE), number.span(DECIMALS), exponent)


def _times(
    columns: _Bytes, spans: list[tuple[int, int]], *, is_behind: bool
) -> tuple[_Integers, NDArray[np.bool_]]:
    month_start, month_days = _months()
    year = _pair(columns, spans[YEAR][0]).astype(np.int32) * 100 + _pair(columns, spans[YEAR][0] + 2)
    month, day, hour, minute, second, zone_hour, zone_minute = (
        _pair(columns, spans[group][0])
        for group in (MONTH, DAY, HOUR, MINUTE, SECOND, ZONE_HOUR, ZONE_MINUTE)
    )
    index = year * 12 + month - 1
    is_valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= month_days.take(index, mode="clip"))
    fraction_us, has_fraction = _fraction(columns, *spans[FRACTION])
    is_next_midnight = (hour == 24) & (minute == 0) & (second == 0) & ~has_fraction
    is_valid &= ((hour <= 23) | is_next_midnight) & (minute <= 59) & (second <= 59)
    is_valid &= (zone_hour <= 23) & (zone_minute <= 59)
    days = month_start.take(index, mode="clip") + day - 1
    seconds = (hour.astype(np.int32) * 60 + minute) * 60 + second
    offset = (zone_hour.astype(np.int32) * 60 + zone_minute) * 60
    seconds = seconds + offset if is_behind else seconds - offset
    return (days.astype(np.int64) * 86_400 + seconds) * 1_000_000 + fraction_us, is_valid


@cache
def _months() -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return each month's first day since 1970-01-01 and its number of days, from January 0000."""
    starts = np.arange("0000-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int32)
    return starts[:-1], np.diff(starts).astype(np.uint8)


def _pair(columns: _Bytes, place: int) -> _Bytes:
    """Read two digits; a field that the layout lacks is 0."""
    if place < 0:
        return np.zeros(columns.shape[1], np.uint8)
    # 11 * 48 is what "00" gives; modulo 256 the result is exact, because it is below 100.
    pair: _Bytes = columns[place] * np.uint8(10) + columns[place + 1] - np.uint8(11 * 48 % 256)
    return pair


def _fraction(columns: _Bytes, start: int, end: int) -> tuple[_Integers, NDArray[np.bool_]]:
    """Read the digits behind the point: whole microseconds, and whether any digit is not 0."""
    kept = min(end, start + 6)
    fraction_us = _digits(columns, start, kept) * 10 ** (6 - (kept - start))
    return fraction_us, (fraction_us > 0) | _has_digit(columns, kept, end)


def _digits(columns: _Bytes, start: int, end: int) -> _Integers:
    """Read up to 18 digits as a number; none are 0."""
    number = np.zeros(columns.shape[1], np.int64)
    for column in columns[max(start, 0) : max(end, 0)]:
        number *= 10
        number += column
        number -= 48
    return number


def _has_digit(columns: _Bytes, start: int, end: int) -> NDArray[np.bool_]:
    """Tell where any of the digits is not 0."""
    return np.asarray((columns[max(start, 0) : max(end, 0)] != 48).any(axis=0))


def _epochs(
    columns: _Bytes, sample: bytes, whole: tuple[int, int], decimals: tuple[int, int], exponent: int
) -> tuple[_Integers, _Bytes]:
    """Read numbers as epochs, floored: a negative number with a rest goes one microsecond down."""
    point = whole[1] + min(exponent, 0)
    kept = min(decimals[0] + max(exponent, 0), decimals[1])
    # More digits than an instant has can only be leading zeros.
    first = max(whole[0], point - 18)
    is_valid = ~_has_digit(columns, whole[0], first)
    number = _digits(columns, first, point)
    is_valid &= number <= MAXIMUM_US // 10 ** max(exponent, 0) + 1
    number = np.where(is_valid, number, 0) * 10 ** max(exponent, 0)
    number += _digits(columns, decimals[0], kept) * 10 ** (max(exponent, 0) - (kept - decimals[0]))
    has_rest = _has_digit(columns, max(point, whole[0]), whole[1]) | _has_digit(columns, kept, decimals[1])
    time_us = -number - has_rest if sample.startswith(b"-") else number
    return time_us, np.where(is_valid, INSTANT, UNREAD).astype(np.uint8)


def _parse_each(raw: _RawTexts, rows: _Integers, exponent: int | None, times: TextTimes) -> None:
    for row in rows:
        times.time_us[row], times.kind[row] = _parse_one(raw.text(row), exponent)


def _parse_one(text: bytes, exponent: int | None) -> tuple[int, int]:
    if time := iso8601.parse_iso8601(text):
        return time.time_us, INSTANT if time.has_offset else LOCAL
    if iso8601.match_number(text) is None:
        return 0, UNREAD
    if exponent is None:
        return 0, NUMBER
    time_us = iso8601.parse_epoch(text, exponent)
    if time_us is None or not MINIMUM_US <= time_us <= MAXIMUM_US:
        return 0, UNREAD
    return time_us, INSTANT
