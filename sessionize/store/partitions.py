"""The table's data files: `session_date=2026-11-23/part-00000-….parquet`, each in one partition.

Written by us rather than by delta-rs, whose writer keeps no order of rows, knows no more than it
must of our types, syncs nothing, and leaves files under names that its own vacuum never finds.
"""

from __future__ import annotations

import json
import math
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from sessionize.core.columns import column
from sessionize.reading.folders import Place
from sessionize.store.durable import NewFile, sync_new
from sessionize.version import __version__
from sessionize.writing.atomic import DATE
from sessionize.writing.batches import BATCH_ROWS, Batches
from sessionize.writing.parquet import ParquetEncoder

OWN_FILE = re.compile(rf"{DATE}=[^/]+/part-\d{{5}}-[0-9a-f]{{32}}\.parquet")
"""What the names of our data files look like, from the table's folder on."""

OPEN_FILES = 64
"""Files open at once; of more, the one unused longest is closed and its date goes on in another."""

WAITING_ROWS = 4 * BATCH_ROWS
"""Rows that may wait, over all dates, for their row group to fill."""

# By which a run over a folder that holds a store knows that these are no logs.
_OURS = {"sessionize": json.dumps({"version": __version__})}
_FOUR_DIGIT_YEARS_MS = (
    int(np.datetime64("0001-01-01", "ms").astype(np.int64)),
    int(np.datetime64("9999-12-31", "ms").astype(np.int64)),
)


class PartitionWriter:
    """Writes rows into new files, date by date; nothing refers to them until a commit does."""

    def __init__(self, root: Place, schema: pa.Schema, times: tuple[str, str]) -> None:
        """Remember what the files look like.

        Args:
            root: The table's folder.
            schema: The stored columns, without the partition.
            times: The columns of start and end, whose range every file states.
        """
        self._root, self._schema, self._times = root, schema, times
        self._token = secrets.token_hex(16)
        self._open: dict[str, _DataFile] = {}
        self._begun: list[_DataFile] = []

    def write(self, rows: pa.Table, dates: pa.Array) -> None:
        """Write rows in their order.

        Args:
            rows: n rows of the schema.
            dates: Their dates: date32, n, without nulls.
        """
        for date, of_date in _by_date(rows, dates):
            self._file(date).add(of_date)
        while sum(file.waiting_rows for file in self._open.values()) > WAITING_ROWS:
            max(self._open.values(), key=lambda file: file.waiting_rows).flush()

    def finish(self) -> list[AddAction]:
        """Bring everything to disk, and return what the commit has to add."""
        for file in self._open.values():
            file.finish()
        if self._root.is_local:
            sync_new(Path(self._root.path), [Path(file.place.path) for file in self._begun])
        return [file.action() for file in self._begun]

    def discard(self) -> None:
        """Remove every file."""
        for file in self._begun:
            file.discard()

    def _file(self, date: str) -> _DataFile:
        file = self._open.pop(date, None) or self._begin(date)
        # The last in the dictionary is the one used last.
        self._open[date] = file
        return file

    def _begin(self, date: str) -> _DataFile:
        if len(self._open) >= OPEN_FILES:
            self._open.pop(next(iter(self._open))).finish()
        # Numbered over all dates: a date's files sort by name as their rows came.
        path = f"{DATE}={date}/part-{len(self._begun):05}-{self._token}.parquet"
        file = _DataFile(self._root, path, date, self._schema, self._times)
        self._begun.append(file)
        return file


class _DataFile:
    """One new file, the rows that wait for its next row group, and what its statistics will say."""

    def __init__(self, root: Place, path: str, date: str, schema: pa.Schema, times: tuple[str, str]) -> None:
        self._path, self._date = path, date
        self.place = root.child(path)
        self._file = NewFile(self.place)
        self._encoder = ParquetEncoder(self._file.sink, schema, _OURS)
        self._batches = Batches()
        self._rows = 0
        self._ranges = {name: _Range() for name in times}

    @property
    def waiting_rows(self) -> int:
        return self._batches.waiting_rows

    def add(self, rows: pa.Table) -> None:
        self._rows += len(rows)
        for name, range_ in self._ranges.items():
            range_.add(column(rows, name))
        for batch in self._batches.add(rows):
            self._encoder.encode(batch)

    def flush(self) -> None:
        for batch in self._batches.rest():
            self._encoder.encode(batch)

    def finish(self) -> None:
        self.flush()
        self._encoder.finish()
        self._file.close()

    def discard(self) -> None:
        self._encoder.discard()
        self._file.discard()

    def action(self) -> AddAction:
        return AddAction(
            path=self._path,
            size=self.place.info().size,
            partition_values={DATE: self._date},
            modification_time=time.time_ns() // 1_000_000,
            data_change=True,
            stats=json.dumps(self._statistics()),
        )

    def _statistics(self) -> dict[str, Any]:
        known = {name: range_.texts() for name, range_ in self._ranges.items()}
        return {
            "numRecords": self._rows,
            "minValues": {name: texts[0] for name, texts in known.items() if texts},
            "maxValues": {name: texts[1] for name, texts in known.items() if texts},
            "nullCount": dict.fromkeys(known, 0),
        }


class _Range:
    """The earliest and latest value of a column of instants without nulls."""

    def __init__(self) -> None:
        self._least, self._most = math.inf, -math.inf

    def add(self, values: pa.Array) -> None:
        found = pc.min_max(values.view(pa.int64())).as_py()
        self._least, self._most = min(self._least, found["min"]), max(self._most, found["max"])

    def texts(self) -> tuple[str, str] | None:
        """Write the range in whole milliseconds, outwards; None where Delta has no such year."""
        least, most = int(self._least) // 1000, -(-int(self._most) // 1000)
        first, last = _FOUR_DIGIT_YEARS_MS
        if least < first or most >= last:
            return None
        return _instant(least), _instant(most)


def _instant(milliseconds: int) -> str:
    return f"{np.datetime64(milliseconds, 'ms')}Z"


def _by_date(rows: pa.Table, dates: pa.Array) -> Iterator[tuple[str, pa.Table]]:
    """Give the rows of each date in their order, earliest date first."""
    days = dates.view(pa.int32()).to_numpy()
    distinct, counts = np.unique(days, return_counts=True)
    texts = pa.array(distinct, pa.int32()).view(pa.date32()).cast(pa.string()).to_pylist()
    if len(texts) < 2:
        yield from ((text, rows) for text in texts)
        return
    order = np.argsort(days, kind="stable")
    for text, positions in zip(texts, np.split(order, np.cumsum(counts)[:-1]), strict=True):
        yield text, rows.take(pa.array(positions))
