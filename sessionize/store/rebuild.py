"""From what files bring and take away to the partitions that change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.fragments import together
from sessionize.core.sessions import SessionTable, start_dates
from sessionize.engine.waiting import Tables
from sessionize.store.candidates import Candidates, Stored
from sessionize.store.contribution import no_sessions, nothing
from sessionize.store.difference import Counts, counts, unchanged
from sessionize.store.revise import Disturbance, Revision, caught_up, disturbance, merged, walked
from sessionize.store.rows import as_rows
from sessionize.store.spans import Mask, holders, of_identities, spans

Fetch = Callable[[pa.Table], Tables]
"""Gives what the files that stay contribute to spans: their fragments, or events, that lie inside."""


@dataclass(frozen=True)
class Rebuilt:
    """What an update makes of the table.

    Attributes:
        dates: The partitions that change, ascending.
        rows: All their rows, in closing order.
        counts: What became of the sessions.
    """

    dates: list[date]
    rows: pa.Table
    counts: Counts


def rebuild(
    source: Stored | None,
    added: Tables,
    removed: Tables,
    fetch: Fetch,
    table: SessionTable,
    types: Mapping[str, pa.DataType],
) -> Rebuilt:
    """Find what becomes of stored sessions.

    Args:
        source: The table; None where there is none yet.
        added: What new files, and the new content of changed ones, bring.
        removed: What is taken out: fragments, or spans that hold every event of it.
        fetch: Gives what the files that stay contribute.
        table: What a session is.
        types: The type of each column of the rules.
    """
    candidates = Candidates(source, table, no_sessions(types, table))
    revise = _walked if table.rules.is_sequential else _merged
    revision = revise(candidates, [nothing(types, table), *added], removed, fetch, table)
    return _partitions(candidates, revision, table)


def _merged(
    candidates: Candidates, added: Tables, removed: Tables, fetch: Fetch, table: SessionTable
) -> Revision:
    candidates.load_around([*added, *removed])
    dropped = _holding(candidates.stored, removed, table)
    lost = candidates.stored.filter(pa.array(dropped))
    while candidates.load_around([*added, lost]):
        more = len(candidates.stored) - len(dropped)
        dropped = np.append(dropped, np.zeros(more, bool))
    restored = fetch(spans(lost, table.rules)) if len(lost) else []
    # Whole partitions are loaded, of which most sessions are of people whom nothing concerns.
    is_near = of_identities(candidates.stored, [*added, *removed], table.rules)
    revision = merged(candidates.stored.filter(pa.array(is_near)), added, dropped[is_near], restored, table)
    is_stale = np.zeros(len(is_near), bool)
    is_stale[is_near] = revision.is_stale
    return Revision(revision.fresh, is_stale)


def _holding(stored: pa.Table, removed: Tables, table: SessionTable) -> Mask:
    """Mark the stored sessions that hold something of what is taken out."""
    holding = np.zeros(len(stored), bool)
    for part in removed:
        holder = holders(stored, part, table.rules)
        holding[holder[holder >= 0]] = True
    return holding


def _walked(
    candidates: Candidates, added: Tables, removed: Tables, fetch: Fetch, table: SessionTable
) -> Revision:
    bringing = [spans(part, table.rules) for part in added]
    candidates.load_around([*bringing, *removed])
    disturbed = disturbance(candidates.stored, bringing, removed, table)
    while candidates.load_around([disturbed.chains]):
        disturbed = disturbance(candidates.stored, bringing, removed, table)
    return _walked_on(candidates.stored, added, disturbed, fetch, table)


def _walked_on(
    stored: pa.Table, added: Tables, disturbed: Disturbance, fetch: Fetch, table: SessionTable
) -> Revision:
    """Walk each chain until it has caught up with the stored sessions, twice as far each time."""
    events, steps = list(added), np.ones(len(disturbed.chains), np.int64)
    fetched = np.zeros(len(stored), bool)
    while True:
        part = disturbed.within(steps)
        events += fetch(spans(stored.filter(pa.array(part.is_dropped & ~fetched)), table.rules))
        fetched = part.is_dropped
        after = [_after_open(each, stored, part, table) for each in events]
        revision = walked(stored, together(after), part, table)
        goes_on = disturbed.has_more(part) & ~caught_up(stored, revision.fresh, part, table)
        if not goes_on.any():
            return revision
        steps[goes_on] *= 2


def _after_open(events: pa.Table, stored: pa.Table, disturbed: Disturbance, table: SessionTable) -> pa.Table:
    """Leave out events that are in the session behind which they would be walked."""
    opened = stored.filter(pa.array(disturbed.is_open))
    after_us = np.full(len(disturbed.chains) + 1, np.iinfo(np.int64).min)
    after_us[holders(disturbed.chains, opened, table.rules)] = column(opened, "end_us").to_numpy()
    chain = holders(disturbed.chains, spans(events, table.rules), table.rules)
    return events.filter(pa.array((chain >= 0) & (column(events, "start_us").to_numpy() > after_us[chain])))


def _partitions(candidates: Candidates, revision: Revision, table: SessionTable) -> Rebuilt:
    """Put the partitions together in which something changes."""
    stale, fresh = candidates.stored.filter(pa.array(revision.is_stale)), revision.fresh
    same_old, same_new = unchanged(stale, fresh, table.rules)
    gone, new = stale.filter(pa.array(~same_old)), fresh.filter(pa.array(~same_new))
    dirty = np.union1d(start_dates(gone, table), start_dates(new, table))
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in dirty]
    known = len(candidates.stored)
    candidates.load(days)
    is_kept = np.append(~revision.is_stale, np.ones(len(candidates.stored) - known, bool))
    kept = candidates.stored.filter(pa.array(is_kept))
    sessions = together([kept, fresh.select(kept.column_names)])
    of_dirty = np.isin(start_dates(sessions, table), dirty)
    rows = as_rows(sessions.filter(pa.array(of_dirty)), table)
    return Rebuilt(days, rows, counts(gone, new, table.rules))
