"""Each identity's events in their order, for the rules that must be walked.

By time; at one microsecond by the `tie_break` columns, then the sequential rules' columns. Of events
that one time and one value of the `dedupe` column make the same delivery, the first is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.groups import begins
from sessionize.core.identity import Codes
from sessionize.core.ordering import value_and_null
from sessionize.core.packing import sort_rows
from sessionize.events import Events
from sessionize.rules import SessionRules


@dataclass(frozen=True)
class InOrder:
    """Rows in their order: open sessions, of which an identity has one at most, before its events.

    Attributes:
        codes: The coding of the identities; it holds no values.
        code: uint64, shape (n,): each row's identity.
        time_us: int64, shape (n,): each event's time; an open session's end.
        order: int64, shape (n,): where each row stood, open sessions first.
        is_level: bool, shape (n,): whether nothing tells the row from the one before it.
        is_kept: bool, shape (n,): whether it is no repeated delivery.
    """

    codes: Codes
    code: NDArray[np.uint64]
    time_us: NDArray[np.int64]
    order: NDArray[np.int64]
    is_level: NDArray[np.bool_]
    is_kept: NDArray[np.bool_]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.order)

    @property
    def repeated(self) -> int:
        """How many rows are repeated deliveries."""
        return int(np.count_nonzero(~self.is_kept))

    def part(self, start: int, end: int) -> InOrder:
        """Return neighbouring rows, of level ones all or none."""
        return InOrder(
            self.codes,
            self.code[start:end],
            self.time_us[start:end],
            self.order[start:end],
            self.is_level[start:end],
            self.is_kept[start:end],
        )

    def where(self, chosen: NDArray[np.bool_]) -> InOrder:
        """Return the chosen rows (bool, shape (n,)); of level rows all or none."""
        if chosen.all():
            return self
        return InOrder(
            self.codes,
            self.code[chosen],
            self.time_us[chosen],
            self.order[chosen],
            self.is_level[chosen],
            self.is_kept[chosen],
        )


def in_order(codes: Codes, time_us: NDArray[np.int64], events: Events, rules: SessionRules) -> InOrder:
    """Put rows in order: open sessions, if any, and events.

    Args:
        codes: The identities of n rows, open sessions first.
        time_us: int64, shape (n,): their times. Open sessions end before any event of theirs.
        events: The events, which are the last rows.
        rules: What orders events of one time, and which of them are one.

    Returns:
        The rows; those still level come as they stood.
    """
    rows = sort_rows(codes, time_us, with_order=True)
    order, is_level = rows.order, ~begins(rows.code, rows.time_us)
    is_kept = np.ones(len(order), bool)
    tied = np.flatnonzero(is_level | np.append(is_level[1:], False)[: len(order)])
    if len(tied):
        first_event = len(order) - len(events)
        moment = np.cumsum(~is_level[tied], dtype=np.int64)
        taken = events.columns.take(pa.array(order[tied] - first_event))
        keys = _keys(taken, [*rules.tie_break, *rules.in_order_columns])
        by_value = np.lexsort((order[tied], *reversed(keys), moment))
        order = order.copy()
        order[tied] = order[tied][by_value]
        for key in keys:
            is_level[tied] &= ~begins(key[by_value])
        if rules.dedupe is not None:
            value, is_null = value_and_null(column(taken.take(pa.array(by_value)), rules.dedupe))
            is_kept[tied] = is_null | _is_first_delivery(moment, value, is_null)
    decoding = replace(rows.codes, values=rows.codes.values[:0])  # sorted, they are in `code`
    return InOrder(decoding, rows.code, rows.time_us, order, is_level, is_kept)


def _keys(table: pa.Table, names: Iterable[str]) -> list[NDArray[Any]]:
    """Give the keys that order rows by these columns, the most significant first."""
    keys: list[NDArray[Any]] = []
    for name in dict.fromkeys(names):
        value, is_null = value_and_null(column(table, name))
        keys += [is_null, value]
    return keys


def _is_first_delivery(
    moment: NDArray[np.int64], value: NDArray[np.int64], is_null: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the first row of each moment and value, nulls apart."""
    order = np.lexsort((value, is_null, moment))
    first = np.empty(len(value), bool)
    first[order] = begins(moment[order], is_null[order], value[order])
    return first
