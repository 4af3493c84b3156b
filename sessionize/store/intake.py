"""The files that an update takes in: read once, refused or kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from attrs import frozen

from sessionize.core.sessions import SessionTable
from sessionize.engine.outcome import Outcome
from sessionize.in_words import named_by
from sessionize.progress import follow
from sessionize.reading.log import log_of, open_files
from sessionize.reading.rows import Needed
from sessionize.reading.types import ColumnTypes
from sessionize.store.contribution import (
    Contribution,
    contributions,
    no_sessions,
    read_part,
    write_contribution,
)
from sessionize.store.fingerprint import check_unchanged
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.rejected import write_rejected
from sessionize.store.request import Request
from sessionize.store.rows import as_rows
from sessionize.store.selection import Arrival
from sessionize.store.widening import after_reading, as_read, reading_as, wider
from sessionize.writing.atomic import DATE


@frozen(kw_only=True)
class Intake:
    """Files that were read.

    Attributes:
        arrivals: The files.
        entries: What the ledger will say of each.
        brought: What each contributes.
        outcome: Where their rows went.
        types: The type of each column of the rules, in these files and in the store; null where nobody
            has seen a value.
        table: What a session is, over these types.
    """

    arrivals: Sequence[Arrival]
    entries: Sequence[LedgerFile]
    brought: Sequence[Contribution]
    outcome: Outcome
    types: ColumnTypes
    table: SessionTable

    @property
    def columns(self) -> pa.Schema:
        """The columns of the store's table, in our types, `_state` last, without the partition."""
        rows = as_rows(no_sessions(as_read(self.types), self.table), self.table)
        return rows.drop_columns([DATE]).schema

    def keep(self, store: str) -> None:
        """Write what a commit will refer to: what lasts of each file, and its rejected rows.

        Raises:
            OutputError: Where it cannot be written.
        """
        rejected = self.outcome.rejected()
        for arrival, entry, contribution in zip(self.arrivals, self.entries, self.brought, strict=True):
            write_contribution(store, entry.id, contribution)
            if entry.tally.rejected:
                of_file = rejected.filter(pc.equal(rejected["file"], arrival.source.name))
                write_rejected(store, entry.id, of_file)


def read_arrivals(request: Request, arrivals: Sequence[Arrival], ledger: Ledger) -> Intake:
    """Read the files that come in.

    Args:
        request: What is asked for.
        arrivals: The files.
        ledger: The files of the store, which they do not join yet.

    Raises:
        InputError: For a file that cannot be read, and where too many rows are rejected.
        UnreadableFileError: For a file that has changed since it was looked at.
    """
    rules, reading = ledger.definition.rules, ledger.definition.reading
    sources = [arrival.source for arrival in arrivals]
    needed = Needed.of(rules.columns, rules.by, reading, named_by(rules))
    files = open_files(sources, needed)
    log = log_of(files, needed)
    types = wider(ledger.types, log, request.location)
    log = reading_as(log, types)
    table = SessionTable.of(rules, log.types)
    follow(request.progress, log.extent.share)
    pieces = request.workers.pieces(log, sources, files, needed)
    read = request.workers.map(partial(read_part, table), pieces)
    brought, outcome = contributions(read, len(arrivals), log.types, table, request.progress)
    for arrival in arrivals:
        check_unchanged(arrival.source, arrival.fingerprint.stamp)
    request.limit.check(outcome.tally, outcome.rejected())
    ids = ledger.new_ids([arrival.fingerprint for arrival in arrivals])
    return Intake(
        arrivals=arrivals,
        entries=[_entry(*each) for each in zip(ids, arrivals, brought, strict=True)],
        brought=brought,
        outcome=outcome,
        types=after_reading(types, frozenset().union(*(each.valued for each in brought))),
        table=table,
    )


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
