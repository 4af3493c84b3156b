"""The tasks that find sessions: what was taken comes in, by identity; sessions go out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.sessions import finish
from sessionize.engine.outcome import Closed
from sessionize.engine.plan import BEGINNING, closed_before_us
from sessionize.errors import SessionizeError
from sessionize.spark.merging import Merging
from sessionize.spark.notes import Failed, Merged
from sessionize.spark.packets import Batches
from sessionize.spark.work import Work


def merged(work: Work, as_of_us: int | None, batches: Iterable[pa.RecordBatch]) -> Batches:
    """Merge what comes by identity into sessions."""
    merging, closed = work.merging(), Closed(work.table.rules)
    try:
        for sessions, notes in _merged(work, merging, batches):
            closed.add(sessions, _bound_us(work, as_of_us, sessions))
            yield work.found.packed(sessions, notes)
        notes = [Merged(closed, merging.deduplicated)]
    except SessionizeError as error:
        notes = [Failed(error)]
    yield work.found.packed(work.found.nothing, notes)


def _merged(
    work: Work, merging: Merging, batches: Iterable[pa.RecordBatch]
) -> Iterator[tuple[pa.Table, list[Any]]]:
    """Give the sessions as they are found, in no order, with the notes that came."""
    for rows, notes in work.taken.arriving(batches):
        yield merging.add(rows), notes
    yield merging.rest(), []


def merged_and_finished(work: Work, batches: Iterable[pa.RecordBatch]) -> Batches:
    """Merge what comes by identity, and write the rows of the sessions table."""
    for sessions, _ in _merged(work, work.merging(), batches):
        yield from finish(sessions, work.table).to_batches()


def _bound_us(work: Work, as_of_us: int | None, sessions: pa.Table) -> int:
    """Return a bound below which, for all that one task can know, sessions that end are closed."""
    if as_of_us is None and not len(sessions):
        return BEGINNING
    latest_us = int(column(sessions, "end_us").to_numpy().max(initial=BEGINNING))
    return closed_before_us(latest_us if as_of_us is None else as_of_us, work.table.rules)
