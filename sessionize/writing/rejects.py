"""Rejected rows, kept beside the output as JSON lines."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from sessionize.writing.atomic import explained
from sessionize.writing.output import open_output
from sessionize.writing.target import Target


def write_rejected(path: str | Path, rejected: pa.Table) -> None:
    """Keep the rejected rows of a run, or remove those of an earlier one where there are none now.

    Args:
        path: The file, JSON lines whatever its name: `{"file", "record", "reason", "raw"}`.
        rejected: Table of schema `REJECTED`, in input order.

    Raises:
        OutputError: When the file cannot be written or removed.
    """
    path = Path(path)
    if len(rejected):
        with open_output(Target(str(path), path, "jsonl"), rejected.schema, metadata={}) as writer:
            writer.write(rejected)
    elif path.is_file():
        with explained(str(path)):
            path.unlink()
