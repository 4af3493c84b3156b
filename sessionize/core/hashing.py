"""Hashes of identities: the same in every table, whatever dictionaries its texts came with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.ordering import as_integers
from sessionize.core.texts import as_text

_WORD_BYTES = 8
_BYTE_BITS = 8
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

_SLICE_ROWS = 1 << 16
"""Texts that are hashed at a time: what is computed on the way stays near the processor."""


def identity_hashes(columns: Sequence[pa.Array]) -> NDArray[np.uint64]:
    """Hash identities.

    Args:
        columns: The identity columns, stored as in fragments, n rows each, one chunk, without nulls.

    Returns:
        uint64, shape (n,); high and low bits are equally good.

    Example:
        >>> ada, bob = identity_hashes([pa.array(["ada", "bob"])])
        >>> bool(identity_hashes([pa.array(["bob"]).dictionary_encode()])[0] == bob != ada)
        True
    """
    hashes = np.zeros(len(columns[0]), np.uint64)
    for values in columns:
        hashes = _mixed(hashes) + _hashes(values)
    return hashes


def _hashes(values: pa.Array) -> NDArray[np.uint64]:
    if pa.types.is_dictionary(values.type):
        return _hashes(values.dictionary)[values.indices.to_numpy()]
    integers = as_integers(values)
    if integers is not None:
        return _mixed(integers.view(np.uint64))
    texts = as_text(values)
    slices = [texts.slice(begin, _SLICE_ROWS) for begin in range(0, max(len(texts), 1), _SLICE_ROWS)]
    return np.concatenate([_text_hashes(part) for part in slices])


def _text_hashes(texts: pa.Array) -> NDArray[np.uint64]:
    """Hash texts word by word: eight bytes of all of them at once."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, 4 * texts.offset)
    first, last = int(offsets[0]), int(offsets[-1])
    padded = np.zeros(_WORD_BYTES + last - first, np.uint8)
    if last > first:
        padded[_WORD_BYTES:] = np.frombuffer(texts.buffers()[2], np.uint8, last - first, first)
    words: NDArray[np.uint64] = np.ndarray(last - first + 1, np.uint64, padded, strides=(1,))
    starts, sizes = offsets[:-1] - first, np.diff(offsets)
    hashes, done = sizes.astype(np.uint64), 0
    rows: slice | NDArray[np.int64] = slice(None)  # those that have not ended yet
    while (longer := sizes[rows] > done).any():
        if not longer.all():
            rows = np.flatnonzero(sizes > done)
        done += _WORD_BYTES
        size = np.minimum(sizes[rows], done)
        word = words[starts[rows] + size]  # the eight bytes before; of a short text some are another's
        if done == _WORD_BYTES:
            word >>= np.uint64(_BYTE_BITS) * (_WORD_BYTES - np.minimum(size, _WORD_BYTES)).astype(np.uint64)
        hashes[rows] = _mixed(hashes[rows] + word)
    return hashes


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Let every bit of a value reach the low ones."""
    mixed = values * _FACTOR
    return mixed ^ (mixed >> np.uint64(32))
