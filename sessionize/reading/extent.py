"""How much of a log there is to read, and how much has been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass
class Extent:
    """The size of a log: in rows where footers know them, else in bytes on disk.

    Attributes:
        rows: All its rows; None where nobody knows before they are read.
        sizes: The bytes of each file, as it lies on disk; None for a stream.
    """

    rows: int | None = None
    sizes: Sequence[int | None] = ()
    _read_bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Add up what lies before each file."""
        self._before = list(accumulate((size or 0 for size in self.sizes), initial=0))

    def reach(self, place: int, position: int) -> None:
        """Note how far reading has come: so many bytes into the file of that place."""
        self._read_bytes = self._before[place] + position

    def share(self, rows: int) -> float | None:
        """Return the share of the log, from 0 to 1, that is read after so many rows; None if unknown.

        Example:
            >>> Extent(rows=200).share(50), Extent().share(50)
            (0.25, None)
            >>> extent = Extent(sizes=[100, 300])
            >>> extent.reach(1, 60)
            >>> extent.share(50)
            0.4
        """
        if self.rows:
            return min(rows / self.rows, 1.0)
        if None in self.sizes or not self._before[-1]:
            return None
        return min(self._read_bytes / self._before[-1], 1.0)
