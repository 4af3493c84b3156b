"""The oracle's clocks: reading times, local days, zones. As plain as `oracle.py`, of which it is a part."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from tests.oracle import Rules

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
EARLIEST_US = (datetime.min - EPOCH) // MICROSECOND
LATEST_US = (datetime.max - EPOCH) // MICROSECOND


def since_epoch_us(moment: datetime) -> int:
    """The reading of a clock as µs since 1970-01-01 00:00 on that clock."""
    return (moment.replace(tzinfo=None) - EPOCH) // MICROSECOND


ISO_8601 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def instant(value: Any, rules: Rules) -> tuple[int | None, str]:
    """Read a row's time.

    Returns:
        µs since the epoch and "", or "ambiguous_time"/"nonexistent_time" where a clock change had to
        be resolved; or None and the reason for which the row is rejected.
    """
    if value is None:
        return None, "missing_time"
    if isinstance(value, datetime):
        local_us = since_epoch_us(value)
        offset = value.utcoffset()
        return from_local(local_us, rules) if offset is None else (local_us - offset // MICROSECOND, "")
    if isinstance(value, date):
        return from_local((value - EPOCH.date()).days * DAY_US, rules)
    return (value, "") if isinstance(value, int) else parse(value, rules)


def parse(text: str, rules: Rules) -> tuple[int | None, str]:
    """Read an ISO 8601 text; finer than a microsecond is floored."""
    unusable = None, "unparseable_time"
    if not (found := ISO_8601.fullmatch(text)):
        return unusable
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction_us = int((found[7] or "").ljust(6, "0")[:6])
    is_next_midnight = (hour, minute, second, int(found[7] or 0)) == (24, 0, 0, 0)
    try:
        moment = datetime(year, month, day, 0 if is_next_midnight else hour, minute, second, fraction_us)
        moment += timedelta(days=is_next_midnight)
    except (ValueError, OverflowError):
        return unusable
    local_us = since_epoch_us(moment)
    time_us, problem = from_local(local_us, rules) if found[8] is None else _from_offset(local_us, found[8])
    return (time_us, problem) if time_us is None or EARLIEST_US <= time_us <= LATEST_US else unusable


def _from_offset(local_us: int, offset: str) -> tuple[int | None, str]:
    if offset == "Z":
        return local_us, ""
    minutes = 60 * int(offset[1:3]) + int(offset[3:].lstrip(":") or 0)
    return local_us - (minutes if offset[0] == "+" else -minutes) * MINUTE_US, ""


def from_local(local_us: int, rules: Rules) -> tuple[int | None, str]:
    """Read a zone-less time in the rules' zone: `fold` of PEP 495 is the policy, 0 earlier, 1 later."""
    before, after = (local_offset_us(rules.timezone, local_us, fold) for fold in (0, 1))
    problem = "" if before == after else "ambiguous_time" if before > after else "nonexistent_time"
    if problem and rules.dst_policy == "reject":
        return None, problem
    return local_us - (after if rules.dst_policy == "later" else before), problem


@cache
def zone(name: str) -> ZoneInfo:
    """A zone of the `tzdata` package, never of the machine."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def _clock(time_us: int) -> datetime:
    """The nearest moment that is two days inside what `datetime` can hold."""
    inside = min(max(time_us, EARLIEST_US + 2 * DAY_US), LATEST_US - 2 * DAY_US)
    return EPOCH + inside * MICROSECOND


def local_offset_us(name: str, local_us: int, fold: int) -> int:
    """The zone's UTC offset at a local time."""
    offset = _clock(local_us).replace(tzinfo=zone(name), fold=fold).utcoffset()
    return (offset or timedelta()) // MICROSECOND


def offset_us(name: str, time_us: int) -> int:
    """The zone's UTC offset at an instant."""
    offset = _clock(time_us).replace(tzinfo=UTC).astimezone(zone(name)).utcoffset()
    return (offset or timedelta()) // MICROSECOND


@cache
def day_start_us(name: str, day: int) -> int:
    """The first instant at which the zone's clocks showed this date or a later one.

    That is the first of the midnights with this date; or, where clocks skipped that midnight, the
    moment of the skip, found by halving the interval between the two readings of a skipped time.
    """
    midnight_us = day * DAY_US
    late, early = (midnight_us - local_offset_us(name, midnight_us, fold) for fold in (0, 1))
    if early >= late:
        return late
    early -= 1
    while late - early > 1:
        middle = (early + late) // 2
        if middle + offset_us(name, middle) >= midnight_us:
            late = middle
        else:
            early = middle
    return late


def local_day(name: str, time_us: int) -> int:
    """The latest date that the zone's clocks have shown up to an instant, as days since 1970-01-01."""
    day = (time_us + offset_us(name, time_us)) // DAY_US
    while day_start_us(name, day + 1) <= time_us:
        day += 1
    return day
