"""Table columns as single arrays."""

from __future__ import annotations

import pyarrow as pa


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Return a table's column as one array, without copying where it is one already."""
    if column.num_chunks == 1:
        return column.chunk(0)
    if column.num_chunks == 0 and pa.types.is_dictionary(column.type):
        # Arrow makes no empty dictionary array of some value types.
        indices = pa.nulls(0, column.type.index_type)
        return pa.DictionaryArray.from_arrays(indices, pa.nulls(0, column.type.value_type))
    return column.combine_chunks()


def column(table: pa.Table, name: str) -> pa.Array:
    """Return the column of that name as one array."""
    return one_chunk(table[name])
