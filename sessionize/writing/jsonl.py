"""JSON lines: one object a row, keys in column order."""

from __future__ import annotations

import json
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_

from sessionize.writing.text import TEXT, constant, has_text, is_text, joined, output_text, used_bytes

_BACKSLASH, _QUOTE = ord("\\"), ord('"')
_ESCAPES = {code: json.dumps(chr(code))[1:-1] for code in (_BACKSLASH, _QUOTE, *range(32))}


class JsonLinesEncoder:
    """Writes batches as JSON lines, UTF-8, with nothing escaped that need not be."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        """Remember the sink; the format has no head."""
        self._sink = sink
        keys = [json.dumps(name, ensure_ascii=False) + ":" for name in schema.names]
        self._labels = [("," if index else "{") + key for index, key in enumerate(keys)]

    def encode(self, batch: pa.Table) -> None:
        """Write one batch, an object a row."""
        values = [json_text(column) for column in one_chunk(batch)]
        pairs = [part for pair in zip(self._labels, values, strict=True) for part in pair]
        write_lines(self._sink, [*pairs, "}\n"], null="null")

    def finish(self) -> None:
        """Do nothing; the format has no end."""

    def discard(self) -> None:
        """Do nothing; there is nothing to let go of."""


def json_text(column: pa.Array) -> pa.Array:
    """Write a column's values as JSON.

    Numbers are numbers (integers in full), NaN and the infinities null, lists arrays, structs
    objects. Everything else is a string, decimals too: most readers would make a float of a number
    and lose digits.

    Args:
        column: n values, one chunk, of a type that `has_json`.

    Returns:
        Array of n JSON values, type `TEXT`; null where the column is (and for what has no JSON).

    Example:
        >>> json_text(pa.array([["a", None], []])).to_pylist()
        ['["a",null]', '[]']
    """
    type_ = column.type
    if _is_list(type_):
        return _array(column)
    if is_.is_struct(type_):
        return _object(column)
    text = output_text(column)
    if is_.is_floating(type_):
        return pc.if_else(pc.is_finite(column), text, None)
    if is_.is_integer(type_) or is_.is_boolean(type_) or is_.is_duration(type_) or is_.is_null(type_):
        return text
    return joined('"', _escaped(text) if is_text(type_) else text, '"')


def has_json(type_: pa.DataType) -> bool:
    """Say whether `json_text` can write this type: one with text, or a list or struct of such.

    Example:
        >>> has_json(pa.list_(pa.int64())), has_json(pa.map_(pa.string(), pa.int64()))
        (True, False)
    """
    if is_.is_struct(type_):
        return all(has_json(field.type) for field in type_)
    return has_json(type_.value_type) if _is_list(type_) else has_text(type_)


def one_chunk(batch: pa.Table) -> list[pa.Array]:
    """Return the columns of a batch as arrays."""
    return [column.combine_chunks() for column in batch.columns]


def write_lines(sink: BinaryIO, parts: list[pa.Array | str], *, null: str) -> None:
    """Write rows of text put together from columns and constants, without a loop over rows."""
    texts = [constant(part) if isinstance(part, str) else part for part in parts]
    lines = pc.binary_join_element_wise(*texts, constant(""), null_handling="replace", null_replacement=null)
    sink.write(used_bytes(lines).data)


def _is_list(type_: pa.DataType) -> bool:
    return bool(is_.is_list(type_) or is_.is_large_list(type_))


def _array(column: pa.Array) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    items = pc.fill_null(json_text(column.flatten()), "null").cast(pa.string())
    joined_items = pc.binary_join(pa.ListArray.from_arrays(offsets, items), ",").cast(TEXT)
    text = joined("[", joined_items, "]")
    return pc.if_else(column.is_valid(), text, None)


def _object(column: pa.StructArray) -> pa.Array:
    parts: list[pa.Array | str] = ["{"]
    for field, values in zip(column.type, column.flatten(), strict=True):
        key = json.dumps(field.name, ensure_ascii=False)
        comma = "," if len(parts) > 1 else ""
        parts += [f"{comma}{key}:", pc.fill_null(json_text(values), "null")]
    text = joined(*parts, "}")
    if isinstance(text, pa.Scalar):  # an object without keys
        text = pa.repeat(text, len(column))
    return pc.if_else(column.is_valid(), text, None)


def _escaped(text: pa.Array) -> pa.Array:
    """Escape what JSON strings must not hold as it is: quotes, backslashes, control characters."""
    occurs = np.bincount(used_bytes(text), minlength=256)
    # The backslash comes first, because the other escapes begin with one.
    for code, escape in _ESCAPES.items():
        if occurs[code]:
            text = pc.replace_substring(text, chr(code), escape)
    return text
