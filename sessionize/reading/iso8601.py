"""The grammar of ISO 8601 times and of epoch numbers written as text, one value at a time.

`sessionize.reading.text_times` reads whole columns with the same grammar: it matches one value of each
shape here and reads the others of that shape by the places of the fields.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

# Digits are ASCII, so the grammar is that of bytes. A date alone has no zone; a compact date needs
# its T and its time, because digits alone are a number.
_DATE, _COMPACT_DATE = rb"(\d{4})-(\d\d)-(\d\d)", rb"(\d{4})(\d\d)(\d\d)"
_FRACTION = rb"(?:[.,](\d+))?"
_ZONE = rb"(?: ?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)| UTC)"
_EXTENDED = re.compile(
    _DATE + rb"(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)" + _FRACTION + rb")?)?(" + _ZONE + rb")?)?"
)
_COMPACT = re.compile(
    _COMPACT_DATE + rb"[Tt ](\d\d)(?:(\d\d)(?:(\d\d)" + _FRACTION + rb")?)?(" + _ZONE + rb")?"
)
_NUMBER = re.compile(rb"[+-]?(\d+)(?:\.(\d+))?")

YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION, ZONE, SIGN, ZONE_HOUR, ZONE_MINUTE = range(1, 12)
"""The fields of a time, by their group in a match of `match_time`."""

WHOLE, DECIMALS = 1, 2
"""The fields of a number, by their group in a match of `match_number`."""

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class TextTime(NamedTuple):
    """A time that was written as text.

    Attributes:
        time_us: Microseconds from 1970-01-01 00:00, UTC where the text has an offset, else local.
        has_offset: Whether the text says its offset from UTC.
    """

    time_us: int
    has_offset: bool


def match_time(text: bytes) -> re.Match[bytes] | None:
    """Match ISO 8601, extended or compact; the groups are `YEAR` to `ZONE_MINUTE`, None where absent."""
    return _EXTENDED.fullmatch(text) or _COMPACT.fullmatch(text)


def match_number(text: bytes) -> re.Match[bytes] | None:
    """Match a number without exponent; the groups are `WHOLE` and `DECIMALS`."""
    return _NUMBER.fullmatch(text)


def parse_iso8601(text: bytes) -> TextTime | None:
    """Read one ISO 8601 time, floored to the microsecond.

    A date is its midnight; `24:00:00` is the next midnight; a leap second is no time.

    Args:
        text: The time in ASCII, without blanks around it.

    Returns:
        The time, or None where the text is none.

    Example:
        >>> parse_iso8601(b"1970-01-01T02:00:00.0000019+02:00")
        TextTime(time_us=1, has_offset=True)
        >>> parse_iso8601(b"1970-02-30")
    """
    fields = match_time(text)
    if fields is None:
        return None
    days = _days(*(int(fields[group]) for group in (YEAR, MONTH, DAY)))
    if days is None:
        return None
    hour, minute, second, zone_hour, zone_minute = (
        int(fields[group] or 0) for group in (HOUR, MINUTE, SECOND, ZONE_HOUR, ZONE_MINUTE)
    )
    fraction_us = int((fields[FRACTION] or b"")[:6].ljust(6, b"0"))
    is_next_midnight = hour == 24 and not (minute or second or (fields[FRACTION] or b"").strip(b"0"))
    if hour > 23 and not is_next_midnight:
        return None
    if max(minute, second, zone_minute) > 59 or zone_hour > 23:
        return None
    minutes = (days * 24 + hour) * 60 + minute
    minutes -= (zone_hour * 60 + zone_minute) * (-1 if fields[SIGN] == b"-" else 1)
    return TextTime((minutes * 60 + second) * 1_000_000 + fraction_us, fields[ZONE] is not None)


def parse_epoch(text: bytes, exponent: int) -> int | None:
    """Read one number as an epoch, exactly, floored to the microsecond.

    Args:
        text: Digits with an optional sign and fraction.
        exponent: Power of ten of the number's unit in microseconds: 6 for seconds, -3 for nanoseconds.

    Returns:
        Microseconds since the epoch, or None where the text is no number.

    Example:
        >>> parse_epoch(b"1.0000019", 6), parse_epoch(b"-1", -3), parse_epoch(b"1e3", 0)
        (1000001, -1, None)
    """
    fields = match_number(text)
    if fields is None:
        return None
    whole, decimals = fields[WHOLE].lstrip(b"0"), (fields[DECIMALS] or b"").rstrip(b"0")
    # Python refuses integers of thousands of digits; no instant has as many before the point, and
    # behind it all that matters is whether anything follows, because it rounds a negative number down.
    if len(whole) > 40:
        return None
    if len(decimals) > 40:
        decimals = decimals[:40] + b"1"
    number = int(whole + decimals or b"0") * (-1 if text.startswith(b"-") else 1)
    shift = exponent - len(decimals)
    return shift_point(number, shift)


def shift_point(number: int, places: int) -> int:
    """Multiply by a power of ten, floored (towards −∞) to a whole number."""
    scale: int = 10 ** abs(places)
    return number * scale if places >= 0 else number // scale


def _days(year: int, month: int, day: int) -> int | None:
    """Count days since 1970-01-01, or return None for a date that is none."""
    # Year 0000 is unusable in itself, but its last hours can be year 0001 in UTC; it is a leap
    # year like 400, one Gregorian cycle of 146,097 days later.
    try:
        ordinal = date(year or 400, month, day).toordinal()
    except ValueError:
        return None
    return ordinal - _EPOCH_ORDINAL - (0 if year else 146_097)
