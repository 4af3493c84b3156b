"""The time column: whatever a log's times look like, as instants in int64 microseconds, UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.errors import InputError
from sessionize.reading.epochs import EXPONENTS, parse_epochs, scale_integers
from sessionize.reading.options import ISO8601, ReadOptions
from sessionize.reading.text_times import (
    INSTANT,
    LOCAL,
    MAXIMUM_US,
    MINIMUM_US,
    NUMBER,
    UNREAD,
    TextTimes,
    parse_texts,
)
from sessionize.reading.time_formats import parse_formatted
from sessionize.zones import PLAIN

PROBLEMS = ("missing_time", "unparseable_time", "nonexistent_time", "ambiguous_time", "implausible_time")
"""Why a time is unusable; `Instants.problem` holds the place in this list, from 1."""

_MISSING, _UNPARSEABLE, _NONEXISTENT, _AMBIGUOUS, _IMPLAUSIBLE = range(1, 6)
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?$"


@dataclass(frozen=True)
class Instants:
    """A column of times as instants; every array has shape (n,), in the order of the column.

    Attributes:
        time_us: int64: microseconds since the epoch, UTC; 0 where unusable.
        problem: uint8: 0 where usable, else the place in `PROBLEMS`, from 1.
        dst_resolved: bool: whether a clock change showed the local time twice or skipped it, and
            the policy chose an offset.
        is_bare_number: bool: whether the text was a number whose unit nobody declared; such a time
            is unparseable.
    """

    time_us: NDArray[np.int64]
    problem: NDArray[np.uint8]
    dst_resolved: NDArray[np.bool_]
    is_bare_number: NDArray[np.bool_]

    @property
    def bare_epochs(self) -> int:
        """How many texts were numbers whose unit nobody declared."""
        return int(np.count_nonzero(self.is_bare_number))

    def take(self, indices: NDArray[np.int64]) -> Instants:
        """Return the instants at the indices."""
        return Instants(
            self.time_us[indices],
            self.problem[indices],
            self.dst_resolved[indices],
            self.is_bare_number[indices],
        )


def parse_times(column: pa.Array, options: ReadOptions) -> Instants:
    """Turn a column of times into instants.

    Arrow timestamps, dates, numbers in `time_unit`, and text: with `time_format` the first format
    that fits, with `time_unit` numbers, else ISO 8601. Times without an offset and dates are read in
    `timezone`. What is finer than a microsecond is floored; floats are rounded to the nearest one.

    Args:
        column: One chunk of n values, of a type that `check_time_type` accepts; text may be
            dictionary-encoded.
        options: The formats, unit, zone, policy and plausible range.

    Returns:
        n instants in the order of the column. Nulls and NaN are `missing_time`; text that no rule
        reads and instants outside the years 1 to 9999 are `unparseable_time`.

    Example:
        >>> instants = parse_times(pa.array(["1970-01-01T00:00:01Z", "soon", None]), ReadOptions())
        >>> instants.time_us, instants.problem
        (array([1000000,       0,       0]), array([0, 2, 1], dtype=uint8))
    """
    if isinstance(column.type, pa.DictionaryType):
        return _parse_dictionary(column, options)
    if column.type == pa.null() or not len(column):
        return _unusable(len(column), _MISSING)
    if (instants := _already_instants(column, options)) is not None:
        return instants
    if pa.types.is_string_view(column.type):
        # Arrow takes and matches the other string types only.
        column = column.cast(pa.large_string())
    is_missing = pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False)
    if not is_missing.any():
        return _parse_values(column, options)
    present = np.flatnonzero(~is_missing)
    instants = _unusable(len(column), _MISSING)
    parsed = _parse_values(column.take(pa.array(present)), options)
    instants.time_us[present] = parsed.time_us
    instants.problem[present] = parsed.problem
    instants.dst_resolved[present] = parsed.dst_resolved
    instants.is_bare_number[present] = parsed.is_bare_number
    return instants


def _already_instants(column: pa.Array, options: ReadOptions) -> Instants | None:
    """Take a column that is what we make of columns: nothing to turn, nothing to refuse."""
    type_ = column.type
    if not pa.types.is_timestamp(type_) or type_.unit != "us" or column.null_count:
        return None
    if (type_.tz is None and options.timezone != "UTC") or options.not_before or options.not_after:
        return None
    time_us = column.view(pa.int64()).to_numpy()
    if time_us.min() < MINIMUM_US or time_us.max() > MAXIMUM_US:
        return None
    return replace(_unusable(len(column), 0), time_us=time_us)


def check_time_type(type_: pa.DataType, options: ReadOptions, file: str) -> None:
    """Refuse a time column whose type holds no times, or numbers of an unknown unit.

    Raises:
        InputError: It names the file, the column, its type, and the option that helps.
    """
    value_type = type_.value_type if isinstance(type_, pa.DictionaryType) else type_
    if _is_number(value_type):
        has_format = bool(options.time_format) and pa.types.is_integer(value_type)
        if options.time_unit is None and not has_format:
            raise _unknown_unit(file, options.time, f"bare numbers ({type_})")
    elif not (_is_text(value_type) or _is_calendar(value_type) or value_type == pa.null()):
        raise InputError(
            f"{file}: {options.time!r} holds {type_}, not times. Name the column of times with --time COL."
        )


def bare_epochs_error(file: str, column: str, sample: object) -> InputError:
    """Make the error for a column of text whose every value is a number that nobody declared.

    Args:
        file: The file as named.
        column: The time column.
        sample: One of the values.
    """
    return _unknown_unit(file, column, f"bare numbers such as {sample!r}")


def _unknown_unit(file: str, column: str, what: str) -> InputError:
    return InputError(
        f"{file}: {column!r} holds {what}. Say what they count with --time-unit s (or ms, us, ns)."
    )


def _is_text(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(type_) for is_kind in kinds)


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _is_calendar(type_: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(type_) or pa.types.is_date(type_))


def _unusable(count: int, problem: int) -> Instants:
    return Instants(
        np.zeros(count, np.int64),
        np.full(count, problem, np.uint8) if problem else np.zeros(count, np.uint8),
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
    )


def _parse_dictionary(column: pa.Array, options: ReadOptions) -> Instants:
    """Parse each distinct text once; one more entry at the end stands for nulls."""
    distinct = column.dictionary
    parsed = parse_times(pa.concat_arrays([distinct, pa.nulls(1, distinct.type)]), options)
    return parsed.take(pc.fill_null(column.indices.cast(pa.int64()), len(distinct)).to_numpy())


def _parse_values(values: pa.Array, options: ReadOptions) -> Instants:
    """Parse values without nulls."""
    if _is_text(values.type):
        times = _parse_text(values, options)
    elif _is_number(values.type):
        times = _parse_numbers(values, options)
    else:
        times = _parse_temporal(values)
    return _within_range(_resolve(times, options), options)


def _parse_temporal(values: pa.Array) -> TextTimes:
    if pa.types.is_date(values.type):
        # A date is its local midnight, which date64 has in milliseconds and seconds hold exactly.
        values = values.cast(pa.date32()).cast(pa.timestamp("s"))
    time_us, is_valid = scale_integers(values.view(pa.int64()).to_numpy(), EXPONENTS[values.type.unit])
    kind = LOCAL if values.type.tz is None else INSTANT
    return TextTimes(time_us, np.where(is_valid, kind, UNREAD).astype(np.uint8))


def _parse_numbers(values: pa.Array, options: ReadOptions) -> TextTimes:
    if options.time_unit is None or (options.time_format and pa.types.is_integer(values.type)):
        return _parse_text(values.cast(pa.string()), options)
    time_us, is_valid = parse_epochs(values, options.time_unit)
    return TextTimes(time_us, np.where(is_valid, INSTANT, UNREAD).astype(np.uint8))


def _parse_text(texts: pa.Array, options: ReadOptions) -> TextTimes:
    exponent = None if options.time_unit is None else EXPONENTS[options.time_unit]
    if not options.time_format:
        return parse_texts(texts, exponent)
    times = TextTimes(np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8))
    rest = np.arange(len(texts))
    for time_format in options.time_format:
        rest = _parse_rest(texts, rest, time_format, times)
    if exponent is not None and len(rest):
        is_number = pc.match_substring_regex(texts, _NUMBER).to_numpy(zero_copy_only=False)
        numbers = rest[is_number[rest]]
        read = parse_texts(texts.take(pa.array(numbers)), exponent)
        times.put(numbers, read.time_us, read.kind)
    return times


def _parse_rest(
    texts: pa.Array, rest: NDArray[np.int64], time_format: str, times: TextTimes
) -> NDArray[np.int64]:
    """Try a format on the texts at the indices `rest`; return those that do not fit it."""
    part = texts.take(pa.array(rest))
    read = parse_texts(part, None) if time_format == ISO8601 else parse_formatted(part, time_format)
    is_read = (read.kind == LOCAL) | (read.kind == INSTANT)
    times.put(rest[is_read], read.time_us[is_read], read.kind[is_read])
    unread: NDArray[np.int64] = rest[~is_read]
    return unread


def _resolve(times: TextTimes, options: ReadOptions) -> Instants:
    """Give local times the offset of the zone, and judge what clock changes did to them."""
    instants = _unusable(len(times.kind), 0)
    if (times.kind == INSTANT).all():
        return replace(instants, time_us=times.time_us)
    instants.is_bare_number[:] = times.kind == NUMBER
    instants.problem[(times.kind == UNREAD) | (times.kind == NUMBER)] = _UNPARSEABLE
    instants.time_us[:] = times.time_us
    is_local = times.kind == LOCAL
    local = slice(None) if is_local.all() else np.flatnonzero(is_local)
    instants.time_us[local], change = options.zone.to_utc(times.time_us[local], options.dst_policy)
    if options.dst_policy == "reject":
        problems = np.array([0, _AMBIGUOUS, _NONEXISTENT], np.uint8)
        instants.problem[local] = problems[change]
    else:
        instants.dst_resolved[local] = change != PLAIN
    return instants


def _within_range(instants: Instants, options: ReadOptions) -> Instants:
    """Refuse instants that no calendar has, then those that the options call implausible."""
    time_us, problem = instants.time_us, instants.problem
    if len(time_us) and (time_us.min() < MINIMUM_US or time_us.max() > MAXIMUM_US):
        problem[(problem == 0) & ((time_us < MINIMUM_US) | (time_us > MAXIMUM_US))] = _UNPARSEABLE
    if (earliest := options.not_before_us) is not None:
        problem[(problem == 0) & (time_us < earliest)] = _IMPLAUSIBLE
    if (latest := options.not_after_us) is not None:
        problem[(problem == 0) & (time_us > latest)] = _IMPLAUSIBLE
    if problem.any():
        time_us[problem != 0] = 0
        instants.dst_resolved[problem != 0] = False
    return instants
