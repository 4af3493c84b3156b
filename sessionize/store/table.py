"""One version of the Delta table that holds the sessions: what it contains, and how the next one is made.

A commit takes whole partitions away and puts new files in their place. It is built on the version
that this table was opened at, and on no other: where another writer has committed since, it fails
and has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import chain, islice

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from sessionize.core.columns import column
from sessionize.errors import OutputError, StoreBusyError, StoreError
from sessionize.reading.folders import place_of
from sessionize.store.data_files import StoredFile, data_files, read_file
from sessionize.store.delta import (
    commit,
    create_delta,
    open_delta,
    renew_delta,
    write_checkpoint,
)
from sessionize.store.delta_types import (
    stored_schema,
    to_stored,
)
from sessionize.store.history import LEDGER_MARK, Commit, history
from sessionize.store.layout import Layout
from sessionize.store.log import sync_entries
from sessionize.store.partitions import PartitionWriter
from sessionize.writing.atomic import DATE, explained

CHECKPOINT_EVERY = 50
"""Commits from one checkpoint to the next: opening reads the newest and the entries after it."""


class SessionsTable:
    """One version of a sessions table; `create` or `open` it.

    Attributes:
        location: The store's folder or URI, as given.
        schema: Columns and types of the sessions as we write them, `_state` last, without
            `session_date`; dictionaries are plain.
    """

    def __init__(self, location: str, delta: DeltaTable, layout: Layout | None = None) -> None:
        """Wrap an open Delta table.

        Args:
            location: The store's folder or URI.
            delta: The table.
            layout: What its columns are taken for; None for what they are.

        Raises:
            StoreMismatchError: For a table that sessionize did not make.
        """
        self.location, self._delta = location, delta
        self._stored = Layout.read(delta, location)
        self._layout = layout or self._stored
        self.schema = self._layout.schema

    @classmethod
    def create(
        cls,
        location: str,
        schema: pa.Schema,
        options: Mapping[str, str] | None = None,
        *,
        times: tuple[str, str] = ("start_time", "end_time"),
    ) -> SessionsTable:
        """Make an empty table at version 0.

        Args:
            location: Folder or URI. A folder must be absent, empty, or hold nothing but what a
                creation that was killed has left.
            schema: The sessions' columns in our types, `_state` last if there is one, without
                `session_date`.
            options: Further properties of the Delta table.
            times: The names of the columns of start and end: timestamp[us, UTC] without nulls.

        Returns:
            The table.

        Raises:
            ValueError: For a column of the partition's name.
            InputError: For a column type that Delta cannot hold.
            StoreBusyError: Where another process made a table there in this moment.
            StoreMismatchError: Where a table or something else is there already.
            OutputError: Where the folder cannot be written.
        """
        layout = Layout.of(schema, times)
        create_delta(location, layout.columns(), {**layout.properties(), **(options or {})})
        return cls.open(location, 0)

    def renewed(
        self, schema: pa.Schema, *, times: tuple[str, str] = ("start_time", "end_time")
    ) -> SessionsTable:
        """Give a table that has never had rows other columns.

        Args:
            schema: As of `create`.
            times: As of `create`.

        Returns:
            The new version of the table; this one stays as it is.

        Raises:
            ValueError: For a column of the partition's name, or a table that has a ledger.
            InputError: For a column type that Delta cannot hold.
            StoreBusyError: Where another writer has committed since this version.
            StoreError: Where the log cannot be written.
            OutputError: Where the operating system says why.
        """
        if self.ledger is not None:
            raise ValueError(f"{self.location}: has sessions, and its columns stay what they are.")
        layout = Layout.of(schema, times)
        version = renew_delta(self._delta, self.location, layout.columns(), layout.properties())
        return SessionsTable.open(self.location, version)

    def widened(self, schema: pa.Schema) -> SessionsTable:
        """Return this version as if its columns had other types, which hold all that is in them.

        What is read comes in these types, and `replace` gives them to the table.

        Args:
            schema: The columns of this table, each of its type or a wider one, `session_date` not
                among them.
        """
        return SessionsTable(self.location, self._delta, Layout.of(schema, self._layout.times))

    @classmethod
    def open(cls, location: str, version: int | None = None) -> SessionsTable:
        """Open a table, after mending what a power loss may have torn.

        Args:
            location: Folder or URI.
            version: Which version, or None for the newest.

        Returns:
            The table, as it was at that version.

        Raises:
            StoreError: For an object store that does not answer.
            StoreMismatchError: Where there is no table, or no such version; for a table that is not ours,
                whose log is damaged, or that another program has given features that change what its
                files mean.
            StoreBusyError: Where something must be mended, and another process holds the store.
        """
        return cls(location, open_delta(location, version))

    @property
    def version(self) -> int:
        """The version of this table, from 0."""
        return self._delta.version()

    @property
    def ledger(self) -> int | None:
        """The version of the ledger that this version belongs to; None before the first update."""
        return self._delta.transaction_version(LEDGER_MARK)

    def files(self) -> list[StoredFile]:
        """Return the data files, sorted by date, within a date as their rows stand."""
        return list(self._files)

    def commits(self, limit: int | None = None) -> list[Commit]:
        """Return the newest commits up to this version, newest first.

        Args:
            limit: How many at most, or None for all that the log still has.
        """
        return list(islice(history(self.location, self.version), limit))

    def read(self, files: Sequence[StoredFile], columns: Sequence[str] | None = None) -> pa.Table:
        """Read sessions.

        Args:
            files: Of `files()`.
            columns: Which columns in which order, `session_date` among them if wanted; None for
                those of `schema`.

        Returns:
            Table in our types: rows in the order of `files`, within a file as they were written.

        Raises:
            KeyError: For a column that the table does not have.
            StoreMismatchError: Where a file is gone or damaged.
        """
        wanted = self.schema.names if columns is None else list(columns)
        fields = [pa.field(DATE, pa.date32()) if name == DATE else self.schema.field(name) for name in wanted]
        schema = pa.schema(fields)
        if not files:
            return pa.Table.from_batches([], schema)
        return pa.concat_tables([read_file(self.location, file, schema) for file in files])

    def rewritten(self, dates: Sequence[date]) -> list[date]:
        """Return the partitions that are written where some are replaced: all, where types are wider now."""
        others = (file.session_date for file in self._files if self._is_widened)
        return sorted({*dates, *others})

    def replace(
        self,
        dates: Sequence[date],
        rows: pa.Table | Iterable[pa.Table],
        *,
        ledger: int,
        note: Mapping[str, str] | None = None,
    ) -> SessionsTable:
        """Give whole partitions other rows, in one commit, which is on disk when this returns.

        Args:
            dates: The partitions; with none only the ledger moves.
            rows: All their rows: one table, or tables of any sizes that follow each other, each
                with the columns of `schema` and `session_date` (date32, without nulls). Rows keep
                their order within a date; a date without rows is empty then.
            ledger: The version of the ledger that the new table belongs to.
            note: What to write into the log beside the commit.

        Returns:
            The new version of the table; this one stays as it is.

        Raises:
            ValueError: For rows of a date that is not replaced.
            StoreBusyError: Where another writer has committed since this version.
            OutputError: Where a file cannot be written.
        """
        root = place_of(self.location)
        writer = PartitionWriter(root, stored_schema(self.schema), self._layout.times)
        tables = _checked([rows] if isinstance(rows, pa.Table) else rows, set(dates))
        if self._is_widened:
            actions = self._write(writer, chain(tables, self._read_others(set(dates))))
            columns = self._layout.columns()
        else:
            actions = [*self._removals(set(dates)), *self._write(writer, tables)]
            columns = None
        try:
            version = commit(self._delta, self.location, actions, columns, ledger=ledger, note=note or {})
        except (StoreError, OutputError) as error:
            # Without a clear answer of an object store the commit may still come to light.
            if root.is_local or isinstance(error, StoreBusyError):
                writer.discard()
            raise
        with explained(self.location):
            sync_entries(self.location, [version])
        table = SessionsTable.open(self.location, version)
        if version % CHECKPOINT_EVERY == 0:
            # The commit stands without it, and the next one is not far.
            with suppress(StoreError, OutputError):
                table.checkpoint()
        return table

    def checkpoint(self) -> None:
        """Write this version into one file, from which later ones are opened fast.

        Raises:
            StoreError: Where that fails; the table is what it was.
        """
        write_checkpoint(self._delta, self.location)

    @cached_property
    def _files(self) -> list[StoredFile]:
        return data_files(self._delta, self._stored.times)

    @property
    def _is_widened(self) -> bool:
        return self._layout != self._stored

    def _read_others(self, dates: set[date]) -> Iterator[pa.Table]:
        """Read the partitions that are not replaced, as `replace` takes rows."""
        for file in self._files:
            if file.session_date not in dates:
                yield self.read([file], [*self.schema.names, DATE])

    def _write(self, writer: PartitionWriter, tables: Iterable[pa.Table]) -> list[AddAction | RemoveAction]:
        try:
            with explained(self.location):
                for table in tables:
                    writer.write(to_stored(table, self.schema), column(table, DATE))
                return list(writer.finish())
        except BaseException:
            writer.discard()
            raise

    def _removals(self, dates: set[date]) -> Iterator[RemoveAction]:
        now = int(datetime.now(UTC).timestamp() * 1000)
        for file in self._files:
            if file.session_date in dates:
                partition: dict[str, str | None] = {DATE: file.session_date.isoformat()}
                yield RemoveAction(file.path, True, now, file.size_bytes, partition)


def _checked(tables: Iterable[pa.Table], dates: set[date]) -> Iterator[pa.Table]:
    """Pass tables on whose rows are of some dates only."""
    for table in tables:
        if unknown := set(pc.unique(column(table, DATE)).to_pylist()) - dates:
            named = ", ".join(sorted(str(day) for day in unknown))
            raise ValueError(
                f"rows of {named}, which would stand beside the rows that are there. Replace it too."
            )
        yield table
