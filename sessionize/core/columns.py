"""Table columns as single arrays."""

from __future__ import annotations

import pyarrow as pa


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Return a table's column as one array, without copying where it is one already."""
    if column.num_chunks == 1:
        return column.chunk(0)
    if column.num_chunks == 0:
        # Arrow makes an empty array of any type only so: not of some dictionaries, nor of lists of uuids.
        return pa.nulls(0, column.type)
    return column.combine_chunks()


def column(table: pa.Table, name: str) -> pa.Array:
    """Return the column of that name as one array."""
    return one_chunk(table[name])
