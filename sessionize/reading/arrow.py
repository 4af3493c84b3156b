"""Arrow IPC, files and streams."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.ipc

from sessionize.reading.log import Task
from sessionize.reading.ours import open_ipc
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source
from sessionize.reading.tables import tasks_of
from sessionize.reading.types import ColumnTypes


class ArrowLog:
    """One Arrow file of a log."""

    is_indexed = False

    def __init__(self, source: Source) -> None:
        """Read the schema."""
        self._source = source
        with source.open_file() as file:
            schema = open_ipc(file).schema
        self.name = source.name
        self.size = source.size
        self.names = schema.names
        self.types = dict(zip(schema.names, schema.types, strict=True))

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for about every million rows."""
        columns = [column for column in needed.columns if column in self.types]
        with self._source.open_file() as file:
            reader = open_ipc(file)
            yield from tasks_of((batch.select(columns) for batch in _batches(reader)), needed.options)


def _batches(reader: pa.RecordBatchFileReader | pa.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchFileReader):
        return (reader.get_batch(index) for index in range(reader.num_record_batches))
    return iter(reader)
