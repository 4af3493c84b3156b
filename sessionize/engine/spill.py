"""What waits, on disk, for logs of which more waits than memory holds.

It is divided twice. As it comes, by a hash of the identity: what can ever be joined lies in one
part, so that the parts can be joined one by one. Then the joined fragments by ranges of their end,
so that the parts can be passed on in closing order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.division import IDENTITY_PARTS, MOST_PARTS, divide, end_bounds, end_part, identity_part
from sessionize.core.fragments import without_dictionaries
from sessionize.engine.pool import Pool
from sessionize.errors import OutputError
from sessionize.rules import SessionRules


class Spill:
    """Takes tables in, keeps them in a temporary folder, and gives the sessions back that they join to."""

    def __init__(
        self,
        rules: SessionRules,
        join: Callable[[Mapping[str, list[pa.Table]]], pa.Table],
        *,
        part_bytes: int,
        folder: str | Path | None,
    ) -> None:
        """Make the temporary folder.

        Args:
            rules: What separates events.
            join: Makes fragments of all tables, by kind, of some identities.
            part_bytes: About how much is given back at a time.
            folder: Where to put the temporary folder; None for the system's place.

        Raises:
            OutputError: Where there is no such folder.
        """
        self._rules, self._join, self._part_bytes = rules, join, part_bytes
        with explained(folder):
            self._folder = tempfile.TemporaryDirectory(prefix="sessionize-", dir=folder)
        self._parts: dict[str, PartedFiles] = {}
        self._bytes = 0

    def add(self, waiting: Mapping[str, Sequence[pa.Table]]) -> None:
        """Write tables to disk.

        Args:
            waiting: Tables by kind; those of one kind have the same columns, the identity among them.

        Raises:
            OutputError: Where they find no room.
        """
        for kind, tables in waiting.items():
            files = self._parts.setdefault(kind, PartedFiles(Path(self._folder.name), kind, IDENTITY_PARTS))
            for table in tables:
                plain = without_dictionaries(table)
                self._bytes += plain.nbytes
                with explained(self._folder.name):
                    files.write(plain, identity_part(plain, self._rules))

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def by_identity(self) -> Iterator[dict[str, list[pa.Table]]]:
        """Give the tables back by kind, those of some identities at a time, and remove the folder."""
        with self._folder, explained(self._folder.name):
            yield from self._by_identity()

    def closed(self, pool: Pool) -> Iterator[list[pa.Table]]:
        """Give all sessions, as fragments, and remove the folder; joined in the pool.

        Yields:
            Lists of tables. All ends in one list are later than those before it.
        """
        with self._folder, explained(self._folder.name):
            by_end: PartedFiles | None = None
            for merged in pool.map(self._joined, self._by_identity()):
                if by_end is None:  # one part tells for all, by chance
                    stretches = min(self._bytes // self._part_bytes + 1, MOST_PARTS // 2)
                    bounds_us = end_bounds(column(merged, "end_us").to_numpy(), stretches)
                    by_end = PartedFiles(Path(self._folder.name), "end", len(bounds_us) + 1)
                by_end.write(merged, end_part(merged, bounds_us))
            if by_end is not None:
                yield from map(by_end.read, range(by_end.parts))

    def _joined(self, tables: Mapping[str, list[pa.Table]]) -> pa.Table:
        return without_dictionaries(self._join(tables))

    def _by_identity(self) -> Iterator[dict[str, list[pa.Table]]]:
        for part in range(IDENTITY_PARTS):
            tables = {kind: files.read(part) for kind, files in self._parts.items()}
            if any(tables.values()):
                yield tables


class PartedFiles:
    """Tables whose rows belong to numbered parts, written so that a part can be read alone.

    Each table is one Arrow file with one record batch for each part.
    """

    def __init__(self, folder: Path, name: str, parts: int) -> None:
        """Have no file yet; their names begin with `name`."""
        self.parts = parts
        self._folder, self._name = folder, name
        self._files: list[Path] = []

    def write(self, table: pa.Table, part: NDArray[np.integer[Any]]) -> None:
        """Write a table; `part` (integers, shape (n,), below `parts`) says where each row belongs."""
        path = self._folder / f"{self._name}-{len(self._files)}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            for rows in divide(table, part, self.parts):
                writer.write_batch(_batch(rows))
        self._files.append(path)

    def read(self, part: int) -> list[pa.Table]:
        """Return the rows of one part, as tables that stand on disk until they are touched."""
        tables = []
        for path in self._files:
            with pa.memory_map(str(path)) as source:
                tables.append(pa.Table.from_batches([pa.ipc.open_file(source).get_batch(part)]))
        return [table for table in tables if len(table)]


@contextmanager
def explained(folder: str | Path | None) -> Iterator[None]:
    """Turn what the operating system says about the temporary folder into one clear line."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{folder or tempfile.gettempdir()}: no room for temporary files: {error.strerror or error}. "
            "Name another folder with --temp-dir, or allow more memory with --memory-limit."
        ) from error


def _batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.to_batches()
    return (
        batches[0]
        if batches
        else pa.RecordBatch.from_arrays(
            [pa.nulls(0, field.type) for field in table.schema], schema=table.schema
        )
    )
