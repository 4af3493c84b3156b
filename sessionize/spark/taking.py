"""The tasks that read: units of a log, or rows of a data frame, come in; what is to be merged goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from sessionize.engine.gathering import in_chunks
from sessionize.engine.outcome import Reading
from sessionize.errors import InputError, SessionizeError
from sessionize.events import Chunk, Events, Tally
from sessionize.reading.frames import EVENTS
from sessionize.reading.records import TableRecords
from sessionize.reading.rows import judge
from sessionize.spark.notes import Failed, Read
from sessionize.spark.packets import Batches
from sessionize.spark.units import Unit
from sessionize.spark.work import Work

FRAME_ROWS = 1 << 20
"""Rows of a data frame that are cut together; Spark hands over as few, or as many, as its user has set."""

REJECTED_NAMES = ["reason", "raw"]
"""What is told of a rejected row of a data frame, which has no file and no place."""


def read_units(work: Work, task: int, units: Sequence[Unit]) -> Batches:
    """Read some units of a log, and cut them."""
    reading = Reading()

    def events() -> Iterator[Events]:
        for unit in units:
            for chunk in unit.read():
                reading.add(chunk)
                yield chunk.events

    try:
        for chunk in in_chunks(events()):
            yield work.taken.packed(work.take(chunk))
        notes: list[object] = [Read(task, reading)]
    except SessionizeError as error:
        notes = [Failed(error)]
    yield work.taken.packed(work.taken.nothing, notes)


def take_frame(work: Work, drop_rejected: bool, batches: Iterable[pa.RecordBatch]) -> Batches:
    """Judge and cut the rows of a data frame, whose columns are those needed, in their order.

    Raises:
        InputError: For rejected rows, unless they are to be dropped.
    """
    for chunk in _judged(work, batches):
        if chunk.tally.rejected and not drop_rejected:
            raise InputError(_refusal(chunk.tally))
        yield work.taken.packed(work.take(chunk.events))


def rejected_rows(work: Work, batches: Iterable[pa.RecordBatch]) -> Batches:
    """Give the rejected rows of a data frame: reason and row."""
    for chunk in _judged(work, batches):
        yield from chunk.rejected.select(REJECTED_NAMES).to_batches()


def _judged(work: Work, batches: Iterable[pa.RecordBatch]) -> Iterator[Chunk]:
    for gathered in _gathered(batches):
        table = _in_utc(pa.Table.from_batches(gathered)).rename_columns(work.needed.columns)
        yield judge(EVENTS, table, TableRecords(table), work.needed, work.types)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += len(batch)
        if rows >= FRAME_ROWS:
            yield waiting
            waiting, rows = [], 0
    if waiting:
        yield waiting


def _in_utc(table: pa.Table) -> pa.Table:
    """Show instants in UTC: outside it Spark hands them over in the zone of the session."""
    fields = [
        field.with_type(pa.timestamp(field.type.unit, "UTC")) if getattr(field.type, "tz", None) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _refusal(tally: Tally) -> str:
    return (
        f"{tally.rejected:,} of {tally.input_rows:,} rows of a partition rejected: {tally.reasons}."
        " sessionize.spark.rejected(events, …) gives all that are; drop_rejected=True goes on without them."
    )
