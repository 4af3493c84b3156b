"""Arrow IPC files: one record batch a batch, uncompressed, so that readers can map them into memory."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

import numpy as np
import pyarrow as pa


class ArrowEncoder:
    """Writes batches as record batches of an IPC file."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema, metadata: Mapping[str, str]) -> None:
        """Write the head of the file; `metadata` goes into the schema's key-value metadata."""
        self._writer = pa.ipc.new_file(sink, schema.with_metadata(dict(metadata) or None))

    def encode(self, batch: pa.Table) -> None:
        """Write one batch as one record batch."""
        # IPC writes memory as it lies, also what is under a null or beyond a slice: `take` makes it clean.
        self._writer.write_table(batch.take(np.arange(len(batch))))

    def finish(self) -> None:
        """Write the footer."""
        self._writer.close()

    def discard(self) -> None:
        """Close the writer."""
        with suppress(Exception):
            self._writer.close()
