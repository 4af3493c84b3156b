"""Fragments between being cut and being closed."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from sessionize.aggregates import AggregateColumn
from sessionize.fragments import merge
from sessionize.plan import END
from sessionize.rules import SessionRules


class Carried:
    """Holds fragments until nothing can touch them and nothing that ends earlier can come.

    Finished fragments only wait for their turn; edges are merged with what comes first.
    """

    def __init__(self, rules: SessionRules, aggregates: Sequence[AggregateColumn]) -> None:
        """Hold nothing yet."""
        self._rules, self._aggregates = rules, aggregates
        self._finished: list[pa.Table] = []
        self._edges: list[pa.Table] = []
        self._settled = 0

    def add(self, finished: pa.Table, edges: pa.Table) -> None:
        """Take in what one piece was cut into."""
        self._finished.append(finished)
        self._edges.append(edges)

    def close(self, before_us: int) -> list[pa.Table]:
        """Give up the fragments that end before the bound, if it is worth looking for them.

        Merging what waits is put off until as much again has come: in an unordered log nothing
        closes, and merging at every step would take quadratic time.
        """
        if self._rows() < 2 * self._settled and before_us != END:
            return []
        if self._edges:
            self._edges = [merge(self._edges, self._rules, self._aggregates)]
        closed = [*_leave(self._finished, before_us), *_leave(self._edges, before_us)]
        self._settled = self._rows()
        return closed

    def _rows(self) -> int:
        return sum(table.num_rows for table in (*self._finished, *self._edges))


def _leave(waiting: list[pa.Table], before_us: int) -> list[pa.Table]:
    """Take the fragments that end before the bound out of the tables that wait."""
    leaving, staying = [], []
    for table in waiting:
        leaves = table["end_us"].to_numpy() < before_us
        leaving.append(table if leaves.all() else table.filter(pa.array(leaves)))
        staying.append(table.slice(0, 0) if leaves.all() else table.filter(pa.array(~leaves)))
    waiting[:] = [table for table in staying if table.num_rows]
    return [table for table in leaving if table.num_rows]
