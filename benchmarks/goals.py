"""What is to be reached: a measure of a contender, at most so many times that of others, or so much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.cost import Cost

Measure = Literal["wall", "cpu", "memory", "shuffled"]
WORDS: dict[Measure, str] = {"wall": "wall", "cpu": "CPU", "memory": "peak memory", "shuffled": "shuffled"}
PEERS = ("duckdb", "polars", "polars_window")


@dataclass(frozen=True)
class Goal:
    """One figure to reach.

    Attributes:
        measure: Of which cost.
        at_most: Times the lowest of `against`; seconds or bytes where there is nobody to compare with.
        against: Contenders; those who do not run are left out.
        contender: Whose cost it is.
        times: How many times the events of `against` it reads: the cost is divided by that.
    """

    measure: Measure
    at_most: float
    against: tuple[str, ...] = PEERS
    contender: str = "sessionize"
    times: int = 1

    def reached(self, costs: Mapping[str, Cost]) -> float | None:
        """Return the figure to hold against `at_most`; None where nobody ran to compare with."""
        if self.contender not in costs:
            return None
        its = self._of(costs[self.contender]) / self.times
        if not self.against:
            return its
        others = [self._of(costs[name]) for name in self.against if name in costs]
        return its / min(others) if others else None

    def _of(self, cost: Cost) -> float:
        return float(getattr(cost, self.measure))

    def shown(self, figure: float) -> str:
        """Write a figure in the unit of this goal."""
        if self.against:
            return f"{figure:.2f} ×"
        return f"{figure / 1e6:,.0f} MB" if self.measure == "memory" else f"{figure:.2f} s"

    def __str__(self) -> str:
        """Say the goal in words, such as `wall ≤ 0.20 × the lowest of duckdb, polars`."""
        whose = "" if self.contender == "sessionize" else f"{self.contender}: "
        per_event = " per event" if self.times > 1 else ""
        others = (
            f" the lowest of {', '.join(self.against)}"
            if len(self.against) > 1
            else " ".join(["", *self.against])
        )
        return f"{whose}{WORDS[self.measure]}{per_event} ≤ {self.shown(self.at_most)}{others}"


def peers(share: float) -> tuple[Goal, ...]:
    """Return the goals of wall time and CPU against the faster of DuckDB and Polars."""
    return (Goal("wall", share), Goal("cpu", share))


def peers_memory(share: float) -> Goal:
    """Return the goal of peak memory against the lower of DuckDB and Polars."""
    return Goal("memory", share)


def below(megabytes: int, contender: str = "sessionize") -> Goal:
    """Return the goal of peak memory in bytes."""
    return Goal("memory", megabytes * 1e6, (), contender)


def over_floor(share: float) -> Goal:
    """Return the goal of wall time against the floor."""
    return Goal("wall", share, ("floor",))
