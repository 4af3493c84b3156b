"""The valley between the gaps within sessions and those between them.

On a log scale the gaps of most logs form hills: short gaps within sessions, long ones between them, and
a valley in which few gaps lie. There a timeout separates the two, and there it matters least how long
exactly it is. Finding sessions so goes back to

* L. Catledge, J. Pitkow: Characterizing browsing strategies in the World-Wide Web, WWW 1995, which
  took its limit of 25.5 minutes from the observed gaps;
* A. Halfaker et al.: User session identification based on strong regularities in inter-activity time,
  WWW 2015 (doi 10.1145/2736277.2741117), which finds such hills in logs of several kinds, fits log-normal
  ones to the logarithm of the gaps, and argues for about an hour as a rule of thumb.

Where gaps lie in the valley, we take its floor as it is; where it is empty, we take the point of equal
odds between log-normal hills. Hills count only where they are clear; otherwise there is no suggestion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sessionize.gap.scale import BINS_PER_OCTAVE, EDGES_US

CLEAR_DEPTH = 2.0
"""The lower of two hills stands at least so many times above the valley between them."""

CLEAR_SIGMAS = 4.0
"""And by more than chance explains: so many standard deviations of a Poisson count."""

APART = 4.0
"""Hills lie at least so many times apart: a beat that is sometimes lost has hills at its multiples."""

FEWEST_GAPS = 50

USUAL_US = (60_000_000, 86_400_000_000)
"""Of several valleys the deepest from a minute to a day is taken, if there is one: below lie the pauses
within one page view, above it the rhythm of days and weeks."""

_FLOOR = 1.3
"""The floor of a valley is what lies at most so many times above its lowest point."""

_EMPTY = 50
"""A valley with fewer gaps near its lowest point has no shape of its own."""

_CENTRES = np.log2(np.maximum(EDGES_US[1:-1], 1)) + 0.5 / BINS_PER_OCTAVE
"""The middle of each bin but the first, as the binary logarithm of µs."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Valley:
    """A valley between two hills.

    Attributes:
        gap_us: Where it is deepest.
        within_us: The top of the hill of shorter gaps.
        between_us: The top of the hill of longer gaps.
        depth: How many times the lower hill stands above the valley.
        share_beyond: The share of the gaps, without those of 0, that are longer than the valley.
    """

    gap_us: float
    within_us: float
    between_us: float
    depth: float
    share_beyond: float

    @property
    def is_apart(self) -> bool:
        """Whether the hills are far enough from each other."""
        return self.between_us >= APART * self.within_us


def valleys(bins: NDArray[np.int64], resolution_us: int) -> list[Valley]:
    """Find the clear valleys of a histogram.

    Args:
        bins: int64: how many gaps each bin of `EDGES_US` holds.
        resolution_us: What divides every gap: the log's clock counts in steps of it.

    Returns:
        Valleys between clear hills, from short gaps to long ones.
    """
    landscape = Landscape(_spread(bins, resolution_us))
    if landscape.gaps < FEWEST_GAPS:
        return []
    tops = landscape.clear_tops()
    cuts = [landscape.lowest(left, right) for left, right in pairwise(tops)]
    bounds = [0, *cuts, len(landscape.counts)]
    return [
        landscape.valley(bounds[index], left, cut, right, bounds[index + 2])
        for index, (left, cut, right) in enumerate(zip(tops[:-1], cuts, tops[1:], strict=True))
    ]


def deepest(found: list[Valley]) -> Valley | None:
    """Choose the valley that parts sessions: the deepest between hills that are apart, a usual one first."""
    apart = [valley for valley in found if valley.is_apart]
    usual = [valley for valley in apart if USUAL_US[0] <= valley.gap_us <= USUAL_US[1]]
    return max(usual or apart, key=lambda valley: valley.depth, default=None)


@dataclass(frozen=True)
class Landscape:
    """Gaps by the logarithm of their length.

    Attributes:
        counts: float64: how many gaps lie in each bin, without those of 0.
    """

    counts: Floats

    @cached_property
    def gaps(self) -> float:
        """How many gaps there are."""
        return float(self.counts.sum())

    @cached_property
    def _width(self) -> float:
        """The standard deviation of the smoothing, in bins: the fewer gaps, the wider."""
        octaves = float(np.clip(1.5 * max(self.gaps, 1) ** -0.2, 0.2, 0.6))
        return octaves * BINS_PER_OCTAVE

    @cached_property
    def heights(self) -> Floats:
        """The smoothed counts: about how many gaps lie near each bin, so that chance can be told."""
        reach = int(4 * self._width)
        steps = np.arange(-reach, reach + 1)
        weights = np.exp(-0.5 * (steps / self._width) ** 2)
        # A kernel averages about as many neighbours as its weights would hold if all were 1/√2.
        return np.convolve(self.counts, weights * np.sqrt(2), mode="same")

    def clear_tops(self) -> list[int]:
        """Return the bins of the hills that clear valleys part, ascending."""
        heights = self.heights
        inner = np.r_[-1.0, heights, -1.0]
        tops = [int(top) for top in np.flatnonzero((inner[1:-1] > inner[:-2]) & (inner[1:-1] >= inner[2:]))]
        tops = [top for top in tops if heights[top] >= 1]
        while len(tops) > 1:
            unclear = [self._clearness(left, right) for left, right in pairwise(tops)]
            least = int(np.argmin(unclear))
            if unclear[least] >= 1:
                break
            left, right = tops[least], tops[least + 1]
            tops.remove(left if heights[left] < heights[right] else right)
        return tops

    def lowest(self, left: int, right: int) -> int:
        """Return the bin of the lowest point between two; of several, the one in the middle."""
        between = self.heights[left : right + 1]
        lowest = np.flatnonzero(between <= between.min() + 1e-9)
        return left + int(lowest[len(lowest) // 2])

    def _clearness(self, left: int, right: int) -> float:
        """Compare the valley between two tops with what is clear: 1 and more is."""
        top = min(self.heights[left], self.heights[right])
        floor = self.heights[self.lowest(left, right)]
        sigmas = (top - floor) / np.sqrt(top + floor)
        return float(min(_depth(top, floor) / CLEAR_DEPTH, sigmas / CLEAR_SIGMAS))

    def valley(self, begin: int, left: int, cut: int, right: int, end: int) -> Valley:
        """Describe the valley at `cut` between two tops; their hills reach from `begin` to `end`."""
        floor = self.heights[cut]
        first, last = self._floor(left, cut, right)
        middle = (first + last) / 2
        if floor < _EMPTY:
            middle = min(max(self._even_odds(begin, cut, end), first), last)
        return Valley(
            gap_us=float(np.exp2(middle)),
            within_us=float(np.exp2(_CENTRES[left])),
            between_us=float(np.exp2(_CENTRES[right])),
            depth=_depth(min(self.heights[left], self.heights[right]), floor),
            share_beyond=float(self.counts[middle < _CENTRES].sum() / self.gaps),
        )

    def _floor(self, left: int, cut: int, right: int) -> tuple[float, float]:
        """Return where the floor of a valley begins and ends."""
        is_low = self.heights[left : right + 1] <= _FLOOR * self.heights[cut] + 2 * np.sqrt(
            self.heights[cut] + 1
        )
        high = np.flatnonzero(~is_low) + left
        first = max(high[high < cut], default=left) + 1
        last = min(high[high > cut], default=right) - 1
        return float(_CENTRES[first]), float(_CENTRES[last])

    def _even_odds(self, begin: int, cut: int, end: int) -> float:
        """Find where the hills that were fitted on either side of a cut are level."""
        shorter = Hill.of(self.counts[begin:cut], _CENTRES[begin:cut])
        longer = Hill.of(self.counts[cut:end], _CENTRES[cut:end])
        points = np.linspace(shorter.mean, longer.mean, 1001)
        return float(points[np.argmax(shorter.log_height(points) <= longer.log_height(points))])


@dataclass(frozen=True)
class Hill:
    """A generalised gamma distribution (Stacy 1962): log-normal, Weibull, gamma and exponential are of them.

    Attributes:
        gaps: How many gaps it stands for.
        mean: Of their binary logarithms, like the next two.
        deviation: The standard deviation.
        skewness: The skewness; 0 for a log-normal hill.
    """

    gaps: float
    mean: float
    deviation: float
    skewness: float

    @classmethod
    def of(cls, counts: Floats, centres: Floats) -> Hill:
        """Fit a hill by the moments of counts (shape (n,), not all 0) at these places."""
        shares = counts / counts.sum()
        mean = float(shares @ centres)
        deviation = max(float(np.sqrt(shares @ (centres - mean) ** 2)), 1 / BINS_PER_OCTAVE)
        skewness = float(shares @ ((centres - mean) / deviation) ** 3)
        by_chance = 3 * np.sqrt(6 / counts.sum())
        return cls(float(counts.sum()), mean, deviation, skewness if abs(skewness) > by_chance else 0.0)

    def log_height(self, points: Floats) -> Floats:
        """Return the logarithm of its height at these places."""
        skewness, shapes, means, deviations, scales = _log_gamma()
        known = np.clip(-abs(self.skewness), skewness[0], skewness[-1])
        shape, mean, deviation, scale = (
            np.interp(known, skewness, values) for values in (shapes, means, deviations, scales)
        )
        direction = -1 if self.skewness > 0 else 1
        place = mean + deviation * direction * (points - self.mean) / self.deviation
        return np.log(self.gaps * deviation / self.deviation) + shape * place - np.exp(place) - scale


@cache
def _log_gamma() -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Tabulate log-gamma variables: skewness (ascending), shape, mean, deviation, log Γ(shape)."""
    shapes = np.geomspace(0.3, 3_000, 60)
    points = np.linspace(-60, 10, 20_000)
    heights = np.exp(shapes[:, None] * points - np.exp(points) - (shapes * np.log(shapes) - shapes)[:, None])
    areas = heights.sum(1)
    means = heights @ points / areas
    centred = points - means[:, None]
    deviations = np.sqrt((heights * centred**2).sum(1) / areas)
    skewness = (heights * centred**3).sum(1) / areas / deviations**3
    scales = np.log(areas * (points[1] - points[0])) + shapes * np.log(shapes) - shapes
    return skewness, shapes, means, deviations, scales


def _spread(bins: NDArray[np.int64], resolution_us: int) -> Floats:
    """Spread gaps over what the clock's steps have rounded away: 3 steps stand for 2.5 to 3.5.

    Otherwise the first few steps would be hills of their own.
    """
    edges = EDGES_US[1:-1]
    until = np.maximum((edges - 1) // resolution_us + 0.5, 0.5) * resolution_us
    below = np.concatenate(([0], np.cumsum(bins[1:-1])))[: len(edges)]
    points = np.unique(until)
    levels = np.interp(edges, points, below[np.searchsorted(until, points, side="right") - 1])
    return np.diff(levels, append=below[-1])


def _depth(top: float, floor: float) -> float:
    return float((top + 1) / (floor + 1))
