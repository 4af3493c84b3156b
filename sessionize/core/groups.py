"""Runs of neighbouring rows, and what can be computed per run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.float64)
Key = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Gives the int64 sort keys of the rows named by position."""


def begins(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the rows that differ from the one before in any column; bool, shape (n,), true for the first."""
    begun = np.ones(len(columns[0]), bool)
    begun[1:] = reduce(np.logical_or, (values[1:] != values[:-1] for values in columns))
    return begun


@dataclass(frozen=True)
class Groups:
    """Rows divided into runs: run g holds rows `starts[g]` up to, not including, `starts[g + 1]`.

    Attributes:
        starts: int64, shape (m,), ascending: the first row of each run; no run is empty.
        rows: How many rows there are; 0 only where there is no run.
    """

    starts: NDArray[np.int64]
    rows: int

    @classmethod
    def opening(cls, opens: NDArray[np.bool_]) -> Groups:
        """Begin a run at every row that `opens` marks (bool, shape (n,); the first row always does)."""
        return cls(np.flatnonzero(opens), len(opens))

    def __len__(self) -> int:
        """Count the runs."""
        return len(self.starts)

    @property
    def lasts(self) -> NDArray[np.int64]:
        """The last row of each run."""
        return np.append(self.starts[1:], self.rows)[: len(self)] - 1

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many rows each run has."""
        return self.lasts - self.starts + 1

    @cached_property
    def of_row(self) -> NDArray[np.int64]:
        """The run of each row, shape (rows,)."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def place(self) -> NDArray[np.int64]:
        """Which of its run's rows each row is, from 0; shape (rows,)."""
        return np.arange(self.rows) - self.starts[self.of_row]

    def sum(self, values: NDArray[Number]) -> NDArray[Number]:
        """Add each run up; floats may end in infinity, or NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.add.reduceat(values, self.starts, dtype=values.dtype) if self.rows else values

    def any(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Say of each run whether any of its rows is marked."""
        return np.logical_or.reduceat(marked, self.starts) if self.rows else marked

    def max(self, values: NDArray[Number]) -> NDArray[Number]:
        """Find the largest value of each run."""
        return np.maximum.reduceat(values, self.starts) if self.rows else values

    def ends(
        self, candidates: NDArray[np.int64], *, last: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the first candidate of each run, or the last one, and its neighbour in the run.

        Args:
            candidates: int64, ascending: the rows to choose from.
            last: Whether to look from the end of each run.

        Returns:
            int64, shape (m,): a row of each run, -1 where it has no candidate; and the next candidate
            after it (before it, with `last`), -1 where there is none.
        """
        run = self.of_row[candidates]
        runs = Groups.opening(begins(run))
        at, several = (runs.lasts if last else runs.starts), runs.sizes > 1
        chosen, neighbour = np.full(len(self), -1), np.full(len(self), -1)
        chosen[run[at]] = candidates[at]
        neighbour[run[at[several]]] = candidates[at[several] + (-1 if last else 1)]
        return chosen, neighbour

    def smallest(self, candidates: NDArray[np.int64], keys: Iterable[Key]) -> NDArray[np.int64]:
        """Find the candidate with the smallest keys in each run.

        Args:
            candidates: int64, ascending: the rows to choose from.
            keys: Most significant first. A later key is only asked about rows that are still level.

        Returns:
            int64, shape (m,): a row of each run, -1 where it has no candidate. Of rows level in
            every key it is the first.
        """
        run = self.of_row[candidates]
        for key in keys:
            runs = Groups.opening(begins(run))
            if len(runs) == len(candidates):
                break
            ranking = key(candidates)
            best = np.minimum.reduceat(ranking, runs.starts)[runs.of_row]
            level = ranking == best
            candidates, run = candidates[level], run[level]
        winners = Groups.opening(begins(run)).starts
        chosen = np.full(len(self), -1)
        chosen[run[winners]] = candidates[winners]
        return chosen
