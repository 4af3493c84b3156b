"""Fragments divided by identity: what can ever be merged lies in one part, so that parts are merged apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.fragments import identity_names
from sessionize.core.ordering import as_integers
from sessionize.core.texts import as_text
from sessionize.rules import SessionRules

MOST_PARTS = 1 << 16
"""As many as a 16-bit number tells apart."""

_WORD_BYTES = 8
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
        hashes = _mixed(hashes) + _hashes(column(fragments, name))
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
    if pa.types.is_dictionary(values.type):
        return _hashes(values.dictionary)[values.indices.to_numpy()]
    integers = as_integers(values)
    if integers is not None:
        return _mixed(integers.view(np.uint64))
    return _text_hashes(as_text(values))


def _text_hashes(texts: pa.Array) -> NDArray[np.uint64]:
    """Hash texts word by word: eight bytes of all of them at once."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, 4 * texts.offset)
    first, last = int(offsets[0]), int(offsets[-1])
    padded = np.zeros(_WORD_BYTES + last - first, np.uint8)
    if last > first:
        padded[_WORD_BYTES:] = np.frombuffer(texts.buffers()[2], np.uint8, last - first, first)
    words: NDArray[np.uint64] = np.ndarray(last - first + 1, np.uint64, padded, strides=(1,))
    starts, sizes = offsets[:-1] - first, np.diff(offsets)
    hashes, rows = sizes.astype(np.uint64), np.flatnonzero(sizes)
    for end in range(_WORD_BYTES, int(sizes.max(initial=0)) + _WORD_BYTES, _WORD_BYTES):
        size = np.minimum(sizes[rows], end)
        word = words[starts[rows] + size]  # the eight bytes before; of a short text some are another's
        foreign = np.uint64(8) * np.maximum(_WORD_BYTES - size, 0).astype(np.uint64)
        hashes[rows] = _mixed(hashes[rows] + (word >> foreign))
        rows = rows[sizes[rows] > end]
    return hashes


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Let every bit of a value reach the low ones."""
    mixed = values * _HASH_FACTOR
    return mixed ^ (mixed >> np.uint64(32))
