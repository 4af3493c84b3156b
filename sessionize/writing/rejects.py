"""Rejected rows, kept beside the output as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa

from sessionize.events import REJECTED
from sessionize.writing.atomic import explained, replaced_file
from sessionize.writing.jsonl import JsonLinesEncoder


@contextmanager
def keeping_rejected(path: str | Path | None) -> Iterator[Callable[[pa.Table], None]]:
    """Keep a run's rejected rows, in the place of those of an earlier run, once its table stands.

    Enter it around the output: what is inside is renamed first, so that a table that cannot be
    written leaves the rejected rows of the old one where they are.

    Args:
        path: The file, JSON lines whatever its name: `{"file", "record", "reason", "raw"}`; None
            keeps nothing.

    Yields:
        The function to give the rejected rows to: a table of schema `REJECTED`, in input order.
        Where it gets none, or is not called, a file of an earlier run is removed; any other file
        that has that name stays.

    Raises:
        OutputError: When the file cannot be written or removed.
    """
    kept = False
    with ExitStack() as stack:

        def keep(rejected: pa.Table) -> None:
            nonlocal kept
            if path is None or not len(rejected):
                return
            kept = True
            with explained(str(path)):
                file = stack.enter_context(replaced_file(Path(path)))
                JsonLinesEncoder(file, rejected.schema).encode(rejected)
                file.flush()

        yield keep
    if path is not None and not kept and _holds_rejected_rows(Path(path)):
        with explained(str(path)):
            Path(path).unlink()


def _holds_rejected_rows(path: Path) -> bool:
    """Say whether a file is one of ours, which the first row tells."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            row = json.loads(file.readline())
        except ValueError:
            return False
    return isinstance(row, dict) and list(row) == REJECTED.names
