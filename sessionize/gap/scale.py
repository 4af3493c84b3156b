"""What gaps are counted by: bins of a log scale, and the timeouts to compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from sessionize.durations import MICROSECOND, format_duration, parse_duration
from sessionize.rules import SHORTEST, Boundary

BINS_PER_OCTAVE = 8

ANCHOR_US = 1_800_000_000
"""An edge of the bins, from which the others follow: 30 minutes, the timeout that most systems have."""

TIMEOUTS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 10, 15, 20, 30, 45, 60, 120))
"""The timeouts that are compared unless others are named."""

LONGEST = timedelta(days=3650)


def edges_us(per_octave: int) -> NDArray[np.int64]:
    """Divide time from 1 µs to beyond 10,000 years, each doubling in so many parts.

    Returns:
        int64, ascending, each once: where parts are finer than 1 µs, some fall together.
    """
    steps = np.arange(-31 * per_octave, 28 * per_octave + 1)
    return np.unique(np.ceil(ANCHOR_US * np.exp2(steps / per_octave)).astype(np.int64))


EDGES_US = np.concatenate(([0], edges_us(BINS_PER_OCTAVE)))
"""int64, ascending: bin b holds the gaps from `EDGES_US[b]` up to, not including, `EDGES_US[b + 1]`;
the first bin only gaps of 0."""


@dataclass(frozen=True)
class Scale:
    """What gaps are counted by.

    Attributes:
        timeouts: The timeouts to compare: ascending, each once.
        boundary: Whether a gap must exceed a timeout or only reach it to be beyond.
    """

    timeouts: tuple[timedelta, ...] = TIMEOUTS
    boundary: Boundary = "exceeds"

    @classmethod
    def of(cls, timeouts: Iterable[object] | None, boundary: Boundary) -> Scale:
        """Read timeouts as people write them: `30m`, a `timedelta`; None for the usual ones.

        Raises:
            ValueError: For an unknown boundary, no timeout, or one below a second or above ten years.
            TypeError: For what is no duration.

        Example:
            >>> Scale.of(["1h", "30m"], "exceeds").timeouts_us.tolist()
            [1800000000, 3600000000]
        """
        if boundary not in get_args(Boundary):
            raise ValueError(
                f"boundary {boundary!r}: write exceeds (gap > timeout) or reaches (gap ≥ timeout)."
            )
        if timeouts is None:
            return cls(boundary=boundary)
        given = [timeouts] if isinstance(timeouts, str | timedelta) else timeouts
        read = sorted({_checked(parse_duration(timeout)) for timeout in given})
        if not read:
            raise ValueError("timeouts: name at least one, such as 30m.")
        return cls(tuple(read), boundary)

    @cached_property
    def timeouts_us(self) -> NDArray[np.int64]:
        """The timeouts in µs, shape (k,)."""
        return np.array([timeout // MICROSECOND for timeout in self.timeouts], np.int64)

    @cached_property
    def limits_us(self) -> NDArray[np.int64]:
        """The smallest gap, in µs, that is beyond each timeout; shape (k,)."""
        return self.timeouts_us + (self.boundary == "exceeds")

    @cached_property
    def marks_us(self) -> NDArray[np.int64]:
        """Where counting divides gaps: the edges of the bins, and both sides of each timeout."""
        return np.unique(np.concatenate((EDGES_US[:-1], self.timeouts_us, self.timeouts_us + 1)))


def _checked(timeout: timedelta) -> timedelta:
    if not SHORTEST <= timeout <= LONGEST:
        raise ValueError(f"timeout {format_duration(timeout)}: write one from 1s to {LONGEST.days}d.")
    return timeout
