"""One pass over a log: the gaps between each identity's consecutive events, counted.

The plan is that of sessions (`local.py`). A piece whose range of times no other piece shares is
counted in its own task, down to one stretch for each of its identities; as the watermark passes,
stretches are joined, so memory holds a few pieces and one stretch for each identity. Events of which
it is not known whether others come between them wait: on disk where memory does not hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from sessionize.engine.gathering import events_of, gathered, in_chunks
from sessionize.engine.outcome import Outcome, Reading
from sessionize.engine.plan import END, Step, plan
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.gap.counts import Counts
from sessionize.gap.histories import Histories, of_piece, take
from sessionize.gap.scale import Scale
from sessionize.gap.stretches import ends
from sessionize.progress import Progress
from sessionize.reading.log import Log
from sessionize.rules import SessionRules


@dataclass(frozen=True)
class CountedPiece:
    """What a task makes of one piece of the log.

    Attributes:
        step: The piece and its place.
        stretches: Its stretches.
        rest: Its events that wait.
        counts: What it has shown so far.
        reading: What else reading it has shown.
    """

    step: Step
    stretches: pa.Table
    rest: pa.Table
    counts: Counts
    reading: Reading


def count_gaps(
    log: Log,
    rules: SessionRules,
    scale: Scale,
    outcome: Outcome,
    pool: Pool,
    *,
    resources: Resources,
    trusting: bool = True,
    progress: Progress | None = None,
) -> tuple[Counts, int]:
    """Count the gaps of a log.

    Args:
        log: What to read.
        rules: The identity, and no timeout.
        scale: What to count by.
        outcome: Takes the counts of rows.
        pool: Where pieces are read and counted.
        resources: How much memory there is, and where what does not fit goes.
        trusting: Whether the ranges of time that pieces promise are believed.
        progress: Called with the rows that were read since the last call.

    Returns:
        The counts, and the number of identities.

    Raises:
        BrokenPromiseError: Where a piece's promise was wrong. Begin again without trust.
        InputError: Where the log cannot be read.
    """
    counts, identities = Counts.none(scale), 0

    def count_piece(step: Step) -> CountedPiece:
        return _count_piece(step, rules, scale)

    with closing(Histories(rules, scale, resources, pool)) as waiting:

        def whole() -> Iterator[list[pa.Table]]:
            nonlocal counts
            for piece in pool.map(count_piece, plan(gathered(log.pieces), trusting=trusting)):
                outcome.note_reading(piece.step.index, piece.reading)
                if progress:
                    progress(piece.reading.tally.input_rows)
                counts += piece.counts
                waiting.add({"stretches": [piece.stretches], "events": [piece.rest]})
                yield from waiting.settled(piece.step.next_us)
            yield from waiting.settled(END)

        for table in (table for tables in whole() for table in tables):
            counts += ends(table, scale)
            identities += len(table)
        return counts + waiting.counts, identities


def _count_piece(step: Step, rules: SessionRules, scale: Scale) -> CountedPiece:
    reading = Reading()
    chunks = [take(events, rules) for events in in_chunks(events_of(step, reading))]
    stretches, rest, counts = of_piece(step, chunks, rules, scale)
    return CountedPiece(step, stretches, rest, counts, reading)
