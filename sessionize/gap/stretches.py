"""Stretches: what is left of an identity's events once the gaps between them have been counted.

A **stretch** is a run of one identity's events with none of its other events between them. Its inner
gaps are counted; what can still matter is when it starts and ends, and its first and last gap: whether
its first event was alone shows when the gap before it is known. Stretches that do not overlap are
joined into longer ones, at last into one for each identity. A lone event is the shortest stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.groups import Groups
from sessionize.core.identity import Codes
from sessionize.core.packing import is_nearly_sorted, sort_by_code, sort_rows, sort_runs
from sessionize.gap.counts import NO_GAP, Counts
from sessionize.gap.scale import Scale

FIELDS = ("start_us", "end_us", "first_gap_us", "last_gap_us")

SLICE_ROWS = 1 << 17
"""Events that are counted at a time: their columns stay in the processor's cache."""


@dataclass(frozen=True)
class Stretches:
    """Stretches as columns.

    Attributes:
        code: uint64, shape (n,): whose each is.
        start_us: int64: the first event.
        end_us: int64: the last event.
        first_gap_us: int64: the gap after the first event; `NO_GAP` for a lone event.
        last_gap_us: int64: the gap before the last event; likewise.
    """

    code: NDArray[np.uint64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    first_gap_us: NDArray[np.int64]
    last_gap_us: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the stretches."""
        return len(self.code)

    @classmethod
    def of_events(cls, code: NDArray[np.uint64], time_us: NDArray[np.int64]) -> Stretches:
        """Take each event as a stretch of its own."""
        none = np.full(len(code), NO_GAP)
        return cls(code, time_us, time_us, none, none)

    @classmethod
    def together(cls, parts: Sequence[Stretches]) -> Stretches:
        """Put stretches one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("code", *FIELDS)))

    def take(self, order: NDArray[np.int64]) -> Stretches:
        """Return the stretches at these positions."""
        return Stretches(*(getattr(self, name)[order] for name in ("code", *FIELDS)))

    def overlap(self) -> bool:
        """Say whether, sorted by code and start, one begins before the one in front of it has ended."""
        same = self.code[1:] == self.code[:-1]
        return bool((same & (self.start_us[1:] < self.end_us[:-1])).any())

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Return all but the codes, by name."""
        return {name: getattr(self, name) for name in FIELDS}


def stretches_of(codes: Codes, time_us: NDArray[np.int64], scale: Scale) -> tuple[Codes, Stretches, Counts]:
    """Count the gaps between events that have no others between them.

    Args:
        codes: The identity codes of n events.
        time_us: int64, shape (n,): their times, in any order.
        scale: What to count by.

    Returns:
        The coding, as sorting may have renumbered it; one stretch for each identity, by code; and
        what lies inside of them.
    """
    if is_nearly_sorted(codes, time_us):
        slices = range(0, max(len(time_us), 1), SLICE_ROWS)
        found = [_of_slice(codes, time_us, slice(begin, begin + SLICE_ROWS), scale) for begin in slices]
        parts = Stretches.together([part for part, _ in found])
        ordered = parts.take(sort_runs(replace(codes, values=parts.code), parts.start_us).order)
        if not ordered.overlap():
            joined, counts = join(ordered, scale)
            return codes, joined, sum((counted for _, counted in found), counts)
    rows = sort_rows(codes, time_us, with_order=False)
    return rows.codes, *_inside(rows.code, rows.time_us, scale)


def _of_slice(
    codes: Codes, time_us: NDArray[np.int64], part: slice, scale: Scale
) -> tuple[Stretches, Counts]:
    """Take a part of events in time order, which the processor's cache holds."""
    rows = sort_by_code(replace(codes, values=codes.values[part]), time_us[part])
    return _inside(rows.code, rows.time_us, scale)


def _inside(code: NDArray[np.uint64], time_us: NDArray[np.int64], scale: Scale) -> tuple[Stretches, Counts]:
    """Make a stretch of each identity's events; they are sorted by code and time."""
    same = code[1:] == code[:-1]
    gaps_us = time_us[1:] - time_us[:-1]
    nearest_us = np.minimum(gaps_us[1:], gaps_us[:-1])[same[1:] & same[:-1]]
    counts = Counts.of(scale, gaps_us[same], nearest_us)
    groups = _by_identity(same, len(code))
    starts, lasts = groups.starts, groups.lasts
    around_us = np.concatenate(([NO_GAP], np.where(same, gaps_us, NO_GAP), [NO_GAP]))
    return (
        Stretches(code[starts], time_us[starts], time_us[lasts], around_us[starts + 1], around_us[lasts]),
        counts,
    )


def join(stretches: Stretches, scale: Scale) -> tuple[Stretches, Counts]:
    """Join the stretches of each identity, and count the gaps between them.

    Args:
        stretches: In order of code and start; those of one identity don't overlap.
        scale: What to count by.

    Returns:
        One stretch for each identity, by code, and what the joining has shown.
    """
    same = stretches.code[1:] == stretches.code[:-1]
    gaps_us = stretches.start_us[1:] - stretches.end_us[:-1]
    link_us = np.concatenate(([NO_GAP], np.where(same, gaps_us, NO_GAP), [NO_GAP]))
    before_us, after_us = link_us[:-1], link_us[1:]
    is_lone = stretches.first_gap_us == NO_GAP
    # A lone event has the gaps between stretches on both sides, any other one of them and one inside.
    first_us = np.where(is_lone, after_us, stretches.first_gap_us)
    last_us = np.where(is_lone, before_us, stretches.last_gap_us)
    starts_known = (before_us != NO_GAP) & ~(is_lone & (after_us == NO_GAP))
    ends_known = (after_us != NO_GAP) & ~is_lone
    nearest_us = np.concatenate(
        (
            np.minimum(before_us, first_us)[starts_known],
            np.minimum(after_us, last_us)[ends_known],
        )
    )
    groups = _by_identity(same, len(stretches))
    starts, lasts = groups.starts, groups.lasts
    joined = Stretches(
        stretches.code[starts],
        stretches.start_us[starts],
        stretches.end_us[lasts],
        first_us[starts],
        last_us[lasts],
    )
    return joined, Counts.of(scale, gaps_us[same], nearest_us)


def ends(stretches: pa.Table, scale: Scale) -> Counts:
    """Count the first and last events of identities of which nothing more comes.

    Args:
        stretches: Table with the columns of `FIELDS`, one row for each identity.
        scale: What to count by.
    """
    first_us, last_us = (column(stretches, name).to_numpy() for name in FIELDS[2:])
    return Counts.of(scale, np.empty(0, np.int64), np.concatenate((first_us, last_us[first_us != NO_GAP])))


def _by_identity(same: NDArray[np.bool_], rows: int) -> Groups:
    return Groups.opening(np.concatenate((np.ones(min(rows, 1), bool), ~same)))
