"""The sessions of a store, one data file at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sessionize.store.snapshot import ledger_of
from sessionize.store.table import SessionsTable
from sessionize.written.layout import METADATA_KEY

_HIDDEN = "_state"


class StoredSessions:
    """A store as it was when it was opened: later updates change nothing here."""

    def __init__(self, path: Path) -> None:
        """Open the newest version, and read the definition that it keeps to.

        Raises:
            StoreError: Where the folder holds no store of ours.
        """
        self._table = SessionsTable.open(str(path))
        made = ledger_of(self._table).definition.as_dict()
        fields = [field for field in self._table.schema if field.name != _HIDDEN]
        self.schema = pa.schema(fields, {METADATA_KEY: json.dumps(made)})

    @property
    def rows(self) -> int:
        """How many rows there are, by the table's log."""
        return sum(file.rows for file in self._table.files())

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of the rows that fit `where`, by date."""
        for file in self._table.files():
            table = self._table.read([file], columns)
            yield from (table if where is None else table.filter(where)).to_batches()
