"""Time zones: from local clocks to instants, and from instants to local days.

The rules come from the `tzdata` package, never from the operating system, so that one log gives the
same sessions on a laptop, in a container without a zone database and on every node of a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import tzdata  # type: ignore[import-untyped]  # it ships no type hints

from sessionize.spelling import closest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    import numpy as np
    from numpy.typing import NDArray

DstPolicy = Literal["earlier", "later", "reject"]

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""The release of the IANA time zone database in use, such as `2025b`."""

PLAIN, AMBIGUOUS, NONEXISTENT = 0, 1, 2
"""What a clock change can do to a local time: nothing, show it twice, or skip it."""

_DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_PROBE = datetime(1, 1, 2, tzinfo=UTC)
_LAST_PROBE = datetime(9999, 12, 30, tzinfo=UTC)
# No zone has ever changed its clock twice within six hours.
_PROBE_STEP = timedelta(hours=6)

# Clock changes are looked up per block of 2**45 µs (407 days), because a shift finds an instant's
# block at once, where its calendar year takes a division and a table of leap years.
_BLOCK_BITS = 45
_FIRST_BLOCK, _LAST_BLOCK = -1_769, 7_203


class _ClockChange(NamedTuple):
    """At `at_us` (UTC) the zone's offset from UTC goes from `before_us` to `after_us`."""

    at_us: int
    before_us: int
    after_us: int


class _ClockChanges(NamedTuple):
    """Clock changes as parallel columns, ascending; `offset_us` begins with that before the first."""

    at_us: NDArray[np.int64]
    before_us: NDArray[np.int64]
    after_us: NDArray[np.int64]
    offset_us: NDArray[np.int64]


@dataclass(frozen=True)
class Zone:
    """A time zone of the IANA database; make one with `Zone.named`, which checks the name.

    Attributes:
        name: The IANA name, such as `Europe/Paris`.
    """

    name: str

    @classmethod
    @cache
    def named(cls, name: str) -> Zone:
        """Find a zone by its IANA name.

        Raises:
            ValueError: For a name that the database does not have.

        Example:
            >>> Zone.named("Europe/Paris")
            Zone(name='Europe/Paris')
            >>> Zone.named("Europe/Pariss")
            Traceback (most recent call last):
            ...
            ValueError: no time zone 'Europe/Pariss'; did you mean 'Europe/Paris'?
        """
        # The default zone is worth not listing all the others.
        if name != "UTC" and name not in _zone_names():
            raise ValueError(f"no time zone {name!r}{closest(str(name), _zone_names())}")
        return cls(name)

    @property
    def clock(self) -> ZoneInfo:
        """The zone as Python's `datetime` takes it, from the same database."""
        return _zone_rules(self.name)

    def to_utc(
        self, local_us: NDArray[np.int64], policy: DstPolicy = "earlier"
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Turn what a clock in this zone showed into instants.

        A local time that the clocks showed twice, or skipped, takes the offset from before the
        change under `earlier` (and `reject`, whose caller reads the kind), from after it under `later`.

        Args:
            local_us: int64, shape (n,), any order: microseconds from 1970-01-01 00:00 on the zone's clock.
            policy: `earlier`, `later` or `reject`.

        Returns:
            The instants (int64 microseconds since the epoch, UTC) and the kind of each (uint8: 0
            plain, 1 ambiguous, 2 nonexistent), both of shape (n,), in the order given.

        Example:
            >>> import numpy as np
            >>> skipped = np.array(["2026-03-29T02:30"], "datetime64[us]").astype("int64")
            >>> utc, kind = Zone.named("Europe/Paris").to_utc(skipped, "later")
            >>> utc.astype("datetime64[us]").astype("datetime64[m]"), kind
            (array(['2026-03-29T00:30'], dtype='datetime64[m]'), array([2], dtype=uint8))
        """
        import numpy as np

        kind = np.zeros(len(local_us), np.uint8)
        changes = self._changes_around(local_us)
        if not len(changes.at_us):
            return local_us - changes.offset_us[0], kind
        # Around a change the local times from `low` up to, but without, `high` are shown twice or skipped.
        low = np.searchsorted(
            changes.at_us + np.minimum(changes.before_us, changes.after_us), local_us, "right"
        )
        high = np.searchsorted(
            changes.at_us + np.maximum(changes.before_us, changes.after_us), local_us, "right"
        )
        inside = np.flatnonzero(low != high)
        set_back = changes.after_us < changes.before_us
        kind[inside] = np.where(set_back[high[inside]], AMBIGUOUS, NONEXISTENT)
        return local_us - changes.offset_us[low if policy == "later" else high], kind

    def local_day(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the latest date that the zone's clocks have shown up to each instant.

        A clock that is set back over midnight returns to no earlier day, so a later instant never
        has an earlier day.

        Args:
            time_us: int64, shape (n,), any order: microseconds since the epoch, UTC.

        Returns:
            int64, shape (n,): days since 1970-01-01.

        Example:
            >>> import numpy as np
            >>> set_back = np.array(["2006-10-29T02:31"], "datetime64[us]").astype("int64")
            >>> Zone.named("America/St_Johns").local_day(set_back).astype("datetime64[D]")
            array(['2006-10-29'], dtype='datetime64[D]')
        """
        import numpy as np

        changes = self._changes_around(time_us)
        if not len(changes.at_us):
            days: NDArray[np.int64] = (time_us + changes.offset_us[0]) // _DAY_US
            return days
        index = np.searchsorted(changes.at_us, time_us, "right")
        # The clocks showed their latest before a change in its last microsecond.
        shown = np.maximum.accumulate(changes.at_us + changes.before_us - 1)
        shown = np.concatenate(([np.iinfo(np.int64).min], shown))
        latest: NDArray[np.int64] = np.maximum(time_us + changes.offset_us[index], shown[index])
        return latest // _DAY_US

    def _changes_around(self, times_us: NDArray[np.int64]) -> _ClockChanges:
        """Find the clock changes in the years that the times touch, a year more on either side."""
        if self.name == "UTC" or not len(times_us):
            return _columns([], 0)
        blocks = _blocks_of(times_us)
        changes: list[_ClockChange] = []
        for block, previous in zip(blocks, [None, *blocks], strict=False):
            if previous is not None and previous != block - 1:
                # The offset may have changed unseen between two stretches of data that lie apart.
                offset_us = _offset_us(self.name, _block_start(block))
                changes.append(_ClockChange(block << _BLOCK_BITS, offset_us, offset_us))
            changes += _changes_in(self.name, block)
        return _columns(changes, _offset_us(self.name, _block_start(blocks[0])))


def _columns(changes: list[_ClockChange], first_offset_us: int) -> _ClockChanges:
    import numpy as np

    at_us, before_us, after_us = np.array(changes, np.int64).reshape(-1, 3).T
    return _ClockChanges(at_us, before_us, after_us, np.concatenate(([first_offset_us], after_us)))


def _blocks_of(times_us: NDArray[np.int64]) -> list[int]:
    """List the blocks that hold the times, ascending, each with its neighbours."""
    import numpy as np

    seen = np.zeros(_LAST_BLOCK - _FIRST_BLOCK + 3, np.bool_)
    seen[np.clip(times_us >> _BLOCK_BITS, _FIRST_BLOCK, _LAST_BLOCK) - (_FIRST_BLOCK - 1)] = True
    seen[:-1] |= seen[1:].copy()
    seen[1:] |= seen[:-1].copy()
    return [int(index) for index in np.flatnonzero(seen) + (_FIRST_BLOCK - 1)]


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(resources.files(tzdata).joinpath("zones").read_text("ascii").split())


@cache
def _zone_rules(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    with resources.files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _block_start(block: int) -> datetime:
    """Return the instant at which a block begins, kept inside the years that `datetime` knows."""
    first, last = (_FIRST_PROBE - _EPOCH).total_seconds(), (_LAST_PROBE - _EPOCH).total_seconds()
    seconds = min(max((block << _BLOCK_BITS) // 1_000_000, int(first)), int(last))
    return _EPOCH + timedelta(seconds=seconds)


def _offset_us(name: str, instant: datetime) -> int:
    offset = instant.astimezone(_zone_rules(name)).utcoffset() or timedelta(0)
    return offset // timedelta(microseconds=1)


@cache
def _changes_in(name: str, block: int) -> tuple[_ClockChange, ...]:
    probes = [
        (instant, _offset_us(name, instant))
        for instant in _probes(_block_start(block), _block_start(block + 1))
    ]
    return tuple(
        _ClockChange(_find_change(name, before, after), before_us, after_us)
        for (before, before_us), (after, after_us) in pairwise(probes)
        if before_us != after_us
    )


def _probes(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += _PROBE_STEP
    yield end


def _find_change(name: str, before: datetime, after: datetime) -> int:
    """Halve the stretch that holds one change until one second is left (no change is finer)."""
    before_us = _offset_us(name, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if _offset_us(name, middle) == before_us:
            before = middle
        else:
            after = middle
    return (after - _EPOCH) // timedelta(microseconds=1)
