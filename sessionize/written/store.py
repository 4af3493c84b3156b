"""The sessions of a store, one data file at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from sessionize.core.sessions import INSTANT
from sessionize.store.data_files import StoredFile
from sessionize.store.snapshot import ledger_of
from sessionize.store.table import SessionsTable
from sessionize.written.layout import METADATA_KEY

_HIDDEN = "_state"
_STATISTICS_US = 1_000
"""The statistics of a data file are so exact."""
_FORMAT = ds.ParquetFileFormat()


class StoredSessions:
    """A store as it was when it was opened: later updates change nothing here."""

    def __init__(self, path: Path) -> None:
        """Open the newest version, and read the definition that it keeps to.

        Raises:
            StoreError: Where the folder holds no store of ours.
        """
        self._table = SessionsTable.open(str(path))
        made = ledger_of(self._table).definition.as_dict()
        fields = [field for field in self._table.schema if field.name != _HIDDEN]
        self.schema = pa.schema(fields, {METADATA_KEY: json.dumps(made)})
        self._prefix = made["rules"]["prefix"]

    @property
    def rows(self) -> int:
        """How many rows there are, by the table's log."""
        return sum(file.rows for file in self._table.files())

    def latest_us(self, column: str) -> int | None:
        """Return the latest time in a column, in µs since the epoch, out of the files that may hold it."""
        files = self._table.files()
        latest_us = max((file.last_end_us for file in files), default=None)
        if latest_us is None:
            return None
        near = [file for file in files if file.last_end_us > latest_us - _STATISTICS_US]
        return pc.max(self._table.read(near, [column])[column]).value

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of the rows that fit `where`, by date."""
        for file in self._fitting(where):
            table = self._table.read([file], columns)
            yield from (table if where is None else table.filter(where)).to_batches()

    def _fitting(self, where: pc.Expression | None) -> list[StoredFile]:
        """Leave out the files whose statistics say that no row fits."""
        files = self._table.files()
        if where is None or not files:
            return files
        known, local = {file.path: file for file in files}, pafs.LocalFileSystem()
        fragments = [_FORMAT.make_fragment(file.path, local, self._promise(file)) for file in files]
        dataset = ds.FileSystemDataset(fragments, self.schema, _FORMAT, local)
        return [known[fragment.path] for fragment in dataset.get_fragments(where)]

    def _promise(self, file: StoredFile) -> pc.Expression:
        """Say what holds of every row of a file."""
        start = pc.field(f"{self._prefix}start_time")
        earliest, latest = (pa.scalar(us, INSTANT) for us in (file.first_start_us, file.last_start_us))
        return (start >= earliest) & (start <= latest)
