"""Durations: as options have them (`1h30m`), as the core has them (µs), as we tell them (`1 h 30 min`)."""

from __future__ import annotations

import re
from datetime import timedelta

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)

_UNITS_US = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}
_FROM_A_MINUTE_US = (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000))
_BELOW_A_MINUTE_US = (("s", 1_000_000), ("ms", 1_000), ("µs", 1))
_ROUNDED_TO_A_MINUTE_US = 59_950_000
"""From here on, three digits make a minute."""

_SHORT = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|[wdhms]))+")
_PART = re.compile(r"(\d+)(?:\.(\d+))?(ms|us|[wdhms])")
_ISO = re.compile(
    r"p(?=.)(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?"
    r"(?:t(?=.)(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?)?"
)


def parse_duration(value: object) -> timedelta:
    """Read a duration; a bare number is refused, because it has no unit.

    Args:
        value: Text such as `30m`, `1h30m`, `900s`, `1.5h`, `500ms`, `PT30M` or `P1DT12H`; a
            `datetime.timedelta` (which `pandas.Timedelta` is); or a `numpy.timedelta64`.

    Returns:
        The duration, exact to the microsecond.

    Raises:
        ValueError: For text that is no duration, a number without a unit, or a part finer than 1 µs.
        TypeError: For any other kind of value.

    Example:
        >>> parse_duration("1h30m")
        datetime.timedelta(seconds=5400)
        >>> parse_duration("900")
        Traceback (most recent call last):
        ...
        ValueError: duration '900' has no unit. Write 900s for seconds.
    """
    if isinstance(value, timedelta):
        return _exact(value)
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool | int | float):
        raise ValueError(f"duration {str(value)!r} has no unit. Write {value}s for seconds.")
    if type(value).__module__ == "numpy" and type(value).__name__ == "timedelta64":
        return _from_numpy(value)
    raise TypeError(f"a duration is text such as '30m' or a timedelta, not {type(value).__name__}.")


def format_duration(value: timedelta) -> str:
    """Write a duration the short way that `parse_duration` reads back.

    Example:
        >>> format_duration(timedelta(minutes=90)), format_duration(timedelta(0))
        ('1h30m', '0s')
    """
    rest, parts = value // MICROSECOND, []
    for unit, size_us in list(_UNITS_US.items())[1:]:
        count, rest = divmod(rest, size_us)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def spoken(duration_us: int) -> str:
    """Tell a duration, in µs, exactly.

    Example:
        >>> spoken(1_872_000_000), spoken(62_500_000), spoken(1_500), spoken(0)
        ('31 min 12 s', '1 min 2.5 s', '1.5 ms', '0 s')
    """
    rest_us, parts = duration_us, []
    for unit, size_us in _FROM_A_MINUTE_US:
        count, rest_us = divmod(rest_us, size_us)
        if count:
            parts.append(f"{count:,} {unit}")
    if rest_us or not parts:
        unit, size_us = _BELOW_A_MINUTE_US[0] if parts else _below_a_minute(rest_us)
        number = f"{rest_us / size_us:.6f}".rstrip("0").rstrip(".")
        parts.append(f"{number} {unit}")
    return " ".join(parts)


def about(duration_us: float) -> str:
    """Tell a duration, in µs, in its two largest units; below a minute in three digits of one.

    Example:
        >>> about(435_000_000), about(600_000_000_000), about(12_345_678), about(1_717)
        ('7 min 15 s', '6 d 23 h', '12.3 s', '1.72 ms')
    """
    if duration_us >= _ROUNDED_TO_A_MINUTE_US:
        second_us = _second_unit_us(duration_us)
        return spoken(round(duration_us / second_us) * second_us)
    unit, size_us = _below_a_minute(duration_us / 0.9995)
    return f"{duration_us / size_us:.3g} {unit}"


def _second_unit_us(duration_us: float) -> int:
    """Return the unit below the largest one that the duration has one of."""
    day_us, hour_us, minute_us = (size_us for _, size_us in _FROM_A_MINUTE_US)
    return hour_us if duration_us >= day_us else minute_us if duration_us >= hour_us else 1_000_000


def _below_a_minute(duration_us: float) -> tuple[str, int]:
    """Return the unit in which to tell a short duration, and its µs."""
    if not duration_us:
        return _BELOW_A_MINUTE_US[0]
    return next((unit for unit in _BELOW_A_MINUTE_US if duration_us >= unit[1]), _BELOW_A_MINUTE_US[-1])


def _parse_text(text: str) -> timedelta:
    compact = text.strip().lower()
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", compact):
        raise ValueError(f"duration {text!r} has no unit. Write {compact}s for seconds.")
    if iso := _ISO.fullmatch(compact):
        compact = "".join(f"{number}{unit}" for unit, number in iso.groupdict().items() if number)
    if not _SHORT.fullmatch(compact):
        raise ValueError(f"{text!r} is not a duration. Write for example 30m, 1h30m, 900s or PT30M.")
    parts = [_part_us(text, *part) for part in _PART.findall(compact)]
    try:
        return timedelta(microseconds=sum(parts))
    except OverflowError:
        raise ValueError(f"duration {text!r} is longer than time itself.") from None


def _part_us(text: str, whole: str, fraction: str, unit: str) -> int:
    size_us = _UNITS_US[unit]
    fraction_us, remainder = divmod(int(fraction or 0) * size_us, 10 ** len(fraction))
    if remainder:
        raise ValueError(f"duration {text!r} is finer than a microsecond.")
    return int(whole) * size_us + fraction_us


def _exact(value: timedelta) -> timedelta:
    if getattr(value, "nanoseconds", 0):
        raise ValueError(f"duration {str(value)!r} is finer than a microsecond.")
    return timedelta(days=value.days, seconds=value.seconds, microseconds=value.microseconds)


def _from_numpy(value: object) -> timedelta:
    import numpy as np

    assert isinstance(value, np.timedelta64)
    if np.isnat(value) or np.datetime_data(value.dtype)[0] in {"generic", "Y", "M"}:
        raise ValueError(f"{value!r} is not a duration of known length.")
    exact = value.astype("timedelta64[us]")
    if exact != value:
        raise ValueError(f"duration {str(value)!r} is finer than a microsecond.")
    return timedelta(microseconds=int(exact.astype(np.int64)))
