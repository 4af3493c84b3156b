"""The timeout that a log's own gaps suggest, in words; or why they suggest none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from sessionize.durations import MICROSECOND, about, format_duration
from sessionize.gap.counts import Counts
from sessionize.gap.scale import EDGES_US, Scale
from sessionize.gap.valley import APART, FEWEST_GAPS, Valley, deepest, valleys
from sessionize.rules import SHORTEST

USUAL = timedelta(minutes=30)
"""What to keep where a log suggests nothing: the timeout of nearly all systems (`sessionize presets`)."""

_FEWEST_BEATS = 10
_BEAT_SHARE = 0.01
_BEAT_FACTOR = 20
_BEAT_STEPS = 4
"""A beat makes up a hundredth of all gaps, ten at least, and is so many times as frequent as what lies around
it, where the log's clock has so many steps around it."""

_UNITS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)


@dataclass(frozen=True)
class Suggestion:
    """A timeout, and why.

    Attributes:
        timeout: The timeout, to two digits; 30 minutes where there is no clear valley.
        is_clear: Whether it comes from a clear valley between the log's gaps.
        reason: What speaks for it, in a sentence or two.
        within: The most frequent gap within sessions; None where there is no clear valley.
        between: The most frequent gap between sessions; likewise.
        others: Further clear valleys, ascending.
    """

    timeout: timedelta
    is_clear: bool
    reason: str
    within: timedelta | None = None
    between: timedelta | None = None
    others: tuple[timedelta, ...] = ()

    def __str__(self) -> str:
        """Write the timeout and the reason as a sentence."""
        if self.is_clear:
            return f"suggested timeout {format_duration(self.timeout)}: {self.reason}"
        return f"no clear valley, keep {format_duration(self.timeout)}: {self.reason}"


def suggest(counts: Counts) -> Suggestion:
    """Suggest a timeout.

    Gaps of exactly the length of a compared timeout are left out where they are so many that only a
    machine's beat can explain them: they say nothing of people.

    Args:
        counts: The gaps.

    Returns:
        The bottom of the valley between the gaps within sessions and those between them, by
        `valley.py`, or 30 minutes where none is clear.
    """
    beats = _beats(counts)
    bins = counts.bins
    np.subtract.at(bins, _bins_of(counts.scale), np.where(beats, counts.at, 0))
    found = valleys(bins, counts.resolution_us)
    chosen = deepest(found)
    left_out = _left_out(counts, beats)
    if chosen is None or (timeout := rounded(chosen.gap_us)) < SHORTEST:
        return Suggestion(USUAL, False, _why_not(int(bins[1:].sum()), found) + left_out)
    others = tuple(rounded(valley.gap_us) for valley in found if valley is not chosen and valley.is_apart)
    return Suggestion(
        timeout,
        True,
        _why(chosen, others) + left_out,
        rounded(chosen.within_us),
        rounded(chosen.between_us),
        others,
    )


def _beats(counts: Counts) -> NDArray[np.bool_]:
    """Mark the timeouts that far more gaps hit exactly than come near; shape (k,)."""
    bins = _bins_of(counts.scale)
    others = counts.bins[bins] - counts.at
    steps = (EDGES_US[bins + 1] - EDGES_US[bins]) / counts.resolution_us
    is_frequent = counts.at >= max(_BEAT_SHARE * counts.gaps.sum(), _FEWEST_BEATS)
    is_told_apart = steps >= _BEAT_STEPS
    return is_told_apart & is_frequent & (counts.at * steps >= _BEAT_FACTOR * (others + 1))


def _bins_of(scale: Scale) -> NDArray[np.intp]:
    return np.searchsorted(EDGES_US, scale.timeouts_us, side="right") - 1


def _left_out(counts: Counts, beats: NDArray[np.bool_]) -> str:
    hits = [
        f"{at:,} gaps of exactly {format_duration(timeout)}"
        for timeout, at, beat in zip(counts.scale.timeouts, counts.at.tolist(), beats, strict=True)
        if beat
    ]
    if not hits:
        return ""
    return f" Left out of this: {' and '.join(hits)}, a machine's beat. --exclude its events altogether."


def rounded(us: float) -> timedelta:
    """Round to two digits of the unit that people would use."""
    size_us = next((size for size in _UNITS_US if us >= 2 * size), 1)
    digits = 1 if us < 10 * size_us else 0 if us < 100 * size_us else -1
    return round(us / size_us, digits) * size_us * MICROSECOND


def _near(us: float) -> str:
    """Tell a length of time that is known to two digits."""
    return about(rounded(us) / MICROSECOND)


def _why(valley: Valley, others: tuple[timedelta, ...]) -> str:
    reason = (
        f"most gaps are either around {_near(valley.within_us)} or around {_near(valley.between_us)}; "
        f"between the two, they are fewest near {_near(valley.gap_us)}, by a factor of "
        f"{_times(valley.depth)}. {valley.share_beyond:.2%} of the gaps above 0 are longer."
    )
    if others:
        reason += f" Shallower valleys lie near {', '.join(map(format_duration, others))}."
    return reason


def _times(factor: float) -> str:
    return f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


def _why_not(gaps: int, found: list[Valley]) -> str:
    if gaps < FEWEST_GAPS:
        return f"{gaps:,} {'gap above 0 is' if gaps == 1 else 'gaps above 0 are'} too few to show one."
    if not found:
        return "the gaps form one hill, or what parts them may be chance."
    if not any(valley.is_apart for valley in found):
        tops = ", ".join(_near(us) for us in (found[0].within_us, *(valley.between_us for valley in found)))
        return (
            f"the gaps gather around {tops}, each less than {APART:g} times the one before: the multiples of "
            "a beat, or the rhythm of days, not sessions."
        )
    return "gaps part only below a second, which is no timeout for sessions."
