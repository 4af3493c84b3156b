"""Labelling in a test: options that labels know, tiny chunks, and labels as the oracle writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from sessionize.labelling import labelled
from sessionize.labelling.labels import LABELS
from sessionize.reading import whole
from tests.logs import Log, tiny_chunks
from tests.oracle import Row
from tests.test_engine import hardly_any_memory

LEAST = "100MB"


def label_options(log: Log) -> dict[str, Any]:
    """The rules and reading options as keywords of `label` and `label_files`."""
    options = log.without_aggregates().options()
    return {name: value for name, value in options.items() if name not in ("agg", "as_of")}


def labels_of(table: pa.Table, prefix: str = "") -> list[Row | None]:
    """The labels of all rows, None where a row has none."""
    found = table.select([prefix + name for name in LABELS.names]).rename_columns(LABELS.names)
    assert found.schema == LABELS
    return [None if row["session_id"] is None else dict(row) for row in found.to_pylist()]


@contextmanager
def tiny_pieces(rows: int) -> Iterator[None]:
    """Let a log be read so many rows at a time, both times."""
    with tiny_chunks(rows), patch.object(whole, "TABLE_ROWS", rows):
        yield


@contextmanager
def no_room(parts: int = 3) -> Iterator[None]:
    """Let events, last sessions and labels go to disk at once."""
    with hardly_any_memory(parts), patch.object(labelled, "_ROOM", 10**9):
        yield
