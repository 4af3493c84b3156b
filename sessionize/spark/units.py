"""The units of a log: what one task of Spark's reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite

from sessionize.engine.gathering import GATHERED_ROWS
from sessionize.events import Chunk
from sessionize.reading.log import PlacedFile, open_files, pieces_of
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source
from sessionize.reading.types import ColumnTypes

_BYTES_OF_A_ROW = 64
"""What a row of a text file may take, to see which files are small."""


@dataclass(frozen=True)
class Unit:
    """One piece of a file, or all of a file that has no index.

    Attributes:
        place: The file's place in the log, from 0.
        source: The file.
        piece: The piece, from 0; None for all of them.
        rows: How many rows there are, or about so many.
    """

    place: int
    source: Source
    piece: int | None
    rows: float

    def read(self, needed: Needed, types: ColumnTypes) -> Iterator[Chunk]:
        """Open the file, which another machine may do, and read."""
        [placed] = open_files([self.source], needed)
        pieces = pieces_of(self.place, placed, needed, types)
        chosen = pieces if self.piece is None else islice(pieces, self.piece, self.piece + 1)
        for piece in chosen:
            yield from piece.read()


def units_of(
    sources: Sequence[Source], files: Sequence[PlacedFile], needed: Needed, types: ColumnTypes
) -> list[list[Unit]]:
    """Divide a log into what a task reads: a few row groups, a text file, or several small files.

    Args:
        sources: The files.
        files: The same files, opened.
        needed: The columns that are read, and how.
        types: The log's type of each of them.

    Returns:
        The units of each task, all in the order of the log.
    """
    tasks: list[list[Unit]] = []
    rows = 0.0
    for unit in _units(sources, files, needed, types):
        if not tasks or rows + unit.rows > GATHERED_ROWS:
            tasks.append([])
            rows = 0.0
        tasks[-1].append(unit)
        rows += unit.rows
    return tasks


def _units(
    sources: Sequence[Source], files: Sequence[PlacedFile], needed: Needed, types: ColumnTypes
) -> Iterator[Unit]:
    for place, (source, placed) in enumerate(zip(sources, files, strict=True)):
        if not placed[0].is_indexed:
            yield Unit(place, source, None, source.place.info().size / _BYTES_OF_A_ROW)
            continue
        for index, piece in enumerate(pieces_of(place, placed, needed, types)):
            yield Unit(place, source, index, piece.rows if isfinite(piece.rows) else GATHERED_ROWS)
