"""Parquet: one row group a batch, nothing in the file that depends on time or machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


class ParquetEncoder:
    """Writes batches as row groups."""

    def __init__(self, sink: Any, schema: pa.Schema, metadata: Mapping[str, str]) -> None:
        """Write the head of the file.

        Args:
            sink: An open binary file, or a path.
            schema: The table's schema; its first column is taken to identify the row.
            metadata: Goes into the schema's key-value metadata.
        """
        # On session tables of a million rows, all measured in one run: zstd files are two thirds
        # of snappy's for a tenth to a fifth more time. Dictionaries on columns whose values hardly
        # repeat (ids, times, durations) double the time and make the file larger; deltas suit
        # times that ascend, and are the fastest of all to write and to read.
        self._writer = pq.ParquetWriter(
            sink,
            schema.with_metadata(dict(metadata) or None),
            compression="zstd",
            use_dictionary=[field.name for field in list(schema)[1:] if _repeats(field.type)],
            column_encoding={field.name: "DELTA_BINARY_PACKED" for field in schema if _ascends(field.type)},
        )

    def encode(self, batch: pa.Table) -> None:
        """Write one batch as one row group."""
        self._writer.write_table(batch, row_group_size=len(batch))

    def finish(self) -> None:
        """Write the footer."""
        self._writer.close()

    def discard(self) -> None:
        """Close the writer, which would otherwise do so when it is collected, on a closed file."""
        with suppress(Exception):
            self._writer.close()
        self._writer.is_open = False


def _repeats(type_: pa.DataType) -> bool:
    return not (pa.types.is_floating(type_) or pa.types.is_timestamp(type_) or pa.types.is_nested(type_))


def _ascends(type_: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(type_))
