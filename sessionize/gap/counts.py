"""Gaps counted exactly, in integers that add up the same in any order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sessionize.gap.scale import EDGES_US, Scale

NO_GAP = np.iinfo(np.int64).max
"""Stands for the gap before an identity's first event, and after its last: beyond every timeout."""

_RESOLUTIONS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)
_GLANCE = 64
_HALF = 32
_LOW = (1 << _HALF) - 1


@dataclass(frozen=True)
class Counts:
    """What is known of some gaps, and of some events with the gaps around them.

    Attributes:
        scale: What they are counted by.
        gaps: int64: how many lie between each of the scale's marks and the next.
        alone: int64, shape (k,): events whose gaps are both beyond each timeout.
        within_us: The sum of the gaps that are not beyond each timeout, in µs; k Python integers, as
            int64 would overflow.
        resolution_us: The coarsest of a day, an hour, a minute, a second, 1 ms and 1 µs that divides
            every gap.
    """

    scale: Scale
    gaps: NDArray[np.int64]
    alone: NDArray[np.int64]
    within_us: tuple[int, ...]
    resolution_us: int = _RESOLUTIONS_US[0]

    @classmethod
    def none(cls, scale: Scale) -> Counts:
        """Count nothing yet."""
        timeouts = len(scale.timeouts)
        return cls(
            scale, np.zeros(len(scale.marks_us), np.int64), np.zeros(timeouts, np.int64), (0,) * timeouts
        )

    @classmethod
    def of(cls, scale: Scale, gaps_us: NDArray[np.int64], nearest_us: NDArray[np.int64]) -> Counts:
        """Count gaps, and events.

        Args:
            scale: What to count by.
            gaps_us: int64, any shape: gaps in µs; it is sorted in place.
            nearest_us: int64, any shape: for each event the smaller of the gaps before and after it;
                `NO_GAP` where it has neither.

        Returns:
            The counts.
        """
        gaps_us.sort()
        begins = np.searchsorted(gaps_us, scale.marks_us)
        far_us = np.sort(nearest_us[nearest_us >= scale.limits_us[0]])
        return cls(
            scale,
            np.diff(begins, append=len(gaps_us)),
            len(far_us) - np.searchsorted(far_us, scale.limits_us),
            _sums(gaps_us, np.searchsorted(gaps_us, scale.limits_us)),
            _resolution_us(gaps_us),
        )

    def __add__(self, other: Counts) -> Counts:
        """Count both, of one scale."""
        within = zip(self.within_us, other.within_us, strict=True)
        return Counts(
            self.scale,
            self.gaps + other.gaps,
            self.alone + other.alone,
            tuple(mine + theirs for mine, theirs in within),
            min(self.resolution_us, other.resolution_us),
        )

    @property
    def bins(self) -> NDArray[np.int64]:
        """How many gaps each bin holds, shape (bins,)."""
        return np.add.reduceat(self.gaps, np.searchsorted(self.scale.marks_us, EDGES_US[:-1]))

    @property
    def at(self) -> NDArray[np.int64]:
        """How many gaps lie exactly at each timeout, shape (k,)."""
        return self.gaps[np.searchsorted(self.scale.marks_us, self.scale.timeouts_us)]

    @property
    def beyond(self) -> NDArray[np.int64]:
        """How many gaps lie beyond each timeout, shape (k,)."""
        before = np.concatenate(([0], np.cumsum(self.gaps)))
        return before[-1] - before[np.searchsorted(self.scale.marks_us, self.scale.limits_us)]


def _sums(ordered_us: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[int, ...]:
    """Add up the gaps before each end, exactly: halves of the integers can't overflow."""
    high = _cumulated(ordered_us[: ends[-1]] >> _HALF, ends)
    low = _cumulated(ordered_us[: ends[-1]] & _LOW, ends)
    return tuple((int(upper) << _HALF) + int(lower) for upper, lower in zip(high, low, strict=True))


def _cumulated(values: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    parts = [values[begin:end].sum() for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    return np.cumsum(parts)


def _resolution_us(gaps_us: NDArray[np.int64]) -> int:
    # A glance is enough for most steps, and a look at all gaps takes long.
    glance_us = gaps_us[-_GLANCE:]
    return next(
        step_us
        for step_us in _RESOLUTIONS_US
        if not (glance_us % step_us).any() and not (gaps_us % step_us).any()
    )
