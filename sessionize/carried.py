"""Fragments between being cut and being closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from sessionize.aggregates import AggregateColumn
from sessionize.columns import column
from sessionize.division import MOST_PARTS, divide, identity_part
from sessionize.fragments import merge
from sessionize.plan import END
from sessionize.pool import Pool
from sessionize.resources import Resources
from sessionize.rules import SessionRules
from sessionize.spill import Spill

_ROOM = 6
"""Waiting fragments may take one part in so many of the memory limit: merging needs some three times
their size, and what is read, cut and written meanwhile takes the rest."""

ROWS_OF_A_PART = 1 << 18
"""Fragments that are merged at a time, where there are more; their columns stay near the processor."""

MERGE_BYTES = 1 << 29
"""What is merged although nothing can close, to see whether it becomes less."""


class Carried:
    """Holds fragments until nothing can touch them and nothing that ends earlier can come.

    Finished fragments only wait for their turn; edges are merged with what comes first. What does
    not fit into memory waits on disk until the log has ended.
    """

    def __init__(
        self,
        rules: SessionRules,
        aggregates: Sequence[AggregateColumn],
        resources: Resources,
        pool: Pool,
    ) -> None:
        """Hold nothing yet.

        Args:
            rules: What separates events.
            aggregates: The rules' aggregates, bound to the log's types.
            resources: How much memory there is, and where what does not fit goes.
            pool: Where much is merged, in parts.
        """
        self._rules, self._aggregates, self._folder = rules, aggregates, resources.temp_dir
        self._pool = pool
        self._room_bytes = resources.memory_limit // _ROOM
        self._finished: list[pa.Table] = []
        self._edges: list[pa.Table] = []
        self._settled_bytes = 0
        self._spill: Spill | None = None

    def add(self, finished: pa.Table, edges: pa.Table) -> None:
        """Take in what one piece was cut into."""
        self._finished.append(finished)
        self._edges.append(edges)

    def settled_before(self, before_us: int) -> Iterator[list[pa.Table]]:
        """Give up the fragments that end before the bound, if it is worth looking for them.

        Merging what waits is put off while nothing can close, and until as much again has come:
        merging an unordered log at every step would take quadratic time.

        Yields:
            Lists of tables of fragments. All ends in one list are later than those before it.
        """
        if not self._is_worth_it(before_us):
            return
        self._merge_edges()
        if self._spill is None:
            yield [*_leave(self._finished, before_us), *_leave(self._edges, before_us)]
        self._settled_bytes = self._bytes()
        if self._settled_bytes > self._room_bytes // 2 or (self._spill and before_us == END):
            self._spill_all()
        if self._spill and before_us == END:
            spill, self._spill = self._spill, None
            yield from spill.closed()

    def close(self) -> None:
        """Remove what is still on disk, where a run ends early."""
        if self._spill is not None:
            self._spill.close()

    def _is_worth_it(self, before_us: int) -> bool:
        waiting_bytes = self._bytes()
        if before_us == END or waiting_bytes > self._room_bytes:
            return True
        if waiting_bytes < 2 * self._settled_bytes:
            return False
        if waiting_bytes > MERGE_BYTES:
            return True
        # Merging makes ends later, never earlier: where none is before the bound, none will be.
        return any((column(table, "end_us").to_numpy() < before_us).any() for table in self._waiting())

    def _merge_edges(self) -> None:
        rows = sum(map(len, self._edges))
        parts = min(rows // ROWS_OF_A_PART + 1, MOST_PARTS)
        if parts > 1:
            divided = self._pool.map(lambda table: self._divided(table, parts), self._edges)
            apart: Iterable[Sequence[pa.Table]] = list(zip(*divided, strict=True))
        else:
            apart = [self._edges] if rows else []
        self._edges = list(self._pool.map(self._merged, apart))

    def _divided(self, fragments: pa.Table, parts: int) -> list[pa.Table]:
        return divide(fragments, identity_part(fragments, self._rules, parts), parts)

    def _merged(self, fragments: Sequence[pa.Table]) -> pa.Table:
        return merge(fragments, self._rules, self._aggregates)

    def _spill_all(self) -> None:
        if self._spill is None:
            self._spill = Spill(
                self._rules, self._aggregates, part_bytes=self._room_bytes, folder=self._folder
            )
        self._spill.add(self._waiting())
        self._finished, self._edges, self._settled_bytes = [], [], 0

    def _bytes(self) -> int:
        return sum(table.nbytes for table in self._waiting())

    def _waiting(self) -> list[pa.Table]:
        return [*self._finished, *self._edges]


def _leave(waiting: list[pa.Table], before_us: int) -> list[pa.Table]:
    """Take the fragments that end before the bound out of the tables that wait."""
    leaving, staying = [], []
    for table in waiting:
        leaves = table["end_us"].to_numpy() < before_us
        leaving.append(table if leaves.all() else table.filter(pa.array(leaves)))
        staying.append(table.slice(0, 0) if leaves.all() else table.filter(pa.array(~leaves)))
    waiting[:] = [table for table in staying if table.num_rows]
    return [table for table in leaving if table.num_rows]
