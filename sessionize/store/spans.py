"""Stretches of one identity's time: what holds what, and what belongs together.

A table of spans has the identity columns, `start_us` and `end_us`; fragments, sessions and waiting
events (whose end is their start) are spans with more to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.fragments import identity_names, merge, together
from sessionize.core.identity import encode
from sessionize.rules import SessionRules

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


def spans(table: pa.Table, rules: SessionRules) -> pa.Table:
    """Return only identity, start and end; events end where they start."""
    end = "end_us" if "end_us" in table.column_names else "start_us"
    columns = {name: table[name] for name in identity_names(rules)}
    return pa.table(columns | {"start_us": table["start_us"], "end_us": table[end]})


def holders(outer: pa.Table, inner: pa.Table, rules: SessionRules) -> Rows:
    """Find what holds each inner span's start.

    Args:
        outer: Spans; those of one identity have no more than an instant in common.
        inner: Spans.
        rules: What the identity is.

    Returns:
        int64, shape (len(inner),): the last outer row of the same identity with start ≤ the inner
        start ≤ end; -1 where there is none.
    """
    names = [*identity_names(rules), "start_us"]
    both = together([outer.select(names), inner.select(names)])
    code = encode([column(both, name) for name in identity_names(rules)]).values
    start_us = column(both, "start_us").to_numpy()
    # Stable: what holds comes first among equal starts, as it does in `both`.
    order = np.lexsort((start_us, code))
    latest = np.maximum.accumulate(np.where(order < len(outer), np.arange(len(order)), -1))
    holder = np.empty(len(both), np.int64)
    holder[order] = np.where(latest >= 0, order[latest], -1)
    found, inner_rows = holder[len(outer) :], np.arange(len(outer), len(both))
    end_us = np.append(column(outer, "end_us").to_numpy(), 0)
    holds = (found >= 0) & (code[found] == code[inner_rows]) & (end_us[found] >= start_us[inner_rows])
    return np.where(holds, found, -1)


def of_identities(table: pa.Table, others: Sequence[pa.Table], rules: SessionRules) -> Mask:
    """Mark the rows of a table whose identity occurs in other tables: bool, shape (n,)."""
    names = identity_names(rules)
    both = together([part.select(names) for part in (table, *others)])
    code = encode([column(both, name) for name in names]).values
    return np.isin(code[: len(table)], code[len(table) :])


@dataclass(frozen=True)
class Chains:
    """Spans of one identity that follow each other within the timeout, whatever parts them beside silence."""

    table: pa.Table
    rules: SessionRules

    @classmethod
    def of(cls, tables: Sequence[pa.Table], rules: SessionRules) -> Chains:
        """Find the chains of several tables of spans."""
        by_silence = SessionRules(by=rules.by, timeout=rules.timeout, boundary=rules.boundary)
        counted = [
            spans(table, rules).append_column("event_count", pa.repeat(pa.scalar(1, pa.int64()), len(table)))
            for table in tables
        ]
        return cls(merge(counted, by_silence), rules)

    def __len__(self) -> int:
        """Count the chains."""
        return len(self.table)

    def holding(self, table: pa.Table) -> Rows:
        """Return the chain of each span of a table that they were found of."""
        return holders(self.table, table, self.rules)
