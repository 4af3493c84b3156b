"""Values as text: the forms that session ids and text outputs share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sessionize.core.ordering import storage

_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
_UUID_GROUPS = (8, 4, 4, 4, 12)


def as_text(values: pa.Array) -> pa.Array:
    r"""Write values as text: integers in decimal, decimals with their scale, dates as ISO 8601.

    Booleans are `true` and `false`, binary is lower-case hex, a uuid has its hyphens, text stays
    as it is.

    Args:
        values: Array of n values: integer, decimal, bool, date, text, binary or uuid; a
            dictionary of those.

    Returns:
        String array of n; null where the value is null.

    Example:
        >>> as_text(pa.array([b"\x00\xff"])).to_pylist(), as_text(pa.array([True])).to_pylist()
        (['00ff'], ['true'])
    """
    if pa.types.is_dictionary(values.type):
        return as_text(values.dictionary).take(values.indices)
    if isinstance(values.type, pa.UuidType):
        return _uuid(values.storage)
    if pa.types.is_decimal(values.type):
        return _plain_notation(values.cast(pa.string()))
    if pa.types.is_fixed_size_binary(values.type):
        return _hex(values.cast(pa.binary()))
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return _hex(values.cast(pa.binary()))
    return storage(values).cast(pa.string())


def _hex(values: pa.Array) -> pa.Array:
    values = pa.concat_arrays([values])  # an array of its own: offsets from 0
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    doubled = pa.py_buffer(((offsets - offsets[0]) * 2).astype(np.int32))
    written = pa.Array.from_buffers(pa.string(), len(values), [None, doubled, pa.py_buffer(_HEX[data])])
    return pc.if_else(values.is_valid(), written, pa.scalar(None, pa.string()))


def _uuid(values: pa.Array) -> pa.Array:
    digits, parts, start = _hex(values.cast(pa.binary())), [], 0
    for width in _UUID_GROUPS:
        parts.append(pc.utf8_slice_codeunits(digits, start, start + width))
        start += width
    return pc.binary_join_element_wise(*parts, "-")


def _plain_notation(texts: pa.Array) -> pa.Array:
    # Arrow writes small decimals as 1E-7; only those are written again, one by one.
    scientific = pc.fill_null(pc.match_substring(texts, "E"), False)
    if not pc.any(scientific).as_py():
        return texts
    from decimal import Decimal

    plain = [format(Decimal(text), "f") for text in texts.filter(scientific).to_pylist()]
    return pc.replace_with_mask(texts, scientific, pa.array(plain, pa.string()))
