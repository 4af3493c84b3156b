"""What an update changes: pure functions on stored sessions and on what files bring and take away.

Stored sessions are fragments with all their hidden state. Under commutative rules the added
fragments are merged with them; a session that loses events is built again from what all other files
contributed to it. Under sequential rules an identity's events are walked on behind the session that
ends before the first disturbance; what stood after it is built again from the files' events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.fragments import NO_END, identity_names, merge
from sessionize.core.groups import Groups
from sessionize.core.sessions import SessionTable
from sessionize.core.walk import Walk
from sessionize.engine.held import waiting_events
from sessionize.engine.waiting import Tables
from sessionize.store.spans import Chains, Mask, holders

_CHAIN = "\0chain"
"""A column that no log has: within one chain nothing of another one counts."""

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Revision:
    """What becomes of stored sessions.

    Attributes:
        fresh: Sessions, as fragments, that are new or changed.
        is_stale: bool, shape (n,): the stored sessions that they replace, or that are no more.
    """

    fresh: pa.Table
    is_stale: Mask


def merged(stored: pa.Table, added: Tables, dropped: Mask, restored: Tables, table: SessionTable) -> Revision:
    """Revise stored sessions by fragments, under commutative rules.

    Args:
        stored: n sessions, as fragments: at least those within the timeout of the other fragments,
            and of the dropped sessions.
        added: Fragments that new files bring.
        dropped: bool, shape (n,): sessions that may hold events which are taken out.
        restored: What every file that stays contributed to the dropped sessions.
        table: What a session is.

    Returns:
        The revision.
    """
    kept = stored.filter(pa.array(~dropped))
    known = _forgetting(kept, stored.filter(pa.array(dropped)), table)
    parts = [known, *restored, *added]
    sessions = merge(parts, table.rules, table.aggregates)
    holds = sum(
        (np.bincount(holders(sessions, part, table.rules), minlength=len(sessions)) for part in parts),
        np.zeros(len(sessions), np.int64),
    )
    is_same = np.zeros(len(sessions), bool)
    of_kept = holders(sessions, kept, table.rules)
    alone = holds[of_kept] == 1
    if table.rules.split_daily:
        before = [column(each, "previous_end_us").to_numpy() for each in (kept, sessions)]
        alone &= before[0] == before[1][of_kept]
    is_same[of_kept[alone]] = True
    is_stale = dropped.copy()
    is_stale[np.flatnonzero(~dropped)[~alone]] = True
    return Revision(sessions.filter(pa.array(~is_same)), is_stale)


def _forgetting(kept: pa.Table, dropped: pa.Table, table: SessionTable) -> pa.Table:
    """Let sessions forget the end before them where it is that of a dropped session: it may change."""
    if not table.rules.split_daily or not len(dropped) or not len(kept):
        return kept
    previous_us = column(kept, "previous_end_us").to_numpy()
    ends = kept.select(identity_names(table.rules)).append_column("start_us", pa.array(previous_us))
    forgets = holders(dropped, ends, table.rules) >= 0
    place = kept.column_names.index("previous_end_us")
    return kept.set_column(place, "previous_end_us", pa.array(np.where(forgets, NO_END, previous_us)))


@dataclass(frozen=True)
class Disturbance:
    """Where walking must go on, under sequential rules.

    Attributes:
        is_open: bool, shape (n,): stored sessions behind which events are walked on.
        is_dropped: bool, shape (n,): stored sessions that must be found again from events.
        chains: What belongs together: the disturbed stretches, each a span; the events in them
            that come after the open session, from every file, decide.
    """

    is_open: Mask
    is_dropped: Mask
    chains: pa.Table


def disturbance(stored: pa.Table, added: Tables, removed: Tables, table: SessionTable) -> Disturbance:
    """Find what added and removed events disturb.

    Args:
        stored: n sessions, as fragments: at least the chains that the other spans touch.
        added: Events that new files bring, or their spans.
        removed: Spans that hold every event which is taken out.
        table: What a session is.

    Returns:
        The disturbance. Of each chain that it touches, the last session that ends before the first
        disturbance is open, and all later ones are dropped; sessions that share an instant go together.
    """
    rules = table.rules
    reasons = [*added, *removed]
    chains = Chains.of([stored, *reasons], rules)
    first_us = np.full(len(chains), _NEVER)
    for part in reasons:
        np.minimum.at(first_us, chains.holding(part), column(part, "start_us").to_numpy())
    chain = chains.holding(stored)
    start_us, end_us = (column(stored, name).to_numpy() for name in ("start_us", "end_us"))
    ordinal = column(stored, "ordinal").to_numpy()
    order = np.lexsort((ordinal, start_us, chain))
    chain, start_us, end_us = chain[order], start_us[order], end_us[order]
    before = end_us < first_us[chain]
    # Sessions that share an instant go together: their events cannot be told apart by time.
    parted = np.ones(len(order), bool)
    parted[1:] = (chain[1:] != chain[:-1]) | (start_us[1:] != end_us[:-1])
    together_ = Groups.opening(parted)
    before = before[together_.lasts][together_.of_row]
    is_last = np.ones(len(order), bool)
    is_last[:-1] = (chain[1:] != chain[:-1]) | ~before[1:]
    is_touched = first_us < _NEVER
    is_open, is_dropped = np.zeros(len(order), bool), np.zeros(len(order), bool)
    is_open[order] = before & is_last & is_touched[chain]
    is_dropped[order] = ~before & is_touched[chain]
    return Disturbance(is_open, is_dropped, chains.table.filter(pa.array(is_touched)))


def walked(
    stored: pa.Table, events: pa.Table, disturbed: Disturbance, table: SessionTable
) -> tuple[Revision, int]:
    """Revise stored sessions by walking events, under sequential rules.

    Args:
        stored: The sessions that `disturbed` was found of.
        events: Waiting events: all of the disturbed chains that come after their open session.
        disturbed: What they disturb.
        table: What a session is.

    Returns:
        The revision, and how many of the events repeat a delivery.
    """
    by_chain = _by_chain(table)
    opened = _in_chains(stored.filter(pa.array(disturbed.is_open)), disturbed, table)
    walk = Walk(
        waiting_events(_in_chains(events, disturbed, table), by_chain),
        by_chain.rules,
        table.aggregates,
        opened,
    )
    sessions = walk.sessions().drop_columns([identity_names(by_chain.rules)[-1]])
    return Revision(
        sessions.select(stored.column_names), disturbed.is_open | disturbed.is_dropped
    ), walk.rows.repeated


def _by_chain(table: SessionTable) -> SessionTable:
    return replace(table, rules=table.rules.evolve(by=(*table.rules.by, _CHAIN)))


def _in_chains(rows: pa.Table, disturbed: Disturbance, table: SessionTable) -> pa.Table:
    """Make the chain part of the identity."""
    chain = holders(disturbed.chains, rows, table.rules)
    return rows.append_column(identity_names(_by_chain(table).rules)[-1], pa.array(chain))
