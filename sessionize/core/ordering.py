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
        if len(values.dictionary) > len(values):  # few rows of many values: no need to rank them all
            return sort_keys(values.cast(values.type.value_type))
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


def equality_keys(values: pa.Array) -> NDArray[np.int64]:
    """Give every value an int64 such that equal values, and no others, have equal keys.

    That takes less work than keys that compare: text need not be sorted. A null's key means nothing.

    Args:
        values: Array of n values of a flat type.

    Returns:
        int64, shape (n,). Keys of two arrays do not compare.

    Example:
        >>> equality_keys(pa.array(["b", "a", "b"])).tolist()
        [0, 1, 0]
    """
    if pa.types.is_dictionary(values.type):
        keys = equality_keys(values.dictionary)
        return keys[values.indices.fill_null(0).to_numpy()] if len(keys) else _meaningless(values)
    is_text = pa.types.is_string(values.type) or pa.types.is_binary(values.type)
    if not is_text:
        return sort_keys(values)
    return values.dictionary_encode().indices.fill_null(0).to_numpy().astype(np.int64)


def value_and_null(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give sort keys (int64, 0 for nulls), and whether each value is null: sort by both, nulls come last."""
    is_null = np.asarray(values.is_null().to_numpy(zero_copy_only=False), np.bool_)
    return np.where(is_null, 0, sort_keys(values)), is_null


def positive_zero(values: pa.Array) -> pa.Array:
    """Write −0.0 as 0.0, which it equals; values of any other type are returned as they are."""
    return pc.add(values, pa.scalar(0.0, values.type)) if pa.types.is_floating(values.type) else values


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


def storage_type(type_: pa.DataType) -> pa.DataType:
    """Return the type as which an extension type (uuid) is stored; any other type unchanged."""
    return type_.storage_type if isinstance(type_, pa.BaseExtensionType) else type_


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
