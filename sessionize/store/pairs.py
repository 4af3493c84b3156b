"""Two tables of sessions, held against each other row by row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.ordering import equality_keys
from sessionize.store.difference import equal_values
from sessionize.store.spans import Mask, Rows

_RELATIVE = 1e-12
"""What sums and means of floats may differ by, between two ways of adding."""


@dataclass(frozen=True)
class Pairs:
    """Sessions of two tables that have one id.

    Attributes:
        left: Sessions: n rows, one chunk for each column.
        right: Sessions of the same columns and types: m rows.
        in_left: int64, shape (p,): the paired rows of the left table.
        in_right: int64, shape (p,): those of the right table, pair by pair.
    """

    left: pa.Table
    right: pa.Table
    in_left: Rows
    in_right: Rows

    @classmethod
    def of(cls, left: pa.Table, right: pa.Table, session_id: str) -> Pairs:
        """Pair the rows of two tables, each at most once.

        Args:
            left: Sessions.
            right: Sessions of the same columns and types, each id once.
            session_id: The column of the ids.
        """
        ids = pa.concat_tables([left.select([session_id]), right.select([session_id])])
        key = equality_keys(column(ids, session_id))
        order = np.argsort(key, kind="stable")
        first, second = order[:-1], order[1:]
        is_pair = (key[first] == key[second]) & (first < len(left)) & (second >= len(left))
        return cls(left, right, first[is_pair], second[is_pair] - len(left))

    def only_left(self) -> Mask:
        """Return bool, shape (n,): the left rows without a partner."""
        return _others(self.in_left, len(self.left))

    def only_right(self) -> Mask:
        """Return bool, shape (m,): the right rows without a partner."""
        return _others(self.in_right, len(self.right))

    def differing(self, inexact: Collection[str] = ()) -> dict[str, Mask]:
        """Compare the pairs column by column: NaN equals NaN, null equals null.

        Args:
            inexact: Float columns whose last bits do not count.

        Returns:
            For each column with a difference: bool, shape (p,), the pairs that differ there.
        """
        found = {}
        for name in self.left.column_names:
            equal = self._equal(name) | (self._close(name) if name in inexact else False)
            if not equal.all():
                found[name] = ~equal
        return found

    def _equal(self, name: str) -> Mask:
        both = pa.concat_tables([self.left.select([name]), self.right.select([name])])
        return equal_values(column(both, name), self.in_left, self.in_right + len(self.left))

    def _close(self, name: str) -> Mask:
        one, other = (
            column(table, name).to_numpy(zero_copy_only=False)[rows]
            for table, rows in ((self.left, self.in_left), (self.right, self.in_right))
        )
        return np.isclose(one, other, rtol=_RELATIVE, atol=0)


def _others(rows: Rows, size: int) -> Mask:
    others = np.ones(size, bool)
    others[rows] = False
    return others
