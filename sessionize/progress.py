"""Progress of long work: rows as they are read, and which share of the whole they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

Progress = Callable[[int], None]
"""Is called with the rows that were read since its last call."""

Share = Callable[[int], float | None]
"""Says which share of the work, from 0 to 1, is done after so many rows; None where nobody knows."""


@runtime_checkable
class Follower(Protocol):
    """A progress that also wants to know how much there is to do."""

    def follow(self, share: Share) -> None:
        """Learn how to tell the share that is done."""


def follow(progress: Progress | None, share: Share) -> None:
    """Tell a progress how much there is to do, if it wants to know.

    Example:
        >>> class Shown:
        ...     def __call__(self, rows):
        ...         print(f"{self.share(rows):.0%}")
        ...     def follow(self, share):
        ...         self.share = share
        >>> shown = Shown()
        >>> follow(shown, lambda rows: rows / 200)
        >>> shown(50)
        25%
    """
    if isinstance(progress, Follower):
        progress.follow(share)
