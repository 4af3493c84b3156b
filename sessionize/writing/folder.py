"""A folder of Parquet files by date: `session_date=2026-11-23/part-0.parquet`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from sessionize.errors import OutputError
from sessionize.writing.atomic import DATE, MARKER, PARTITION
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
        keeps: Path | None = None,
    ) -> None:
        """Write the marker that says whose folder this is, what made it, and its columns.

        Args:
            folder: An empty folder.
            schema: The columns of every file.
            metadata: Goes into the marker and into every file's key-value metadata.
            dates: Gives a batch's dates: date32, without nulls, one a row.
            keeps: A folder of ours, if it is there: its dates of which no row comes are kept.
        """
        self._folder, self._schema, self._metadata, self._dates = folder, schema, metadata, dates
        self._keeps = keeps if keeps is not None and keeps.exists() else None
        self._parts: dict[str, _Part] = {}
        self._next_number: dict[str, int] = {}
        columns = {field.name: str(field.type) for field in schema}
        marker = {"partition_by": DATE, "columns": columns, "metadata": dict(metadata)}
        self._marker = json.dumps(marker, indent=2, ensure_ascii=False) + "\n"
        self._check_kept()
        (folder / MARKER).write_text(self._marker, "utf-8")

    def encode(self, batch: pa.Table) -> None:
        """Write one batch, date by date."""
        for date, rows in _by_date(batch, self._dates(batch)):
            self._part(date).add(rows)
        self._flush_largest()

    def finish(self) -> None:
        """Write what still waits, and close every file."""
        for part in self._parts.values():
            part.finish()
        for date in self._keeps.glob(f"{PARTITION}*") if self._keeps else ():
            if not (self._folder / date.name).exists():
                shutil.copytree(date, self._folder / date.name, copy_function=_linked)

    def discard(self) -> None:
        """Close every file."""
        for part in self._parts.values():
            part.discard()

    def _check_kept(self) -> None:
        """Refuse to put rows of other rules, or other columns, beside those that are kept."""
        marker = self._keeps and self._keeps / MARKER
        if marker and marker.exists() and marker.read_text("utf-8") != self._marker:
            raise OutputError(
                f"{self._keeps}: made by other rules, of other columns, or by another version, so its dates"
                " cannot stand beside new ones. Write them all, or to another folder."
            )

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


def _linked(source: str, target: str) -> None:
    """Give a file a second name, which costs no room; copy it where the file system has no such thing."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
