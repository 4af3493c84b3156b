"""Which day and hour the clocks of a zone showed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sessionize.zones import Zone

HOURS = 24
DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = 3
"""The weekday of 1970-01-01, a Thursday, counted from Monday."""


def local_hours(time_us: NDArray[np.int64], day: NDArray[np.int64], zone: Zone) -> NDArray[np.int64]:
    """Return the hour of the local day in which each instant lies.

    The bounds of the hours are looked up once for each day, so that clock changes count: an hour shown twice
    is one hour of twice the length, an hour skipped holds nothing.

    Args:
        time_us: int64, shape (n,), any order: µs since the epoch, UTC.
        day: int64, shape (n,): their local days (`Zone.local_day`).
        zone: The zone.

    Returns:
        int64, shape (n,), from 0 to 23.

    Example:
        >>> night = np.array(["2026-10-25T00:30", "2026-10-25T01:30"], "datetime64[us]").astype("int64")
        >>> paris = Zone.named("Europe/Paris")
        >>> local_hours(night, paris.local_day(night), paris)
        array([2, 2])
    """
    days, place = np.unique(day, return_inverse=True)
    shown_us = (days[:, None] * DAY_US + np.arange(HOURS) * _HOUR_US).ravel()
    bounds_us, _ = zone.to_utc(shown_us)
    # A bound that the clocks skip is the moment of the change, so bounds never go back within a day.
    hour = np.searchsorted(np.maximum.accumulate(bounds_us), time_us, "right") - 1 - place * HOURS
    return np.clip(hour, 0, HOURS - 1)


def weekday(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the weekday of each day since 1970-01-01: 0 is Monday."""
    return (day + _MONDAY) % 7


def as_date(day: int) -> date:
    """Return a number of days since 1970-01-01 as a date."""
    return date(1970, 1, 1) + timedelta(days=day)


def as_day(value: date) -> int:
    """Return a date as the number of days since 1970-01-01."""
    return (value - date(1970, 1, 1)).days


def as_instant(time_us: int) -> datetime:
    """Return µs since the epoch as a time in UTC."""
    return _EPOCH + timedelta(microseconds=time_us)


def shown(moment: datetime, zone: Zone) -> str:
    """Write an instant as the zone's clocks showed it, to the second.

    Example:
        >>> shown(as_instant(0), Zone.named("Europe/Paris"))
        '1970-01-01 01:00:00'
    """
    return f"{moment.astimezone(ZoneInfo(zone.name)):%Y-%m-%d %H:%M:%S}"
