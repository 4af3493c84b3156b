"""How often each value occurs, in memory that grows with the distinct values only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pieces: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64]]

_WAITING = 1 << 16
_DROPPED_BITS = 39
"""Of a double's 52: 13 remain, so that a duration is kept to one part in 8,192."""


class Counts:
    """Distinct integers and how often each was seen."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._values: NDArray[np.int32] = np.empty(0, np.int32)
        self._counts: NDArray[np.int64] = np.empty(0, np.int64)
        self._waiting: list[Pieces] = []
        self._waiting_size = 0

    @property
    def pieces(self) -> Pieces:
        """The distinct values, int32, ascending, and how often each was seen, int64: shape (n,) both."""
        if self._waiting:
            self._merge()
        return self._values, self._counts

    def add(self, values: NDArray[np.int32]) -> None:
        """Count values: int32, shape (n,), in any order."""
        self._take(np.unique(values, return_counts=True))

    def join(self, other: Counts) -> None:
        """Count what was counted elsewhere."""
        self._take(other.pieces)

    def middle(self, meaning: Callable[[NDArray[np.int32]], NDArray[np.float64]]) -> float | None:
        """Return the median.

        Args:
            meaning: What the integers stand for, in the same order.

        Returns:
            The middle value, or the mean of the two middle ones; None where nothing was counted.

        Example:
            >>> counts = Counts()
            >>> counts.add(np.array([9, 2, 1, 2]))
            >>> counts.middle(lambda values: values * 1.0)
            2.0
        """
        values, counts = self.pieces
        reached = np.cumsum(counts)
        if not len(reached):
            return None
        total = int(reached[-1])
        places = np.searchsorted(reached, [(total - 1) // 2, total // 2], "right")
        return float(meaning(values[places]).mean())

    def between(self, bounds: NDArray[np.int32]) -> NDArray[np.int64]:
        """Sum the counts between neighbouring bounds, lower ones included.

        Args:
            bounds: int32, shape (k,), ascending.

        Returns:
            int64, shape (k,): from each bound up to the next; the last has no end.
        """
        values, counts = self.pieces
        reached = np.concatenate([[0], np.cumsum(counts)])
        below = np.append(np.searchsorted(values, bounds), len(values))
        return np.diff(reached[below])

    def _take(self, pieces: Pieces) -> None:
        self._waiting.append(pieces)
        self._waiting_size += len(pieces[0])
        if self._waiting_size > max(_WAITING, len(self._values)):
            self._merge()

    def _merge(self) -> None:
        pieces = [(self._values, self._counts), *self._waiting]
        self._waiting, self._waiting_size = [], 0
        values = np.concatenate([each for each, _ in pieces])
        counts = np.concatenate([each for _, each in pieces])
        # Ascending runs one after another are what a stable sort merges fastest.
        order = np.argsort(values, kind="stable")
        values = values[order]
        begins = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
        self._values, self._counts = values[begins], np.add.reduceat(counts[order], begins)


def duration_keys(seconds: NDArray[np.float64]) -> NDArray[np.int32]:
    """Round durations down to 14 significant bits, as integers in the same order.

    Whole seconds stay exact up to four hours and a half, and nothing is off by more than one part in 8,192.
    However long the table is, there are at most 8,192 distinct values for each doubling.

    Args:
        seconds: float64, shape (n,), any order, not negative.

    Returns:
        int32, shape (n,), in the order given; `key_seconds` reads them.

    Example:
        >>> key_seconds(duration_keys(np.array([0.0, 16383.0, 100_000.3]))).tolist()
        [0.0, 16383.0, 100000.0]
    """
    return (seconds.view(np.int64) >> _DROPPED_BITS).astype(np.int32)


def key_seconds(keys: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the durations that `duration_keys` stands for: float64, shape (n,), in seconds."""
    return (keys.astype(np.int64) << _DROPPED_BITS).view(np.float64)
