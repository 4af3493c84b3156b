"""Fragments divided by identity: what can ever be merged lies in one part, so that parts are merged apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.columns import column
from sessionize.fragments import identity_names
from sessionize.ordering import as_integers
from sessionize.rules import SessionRules
from sessionize.texts import as_text

MOST_PARTS = 1 << 16
"""As many as a 16-bit number tells apart."""

_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def identity_part(fragments: pa.Table, rules: SessionRules, parts: int) -> NDArray[np.int64]:
    """Give each fragment the number of its part: a hash of the identity, the same in every table.

    Args:
        fragments: n fragments.
        rules: What separates events.
        parts: How many parts there are.

    Returns:
        int64, shape (n,), below `parts`.
    """
    hashes = np.zeros(len(fragments), np.uint64)
    for name in identity_names(rules):
        hashes = hashes * _HASH_FACTOR + _hashes(column(fragments, name))
    return (hashes % np.uint64(parts)).astype(np.int64)


def divide(table: pa.Table, part: NDArray[np.int64], parts: int) -> list[pa.Table]:
    """Divide a table into numbered parts.

    Args:
        table: n rows.
        part: int64, shape (n,): the part of each row, below `parts`.
        parts: How many parts there are, at most `MOST_PARTS`.

    Returns:
        A table for each part, some perhaps without rows; rows keep their order.
    """
    order = np.argsort(part.astype(np.uint16), kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=parts))
    ordered = table.take(pa.array(order)).combine_chunks()
    return [ordered.slice(start, end - start) for start, end in zip([0, *ends], ends, strict=False)]


def _hashes(values: pa.Array) -> NDArray[np.uint64]:
    # Several threads may be the first to need pandas; only its front door is safe to enter at once.
    import pandas as pd

    hash_array = pd.util.hash_array
    if pa.types.is_dictionary(values.type):
        return _hashes(values.dictionary)[values.indices.to_numpy()]
    integers = as_integers(values)
    if integers is not None:
        return hash_array(integers.view(np.uint64))
    return hash_array(as_text(values).to_numpy(zero_copy_only=False), categorize=False)
