"""Parquet: one task per row group, the needed columns only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.reading.log import Task
from sessionize.reading.options import ReadOptions
from sessionize.reading.ranges import Promise, column_chunk, parquet_promise
from sessionize.reading.records import Records, TableRecords
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source
from sessionize.reading.tables import CHUNK_ROWS
from sessionize.reading.types import ColumnTypes, is_text

_FEW_ROWS = 10_000
"""So few are read sooner than another thread has been asked to fetch them, or how they are stored."""

_LENGTH_BYTES = 4
"""A text that is stored as it is takes so much, and its own bytes; one in a dictionary hardly anything."""

_MOSTLY = 0.75
"""Texts of which so great a share is stored as they are, are read sooner than they are numbered."""


class ParquetLog:
    """One Parquet file of a log."""

    is_indexed = True

    def __init__(self, source: Source) -> None:
        """Read the footer."""
        schema = source.footer.schema.to_arrow_schema()
        self.name = source.name
        self.size = source.size
        self.names = schema.names
        self.types = dict(zip(schema.names, schema.types, strict=True))
        self._source = source

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for each row group; tiny ones are read together."""
        columns = [column for column in needed.columns if column in self.types]
        texts = (column for column in columns if is_text(self.types[column]))
        encoded = [column for column in texts if self._is_encoded(column)]
        for groups in _gathered(self._source.footer):
            promise = self._promise(groups, needed.options)
            row_groups = RowGroups(self._source, columns, encoded, groups)
            yield Task(row_groups.load, promise, row_groups)

    def _is_encoded(self, column: str) -> bool:
        """Say whether most texts of a column are stored as a dictionary: it then is quickest to read."""
        if self._source.footer.num_rows <= _FEW_ROWS:
            return False
        if (chunk := column_chunk(self._source.footer.row_group(0), column)) is None:
            return False
        statistics = chunk.statistics
        knows_length = statistics is not None and statistics.has_min_max
        plain_bytes = _LENGTH_BYTES + (len(statistics.min_raw) if knows_length else 0)
        return chunk.total_uncompressed_size < _MOSTLY * plain_bytes * chunk.num_values

    def _promise(self, groups: list[int], options: ReadOptions) -> Promise | None:
        type_ = self.types.get(options.time)
        return None if type_ is None else parquet_promise(self._source.footer, groups, type_, options)


@dataclass(frozen=True)
class RowGroups:
    """Neighbouring row groups that one task reads, in tables of so many rows (`CHUNK_ROWS` unless given)."""

    source: Source
    columns: list[str]
    encoded: list[str]
    groups: list[int]
    most_rows: int | None = None

    def load(self) -> Iterator[tuple[pa.Table, Records]]:
        """Read them, a large one in several tables."""
        with self.source.open_file() as file:
            opened = pq.ParquetFile(
                file,
                metadata=self.source.footer,
                read_dictionary=self.encoded,
                pre_buffer=self.rows > _FEW_ROWS,
            )
            for table in self._tables(opened):
                yield table, TableRecords(table)

    @property
    def rows(self) -> int:
        """How many rows they have."""
        return sum(self.source.footer.row_group(group).num_rows for group in self.groups)

    def _tables(self, file: pq.ParquetFile) -> Iterator[pa.Table]:
        most_rows = self.most_rows or CHUNK_ROWS
        if self.rows <= most_rows:
            read = partial(file.read_row_groups, self.groups, use_threads=False)
            if self.rows > _FEW_ROWS and self.source.place.is_local:
                # What a column takes on the way is gone before the next one comes.
                yield pa.table({name: read(columns=[name])[name] for name in self.columns})
            else:
                yield read(columns=self.columns).select(self.columns)
            return
        for batch in file.iter_batches(most_rows, self.groups, self.columns, use_threads=False):
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
