"""Telling our own outputs apart from logs, so that a run never eats what an earlier one wrote."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.ipc

from sessionize.reading.streams import BOM

if TYPE_CHECKING:
    from sessionize.reading.sources import Source

MARKER = "_sessionize.json"
METADATA_KEY = b"sessionize"
REJECTS_SUFFIX = ".rejected.jsonl"
COLUMNS = frozenset(
    {"session_id", "start_time", "end_time", "duration_seconds", "event_count", "start_reason"}
)
LABELS = frozenset({"session_id", "session_number", "event_index", "gap_seconds", "start_reason"})

_HEAD_BYTES = 16_384


def made_by_sessionize(source: Source) -> bool:
    """Say whether we wrote a file: by its schema's metadata, or by the names in its first line."""
    try:
        if source.format == "parquet":
            return METADATA_KEY in (source.footer.metadata or {})
        if source.format == "arrow":
            with source.open_file() as file:
                return METADATA_KEY in (open_ipc(file).schema.metadata or {})
        return names_are_ours(_first_names(source))
    except (pa.ArrowException, OSError, ValueError, csv.Error):
        return False  # whatever is wrong with the file, its reader says it better


def names_are_ours(names: list[str]) -> bool:
    """Say whether all columns of ours are there, each after the same prefix (which may be empty).

    Those of a sessions table are, or those that labels add to a log.

    Example:
        >>> names_are_ours(["user_id", *("my_" + name for name in COLUMNS)])
        True
        >>> names_are_ours(["session_id", "user_id", "start_time"])
        False
    """
    prefixes = (name.removesuffix("session_id") for name in names if name.endswith("session_id"))
    return any(
        {prefix + name for name in ours} <= set(names) for prefix in prefixes for ours in (COLUMNS, LABELS)
    )


def open_ipc(file: pa.NativeFile) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    """Open an Arrow IPC file or stream, whichever it is."""
    magic = file.read(6)
    file.seek(0)
    return pa.ipc.open_file(file) if magic == b"ARROW1" else pa.ipc.open_stream(file)


def _first_names(source: Source) -> list[str]:
    line = source.peek(_HEAD_BYTES).removeprefix(BOM).split(b"\n", 1)[0].decode()
    if source.format == "jsonl":
        first = json.loads(line)
        return list(first) if isinstance(first, dict) else []
    return next(csv.reader([line], delimiter=source.delimiter), [])
