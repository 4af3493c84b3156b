"""What waits between being read and being closed: in memory, or on disk where that has no room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.division import IDENTITY_PARTS, divide, identity_part, part_with
from sessionize.core.sessions import SessionTable
from sessionize.engine.plan import END, settled_before_us
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.engine.spill import Spill

_ROOM = 6
"""What waits may take one part in so many of the memory limit: joining needs some three times its
size, and what is read, cut and written meanwhile takes the rest."""

ROWS_OF_A_PART = 1 << 17
"""Rows that are joined at a time, where there are more; their columns stay near the processor."""

Tables = list[pa.Table]


class Waiting(ABC):
    """Holds tables, by kind, until nothing can touch their sessions and nothing that ends earlier can come.

    Attributes:
        deduplicated: Events so far that were repeated deliveries.
    """

    kinds: Sequence[str]
    """What waits."""

    leaving: Sequence[str]
    """The kinds that hold sessions, which leave as the watermark settles them."""

    def __init__(self, table: SessionTable, resources: Resources, pool: Pool) -> None:
        """Hold nothing yet.

        Args:
            table: What a session is.
            resources: How much memory there is, and where what does not fit goes.
            pool: Where much is joined, in parts.
        """
        self.deduplicated = 0
        self._table, self._folder, self._pool = table, resources.temp_dir, pool
        self._room_bytes = resources.memory_limit // _ROOM
        self._waiting: dict[str, Tables] = {kind: [] for kind in self.kinds}
        self._settled_bytes = self._held_bytes = 0
        self._first_end_us = END
        self._spill: Spill | None = None

    def add(self, waiting: Mapping[str, Tables]) -> None:
        """Take in, by kind, what one piece came to."""
        for kind, tables in waiting.items():
            for table in tables:
                self._hold(kind, table)

    def settled(self, watermark_us: int) -> Iterator[Tables]:
        """Give up the sessions that the watermark (µs) has settled, if it is worth looking for them.

        Yields:
            Lists of tables of fragments. All ends in one list are later than those before it.
        """
        before_us = settled_before_us(watermark_us, self._table.rules)
        if not (watermark_us == END or self._is_worth_it(watermark_us, before_us)):
            return
        self._join(watermark_us)
        if self._spill is None:
            yield [table for kind in self.leaving for table in _leave(self._waiting[kind], before_us)]
        self._settled_bytes = self._count_anew()
        if self._settled_bytes > self._room_bytes // 2 or (self._spill and watermark_us == END):
            self._spill_all()
        if self._spill and watermark_us == END:
            spill, self._spill = self._spill, None
            yield from spill.closed(self._pool)

    def close(self) -> None:
        """Remove what is still on disk, where a run ends early."""
        if self._spill is not None:
            self._spill.close()

    @abstractmethod
    def _is_worth_it(self, watermark_us: int, before_us: int) -> bool:
        """Say whether joining is likely to let something leave, or to make room."""

    @abstractmethod
    def _join(self, watermark_us: int) -> None:
        """Join what waits as far as the watermark lets it."""

    @abstractmethod
    def _rejoined(self, waiting: Mapping[str, Tables]) -> pa.Table:
        """Join all that ever waited of some identities into their sessions."""

    def _in_parts(self, kinds: Iterable[str]) -> Iterator[Mapping[str, Tables]]:
        """Divide what waits by identity, where there is much."""
        waiting = {kind: self._waiting[kind] for kind in kinds}
        parts = min(sum(map(_rows, waiting.values())) // ROWS_OF_A_PART + 1, IDENTITY_PARTS)
        if parts == 1:
            yield waiting
            return
        divided = {kind: self._divided(tables, parts) for kind, tables in waiting.items()}
        yield from (
            {kind: [table[part] for table in divided[kind]] for kind in divided} for part in range(parts)
        )

    def _divided(self, tables: Tables, parts: int) -> list[Tables]:
        def divided(table: pa.Table) -> Tables:
            part = identity_part(table, self._table.rules).astype(np.int64)
            return divide(table, part * parts // IDENTITY_PARTS, parts)

        return list(self._pool.map(divided, tables))

    def _spill_all(self) -> None:
        if self._spill is None:
            self._spill = Spill(
                self._table.rules, self._rejoined, part_bytes=self._room_bytes, folder=self._folder
            )
        self._spill.add(self._waiting)
        self._waiting = {kind: [] for kind in self.kinds}
        self._settled_bytes = self._count_anew()

    def _hold(self, kind: str, table: pa.Table) -> None:
        """Let a table wait. Size and first end are counted on: there may be very many tables."""
        if len(table):
            self._waiting[kind].append(table)
            self._count(kind, table)

    def _count_anew(self) -> int:
        """Count what waits after it has been joined; return its size in bytes."""
        self._held_bytes, self._first_end_us = 0, END
        for kind, tables in self._waiting.items():
            for table in tables:
                self._count(kind, table)
        return self._held_bytes

    def _count(self, kind: str, table: pa.Table) -> None:
        self._held_bytes += table.nbytes
        if len(table):
            end = "end_us" if kind in self.leaving else "start_us"  # an event ends when it begins
            self._first_end_us = min(self._first_end_us, int(column(table, end).to_numpy().min()))


def _rows(tables: Tables) -> int:
    return sum(map(len, tables))


def _leave(waiting: Tables, before_us: int) -> Iterator[pa.Table]:
    """Take the fragments that end before the bound out of the tables that wait."""
    parted = [part_with(table, table["end_us"].to_numpy() < before_us) for table in waiting]
    waiting[:] = [staying for _, staying in parted if len(staying)]
    yield from (leaving for leaving, _ in parted if len(leaving))
