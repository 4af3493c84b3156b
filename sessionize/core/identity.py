"""Identities as small integers, for sorting, and as text, for session ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.core.ordering import as_integers, storage

LARGEST_SIZE = 1 << 63
DENSE_SIZE = 1 << 32
"""Integers spread wider than this are numbered like text, or sorting by them would take longer."""


@dataclass(frozen=True)
class Codes:
    """Integers that stand for identities: equal codes, equal identities.

    Attributes:
        values: uint64, shape (n,): the code of each row, below `size`. Codes follow no order.
        size: How many codes there could be.
        decode: Turns codes back into identity columns.
    """

    values: NDArray[np.uint64]
    size: int
    decode: Callable[[NDArray[np.uint64]], list[pa.Array]]

    def dense(self) -> Codes:
        """Renumber the codes that occur from 0."""
        distinct, values = np.unique(self.values, return_inverse=True)
        return Codes(values.astype(np.uint64), len(distinct), lambda codes: self.decode(distinct[codes]))


def encode(columns: Sequence[pa.Array]) -> Codes:
    """Give every row a code for its identity, for as little work as the type allows.

    Integers and times are their own codes; text that came with a dictionary is already encoded.

    Args:
        columns: The identity columns, one chunk each, without nulls, dictionaries without repeats.

    Returns:
        The codes. Decoded text, decimal and binary columns are dictionary-encoded.
    """
    return reduce(_pair, map(_encode_one, columns))


def _encode_one(column: pa.Array) -> Codes:
    column = storage(column)
    if pa.types.is_boolean(column.type):
        bits = column.cast(pa.uint8()).to_numpy().astype(np.uint64)
        return Codes(bits, 2, lambda codes: [pa.array(codes.astype(bool))])
    integers = as_integers(column)
    if integers is not None and (coded := _encode_integers(integers, column.type)).size <= DENSE_SIZE:
        return coded
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return _encode_dictionary(encoded.indices, encoded.dictionary, is_number=integers is not None)


def _encode_dictionary(indices: pa.Array, dictionary: pa.Array, *, is_number: bool) -> Codes:
    def decode(codes: NDArray[np.uint64]) -> list[pa.Array]:
        chosen = pa.array(codes.astype(np.int32))
        return [dictionary.take(chosen) if is_number else pa.DictionaryArray.from_arrays(chosen, dictionary)]

    return Codes(indices.to_numpy().astype(np.uint64), max(len(dictionary), 1), decode)


def _encode_integers(integers: NDArray[np.int64] | NDArray[np.uint64], type_: pa.DataType) -> Codes:
    smallest = int(integers.min()) if len(integers) else 0
    largest = int(integers.max()) if len(integers) else 0
    base = np.uint64(smallest % (1 << 64))

    def decode(codes: NDArray[np.uint64]) -> list[pa.Array]:
        stored = pa.array((codes + base).view(integers.dtype))
        return [_from_integers(stored, type_)]

    return Codes(integers.view(np.uint64) - base, largest - smallest + 1, decode)


def _from_integers(stored: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_integer(type_):
        return stored.cast(type_)
    return stored.cast(pa.int32() if type_.bit_width == 32 else pa.int64()).view(type_)


def _pair(left: Codes, right: Codes) -> Codes:
    if left.size * right.size > LARGEST_SIZE:
        left, right = left.dense(), right.dense()
    width = np.uint64(right.size)
    return Codes(
        left.values * width + right.values,
        left.size * right.size,
        lambda codes: [*left.decode(codes // width), *right.decode(codes % width)],
    )


def identity_text(columns: Sequence[pa.Array], as_text: Callable[[pa.Array], pa.Array]) -> pa.Array:
    r"""Write identities as session ids begin: the columns' texts joined by `:`.

    With several columns `:` and `\\` inside a part are escaped with `\\`, so that different
    identities have different texts.

    Args:
        columns: The identity columns, n rows each, without nulls.
        as_text: Writes a column as text.

    Returns:
        String array of n texts.
    """
    texts = [as_text(column) for column in columns]
    if len(texts) == 1:
        return texts[0]
    return pc.binary_join_element_wise(*(_escaped(text) for text in texts), ":")


def _escaped(text: pa.Array) -> pa.Array:
    escaped = pc.replace_substring(text, "\\", "\\\\")
    return pc.replace_substring(escaped, ":", "\\:")
