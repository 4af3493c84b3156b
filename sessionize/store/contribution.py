"""What a file's content contributes to a store, kept for when it is taken out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.core.columns import column
from sessionize.core.fragments import cut, merge, together, without_dictionaries
from sessionize.core.sessions import SessionTable
from sessionize.core.walk import Walk
from sessionize.engine.held import as_waiting, waiting_events
from sessionize.engine.outcome import Outcome, Reading
from sessionize.engine.pool import Pool
from sessionize.engine.waiting import Tables
from sessionize.errors import StoreMismatchError
from sessionize.events import Events
from sessionize.progress import Progress
from sessionize.reading.folders import place_of
from sessionize.reading.log import Log, Piece
from sessionize.reading.streams import shorten
from sessionize.reading.types import ColumnTypes
from sessionize.rules import SessionRules
from sessionize.store.durable import write_parquet
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.spans import Chains, holders, spans
from sessionize.store.widening import widened

FOLDER = "_sessionize/contributions"


@dataclass(frozen=True)
class Contribution:
    """What one file's content comes to.

    Attributes:
        reading: What reading it has shown.
        brings: Its fragments under commutative rules, its waiting events under sequential ones.
        lasting: What is kept of it: the fragments, or the stretches of time of its events.
        valued: The columns that are not null in every event.
    """

    reading: Reading
    brings: pa.Table
    lasting: pa.Table
    valued: frozenset[str]


def nothing(types: Mapping[str, pa.DataType], table: SessionTable) -> pa.Table:
    """Return what a file without events brings: a table without rows."""
    columns = {name: pa.array([], types[name]) for name in table.rules.columns}
    return _brought(Events(np.empty(0, np.int64), pa.table(columns)), table)


def no_sessions(types: Mapping[str, pa.DataType], table: SessionTable) -> pa.Table:
    """Return the sessions, as fragments, of no events: a table without rows.

    Which of an identity's sessions is its last changes with every later one, so it is not among the columns.
    """
    events = nothing(types, table)
    if not table.rules.is_sequential:
        return events
    walk = Walk(waiting_events(events, table), table.rules, table.aggregates)
    return walk.sessions().drop_columns(["is_last"])


def lasting_schema(types: Mapping[str, pa.DataType], table: SessionTable) -> pa.Schema:
    """Return the columns of what is kept of a file's content."""
    return without_dictionaries(_lasting(nothing(types, table), table)).schema


def contributions(
    read: Iterable[PartRead],
    files: int,
    types: ColumnTypes,
    table: SessionTable,
    progress: Progress | None = None,
) -> tuple[list[Contribution], Outcome]:
    """Put together what each file contributes.

    Args:
        read: The pieces of the files, read, in the order of the log.
        files: How many files there are.
        types: The log's type of each column of the rules.
        table: What a session is.
        progress: Called with the rows that were read since the last call.

    Returns:
        One contribution for each file, in the order of the log; and the outcome of reading them all,
        which knows the rejected rows.
    """
    outcome = Outcome(table.rules)
    readings = [Reading(file=place) for place in range(files)]
    brought: list[Tables] = [[nothing(types, table)] for _ in range(files)]
    valued = [set[str]() for _ in range(files)]
    for index, part in enumerate(read):
        file = part.reading.file
        outcome.note_reading(index, part.reading)
        readings[file].join(part.reading)
        brought[file] += part.brings
        valued[file] |= part.valued
        if progress:
            progress(part.reading.tally.input_rows)
    return [_contribution(*each, table) for each in zip(readings, brought, valued, strict=True)], outcome


@dataclass
class PartRead:
    """What one piece of a file comes to.

    Attributes:
        reading: What reading it has shown.
        brings: Tables of fragments, or of waiting events.
        valued: The columns that are not null in every event.
    """

    reading: Reading = field(default_factory=Reading)
    brings: Tables = field(default_factory=list)
    valued: set[str] = field(default_factory=set)


def read_part(table: SessionTable, piece: Piece) -> PartRead:
    """Read one piece of a file."""
    part = PartRead()
    for chunk in piece.read():
        part.reading.add(chunk)
        part.brings.append(_brought(chunk.events, table))
        part.valued |= _valued(chunk.events.columns)
    return part


def _valued(columns: pa.Table) -> set[str]:
    return {name for name in columns.column_names if columns[name].null_count < len(columns)}


def _brought(events: Events, table: SessionTable) -> pa.Table:
    if table.rules.is_sequential:
        return as_waiting(events, table)
    return cut(events, table.rules, table.aggregates)


def _contribution(reading: Reading, tables: Tables, valued: set[str], table: SessionTable) -> Contribution:
    rules = table.rules
    brings = together(tables) if rules.is_sequential else merge(tables, rules, table.aggregates)
    return Contribution(reading, brings, _lasting(brings, table), frozenset(valued))


def _lasting(brings: pa.Table, table: SessionTable) -> pa.Table:
    return Chains.of([brings], table.rules).table if table.rules.is_sequential else brings


def events_within(log: Log, wanted: pa.Table, table: SessionTable, pool: Pool) -> Tables:
    """Read the events, as waiting events, that lie in spans; what promises to hold none is left out."""
    start_us, end_us = (column(wanted, name).to_numpy() for name in ("start_us", "end_us"))

    def read(piece: Piece) -> Tables:
        return [within(as_waiting(chunk.events, table), wanted, table.rules) for chunk in piece.read()]

    def may_hold(piece: Piece) -> bool:
        promise = piece.time_range
        return promise is None or bool(((start_us <= promise[1]) & (end_us >= promise[0])).any())

    return [part for parts in pool.map(read, filter(may_hold, log.pieces)) for part in parts]


def within(table: pa.Table, wanted: pa.Table, rules: SessionRules) -> pa.Table:
    """Return the rows of a table of spans whose starts lie in the wanted spans of their identity."""
    return table.filter(pa.array(holders(wanted, spans(table, rules), rules) >= 0))


def overlap(one: pa.Table, other: pa.Table, rules: SessionRules) -> bool:
    """Say whether two tables of spans have an instant of an identity in common."""
    pairs = ((one, other), (other, one))
    return any(bool((holders(outer, inner, rules) >= 0).any()) for outer, inner in pairs)


def reaches(file: LedgerFile, wanted: pa.Table) -> bool:
    """Say whether a file has events between the first and the last of the wanted spans."""
    if file.first_us is None or file.last_us is None or not len(wanted):
        return False
    start_us, end_us = (column(wanted, name).to_numpy() for name in ("start_us", "end_us"))
    return bool(((start_us <= file.last_us) & (end_us >= file.first_us)).any())


def write_contribution(store: str, file_id: str, contribution: Contribution) -> None:
    """Keep what lasts of a file's content; it is on disk when this returns.

    Raises:
        OutputError: Where it cannot be written.
    """
    write_parquet(without_dictionaries(contribution.lasting), store, _path(file_id))


def read_contribution(store: str, file_id: str, schema: pa.Schema) -> pa.Table:
    """Read what was kept of a file's content.

    Args:
        store: The store: a folder or a URI.
        file_id: What the ledger calls the file.
        schema: Its columns, of their present types, see `lasting_schema`.

    Raises:
        StoreMismatchError: For one that is missing or damaged.
        InputError: For a value that does not fit a type which has become wider.
    """
    place = place_of(store).child(_path(file_id))
    try:
        with place.filesystem.open_input_file(place.path) as file:
            kept = pq.ParquetFile(file).read()
    except (OSError, pa.ArrowException) as error:
        raise StoreMismatchError(
            f"{place.name}: what a file contributed to the store cannot be read: {shorten(error)}. "
            "Restore it from a backup, or build the store anew from its logs."
        ) from error
    return widened(kept, schema).combine_chunks()


def _path(file_id: str) -> str:
    return f"{FOLDER}/{file_id}.parquet"
