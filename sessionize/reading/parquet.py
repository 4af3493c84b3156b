"""Parquet: one task per row group, the needed columns only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.reading.log import Task
from sessionize.reading.options import ReadOptions
from sessionize.reading.ranges import TimeRange, parquet_range
from sessionize.reading.records import Records, TableRecords
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source
from sessionize.reading.tables import CHUNK_ROWS
from sessionize.reading.types import ColumnTypes, is_text


class ParquetLog:
    """One Parquet file of a log."""

    is_indexed = True

    def __init__(self, source: Source) -> None:
        """Read the footer."""
        schema = source.footer.schema.to_arrow_schema()
        self.name = source.name
        self.names = schema.names
        self.types = dict(zip(schema.names, schema.types, strict=True))
        self._source = source

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for each row group; tiny ones are read together."""
        columns = [column for column in needed.columns if column in self.types]
        encoded = [column for column in columns if column in needed.identity and is_text(self.types[column])]
        for groups in _gathered(self._source.footer):
            promise = self._time_range(groups, needed.options)
            yield Task(RowGroups(self._source, columns, encoded, groups).load, promise)

    def _time_range(self, groups: list[int], options: ReadOptions) -> TimeRange | None:
        type_ = self.types.get(options.time)
        return None if type_ is None else parquet_range(self._source.footer, groups, type_, options)


@dataclass(frozen=True)
class RowGroups:
    """Neighbouring row groups that one task reads."""

    source: Source
    columns: list[str]
    encoded: list[str]
    groups: list[int]

    def load(self) -> Iterator[tuple[pa.Table, Records]]:
        """Read them, a large one in several tables."""
        with self.source.open_file() as file:
            opened = pq.ParquetFile(file, metadata=self.source.footer, read_dictionary=self.encoded)
            for table in self._tables(opened):
                yield table, TableRecords(table)

    def _tables(self, file: pq.ParquetFile) -> Iterator[pa.Table]:
        if sum(file.metadata.row_group(group).num_rows for group in self.groups) <= CHUNK_ROWS:
            table = file.read_row_groups(self.groups, columns=self.columns, use_threads=False)
            yield table.select(self.columns)
            return
        for batch in file.iter_batches(CHUNK_ROWS, self.groups, self.columns, use_threads=False):
            yield pa.Table.from_batches([batch]).select(self.columns)


def _gathered(footer: pq.FileMetaData) -> Iterator[list[int]]:
    """Gather row groups up to a chunk's rows; give their indices."""
    groups: list[int] = []
    rows = 0
    for group in range(footer.num_row_groups):
        more = footer.row_group(group).num_rows
        if groups and rows + more > CHUNK_ROWS:
            yield groups
            groups, rows = [], 0
        groups.append(group)
        rows += more
    if groups:
        yield groups
