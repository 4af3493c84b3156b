"""Simulated gaps whose valley is known: two kinds of gaps, mixed, each of a known density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import gamma
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SECOND_US = 1_000_000
DAY = 86_400.0


@dataclass(frozen=True)
class Kind:
    """Gaps of one kind, in seconds: how to draw n of them, and their density per natural logarithm."""

    draw: Callable[[np.random.Generator, int], Floats]
    density: Callable[[Floats], Floats]


def log_normal(median: float, deviation: float) -> Kind:
    def density(seconds: Floats) -> Floats:
        height = np.exp(-0.5 * (np.log(seconds / median) / deviation) ** 2)
        return np.asarray(height / deviation / np.sqrt(2 * np.pi))

    return Kind(lambda random, n: random.lognormal(np.log(median), deviation, n), density)


def weibull(scale: float, shape: float) -> Kind:
    """An exponential distribution where the shape is 1."""

    def density(seconds: Floats) -> Floats:
        power = (seconds / scale) ** shape
        return np.asarray(shape * power * np.exp(-power))

    return Kind(lambda random, n: scale * random.weibull(shape, n), density)


def gamma_shaped(scale: float, shape: float) -> Kind:
    def density(seconds: Floats) -> Floats:
        return np.asarray((seconds / scale) ** shape * np.exp(-seconds / scale) / gamma(shape))

    return Kind(lambda random, n: random.gamma(shape, scale, n), density)


@dataclass(frozen=True)
class Mixture:
    """Gaps within sessions, and a share of gaps between sessions."""

    within: Kind
    between: Kind
    share: float = 0.1

    def draw(self, seed: int, gaps: int) -> Floats:
        """Draw gaps in seconds, in random order."""
        random = np.random.default_rng(seed)
        between = random.binomial(gaps, self.share)
        drawn = (self.within.draw(random, gaps - between), self.between.draw(random, between))
        return random.permutation(np.concatenate(drawn))

    def valley(self) -> float:
        """Return where the density per logarithm is lowest between its two hills, in seconds."""
        seconds = np.geomspace(0.01, 1e8, 20_000)
        within = (1 - self.share) * self.within.density(seconds)
        between = self.share * self.between.density(seconds)
        tops = slice(int(np.argmax(within)), int(np.argmax(between)))
        return float(seconds[tops][np.argmin((within + between)[tops])])


def log_of(gaps: NDArray[np.floating[Any]], *, users: int = 50, step_us: int = 1) -> pa.Table:
    """A log of users who have these gaps, rounded to the step of a clock."""
    gaps_us = np.rint(gaps * SECOND_US / step_us).astype(np.int64) * step_us
    parts = np.array_split(gaps_us, users)
    return pa.table(
        {
            "user_id": np.repeat(np.arange(users), [len(part) for part in parts]),
            "timestamp": pa.array(np.concatenate([np.cumsum(part) for part in parts])).cast(
                pa.timestamp("us", "UTC")
            ),
        }
    )
