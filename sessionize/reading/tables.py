"""Tables in memory as tasks of an even size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.types as pt

from sessionize.reading.log import Load, Task
from sessionize.reading.options import ReadOptions
from sessionize.reading.ranges import Promise, table_promise
from sessionize.reading.records import Records, TableRecords

CHUNK_ROWS = 1 << 20


def tasks_of(batches: Iterable[pa.RecordBatch], options: ReadOptions) -> Iterator[Task]:
    """Give a task for about every million rows; small batches go together, large ones are sliced."""
    for table in _even(batches):
        yield Task(_load(table), _promise(table, options))


def _promise(table: pa.Table, options: ReadOptions) -> Promise | None:
    return table_promise(table[options.time], options) if options.time in table.column_names else None


def _load(table: pa.Table) -> Load:
    def load() -> Iterator[tuple[pa.Table, Records]]:
        yield _sound(table), TableRecords(table)

    return load


def _sound(table: pa.Table) -> pa.Table:
    """Decode the dictionaries that name a value twice, which no writer of ours does but a caller may."""
    for index, column in enumerate(table.columns):
        if pt.is_dictionary(column.type) and any(_repeats(chunk.dictionary) for chunk in column.chunks):
            table = table.set_column(index, table.column_names[index], column.cast(column.type.value_type))
    return table


def _repeats(dictionary: pa.Array) -> bool:
    return len(dictionary.unique()) < len(dictionary)


def _even(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        if waiting and rows + batch.num_rows > CHUNK_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
        for start in range(0, batch.num_rows - CHUNK_ROWS, CHUNK_ROWS):
            yield pa.Table.from_batches([batch.slice(start, CHUNK_ROWS)])
        rest = batch.slice((max(batch.num_rows, 1) - 1) // CHUNK_ROWS * CHUNK_ROWS)
        if rest.num_rows:
            waiting.append(rest)
            rows += rest.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting)
