"""The bars of the distributions: narrow where most sessions are, wide where few are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sessionize.dashboard.spelled import duration

JUST_ABOVE_ZERO = 1e-6
"""Durations are whole µs: this is the shortest that is more than nothing."""

DURATION_BOUNDS: list[float] = [
    *(0, JUST_ABOVE_ZERO, 1, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600),
    *(7_200, 14_400, 28_800, 57_600, 86_400, 172_800, 604_800),
]
"""Lower bounds in seconds, each of at most 14 significant bits but the second, which only parts zero off."""

EVENT_BOUNDS = [1, 2, 3, 4, 5, 6, 11, 21, 51, 101, 201, 501, 1_001, 10_001]
"""Lower bounds in events."""


def duration_labels() -> list[str]:
    """Name each bar of the durations.

    Example:
        >>> duration_labels()[:3], duration_labels()[-1]
        (['0 s', 'under 1 s', '1 s to 10 s'], '7 d and more')
    """
    longer = [f"{duration(low)} to {duration(high)}" for low, high in pairwise(DURATION_BOUNDS[2:])]
    return ["0 s", "under 1 s", *longer, f"{duration(DURATION_BOUNDS[-1])} and more"]


def event_labels() -> list[str]:
    """Name each bar of the numbers of events.

    Example:
        >>> event_labels()[4:6], event_labels()[-1]
        (['5', '6 to 10'], '10,001 and more')
    """
    labels = [
        f"{low:,}" if high == low + 1 else f"{low:,} to {high - 1:,}" for low, high in pairwise(EVENT_BOUNDS)
    ]
    return [*labels, f"{EVENT_BOUNDS[-1]:,} and more"]


def trimmed(labels: Sequence[str], counts: Sequence[int]) -> list[tuple[str, int]]:
    """Leave out the empty bars before the first and after the last that holds a session.

    Example:
        >>> trimmed(["a", "b", "c", "d"], [0, 2, 0, 0])
        [('b', 2)]
        >>> trimmed(["a", "b"], [0, 0])
        []
    """
    used = [place for place, count in enumerate(counts) if count]
    if not used:
        return []
    bars = list(zip(labels, counts, strict=True))
    return bars[used[0] : used[-1] + 1]
