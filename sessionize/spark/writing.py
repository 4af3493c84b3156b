"""The tasks that write: sessions come in, by date and end; files, or tables for the driver, go out."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pyarrow as pa

from sessionize.core.sessions import finish, in_closing_order
from sessionize.errors import SessionizeError
from sessionize.spark.notes import Failed, Written
from sessionize.spark.packets import Batches
from sessionize.spark.types import spark_schema
from sessionize.spark.work import Work
from sessionize.writing.output import Dates, open_output
from sessionize.writing.target import Target

_ROW = pa.schema([("note", pa.binary()), ("sessions", pa.binary())])

DDL = spark_schema(_ROW)
"""What goes to the driver: notes, and, where it writes, tables of sessions as Arrow streams."""


def written(
    work: Work, target: Target, metadata: Mapping[str, str], dates: Dates, batches: Iterable[pa.RecordBatch]
) -> Batches:
    """Write what comes by date and end into a folder of this attempt's own, below the target's."""
    folder = Path(str(target.path), secrets.token_hex(16))
    rows, own = 0, replace(target, path=folder)
    notes: list[object] = []
    sessions = _finished(work, batches, notes)
    try:
        if (first := next(sessions, None)) is not None:
            with open_output(own, work.table.schema, metadata=metadata, dates=dates) as writer:
                for table in chain([first], sessions):
                    writer.write(table)
                    rows += len(table)
            notes.append(Written(folder.name, rows))
    except SessionizeError as error:
        notes.append(Failed(error))
    yield _batch(notes)


def finished(work: Work, batches: Iterable[pa.RecordBatch]) -> Batches:
    """Finish what comes by end, for the driver to write."""
    notes: list[object] = []
    try:
        for table in _finished(work, batches, notes):
            yield _batch(notes, [_stream(table)])
            notes.clear()
    except SessionizeError as error:
        notes.append(Failed(error))
    yield _batch(notes)


def _finished(work: Work, batches: Iterable[pa.RecordBatch], notes: list[object]) -> Iterator[pa.Table]:
    """Finish sessions that come in the order of their end, those of one end in closing order.

    Yields:
        Tables of sessions, some rows in each. What notes came is added to those given.
    """
    for sessions, more in work.found.arriving(batches):
        notes += more
        if len(sessions):
            yield finish(in_closing_order([sessions], work.table.rules), work.table)


def _batch(notes: Sequence[object], tables: Sequence[bytes] = ()) -> pa.RecordBatch:
    columns = {
        "note": [*map(pickle.dumps, notes), *[None] * len(tables)],
        "sessions": [*[None] * len(notes), *tables],
    }
    return pa.RecordBatch.from_pydict(columns, schema=_ROW)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
