"""Small pieces taken together: a task has its price, and so has all that is done once for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from sessionize.core.fragments import together
from sessionize.engine.outcome import Reading
from sessionize.engine.plan import Step
from sessionize.errors import InputError
from sessionize.events import Chunk, Events
from sessionize.reading.log import FilePiece, Piece
from sessionize.reading.ranges import TimeRange, joint_range
from sessionize.reading.records import Records, TableRecords

GATHERED_ROWS = 1 << 17
"""Rows up to which neighbouring pieces are one, and chunks of events too."""


@dataclass(frozen=True)
class Gathered:
    """Pieces that one task reads, one after the other."""

    pieces: Sequence[FilePiece]

    @cached_property
    def time_range(self) -> TimeRange | None:
        """The range that holds those of all pieces; None where one of them is unknown."""
        return joint_range([piece.task.promise for piece in self.pieces])

    def read(self) -> Iterator[Chunk]:
        """Read the pieces in their order; judge them together, where none of their rows is rejected."""
        loaded = [(piece, *rows) for piece in self.pieces for rows in piece.tables()]
        joint = _judged_together(loaded)
        if joint is not None:
            yield joint
        else:
            yield from (piece.judged(table, records) for piece, table, records in loaded)


def _judged_together(loaded: Sequence[tuple[FilePiece, pa.Table, Records]]) -> Chunk | None:
    """Judge the rows of several files at once; None where it has to be said of which file a row is."""
    tables = [table for _, table, _ in loaded]
    if any(table.schema != tables[0].schema for table in tables):
        return None
    rows, records = pa.concat_tables(tables), Counter[int]()
    for piece, table, _ in loaded:
        records[piece.place] += len(table)
    try:
        chunk = loaded[0][0].judged(rows, TableRecords(rows))
    except InputError:
        return None
    return None if chunk.tally.rejected else replace(chunk, records=records)


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


def events_of(step: Step, reading: Reading) -> Iterator[Events]:
    """Read the events of a piece in its place; note what else it shows.

    Raises:
        BrokenPromiseError: For an event outside the range that the piece promises.
        InputError: Where the piece cannot be read.
    """
    for chunk in step.piece.read():
        step.check(chunk.events.time_us)
        reading.add(chunk)
        yield chunk.events


def in_chunks(chunks: Iterable[Events]) -> Iterator[Events]:
    """Join events that come in small chunks; at least one chunk comes out where one came."""
    waiting: list[Events] = []
    rows = 0
    for events in chunks:
        if waiting and rows + len(events) > GATHERED_ROWS:
            yield _joined(waiting)
            waiting, rows = [], 0
        waiting.append(events)
        rows += len(events)
    if waiting:
        yield _joined(waiting)


def _joined(parts: Sequence[Events]) -> Events:
    if len(parts) == 1:
        return parts[0]
    return Events(
        np.concatenate([part.time_us for part in parts]), together([part.columns for part in parts])
    )
