"""What became of the sessions between two versions of a store: what a table that follows it must do.

The two versions share most of their data files; only those that one of them lacks are read. Two
sessions that a late event has joined are one that changed (or, where the event came first, one that
was added) and one that was removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs

from sessionize.core.fragments import together
from sessionize.core.sessions import SessionTable, finish, in_closing_order, session_dates
from sessionize.errors import StoreError, StoreMismatchError
from sessionize.reading.folders import place_of
from sessionize.store.data_files import StoredFile
from sessionize.store.pairs import Pairs
from sessionize.store.rows import as_fragments
from sessionize.store.spans import Mask
from sessionize.store.table import SessionsTable
from sessionize.writing.atomic import DATE

CHANGE = "change"
KINDS = ("added", "changed", "removed")


@dataclass(frozen=True)
class Changes:
    """The sessions in which two versions of a store differ.

    Attributes:
        store: The store as named.
        since: The earlier version.
        version: The later one: ask for the changes since then the next time.
        sessions: Table of the sessions in closing order: `change` (`added`, `changed`, `removed`),
            the columns of the sessions table, and `session_date`. A changed session is as it is
            now, a removed one as it was.
    """

    store: str
    since: int
    version: int
    sessions: pa.Table

    def count(self, kind: str) -> int:
        """Count the sessions that were `added`, `changed` or `removed`."""
        return pc.sum(pc.equal(self.sessions[CHANGE], kind), min_count=0).as_py()

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as the object that `--json` prints."""
        counts = {kind: self.count(kind) for kind in KINDS}
        return {"store": self.store, "since": self.since, "version": self.version, **counts}


def changes(source: SessionsTable, table: SessionTable, since: int) -> Changes:
    """Find what has changed since a version.

    Args:
        source: The table at its newest version.
        table: What a session's row looks like.
        since: The earlier version.

    Raises:
        StoreMismatchError: For a version that the table never had, or that is not all there any more, and
            for a table with a column `change` of its own.
    """
    if CHANGE in table.schema.names:
        raise StoreMismatchError(f"{source.location}: its sessions have a column {CHANGE!r} of their own.")
    before = _earlier(source, since)
    gone, come = _unshared(before, source), _unshared(source, before)
    _check_are_there(source, since, gone)
    old, new = (as_fragments(source.read(files).combine_chunks(), table) for files in (gone, come))
    return Changes(source.location, since, source.version, _rows(old, new, table))


def _earlier(source: SessionsTable, since: int) -> SessionsTable:
    if not 0 <= since <= source.version:
        raise StoreMismatchError(
            f"{source.location}: no version {since}: it has 0 to {source.version}. "
            "If it was built anew, read the whole table."
        )
    try:
        return SessionsTable.open(source.location, since)
    except StoreError as error:
        raise _compacted(source, since) from error


def _unshared(one: SessionsTable, other: SessionsTable) -> list[StoredFile]:
    known = {file.path for file in other.files()}
    return [file for file in one.files() if file.path not in known]


def _check_are_there(source: SessionsTable, since: int, files: Sequence[StoredFile]) -> None:
    root = place_of(source.location)
    for file in files:
        if root.child(file.path).info().type == pafs.FileType.NotFound:
            raise _compacted(source, since)


def _compacted(source: SessionsTable, since: int) -> StoreMismatchError:
    return StoreMismatchError(
        f"{source.location}: version {since} is not all there any more: compact has removed files of it. "
        f"Read the whole table once, and go on with --since {source.version}."
    )


def _rows(old: pa.Table, new: pa.Table, table: SessionTable) -> pa.Table:
    """Put the sessions that differ together, each with what became of it."""
    pairs = Pairs.of(finish(old, table), finish(new, table), f"{table.rules.prefix}session_id")
    changed = np.zeros(len(new), bool)
    for differs in pairs.differing().values():
        changed[pairs.in_right[differs]] = True
    names = new.column_names
    parts = [
        _picked(new, pairs.only_right(), "added"),
        _picked(new, changed, "changed"),
        _picked(old.select(names), pairs.only_left(), "removed"),
    ]
    ordered = in_closing_order([together(parts)], table.rules)
    rows = finish(ordered, table)
    day = session_dates(rows, table.rules)
    return rows.add_column(0, CHANGE, ordered[CHANGE]).append_column(DATE, day)


def _picked(fragments: pa.Table, rows: Mask, kind: str) -> pa.Table:
    picked = fragments.filter(pa.array(rows))
    return picked.append_column(CHANGE, pa.repeat(pa.scalar(kind), len(picked)))
