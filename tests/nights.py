"""A folder of raw files and the store that is kept of them, for logs small enough to check by eye."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

import sessionize as sz
from sessionize.store.data_files import StoredFile
from sessionize.store.snapshot import ledger_of
from sessionize.store.summary import UpdateSummary
from sessionize.store.table import SessionsTable
from tests.small_logs import DAY, events

NIGHT = datetime.fromisoformat(DAY).replace(tzinfo=UTC)
TICK_NS = 1_000_000_000


class Nights:
    """Raw files, written as the times of their events, and the store of them.

    Attributes:
        raw: The folder of the files.
        store: The store; `options` are given at every update.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.raw, self.options = folder / "raw", options
        self.raw.mkdir()
        self.store = sz.SessionStore(folder / "store")

    def write(self, name: str, *times: str, who: Sequence[Any] | None = None, **columns: Any) -> Path:
        """Write a file anew; it looks written later than before."""
        return write_later(self.raw / f"{name}.parquet", events(*times, who=who, **columns))

    def update(self, *paths: Path, **options: Any) -> UpdateSummary:
        return self.store.update(list(paths), **{**self.options, **options})

    def rows(self) -> list[dict[str, Any]]:
        """The sessions, insisting that they are what one run over the ledger's files gives."""
        stored = self.store.sessions()
        assert stored.equals(self.run()), "the store is not what one run gives"
        return stored.to_pylist()

    def run(self) -> pa.Table:
        """What one run over the files in the ledger gives."""
        output = self.raw.parent / "run.parquet"
        sz.run(self.files(), output, **self.options)
        return pq.read_table(output).replace_schema_metadata()

    def files(self) -> list[Path]:
        ledger = ledger_of(SessionsTable.open(self.store.location))
        return [Path(path) for path in ledger.files]


def write_later(path: Path, table: pa.Table) -> Path:
    """Write a Parquet file whose modification time is another than before, however fast the clock's ticks."""
    modified_ns = path.stat().st_mtime_ns + TICK_NS if path.exists() else None
    pq.write_table(table, path)
    if modified_ns:
        os.utime(path, ns=(modified_ns, modified_ns))
    return path


def clock(moment: datetime) -> str:
    """A time as the tests write it: `09:30`, `01-02 00:06` on another day than the usual one."""
    day = "" if moment.date() == NIGHT.date() else f"{moment:%m-%d} "
    detail = f":{moment:%S.%f}" if moment.microsecond else (f":{moment:%S}" if moment.second else "")
    return f"{day}{moment:%H:%M}{detail}"


def spans(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Sessions as their first and last event: `09:00–09:10`, or `09:00` where that is one."""
    pairs = [(clock(row["start_time"]), clock(row["end_time"])) for row in rows]
    return [start if start == end else f"{start}–{end}" for start, end in pairs]


class PartitionsRead:
    """The data files that are read inside a `with` block."""

    def __init__(self) -> None:
        self.files: list[StoredFile] = []

    def __enter__(self) -> PartitionsRead:
        read = SessionsTable.read

        def recording(table: SessionsTable, files: Sequence[StoredFile], *args: Any) -> pa.Table:
            self.files += files
            return read(table, files, *args)

        self._patch = patch.object(SessionsTable, "read", recording)
        self._patch.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._patch.__exit__(None, None, None)

    @property
    def days(self) -> list[str]:
        return sorted({str(file.session_date) for file in self.files})
