"""The embedded engine: one machine, a thread for each core, sessions out as they close.

Each piece of the log is read and cut in a task of its own. Where all pieces promise the range of
their times, pieces are taken by their earliest time: what lies further than the timeout from every
other piece is a session already, only the rest meets the merge, and sessions are passed on as the
watermark leaves them behind. So memory holds a few pieces and the open sessions, however long the
log is. Without such promises the fragments wait, merged, for the last piece: on disk where memory
does not hold them. Where rules ask for events in order, events take the place of fragments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.division import MOST_PARTS, divide, end_bounds, end_part
from sessionize.core.sessions import SessionTable, finish, in_closing_order
from sessionize.engine.carried import Carried
from sessionize.engine.gathering import events_of, gathered, in_chunks
from sessionize.engine.islands import Islands
from sessionize.engine.outcome import Outcome, Reading
from sessionize.engine.plan import END, BrokenPromiseError, Step, plan
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.engine.waiting import Tables
from sessionize.progress import Progress
from sessionize.reading.log import Log

Result = TypeVar("Result")

BATCH_ROWS = 131_072
"""Sessions that one task finishes."""

_SAMPLED = 16
"""One end in so many tells how ends are spread over time."""


@dataclass(frozen=True)
class CutPiece:
    """What a task makes of one piece of the log.

    Attributes:
        step: The piece and its place.
        waiting: By kind: sessions that no other piece can touch; fragments and events that it can.
        reading: What else reading it has shown.
    """

    step: Step
    waiting: Mapping[str, Tables]
    reading: Reading


def believing(attempt: Callable[[bool], Result]) -> Result:
    """Try with trust in what pieces promise, and again without it where a promise was broken."""
    try:
        return attempt(True)
    except BrokenPromiseError:
        return attempt(False)


def sessions_of(
    log: Log,
    table: SessionTable,
    outcome: Outcome,
    pool: Pool,
    *,
    resources: Resources,
    trusting: bool = True,
    progress: Progress | None = None,
) -> Iterator[pa.Table]:
    """Sessionize a log.

    Args:
        log: What to read.
        table: What a session is, and what its row looks like.
        outcome: Takes the counts.
        pool: Where pieces are read and cut, and sessions finished.
        resources: How much memory there is, and where what does not fit goes.
        trusting: Whether the ranges of time that pieces promise are believed.
        progress: Called with the rows that were read since the last call.

    Yields:
        Tables of sessions, rows in closing order within and between them.

    Raises:
        BrokenPromiseError: Where a piece's promise was wrong, so that what was yielded so far may
            be wrong too. Begin again without trust.
        InputError: Where the log cannot be read.
    """
    way = Islands if table.rules.is_sequential else Carried

    def cut_piece(step: Step) -> CutPiece:
        return _cut_piece(step, table, way)

    def finished(fragments: Tables) -> pa.Table:
        return finish(in_closing_order(fragments, table.rules), table)

    def closed() -> Iterator[Tables]:
        with closing(way(table, resources, pool)) as waiting:
            for piece in pool.map(cut_piece, plan(gathered(log.pieces), trusting=trusting)):
                outcome.note_reading(piece.step.index, piece.reading)
                if progress:
                    progress(piece.reading.tally.input_rows)
                waiting.add(piece.waiting)
                yield from waiting.settled(piece.step.next_us)
            yield from waiting.settled(END)
            outcome.note_deduplicated(waiting.deduplicated)

    def batches() -> Iterator[Tables]:
        for fragments in filter(None, closed()):
            for part in fragments:
                outcome.note_closed(part)
            yield from _divided(fragments, pool)

    return pool.map(finished, batches())


def _divided(fragments: Tables, pool: Pool) -> Iterator[Tables]:
    """Divide what closes at once into tasks for the pool: by stretches of time, if it is too much for one."""
    rows = sum(map(len, fragments))
    if rows <= 2 * BATCH_ROWS:
        yield fragments
        return
    sample_us = np.concatenate([column(table, "end_us").to_numpy()[::_SAMPLED] for table in fragments])
    bounds_us = end_bounds(sample_us, min(rows // BATCH_ROWS, MOST_PARTS))

    def divided(table: pa.Table) -> Tables:
        return divide(table, end_part(table, bounds_us), len(bounds_us) + 1)

    yield from map(list, zip(*pool.map(divided, fragments), strict=True))


def _cut_piece(step: Step, table: SessionTable, way: type[Carried] | type[Islands]) -> CutPiece:
    reading = Reading()
    waiting, reading.tally.deduplicated = way.of_piece(step, in_chunks(events_of(step, reading)), table)
    return CutPiece(step, waiting, reading)
