"""Parquet: one row group a batch, nothing in the file that depends on time or machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as is_


class ParquetEncoder:
    """Writes batches as row groups."""

    def __init__(self, sink: Any, schema: pa.Schema, metadata: Mapping[str, str]) -> None:
        """Remember where to write.

        Args:
            sink: An open binary file, or a path.
            schema: The table's schema.
            metadata: Goes into the schema's key-value metadata.
        """
        self._sink = sink
        self._schema = schema.with_metadata(dict(metadata) or None)
        self._writer: Any = None

    def encode(self, batch: pa.Table) -> None:
        """Write one batch as one row group; the first decides which columns have dictionaries."""
        if self._writer is None:
            self._open([name for name in batch.column_names if _repeats(batch[name])])
        self._writer.write_table(batch, row_group_size=len(batch))

    def finish(self) -> None:
        """Write the footer."""
        if self._writer is None:
            self._open([])
        self._writer.close()

    def discard(self) -> None:
        """Close the writer, which would otherwise do so when it is collected, on a closed file."""
        if self._writer is not None:
            with suppress(Exception):
                self._writer.close()
            self._writer.is_open = False

    def _open(self, dictionaries: list[str]) -> None:
        # On session tables of a million rows zstd files are a quarter smaller than snappy's, for up
        # to a quarter more CPU; deltas of times save a little more and cost nothing.
        times = [field.name for field in self._schema if is_.is_timestamp(field.type)]
        self._writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            use_dictionary=dictionaries,
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        )


def _repeats(column: pa.ChunkedArray) -> bool:
    """Say whether a dictionary pays: on ids that hardly repeat it doubles the time and enlarges the file."""
    type_ = column.type
    if not (is_.is_string(type_) or is_.is_large_string(type_) or is_.is_integer(type_)):
        return False
    return bool(2 * pc.count_distinct(column).as_py() <= len(column))
