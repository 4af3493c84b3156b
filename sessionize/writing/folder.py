"""A folder of Parquet files by date: `session_date=2026-11-23/part-0.parquet`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from sessionize.writing.atomic import MARKER, PARTITION
from sessionize.writing.batches import BATCH_ROWS, Batches
from sessionize.writing.parquet import ParquetEncoder

OPEN_PARTS = 200
"""Files open at once, far below the usual limit of descriptors; of more, the one unused longest is closed."""

WAITING_ROWS = 8 * BATCH_ROWS
"""Rows that may wait, over all dates, for their row group to fill."""


class FolderEncoder:
    """Writes each row into the folder of its date.

    What lands where depends on the sequence of rows alone: batches are of fixed size, and which
    part is closed or flushed early is decided between batches.
    """

    def __init__(
        self,
        folder: Path,
        schema: pa.Schema,
        metadata: Mapping[str, str],
        dates: Callable[[pa.Table], pa.Array],
    ) -> None:
        """Write the marker that says whose folder this is, what made it, and its columns.

        Args:
            folder: An empty folder.
            schema: The columns of every file.
            metadata: Goes into the marker and into every file's key-value metadata.
            dates: Gives a batch's dates: date32, without nulls, one a row.
        """
        self._folder, self._schema, self._metadata, self._dates = folder, schema, metadata, dates
        self._parts: dict[str, _Part] = {}
        self._next_number: dict[str, int] = {}
        columns = {field.name: str(field.type) for field in schema}
        marker = {"partition_by": "session_date", "columns": columns, "metadata": dict(metadata)}
        (folder / MARKER).write_text(json.dumps(marker, indent=2, ensure_ascii=False) + "\n", "utf-8")

    def encode(self, batch: pa.Table) -> None:
        """Write one batch, date by date."""
        for date, rows in _by_date(batch, self._dates(batch)):
            self._part(date).add(rows)
        self._flush_largest()

    def finish(self) -> None:
        """Write what still waits, and close every file."""
        for part in self._parts.values():
            part.finish()

    def discard(self) -> None:
        """Close every file."""
        for part in self._parts.values():
            part.discard()

    def _part(self, date: str) -> _Part:
        part = self._parts.pop(date, None)
        if part is None:
            self._make_room()
            part = self._opened(date)
        # The last in the dictionary is the one used last.
        self._parts[date] = part
        return part

    def _make_room(self) -> None:
        if len(self._parts) >= OPEN_PARTS:
            oldest = next(iter(self._parts))
            self._parts[oldest].finish()
            del self._parts[oldest]

    def _opened(self, date: str) -> _Part:
        number = self._next_number.get(date, 0)
        self._next_number[date] = number + 1
        folder = self._folder / f"{PARTITION}{date}"
        folder.mkdir(exist_ok=True)
        return _Part(ParquetEncoder(folder / f"part-{number}.parquet", self._schema, self._metadata))

    def _flush_largest(self) -> None:
        while sum(part.waiting_rows for part in self._parts.values()) > WAITING_ROWS:
            max(self._parts.values(), key=lambda part: part.waiting_rows).flush()


class _Part:
    """One open file, and the rows that wait for its next row group."""

    def __init__(self, encoder: ParquetEncoder) -> None:
        self._encoder = encoder
        self._batches = Batches()

    @property
    def waiting_rows(self) -> int:
        return self._batches.waiting_rows

    def add(self, rows: pa.Table) -> None:
        for batch in self._batches.add(rows):
            self._encoder.encode(batch)

    def flush(self) -> None:
        for batch in self._batches.rest():
            self._encoder.encode(batch)

    def finish(self) -> None:
        self.flush()
        self._encoder.finish()

    def discard(self) -> None:
        self._encoder.discard()


def _by_date(batch: pa.Table, dates: pa.Array) -> Iterator[tuple[str, pa.Table]]:
    """Copy the rows of each date, earliest date first: a slice would keep the whole batch in memory."""
    days = np.asarray(dates.cast(pa.int32()))
    order = np.argsort(days, kind="stable")
    distinct, begins = np.unique(days[order], return_index=True)
    texts = pa.array(distinct, pa.int32()).cast(pa.date32()).cast(pa.string()).to_pylist()
    for date, positions in zip(texts, np.split(order, begins[1:]), strict=True):
        yield date, batch.take(positions)
