"""What the files that stay in a store give to sessions that must be found again.

Under commutative rules that is what was kept of them. Under sequential rules it is their events, and
so the files are read once more: only those with events where they are wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from attrs import frozen

from sessionize.core.sessions import SessionTable
from sessionize.engine.pool import Pool
from sessionize.engine.waiting import Tables
from sessionize.errors import StoreMismatchError
from sessionize.reading.log import open_log
from sessionize.reading.sources import Source
from sessionize.reading.types import ColumnTypes
from sessionize.store.contribution import (
    events_within,
    lasting_schema,
    overlap,
    reaches,
    read_contribution,
    within,
)
from sessionize.store.definition import StoreDefinition
from sessionize.store.fingerprint import fingerprint, stamp_of
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.selection import reopen
from sessionize.store.widening import reading_as


class FileHasChangedError(Exception):
    """A file that must be read again is not what it was: it joins the update.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        """Name the file."""
        super().__init__(path)
        self.path = path


@frozen(kw_only=True)
class StayingFiles:
    """Files of a store that an update leaves in.

    Attributes:
        store: The store: a folder or a URI.
        definition: Its rules and reading options.
        files: Their entries.
        types: The type that each column of the rules is read as.
        table: What a session is, over these types.
        threads: How many pieces are read at once.
    """

    store: str
    definition: StoreDefinition
    files: Sequence[LedgerFile]
    types: ColumnTypes
    table: SessionTable
    threads: int

    def within(self, wanted: pa.Table) -> Tables:
        """Give what lies in spans: fragments under commutative rules, waiting events under sequential ones.

        Args:
            wanted: The spans.

        Raises:
            StoreMismatchError: For what was kept of a file and is missing or damaged.
            StoreMismatchError: For a file that must be read and is gone.
            FileHasChangedError: For a file that must be read and holds something else.
        """
        near = {entry.id: entry for entry in self.files if reaches(entry, wanted)}
        schema = lasting_schema(self.types, self.table)
        kept = {id_: read_contribution(self.store, id_, schema) for id_ in near}
        if not self.table.rules.is_sequential:
            return [within(part, wanted, self.table.rules) for part in kept.values()]
        needed = [near[id_] for id_, part in kept.items() if overlap(part, wanted, self.table.rules)]
        return self._events(needed, wanted)

    def _events(self, files: Sequence[LedgerFile], wanted: pa.Table) -> Tables:
        rules = self.definition.rules
        sources = [self._reopened(file) for file in files]
        log = open_log(sources, rules.columns, rules.by, self.definition.reading)
        with Pool(self.threads) as pool:
            return events_within(reading_as(log, self.types), wanted, self.table, pool)

    def _reopened(self, file: LedgerFile) -> Source:
        source = reopen(file, self.definition.reading)
        if source is None:
            raise StoreMismatchError(
                f"{file.path}: this update must read the file again, and it is gone. Bring it back, or take "
                f"its events out with --forget {file.path}."
            )
        is_unread = stamp_of(source) != file.stamp
        if is_unread and fingerprint(source, self.definition.columns).content != file.content:
            raise FileHasChangedError(file.path)
        return source
