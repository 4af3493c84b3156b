"""A store at one moment: a version of its table, and the ledger that this version names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
from attrs import evolve, frozen

from sessionize.definition import define
from sessionize.errors import StoreBusyError, StoreError, StoreMismatchError
from sessionize.reading.folders import place_of
from sessionize.rules import SessionRules
from sessionize.store.definition import StoreDefinition
from sessionize.store.ledger import Ledger
from sessionize.store.log import LOG, repair
from sessionize.store.table import SessionsTable

_VERSION = re.compile(r"\d{20}\.(json|checkpoint\.parquet)")


@frozen
class Snapshot:
    """A store at one moment.

    Attributes:
        location: The store: a folder or a URI.
        sessions: Its table; None where there is none yet.
        ledger: Its ledger, by the installed time zone database; an empty one before the first update.
    """

    location: str
    sessions: SessionsTable | None
    ledger: Ledger

    @classmethod
    def open(cls, location: str, given: Mapping[str, Any]) -> Snapshot:
        """Open the newest version of a store, or begin one.

        Args:
            location: The store: a folder or a URI.
            given: Keywords of `sessionize.definition.Definition`, only those that were given.

        Raises:
            StoreError: For an object store that does not answer.
            StoreMismatchError: For options that are not the store's, or a store that is damaged.
            ValueError: For options that contradict each other.
        """
        sessions = SessionsTable.open(location) if is_store(location) else None
        if sessions is None or sessions.ledger is None:
            return cls(location, sessions, Ledger.empty(StoreDefinition.of(*define(None, None, given))))
        ledger = ledger_of(sessions)
        ledger.definition.check(given, location)
        definition = ledger.definition.at_present(ledger.first_us, ledger.last_us, location)
        return cls(location, sessions, evolve(ledger, definition=definition))

    def widened(self, columns: pa.Schema) -> Snapshot:
        """Take the table's columns for wider ones; a table that no update has ended on has none yet.

        Args:
            columns: Those that the table is to have, see `SessionsTable.widened`.
        """
        if self.sessions is None or self.sessions.ledger is None:
            return self
        return evolve(self, sessions=self.sessions.widened(columns))

    def rewritten(self, dates: Sequence[date]) -> Sequence[date]:
        """Return the partitions that are written where some are replaced, see `SessionsTable.rewritten`."""
        return dates if self.sessions is None else self.sessions.rewritten(dates)

    def made(self, columns: pa.Schema, rules: SessionRules) -> SessionsTable:
        """Return the table; make it, without sessions, where no update has ended on one.

        Args:
            columns: See `SessionsTable.create`.
            rules: What a session is.

        Raises:
            InputError: For a column type that Delta cannot hold.
            StoreBusyError: Where another process came first.
            StoreMismatchError: Where the folder is in use.
            OutputError: Where it cannot be written.
        """
        times = (f"{rules.prefix}start_time", f"{rules.prefix}end_time")
        if self.sessions is None:
            return _created(self.location, columns, times)
        if self.sessions.ledger is None:
            return self.sessions.renewed(columns, times=times)
        return self.sessions


def is_store(location: str) -> bool:
    """Say whether there is a table, whatever it holds; what a creation that was killed has left is none."""
    repair(location)
    log = place_of(location).child(LOG)
    infos = log.filesystem.get_file_info(pafs.FileSelector(log.path, allow_not_found=True))
    return any(_VERSION.fullmatch(info.base_name) for info in infos)


def ledger_of(sessions: SessionsTable) -> Ledger:
    """Return the ledger that a version of the table names.

    Raises:
        StoreMismatchError: For a table that no update has ended on, and for a ledger that is missing or
            damaged.
    """
    if sessions.ledger is None:
        raise StoreMismatchError(f"{sessions.location}: its first update did not end. Run it again.")
    return Ledger.read(sessions.location, sessions.ledger)


def _created(location: str, schema: pa.Schema, times: tuple[str, str]) -> SessionsTable:
    try:
        return SessionsTable.create(location, schema, times=times)
    except StoreError as error:
        # Where stores have no lock, another first update may have come in between.
        if is_store(location):
            raise StoreBusyError(f"{location}: another process has made it meanwhile. Run again.") from error
        raise
