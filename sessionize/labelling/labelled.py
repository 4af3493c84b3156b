"""Labelling on one machine: the log is read twice, the second time as a whole.

The first reading takes what the rules need, by the plan of the embedded engine, and walks events as
the watermark passes (`sessionize.labelling.labels`). The second follows in input order, as soon as all events
of a piece have their labels: close behind the first where the log is in time order, else when the
first has ended, the labels waiting in memory or on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat, takewhile, zip_longest

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.fragments import together
from sessionize.core.sessions import SessionTable
from sessionize.engine.outcome import Outcome, Reading
from sessionize.engine.plan import BEGINNING, END, Step, plan
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.errors import InputError
from sessionize.labelling.labels import LABELS, Labelling, WaitingLabels, records_of
from sessionize.progress import Progress
from sessionize.reading.log import Log
from sessionize.reading.whole import WholeLog, WholePiece

_ROOM = 6
"""Labels may take one part in so many of the memory limit while they wait."""


@dataclass(frozen=True)
class LabelledPiece:
    """One piece of the log, and the labels of its events.

    Attributes:
        file_records: Records of its file that stand before it.
        records: Its own records, those that are no events too.
        labels: The labels, in any order; None without events.
    """

    file_records: int
    records: int
    labels: pa.Table | None

    def aligned(self) -> tuple[pa.Table, np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Return labels of `LABELS`, and for each record of the piece its label's row, or -1."""
        row = np.full(self.records, -1)
        if self.labels is None:
            return LABELS.empty_table(), row
        row[records_of(column(self.labels, "position").to_numpy())] = np.arange(len(self.labels))
        return self.labels.drop_columns("position"), row


@dataclass(frozen=True)
class _TakenPiece:
    step: Step
    events: pa.Table
    reading: Reading


class Labels:
    """The labels of one log, piece by piece in input order."""

    def __init__(
        self, log: Log, table: SessionTable, outcome: Outcome, pool: Pool, resources: Resources
    ) -> None:
        """Prepare to read a log.

        Args:
            log: What to read.
            table: What a session is, and the types of the columns that say so.
            outcome: Takes the counts.
            pool: Where pieces are read, and events walked.
            resources: How much memory there is, and where what does not fit goes.
        """
        self._log, self._table, self._outcome, self._pool = log, table, outcome, pool
        self._walking = Labelling(table, resources, pool)
        self._waiting = WaitingLabels(resources.memory_limit // _ROOM, resources.temp_dir)
        self._readings: dict[int, Reading] = {}
        self._file_records: Counter[int] = Counter()
        self._next = 0

    def pieces(
        self, *, trusting: bool = True, progress: Progress | None = None
    ) -> Generator[LabelledPiece, None, None]:
        """Label the log.

        Args:
            trusting: Whether the ranges of time that pieces promise are believed.
            progress: Called with the rows that were read since the last call.

        Yields:
            The pieces in input order; all of them have been read once before the last is given.

        Raises:
            BrokenPromiseError: Where a piece's promise was wrong; begin again without trust.
            InputError: Where the log cannot be read.
        """
        with closing(self._walking), closing(self._waiting):
            for taken in self._pool.map(self._take, plan(self._log.pieces, trusting=trusting)):
                self._outcome.note_reading(taken.step.index, taken.reading)
                self._readings[taken.step.index] = taken.reading
                if progress:
                    progress(taken.reading.tally.input_rows)
                self._walking.add_events(taken.events)
                self._walk(taken.step.next_us)
                if taken.step.next_us != BEGINNING:
                    yield from self._complete()
            self._walk(END)
            self._outcome.note_deduplicated(self._walking.deduplicated)
            yield from self._complete()

    def _take(self, step: Step) -> _TakenPiece:
        reading, chunks = Reading(), []
        for chunk in step.piece.read():
            step.check(chunk.events.time_us)
            chunks.append(Labelling.taken(chunk, step, reading.tally.input_rows, self._table))
            reading.add(chunk)
        return _TakenPiece(step, together(chunks) if chunks else pa.table({}), reading)

    def _walk(self, watermark_us: int) -> None:
        for sessions in self._walking.settled(watermark_us):
            for table in filter(len, sessions):
                self._outcome.note_closed(table)
            for labels in self._walking.labels():
                self._waiting.add(labels, self._pieces)

    @property
    def _pieces(self) -> int:
        """How many pieces there are: known before an index is read, else when all have been."""
        pieces = self._log.pieces
        return len(pieces) if isinstance(pieces, Sequence) else len(self._readings)

    def _complete(self) -> Iterator[LabelledPiece]:
        """Give the pieces whose turn it is, as far as they have all their labels."""
        while self._next in self._readings and not self._walking.waits_for(self._next):
            reading = self._readings[self._next]
            yield LabelledPiece(
                self._file_records[reading.file],
                reading.tally.input_rows,
                self._waiting.of_piece(self._next),
            )
            self._file_records[reading.file] += reading.tally.input_rows
            self._next += 1


def labelled(
    pieces: Generator[LabelledPiece, None, None], whole: WholeLog, schema: pa.Schema
) -> Generator[pa.Table, None, None]:
    """Put labels beside the rows of a log.

    Args:
        pieces: The labels of its pieces, in input order.
        whole: The log as a whole.
        schema: The columns of the log, and behind them those of labels.

    Yields:
        Tables of the log's rows, in input order; text of labels is dictionary-encoded.

    Raises:
        InputError: For a log that is not any more what it was when it was read first, and for an
            event that cannot be read as a whole.
    """
    with closing(pieces):
        for piece, rows in zip_longest(pieces, whole.pieces()):
            if piece is None or rows is None:
                raise _changed("the log")
            yield from _beside(piece, rows, schema)


def read_ahead(tables: Generator[pa.Table, None, None]) -> Generator[pa.Table, None, None]:
    """Make tables in a thread of their own, while the caller works with those before; close them at last."""
    with closing(tables), Pool(1) as ahead:
        made = ahead.map(lambda tables: next(tables, None), repeat(tables))
        yield from takewhile(lambda table: table is not None, made)


def _beside(piece: LabelledPiece, whole: WholePiece, schema: pa.Schema) -> Iterator[pa.Table]:
    labels, row = piece.aligned()
    met = np.zeros(piece.records, bool)
    records = 0
    for rows in whole.read():
        records = rows.records
        if records > piece.records:
            break
        met[rows.places] = True
        own = row[rows.places]
        found = labels.take(pa.array(own, mask=own < 0))
        yield pa.table([*rows.table.columns, *found.columns], names=schema.names)
    if records != piece.records:
        raise _changed(whole.file)
    lost = np.flatnonzero((row >= 0) & ~met)
    if len(lost):
        record = piece.file_records + lost[0] + 1
        raise InputError(
            f"{whole.file}: record {record} is an event, but not all of its columns can be "
            "read. Mend it, or name the file's encoding with --encoding."
        )


def _changed(what: str) -> InputError:
    return InputError(f"{what}: changed while it was read. Label it again when nothing writes to it.")
