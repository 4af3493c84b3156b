"""One update on one screen: look at the files, find what changes, write it in one commit.

Everything before the commit leaves the old table as it is: contributions and the ledger are written
under names that nothing refers to yet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from sessionize.errors import StoreBusyError
from sessionize.provenance import provenance
from sessionize.store.contribution import lasting_schema, read_contribution
from sessionize.store.difference import Counts
from sessionize.store.findings import Findings, look
from sessionize.store.intake import Intake, read_arrivals
from sessionize.store.ledger import Ledger
from sessionize.store.rebuild import Rebuilt, rebuild
from sessionize.store.request import Request
from sessionize.store.snapshot import Snapshot
from sessionize.store.staying import FileHasChangedError, StayingFiles
from sessionize.store.summary import UpdateSummary
from sessionize.store.widening import as_read

_RACES = 5
"""So often an update begins again because another writer came first, where a store has no lock."""


def update(request: Request) -> UpdateSummary:
    """Bring a store up to date; the caller holds its lock.

    Raises:
        InputError: For input that cannot be used.
        StoreError: For an object store that does not answer.
        StoreMismatchError: For options that are not the store's, for a store that is damaged, and for a file
            of it that is needed and missing.
        StoreBusyError: Where other writers came first again and again.
        OutputError: Where the store cannot be written.
    """
    inputs, races = list(request.inputs), 0
    while True:
        try:
            return _attempt(request, inputs)
        except FileHasChangedError as changed:
            inputs.append(changed.path)
        except StoreBusyError:
            races += 1
            if races == _RACES:
                raise


def _attempt(request: Request, inputs: Sequence[str | Path]) -> UpdateSummary:
    """Bring one version of the store up to date, unless another writer comes first."""
    started = time.perf_counter()
    store = Snapshot.open(request.location, request.given)
    found = look(request, inputs, store.ledger)
    intake = read_arrivals(request, found.arrivals, store.ledger)
    store = store.widened(intake.columns)
    ledger = _next_ledger(store.ledger, found, intake)
    summary = _summary(request, store, found, intake, ledger)
    if not summary.changed_nothing:
        rebuilt = _rebuilt(store, found, intake, ledger, threads=request.resources.threads)
        summary = evolve(summary, sessions=rebuilt.counts, partitions=store.rewritten(rebuilt.dates))
        if not request.is_dry_run:
            intake.keep(request.location)
            summary = _committed(store, rebuilt, ledger, intake, summary, started)
    return evolve(summary, seconds=time.perf_counter() - started)


def _next_ledger(ledger: Ledger, found: Findings, intake: Intake) -> Ledger:
    return ledger.next(
        removed=[*found.taken_out, *(move.before for move in found.moves)],
        added=[*(move.entry() for move in found.moves), *intake.entries],
        types=intake.types,
    )


def _rebuilt(store: Snapshot, found: Findings, intake: Intake, ledger: Ledger, *, threads: int) -> Rebuilt:
    """Find what becomes of the sessions; nothing is written."""
    types, table = as_read(intake.types), intake.table
    kept, arrived = lasting_schema(types, table), {entry.id for entry in intake.entries}
    staying = StayingFiles(
        store=store.location,
        definition=ledger.definition,
        files=[entry for entry in ledger.files.values() if entry.id not in arrived],
        types=types,
        table=table,
        threads=threads,
    )
    return rebuild(
        store.sessions,
        [each.brings for each in intake.brought],
        [read_contribution(store.location, entry.id, kept) for entry in found.taken_out],
        staying.within,
        table,
        types,
    )


def _committed(
    store: Snapshot, rebuilt: Rebuilt, ledger: Ledger, intake: Intake, summary: UpdateSummary, started: float
) -> UpdateSummary:
    """Commit, with a summary beside the commit."""
    sessions = store.made(intake.columns, ledger.definition.rules)
    ledger.write(store.location)
    done = evolve(summary, table_version=sessions.version + 1, seconds=time.perf_counter() - started)
    note = {
        "summary": json.dumps(done.as_dict(), ensure_ascii=False),
        **provenance(ledger.definition.rules),
    }
    rows = [rebuilt.rows] if len(rebuilt.rows) else []
    sessions.replace(rebuilt.dates, rows, ledger=ledger.version, note=note)
    return done


def _summary(
    request: Request, store: Snapshot, found: Findings, intake: Intake, ledger: Ledger
) -> UpdateSummary:
    """Say what is known before the sessions are looked at."""
    compared = found.comparison
    return UpdateSummary(
        store=request.location,
        rules=ledger.definition.rules,
        table_version=None if store.sessions is None else store.sessions.version,
        new=[each.source.name for each in compared.new],
        changed=[each.after.source.name for each in compared.changed],
        moved=[each.after.source.name for each in compared.moved],
        same=len(compared.same),
        forgotten=[each.path for each in (*compared.displaced, *found.forgotten)],
        tally=intake.outcome.tally,
        sessions=Counts(),
        watermark_us=ledger.last_us,
        rejected=intake.outcome.rejected(),
        seconds=0.0,
        is_dry_run=request.is_dry_run,
    )
