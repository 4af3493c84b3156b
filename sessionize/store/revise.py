"""What an update changes: pure functions on stored sessions and on what files bring and take away.

Stored sessions are fragments with all their hidden state. Under commutative rules the added
fragments are merged with them; a session that loses events is built again from what all other files
contributed to it. Under sequential rules an identity's events are walked on behind the session that
ends before the first disturbance; what stood after it is built again from the files' events, until the
walk has a session open that is a stored one: from there on they are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.fragments import NO_END, identity_names, last_of_each_identity, merge, together
from sessionize.core.groups import Groups, begins
from sessionize.core.sessions import SessionTable
from sessionize.core.walk import Walk, change_names
from sessionize.engine.held import waiting_events
from sessionize.engine.waiting import Tables
from sessionize.store.difference import unchanged
from sessionize.store.spans import Chains, Mask, Rows, holders, spans

_CHAIN = "\0chain"
"""A column that no log has: within one chain nothing of another one counts."""

Number = TypeVar("Number", np.bool_, np.int64)
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
    held_by = holders(sessions, together([spans(part, table.rules) for part in parts]), table.rules)
    is_same = np.zeros(len(sessions), bool)
    of_kept = held_by[: len(kept)]
    alone = np.bincount(held_by, minlength=len(sessions))[of_kept] == 1
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
        chain: int64, shape (n,): the place of each stored session's chain there; -1 where nothing
            disturbs it.
        step: int64, shape (n,): how many steps a session stands behind the last disturbance of its
            chain; sessions that share an instant stand on one step. 0 up to the disturbance.
    """

    is_open: Mask
    is_dropped: Mask
    chains: pa.Table
    chain: Rows
    step: Rows

    def within(self, steps: Rows) -> Disturbance:
        """Drop no session that stands more steps behind the last disturbance than its chain is given.

        Args:
            steps: int64, one for each chain.
        """
        return replace(self, is_dropped=self.is_dropped & (self.step <= np.append(steps, 0)[self.chain]))

    def has_more(self, part: Disturbance) -> Mask:
        """Say of each chain whether it has dropped sessions beyond those of a part: bool, one for each."""
        beyond = self.chain[self.is_dropped & ~part.is_dropped]
        return np.bincount(beyond, minlength=len(self.chains)) > 0


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
    chains = Chains.of([stored, *added, *removed], table.rules)
    first_us, last_us = _extent(chains, [*added, *removed])
    rows = _InChains.of(stored, chains)
    chain = rows.chain
    is_touched = first_us < _NEVER
    before = rows.of_group((rows.end_us < first_us[chain])[rows.groups.lasts])
    is_last = np.append(begins(chain)[1:] | ~before[1:], True)[: len(chain)]
    opens = np.zeros(len(chain), bool)
    opens[rows.groups.starts] = (rows.start_us > last_us[chain])[rows.groups.starts]
    steps, of_chain = np.cumsum(opens), Groups.opening(begins(chain))
    at_first = (steps - opens)[of_chain.starts]
    return Disturbance(
        is_open=rows.as_given(before & is_last & is_touched[chain]),
        is_dropped=rows.as_given(~before & is_touched[chain]),
        chains=chains.table.filter(pa.array(is_touched)),
        chain=rows.as_given(np.where(is_touched, np.cumsum(is_touched) - 1, -1)[chain]),
        step=rows.as_given(steps - at_first[of_chain.of_row]),
    )


def _extent(chains: Chains, reasons: Tables) -> tuple[Rows, Rows]:
    """Return when each chain is disturbed first, and last: `_NEVER` and its negative where it is not."""
    first_us, last_us = np.full(len(chains), _NEVER), np.full(len(chains), -_NEVER)
    for part in reasons:
        of_part = chains.holding(part)
        np.minimum.at(first_us, of_part, column(part, "start_us").to_numpy())
        np.maximum.at(last_us, of_part, column(part, "end_us").to_numpy())
    return first_us, last_us


@dataclass(frozen=True)
class _InChains:
    """Stored sessions in order, chain by chain.

    Attributes:
        order: Where each stands in the table.
        chain: The chain of each.
        start_us: Its start.
        end_us: Its end.
        groups: Sessions that share an instant: their events cannot be told apart by time.
    """

    order: Rows
    chain: Rows
    start_us: Rows
    end_us: Rows
    groups: Groups

    @classmethod
    def of(cls, stored: pa.Table, chains: Chains) -> _InChains:
        chain = chains.holding(stored)
        names = ("start_us", "end_us", "ordinal")
        start_us, end_us, ordinal = (column(stored, name).to_numpy() for name in names)
        order = np.lexsort((ordinal, start_us, chain))
        chain, start_us, end_us = chain[order], start_us[order], end_us[order]
        parted = begins(chain)
        parted[1:] |= start_us[1:] != end_us[:-1]
        return cls(order, chain, start_us, end_us, Groups.opening(parted))

    def of_group(self, values: Mask) -> Mask:
        """Give each session what its group has."""
        return values[self.groups.of_row]

    def as_given(self, values: NDArray[Number]) -> NDArray[Number]:
        """Put values in the order of the table."""
        given = np.empty_like(values)
        given[self.order] = values
        return given


def walked(stored: pa.Table, events: pa.Table, disturbed: Disturbance, table: SessionTable) -> Revision:
    """Revise stored sessions by walking events, under sequential rules.

    Args:
        stored: The sessions that `disturbed` was found of.
        events: Waiting events: those of the disturbed chains that come after their open session, as
            far as sessions are dropped.
        disturbed: What they disturb.
        table: What a session is.
    """
    by_chain = _by_chain(table)
    opened = _in_chains(stored.filter(pa.array(disturbed.is_open)), disturbed, table)
    walk = Walk(
        waiting_events(_in_chains(events, disturbed, table), by_chain),
        by_chain.rules,
        table.aggregates,
        opened,
    )
    fresh = walk.sessions().select(stored.column_names)
    return Revision(fresh, disturbed.is_open | disturbed.is_dropped)


def caught_up(stored: pa.Table, fresh: pa.Table, disturbed: Disturbance, table: SessionTable) -> Mask:
    """Say where a walk ends in the session in which the dropped ones end.

    An open session is its own state, so whatever follows it is what follows the stored one.

    Args:
        stored: The sessions that `disturbed` was found of.
        fresh: What the walk has found.
        disturbed: What was walked.
        table: What a session is.

    Returns:
        bool, one for each chain.
    """
    rules = _by_chain(table).rules
    state = ["start_us", "end_us", "event_count", "ordinal", "is_ended", *change_names(rules)]
    ends = [
        last_of_each_identity(_in_chains(part, disturbed, table), rules)
        for part in (stored.filter(pa.array(disturbed.is_dropped)), fresh)
    ]
    old, new = (each.select([*identity_names(rules), *state]) for each in ends)
    same, _ = unchanged(old, new, rules)
    found = np.zeros(len(disturbed.chains), bool)
    found[column(old, identity_names(rules)[-1]).to_numpy()[same]] = True
    return found


def _by_chain(table: SessionTable) -> SessionTable:
    return replace(table, rules=table.rules.evolve(by=(*table.rules.by, _CHAIN)))


def _in_chains(rows: pa.Table, disturbed: Disturbance, table: SessionTable) -> pa.Table:
    """Make the chain part of the identity."""
    chain = holders(disturbed.chains, rows, table.rules)
    return rows.append_column(identity_names(_by_chain(table).rules)[-1], pa.array(chain))
