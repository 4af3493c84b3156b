"""Small pieces taken together: a task has its price, and so has all that is done once for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sessionize.core.fragments import together
from sessionize.events import Chunk, Events
from sessionize.reading.log import FilePiece, Piece
from sessionize.reading.ranges import TimeRange

GATHERED_ROWS = 1 << 17
"""Rows up to which neighbouring pieces are one, and chunks of events too."""


@dataclass(frozen=True)
class Gathered:
    """Pieces that one task reads, one after the other."""

    pieces: Sequence[Piece]

    @cached_property
    def time_range(self) -> TimeRange | None:
        """The range that holds those of all pieces; None where one of them is unknown."""
        ranges = [piece.time_range for piece in self.pieces]
        known = [each for each in ranges if each is not None]
        if len(known) < len(ranges):
            return None
        return min(start for start, _ in known), max(end for _, end in known)

    def read(self) -> Iterator[Chunk]:
        """Read the pieces in their order."""
        for piece in self.pieces:
            yield from piece.read()


def gathered(pieces: Iterable[FilePiece]) -> Iterable[Piece]:
    """Take small neighbouring pieces together.

    Args:
        pieces: The pieces of a log. An iterator is passed on as it is: its pieces come one by one.

    Returns:
        The pieces in their order, as a list where they were one.
    """
    return list(_groups(pieces)) if isinstance(pieces, Sequence) else pieces


def _groups(pieces: Sequence[FilePiece]) -> Iterator[Piece]:
    group: list[FilePiece] = []
    rows = 0.0
    for piece in pieces:
        if group and rows + piece.rows > GATHERED_ROWS:
            yield group[0] if len(group) == 1 else Gathered(group)
            group, rows = [], 0
        group.append(piece)
        rows += piece.rows
    if group:
        yield group[0] if len(group) == 1 else Gathered(group)


def in_chunks(chunks: Iterable[Events]) -> Iterator[Events]:
    """Join events that come in small chunks; at least one chunk comes out."""
    waiting: list[Events] = []
    rows = 0
    for events in chunks:
        if waiting and rows + len(events) > GATHERED_ROWS:
            yield _joined(waiting)
            waiting, rows = [], 0
        waiting.append(events)
        rows += len(events)
    yield _joined(waiting)


def _joined(parts: Sequence[Events]) -> Events:
    if len(parts) == 1:
        return parts[0]
    return Events(
        np.concatenate([part.time_us for part in parts]), together([part.columns for part in parts])
    )
