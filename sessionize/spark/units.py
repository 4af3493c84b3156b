"""The units of a log: what one task of Spark's reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isfinite
from pathlib import Path

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
        needed: The columns that are read, and how.
        types: The log's type of each of them.
    """

    place: int
    source: Source
    piece: int | None
    rows: float
    needed: Needed
    types: ColumnTypes

    @property
    def time_range(self) -> None:
        """The range of its times: nobody asks, so nobody looks for it."""

    def read(self) -> Iterator[Chunk]:
        """Open the file, which another machine may do, and read."""
        [placed] = open_files([self.source], self.needed)
        pieces = pieces_of(self.place, placed, self.needed, self.types)
        chosen = pieces if self.piece is None else islice(pieces, self.piece, self.piece + 1)
        for piece in chosen:
            yield from piece.read()


def units_of(
    sources: Sequence[Source], files: Sequence[PlacedFile], needed: Needed, types: ColumnTypes
) -> Iterator[Unit]:
    """Divide a log into units.

    Args:
        sources: The files.
        files: The same files, opened.
        needed: The columns that are read, and how.
        types: The log's type of each of them.

    Yields:
        The units, in the order of the log: a few row groups, or a text file.
    """
    for place, (source, placed) in enumerate(zip(sources, files, strict=True)):
        source = _for_others(source)
        if not placed[0].is_indexed:
            rows = GATHERED_ROWS if source.size is None else source.size / _BYTES_OF_A_ROW
            yield Unit(place, source, None, rows, needed, types)
            continue
        for index, piece in enumerate(pieces_of(place, placed, needed, types)):
            rows = piece.rows if isfinite(piece.rows) else GATHERED_ROWS
            yield Unit(place, source, index, rows, needed, types)


def tasks_of(units: Iterable[Unit]) -> list[list[Unit]]:
    """Take small neighbouring units together: a task has its price."""
    tasks: list[list[Unit]] = []
    rows = 0.0
    for unit in units:
        if not tasks or rows + unit.rows > GATHERED_ROWS:
            tasks.append([])
            rows = 0.0
        tasks[-1].append(unit)
        rows += unit.rows
    return tasks


def _for_others(source: Source) -> Source:
    """Name a file so that another machine finds it, without the footer that every unit would carry."""
    place = source.place
    path = str(Path(place.path).absolute()) if place.is_local else place.path
    return replace(source, place=replace(place, path=path))
