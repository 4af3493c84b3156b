"""What a store can be asked: nothing here writes to it, or locks it.

What only one method needs is imported in it, as in `SessionStore`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from sessionize.core.sessions import SessionTable, finish, in_closing_order
from sessionize.engine.resources import Resources
from sessionize.progress import Progress
from sessionize.store.ledger import Ledger
from sessionize.store.rejected import read_rejected
from sessionize.store.rows import as_fragments
from sessionize.store.snapshot import ledger_of
from sessionize.store.table import SessionsTable
from sessionize.store.widening import as_read

if TYPE_CHECKING:
    from sessionize.store.changes import Changes
    from sessionize.store.status import StoreStatus
    from sessionize.store.verify import Verification


class StoredSessions:
    """A store, to be looked at; each method opens its newest version.

    Attributes:
        location: The folder or URI.
    """

    def __init__(self, location: str | Path) -> None:
        """Name a store; it need not be there yet."""
        self.location = str(location)

    def sessions(self) -> pa.Table:
        """Return the whole table as `sessionize.run` would write it: columns, types, order.

        Raises:
            StoreMismatchError: Where there is no store.
        """
        source, _, table = self._opened()
        stored = as_fragments(source.read(source.files()).combine_chunks(), table)
        return finish(in_closing_order([stored], table.rules), table)

    def rejected(self) -> pa.Table:
        """Return the rejected rows of every file that the store contains.

        Returns:
            Table of `file` (its path in the ledger), `record` (from 1), `reason` and `raw`.

        Raises:
            StoreMismatchError: Where there is no store.
        """
        _, ledger, _ = self._opened()
        return read_rejected(self.location, ledger)

    def status(self, *, as_of: str | date | None = None) -> StoreStatus:
        """Say what the store contains, up to when, and what is still open.

        Args:
            as_of: The watermark that says which sessions are open; the latest event unless given.

        Raises:
            StoreMismatchError: Where there is no store.
            ValueError: For a time that is none.
        """
        from sessionize.store.status import status

        source, ledger, table = self._opened()
        as_of_us = ledger.definition.reading.instant_us(as_of)
        return status(source, ledger, table, as_of_us=as_of_us, now=datetime.now(UTC))

    def verify(
        self,
        *,
        sample: str | None = None,
        threads: int | None = None,
        memory_limit: str | int | None = None,
        temp_dir: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Verification:
        """Compare the table, row by row, with what one run over the files in the ledger gives.

        Nothing is written, and nothing locked.

        Args:
            sample: The share of the identities that is looked at, such as `1%`; all unless given.
            threads: Worker threads; one for each core unless given.
            memory_limit: What reading the files aims to stay below, as for `sessionize.run`.
            temp_dir: Where fragments that do not fit into memory wait.
            progress: Is called with the rows that were read since its last call.

        Returns:
            The sessions that differ, and the files that are gone or have changed.

        Raises:
            StoreMismatchError: Where there is no store, or a part of it is missing.
            InputError: For a file that cannot be read.
            ValueError: For an option outside its domain.
        """
        from sessionize.store.sample import Sample
        from sessionize.store.verify import verify

        chosen = Sample.parse(sample)
        resources = Resources(threads, memory_limit, temp_dir)
        source, ledger, table = self._opened()
        return verify(source, ledger, table, sample=chosen, resources=resources, progress=progress)

    def changes(self, since: int) -> Changes:
        """Return the sessions that were added, changed or removed since a version of the table.

        Args:
            since: The version, as `update` and `changes` say it; 0 is the empty table.

        Raises:
            StoreMismatchError: For a version that the table never had, or that `compact` has removed.
            StoreMismatchError: Where there is no store.
        """
        from sessionize.store.changes import changes

        source, _, table = self._opened()
        return changes(source, table, since)

    def _opened(self) -> tuple[SessionsTable, Ledger, SessionTable]:
        source = SessionsTable.open(self.location)
        ledger = ledger_of(source)
        return source, ledger, SessionTable.of(ledger.definition.rules, as_read(ledger.types or {}))
