"""Durations as people write them (`30m`, `1h30m`, `PT30M`) and as the core counts them: microseconds."""

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
