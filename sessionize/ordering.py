"""Order-preserving integers: what lets NumPy sort values of any type."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SIGN = np.uint64(1 << 63)
_ALL_BUT_SIGN = np.int64((1 << 63) - 1)


def sort_keys(values: pa.Array) -> NDArray[np.int64]:
    """Give every value an int64 such that the keys compare as the values do.

    Numbers compare numerically with NaN last and −0.0 equal to 0.0, text and binary by bytes,
    false before true. A null's key means nothing: look at the nulls first.

    Args:
        values: Array of n values of a flat type.

    Returns:
        int64, shape (n,); equal values have equal keys. Keys of two arrays do not compare.

    Example:
        >>> sort_keys(pa.array(["b", "a", "b"])).tolist()
        [1, 0, 1]
    """
    if pa.types.is_dictionary(values.type):
        ranks = sort_keys(values.dictionary)
        return ranks[values.indices.fill_null(0).to_numpy()] if len(ranks) else _meaningless(values)
    if pa.types.is_null(values.type):
        return _meaningless(values)
    if pa.types.is_boolean(values.type):
        return values.cast(pa.int8()).fill_null(0).to_numpy().astype(np.int64)
    if pa.types.is_floating(values.type):
        return _float_keys(values.cast(pa.float64()).fill_null(0.0).to_numpy())
    if (integers := as_integers(values)) is not None:
        return (integers ^ _SIGN).view(np.int64) if integers.dtype == np.uint64 else integers.view(np.int64)
    return _ranks(values)


def as_integers(values: pa.Array) -> NDArray[np.int64] | NDArray[np.uint64] | None:
    """View integers, dates, times and timestamps as the integers they are stored as, in 64 bits.

    Returns:
        int64 (uint64 for unsigned types), shape (n,), nulls as 0; None for every other type.
    """
    type_ = values.type
    if pa.types.is_unsigned_integer(type_):
        return values.cast(pa.uint64()).fill_null(0).to_numpy()
    if pa.types.is_integer(type_):
        return values.cast(pa.int64()).fill_null(0).to_numpy()
    if pa.types.is_temporal(type_) and type_.bit_width in (32, 64):
        stored = values.view(pa.int32() if type_.bit_width == 32 else pa.int64())
        return stored.cast(pa.int64()).fill_null(0).to_numpy()
    return None


def storage(values: pa.Array) -> pa.Array:
    """Return what an extension array (uuid) is stored as; any other array unchanged."""
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def _meaningless(values: pa.Array) -> NDArray[np.int64]:
    return np.zeros(len(values), np.int64)


def _float_keys(floats: NDArray[np.float64]) -> NDArray[np.int64]:
    # IEEE 754: positive floats compare as their bits do, negative ones the other way round.
    bits = np.where(np.isnan(floats), np.nan, floats + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ _ALL_BUT_SIGN, bits)


def _ranks(values: pa.Array) -> NDArray[np.int64]:
    encoded = storage(values).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.zeros(max(len(order), 1), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks[encoded.indices.fill_null(0).to_numpy()]
