"""Fragments divided by identity: what can ever be merged lies in one part, so that parts are merged apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.fragments import identity_names
from sessionize.core.hashing import identity_hashes
from sessionize.rules import SessionRules

MOST_PARTS = 1 << 16
"""As many as a 16-bit number tells apart."""

IDENTITY_PARTS = 128
"""Into so many parts identities are divided, on disk and for what is merged at a time."""

PART = "part"
"""The column that says which part each row belongs to, where that is known."""


def part_with(table: pa.Table, is_chosen: NDArray[np.bool_]) -> tuple[pa.Table, pa.Table]:
    """Return the chosen rows (bool, shape (n,)), and the others; where all are one of both, no copy."""
    if is_chosen.all():
        return table, table.slice(0, 0)
    if not is_chosen.any():
        return table.slice(0, 0), table
    return table.filter(pa.array(is_chosen)), table.filter(pa.array(~is_chosen))


def hashes_of(table: pa.Table, rules: SessionRules) -> NDArray[np.uint64]:
    """Hash the identities of fragments, or of anything else with their identity columns; shape (n,)."""
    return identity_hashes([column(table, name) for name in identity_names(rules)])


def in_parts(table: pa.Table, hashes: NDArray[np.uint64]) -> pa.Table:
    """Put rows in the order of their parts, so that dividing them again moves nothing.

    Args:
        table: n rows.
        hashes: uint64, shape (n,): the hashes of their identities.

    Returns:
        The rows, and a column `PART` (uint16, ascending); rows of one part keep their order.
    """
    part = _part(hashes)
    order = np.argsort(part, kind="stable")
    ordered = table.take(pa.array(order)).combine_chunks()
    return ordered.append_column(PART, pa.array(part[order]))


def identity_part(table: pa.Table, rules: SessionRules) -> NDArray[np.uint16]:
    """Give each row the number of its part: a hash of the identity, the same in every table.

    Args:
        table: n fragments, or anything else with their identity columns.
        rules: What separates events.

    Returns:
        uint16, shape (n,), below `IDENTITY_PARTS`.
    """
    if PART in table.column_names:
        return column(table, PART).to_numpy()
    return _part(hashes_of(table, rules))


def divide(table: pa.Table, part: NDArray[np.integer[Any]], parts: int) -> list[pa.Table]:
    """Divide a table into numbered parts.

    Args:
        table: n rows.
        part: Integers, shape (n,): the part of each row, below `parts`.
        parts: How many parts there are, at most `MOST_PARTS`.

    Returns:
        A table for each part, some perhaps without rows; rows keep their order.
    """
    part = part.astype(np.uint16)
    ends = np.cumsum(np.bincount(part, minlength=parts))
    if not (part[1:] >= part[:-1]).all():
        table = table.take(pa.array(np.argsort(part, kind="stable")))
    ordered = table.combine_chunks()
    return [ordered.slice(start, end - start) for start, end in zip([0, *ends], ends, strict=False)]


def end_bounds(end_us: NDArray[np.int64], stretches: int) -> NDArray[np.int64]:
    """Divide time so that each stretch holds about as many ends.

    Args:
        end_us: int64, shape (n,): ends, or a sample of them; one at least.
        stretches: Into how many.

    Returns:
        int64, ascending, fewer than `stretches`: where a stretch begins, apart from the first.
    """
    return np.unique(np.quantile(end_us, np.arange(1, stretches) / stretches, method="nearest"))


def end_part(fragments: pa.Table, bounds_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each fragment the number of the stretch of time that its end lies in; int64, shape (n,)."""
    return np.searchsorted(bounds_us, column(fragments, "end_us").to_numpy(), side="right")


def _part(hashes: NDArray[np.uint64]) -> NDArray[np.uint16]:
    return (hashes % np.uint64(IDENTITY_PARTS)).astype(np.uint16)
