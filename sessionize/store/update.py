"""One update on one screen: look at the files, find what changes, write it in one commit.

Everything before the commit leaves the old table as it is: contributions and the ledger are written
under names that nothing refers to yet.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from attrs import evolve, frozen

from sessionize.core.sessions import SessionTable
from sessionize.definition import define
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.engine.waiting import Tables
from sessionize.errors import StoreBusyError, StoreError
from sessionize.in_words import named_by
from sessionize.job import provenance
from sessionize.reading.folders import Place, place_of
from sessionize.reading.log import open_log
from sessionize.reading.sources import Source, find_sources
from sessionize.reading.types import ColumnTypes
from sessionize.rejects import RejectLimit
from sessionize.store.contribution import (
    Contribution,
    contributions,
    events_within,
    of_types,
    overlap,
    reaches,
    read_contribution,
    within,
    write_contribution,
)
from sessionize.store.definition import StoreDefinition
from sessionize.store.difference import Counts
from sessionize.store.fingerprint import canonical_path, check_unchanged, fingerprint, stamp_of
from sessionize.store.ledger import Ledger, LedgerFile
from sessionize.store.log import LOG, repair
from sessionize.store.partitions import DATE
from sessionize.store.rebuild import Rebuilt, rebuild
from sessionize.store.rejected import write_rejected
from sessionize.store.selection import Arrival, Comparison, compare, entries_named, reopen
from sessionize.store.summary import UpdateSummary
from sessionize.store.table import SessionsTable

_RACES = 5
"""So often an update begins again because another writer came first, where a store has no lock."""

_VERSION = re.compile(r"\d{20}\.(json|checkpoint\.parquet)")

Notify = Callable[[str], None]


@frozen(kw_only=True)
class Request:
    """What an update is asked to do.

    Attributes:
        location: The store: a folder or a URI.
        inputs: Files, folders, globs, URIs.
        sources: Files that have been found already.
        given: Keywords of `sessionize.definition.Definition`, only those that were given.
        forget: Files to take out, by path.
        limit: How many rows may be rejected.
        allow_same_content: Whether a copy of a file is taken in beside it.
        trust_stamps: Whether size and modification time vouch for a file that the store contains.
        allow_empty: Whether 0-byte files and folders without files are logs without rows.
        is_dry_run: Whether nothing is written.
        resources: Threads.
        notify: Is told what was left out of the input.
        progress: Is called with the rows that were read since its last call.
    """

    location: str
    inputs: Sequence[str | Path] = ()
    sources: Sequence[Source] = ()
    given: Mapping[str, Any]
    forget: Sequence[str] = ()
    limit: RejectLimit
    allow_same_content: bool = False
    trust_stamps: bool = True
    allow_empty: bool = False
    is_dry_run: bool = False
    resources: Resources
    notify: Notify
    progress: Callable[[int], None] | None = None


class _FileHasChangedError(Exception):
    """A file that the update needs to read again is not what it was: it joins the update."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def update(request: Request) -> UpdateSummary:
    """Bring a store up to date; the caller holds its lock.

    Raises:
        InputError: For input that cannot be used.
        StoreError: For a store that cannot be used, or a file of it that is needed and missing.
        StoreMismatchError: For options, or column types, that are not the store's.
        StoreBusyError: Where other writers came first again and again.
        OutputError: Where the store cannot be written.
    """
    inputs, races = list(request.inputs), 0
    while True:
        try:
            return _Attempt(request, inputs).run()
        except _FileHasChangedError as changed:
            inputs.append(changed.path)
        except StoreBusyError:
            races += 1
            if races == _RACES:
                raise


class _Attempt:
    """One attempt on one version of the store."""

    def __init__(self, request: Request, inputs: Sequence[str | Path]) -> None:
        self._started = time.perf_counter()
        self._request, self._inputs = request, inputs
        self._source, self._ledger = opened(request.location, request.given)
        self._rules, self._reading = self._ledger.definition.rules, self._ledger.definition.reading

    def run(self) -> UpdateSummary:
        sources, emptied = self._sources()
        forgotten = entries_named(self._ledger, [*self._request.forget, *emptied], self._request.location)
        found = self._compare(sources, {entry.path for entry in forgotten})
        taken_out = [*(each.before for each in found.changed), *found.displaced, *forgotten]
        arrivals = [*found.new, *(each.after for each in found.changed)]
        types, table, brought, outcome = self._read(arrivals)
        ids = self._ledger.new_ids([arrival.fingerprint for arrival in arrivals])
        entries = [
            _entry(id_, arrival, each) for id_, arrival, each in zip(ids, arrivals, brought, strict=True)
        ]
        moves = [*found.moved, *found.touched]
        ledger = self._ledger.next(
            removed=[*taken_out, *(each.before for each in moves)],
            added=[*(each.entry() for each in moves), *entries],
            types=types,
        )
        summary = self._summary(found, forgotten, outcome, ledger)
        if summary.changed_nothing:
            return summary
        stays = [entry for entry in ledger.files.values() if entry.id not in ids]
        rebuilt = self._rebuild(brought, taken_out, stays, types, table)
        summary = evolve(summary, sessions=rebuilt.counts, partitions=rebuilt.dates)
        if not self._request.is_dry_run:
            self._keep(entries, arrivals, brought, outcome.rejected())
            version = self._commit(rebuilt, ledger, table, summary)
            summary = evolve(summary, table_version=version)
        return evolve(summary, seconds=time.perf_counter() - self._started)

    def _compare(self, sources: Sequence[Source], forgotten: Collection[str]) -> Comparison:
        """Hold the inputs against the ledger as if it had never known the paths that are forgotten."""
        files = {path: entry for path, entry in self._ledger.files.items() if path not in forgotten}
        return compare(
            evolve(self._ledger, files=files),
            [source for source in sources if canonical_path(source.place) not in forgotten],
            allow_same_content=self._request.allow_same_content,
            trust_stamps=self._request.trust_stamps,
            threads=self._request.resources.threads,
        )

    def _sources(self) -> tuple[list[Source], list[str]]:
        """Find the files of the inputs, and those of the ledger that have 0 bytes now."""
        request, empty = self._request, list[Place]()
        if not self._inputs and (request.forget or request.sources):
            return list(request.sources), []
        found = find_sources(
            self._inputs,
            self._reading,
            own=[request.location],
            notify=request.notify,
            allow_empty=request.allow_empty,
            empty=empty.append,
        )
        emptied = [path for path in map(canonical_path, empty) if path in self._ledger.files]
        return [*request.sources, *found], emptied

    def _read(
        self, arrivals: Sequence[Arrival]
    ) -> tuple[ColumnTypes, SessionTable, list[Contribution], Outcome]:
        """Read the files that come in, and refuse them where too much is rejected."""
        rules, request = self._rules, self._request
        log = open_log(
            [arrival.source for arrival in arrivals], rules.columns, rules.by, self._reading, named_by(rules)
        )
        log = of_types(log, self._ledger.types, request.location)
        table = SessionTable.of(rules, log.types)
        with Pool(request.resources.threads) as pool:
            brought, outcome = contributions(log, len(arrivals), table, pool, request.progress)
        for arrival in arrivals:
            check_unchanged(arrival.source, arrival.fingerprint.stamp)
        request.limit.check(outcome.tally, outcome.rejected())
        return log.types, table, brought, outcome

    def _rebuild(
        self,
        brought: Sequence[Contribution],
        taken_out: Sequence[LedgerFile],
        stays: Sequence[LedgerFile],
        types: ColumnTypes,
        table: SessionTable,
    ) -> Rebuilt:
        location = self._request.location

        def fetch(wanted: pa.Table) -> Tables:
            near = {entry.path: entry for entry in stays if reaches(entry, wanted)}
            known = {path: read_contribution(location, entry.id) for path, entry in near.items()}
            if not table.rules.is_sequential:
                return [within(part, wanted, table.rules) for part in known.values()]
            needed = [near[path] for path, part in known.items() if overlap(part, wanted, table.rules)]
            return self._events_of(needed, wanted, types, table)

        return rebuild(
            self._source,
            [each.brings for each in brought],
            [read_contribution(location, entry.id) for entry in taken_out],
            fetch,
            table,
            types,
        )

    def _events_of(
        self, files: Sequence[LedgerFile], wanted: pa.Table, types: ColumnTypes, table: SessionTable
    ) -> Tables:
        """Read files of the ledger again."""
        rules = self._rules
        sources = [self._reopened(file) for file in files]
        log = of_types(
            open_log(sources, rules.columns, rules.by, self._reading), types, self._request.location
        )
        with Pool(self._request.resources.threads) as pool:
            return events_within(log, wanted, table, pool)

    def _reopened(self, file: LedgerFile) -> Source:
        source = reopen(file, self._reading)
        if source is None:
            raise StoreError(
                f"{file.path}: this update must read the file again, and it is gone. Bring it back, or take "
                f"its events out with --forget {file.path}."
            )
        if stamp_of(source) != file.stamp:
            columns = self._ledger.definition.columns
            if fingerprint(source, columns).content != file.content:
                raise _FileHasChangedError(file.path)
        return source

    def _keep(
        self,
        entries: Sequence[LedgerFile],
        arrivals: Sequence[Arrival],
        brought: Sequence[Contribution],
        rejected: pa.Table,
    ) -> None:
        """Write what the commit will refer to."""
        for entry, arrival, contribution in zip(entries, arrivals, brought, strict=True):
            write_contribution(self._request.location, entry.id, contribution)
            if entry.tally.rejected:
                of_file = rejected.filter(pc.equal(rejected["file"], arrival.source.name))
                write_rejected(self._request.location, entry.id, of_file)

    def _commit(self, rebuilt: Rebuilt, ledger: Ledger, table: SessionTable, summary: UpdateSummary) -> int:
        location = self._request.location
        source = _with_columns(self._source, location, rebuilt.rows.schema, table)
        ledger.write(location)
        done = evolve(summary, table_version=source.version + 1, seconds=time.perf_counter() - self._started)
        note = {"summary": json.dumps(done.as_dict(), ensure_ascii=False), **provenance(table.rules)}
        return source.replace(
            rebuilt.dates, [rebuilt.rows] if len(rebuilt.rows) else [], ledger=ledger.version, note=note
        ).version

    def _summary(
        self, found: Comparison, forgotten: Sequence[LedgerFile], outcome: Outcome, ledger: Ledger
    ) -> UpdateSummary:
        return UpdateSummary(
            store=self._request.location,
            rules=self._rules,
            table_version=None if self._source is None else self._source.version,
            new=[each.source.name for each in found.new],
            changed=[each.after.source.name for each in found.changed],
            moved=[each.after.source.name for each in found.moved],
            same=len(found.same),
            forgotten=[each.path for each in (*found.displaced, *forgotten)],
            tally=outcome.tally,
            sessions=Counts(),
            watermark_us=ledger.last_us,
            rejected=outcome.rejected(),
            seconds=time.perf_counter() - self._started,
            is_dry_run=self._request.is_dry_run,
        )


def is_store(location: str) -> bool:
    """Say whether there is a table, whatever it holds; what a creation that was killed has left is none."""
    repair(location)
    log = place_of(location).child(LOG)
    infos = log.filesystem.get_file_info(pafs.FileSelector(log.path, allow_not_found=True))
    return any(_VERSION.fullmatch(info.base_name) for info in infos)


def ledger_of(source: SessionsTable) -> Ledger:
    """Return the ledger that a version of the table names.

    Raises:
        StoreError: For a table that no update has ended on.
        StoreMismatchError: For a ledger that is missing or damaged.
    """
    if source.ledger is None:
        raise StoreError(f"{source.location}: its first update did not end. Run it again.")
    return Ledger.read(source.location, source.ledger)


def _with_columns(
    source: SessionsTable | None, location: str, rows: pa.Schema, table: SessionTable
) -> SessionsTable:
    """Make the table, without sessions, unless there is one that an update has ended on."""
    prefix = table.rules.prefix
    times = (f"{prefix}start_time", f"{prefix}end_time")
    schema = pa.schema([field for field in rows if field.name != DATE])
    if source is None:
        return _created(location, schema, times)
    return source if source.ledger is not None else source.renewed(schema, times=times)


def _created(location: str, schema: pa.Schema, times: tuple[str, str]) -> SessionsTable:
    try:
        return SessionsTable.create(location, schema, times=times)
    except StoreError as error:
        # Where stores have no lock, another first update may have come in between.
        if is_store(location):
            raise StoreBusyError(f"{location}: another process has made it meanwhile. Run again.") from error
        raise


def opened(location: str, given: Mapping[str, Any]) -> tuple[SessionsTable | None, Ledger]:
    """Open a table and the ledger that it names; begin a ledger where there is no store yet.

    Args:
        location: The store: a folder or a URI.
        given: Keywords of `sessionize.definition.Definition`, only those that were given.

    Returns:
        The newest version of the table, None where there is none; and its ledger, which goes by the
        installed time zone database.

    Raises:
        StoreError: For a store that cannot be used.
        StoreMismatchError: For options that are not the store's.
        ValueError: For options that contradict each other.
    """
    source = SessionsTable.open(location) if is_store(location) else None
    if source is None or source.ledger is None:
        return source, Ledger.empty(StoreDefinition.of(*define(None, None, given)))
    ledger = ledger_of(source)
    ledger.definition.check(given, location)
    definition = ledger.definition.at_present(ledger.first_us, ledger.last_us, location)
    return source, evolve(ledger, definition=definition)


def _entry(id_: str, arrival: Arrival, contribution: Contribution) -> LedgerFile:
    reading, found = contribution.reading, arrival.fingerprint
    return LedgerFile(
        id=id_,
        path=found.path,
        stamp=found.stamp,
        content=found.content,
        partition=dict(arrival.source.partition),
        tally=reading.tally,
        first_us=reading.first_us,
        last_us=reading.last_us,
    )
