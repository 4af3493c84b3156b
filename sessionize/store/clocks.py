"""Whether two releases of the time zone database agree about the stretch of time that a store covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources
from io import BytesIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # it ships no type hints

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No zone has ever changed its clock twice within six hours (as in `sessionize.zones`).
_STEP = timedelta(hours=6)
# A local time stands at most a day from its instant; the day before it may still be that of a session.
_MARGIN = timedelta(days=2)
# No clock was changed before 1800, and the rules of the future repeat every 400 years.
_FIRST, _LAST = datetime(1800, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)


def clock_of(zone: str) -> bytes:
    """Return what the installed database says of a zone: its file, in the format TZif (RFC 9636)."""
    return resources.files(tzdata).joinpath("zoneinfo", *zone.split("/")).read_bytes()


def clocks_agree(one: bytes, other: bytes, first_us: int, last_us: int) -> bool:
    """Say whether two files of a zone show the same local times throughout a stretch.

    A release that only tells of the future, or of years before the log, changes nothing in a store.

    Args:
        one: A file in the format TZif.
        other: Another of the same zone.
        first_us: Where the stretch begins: microseconds since the epoch, UTC.
        last_us: Where it ends, included.
    """
    if one == other:
        return True
    start, end = _moment(first_us) - _MARGIN, _moment(last_us) + _MARGIN
    return _offsets(one, start, end) == _offsets(other, start, end)


def _moment(time_us: int) -> datetime:
    first_us, last_us = ((bound - _EPOCH) // timedelta(microseconds=1) for bound in (_FIRST, _LAST))
    return _EPOCH + timedelta(microseconds=min(max(time_us, first_us), last_us))


def _offsets(clock: bytes, start: datetime, end: datetime) -> list[tuple[datetime, timedelta | None]]:
    """List the offset at `start` and every change up to `end`, exact to the second."""
    zone = ZoneInfo.from_file(BytesIO(clock))
    instants = (start + step * _STEP for step in range((end - start) // _STEP + 2))
    probes = [(instant, _offset(zone, instant)) for instant in instants]
    changes = [_change(zone, before, after) for (before, old), (after, new) in pairwise(probes) if old != new]
    return [probes[0], *changes]


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> tuple[datetime, timedelta | None]:
    old, new = _offset(zone, before), _offset(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after.replace(microsecond=0), new


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()
