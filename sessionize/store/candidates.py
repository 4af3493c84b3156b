"""The stored sessions that an update can touch, found by the statistics of the table's files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.fragments import together
from sessionize.core.groups import Groups
from sessionize.core.sessions import SessionTable
from sessionize.rules import SessionRules
from sessionize.store.data_files import StoredFile
from sessionize.store.rows import as_fragments, columns_read

_TWO_DAYS_US = 2 * 86_400_000_000
_ALWAYS = 1 << 62


class Stored(Protocol):
    """A table of sessions, by partition: `SessionsTable`, for all that an update asks of it."""

    def files(self) -> list[StoredFile]:
        """Return the data files, each of one partition, with the range of their sessions' times."""

    def read(self, files: Sequence[StoredFile], columns: Sequence[str]) -> pa.Table:
        """Read some columns of the stored rows of some files."""


class Candidates:
    """Stored sessions of whole partitions, loaded as they turn out to be within reach.

    Attributes:
        stored: The sessions, as fragments, in the order in which they were loaded.
    """

    def __init__(self, source: Stored | None, table: SessionTable, nothing: pa.Table) -> None:
        """Load nothing yet.

        Args:
            source: The table; None where there is none yet.
            table: What a session is.
            nothing: Sessions, as fragments, without rows.
        """
        self.stored = nothing
        self._source, self._table = source, table
        self._files = source.files() if source is not None else []
        self._loaded: set[date] = set()

    def load_around(self, touched: Iterable[pa.Table]) -> bool:
        """Load the partitions with a session within reach of these spans; say whether there were more."""
        starts, ends = stretches(touched, reach_us(self._table.rules))
        near = np.searchsorted(ends, [file.first_start_us for file in self._files])
        last = np.append(starts, _ALWAYS)[near]
        return self.load(
            {
                file.session_date
                for file, start in zip(self._files, last, strict=True)
                if start <= file.last_end_us
            }
        )

    def load(self, dates: Iterable[date]) -> bool:
        """Load partitions; say whether any was not there yet."""
        missing = set(dates) - self._loaded
        files = [file for file in self._files if file.session_date in missing]
        self._loaded |= missing
        if self._source is None or not files:
            return False
        rows = self._source.read(files, columns_read(self.stored, self._table))
        loaded = as_fragments(rows.combine_chunks(), self._table)
        self.stored = together([self.stored, loaded.select(self.stored.column_names)])
        return True


def reach_us(rules: SessionRules) -> int:
    """Return how far from each other two fragments may be, in µs, and still have to do with each other."""
    if rules.timeout_us is not None:
        return rules.timeout_us
    return _TWO_DAYS_US if rules.split_daily and not rules.is_sequential else _ALWAYS


def stretches(touched: Iterable[pa.Table], reach_us: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the time within reach of spans, as disjoint closed stretches, ascending.

    Args:
        touched: Tables with `start_us` and `end_us`.
        reach_us: How far the reach goes on both sides.

    Returns:
        int64, shape (n,): the starts, µs since the epoch; and int64, shape (n,): the ends.
    """
    parts = [(column(part, "start_us").to_numpy(), column(part, "end_us").to_numpy()) for part in touched]
    start_us = np.concatenate([np.empty(0, np.int64), *(start for start, _ in parts)]) - reach_us
    end_us = np.concatenate([np.empty(0, np.int64), *(end for _, end in parts)]) + reach_us
    order = np.argsort(start_us, kind="stable")
    start_us, end_us = start_us[order], np.maximum.accumulate(end_us[order])
    opens = np.ones(len(start_us), bool)
    opens[1:] = start_us[1:] > end_us[:-1]
    stretches = Groups.opening(opens)
    return start_us[stretches.starts], end_us[stretches.lasts]
