"""The core: `cut` events into fragments, `merge` fragments into larger ones.

A **fragment** is a group of one identity's events that no timeout and no calendar day can ever
separate. `cut` finds the fragments of a chunk of events; `merge` joins fragments that turn out to
touch. Merging is associative and commutative,

    merge(a + b) == merge(merge(a) + merge(b))

so chunks, threads, spilled runs and nightly updates can be cut and merged in any order, and a
fragment that nothing can touch any more is a session.

A table of fragments has the identity columns (`identity_0`, …), `start_us`, `end_us` and
`event_count` (int64), under a daily split `previous_end_us`, and the states of the aggregates. Its
rows come in no promised order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.aggregates import AggregateColumn
from sessionize.core.columns import column
from sessionize.core.groups import Groups, begins
from sessionize.core.identity import Codes, encode
from sessionize.core.packing import SortedRows, is_nearly_sorted, sort_by_code, sort_rows, sort_runs
from sessionize.events import Events
from sessionize.rules import SessionRules

SLICE_ROWS = 1 << 17
"""Events that are cut at a time: their columns stay in the processor's cache."""

_SAMPLED = np.uint64(58)
"""Bits of a 64-bit hash that must be 0: one identity in 64 is looked at."""

_WORTH_CUTTING = 0.4
"""Fragments per event above which cutting saves less than it costs."""

_FEW_INSIDE = 4
"""So many fragments inside an earlier one are stepped over; more of them are rare, and cost a sort."""

NO_END = np.iinfo(np.int64).min
"""Stands for "no earlier event within the timeout is known" in `previous_end_us`."""


def cut(events: Events, rules: SessionRules, aggregates: Sequence[AggregateColumn] = ()) -> pa.Table:
    """Cut a chunk of events, in any order, into fragments.

    Args:
        events: The chunk.
        rules: What separates events.
        aggregates: The rules' aggregates, bound to the log's types.

    Returns:
        Table of fragments.
    """
    codes = encode([column(events.columns, name) for name in rules.by])
    if not aggregates and is_nearly_sorted(codes, events.time_us):
        return _cut_in_slices(codes, events.time_us, rules)
    rows = sort_rows(codes, events.time_us, with_order=bool(aggregates))
    groups, columns = _join(rows, rows.time_us, None, rules)
    for aggregate in aggregates:
        columns |= aggregate.cut(events, rows.order, groups)
    return pa.table(columns)


def lift(events: Events, rules: SessionRules, aggregates: Sequence[AggregateColumn] = ()) -> pa.Table:
    """Take every event as the fragment of one event that it is.

    Args:
        events: The events, in any order.
        rules: What separates events.
        aggregates: The rules' aggregates, bound to the log's types.

    Returns:
        Table of fragments, in the order given; unlike those of `cut` they may touch.
    """
    codes = encode([column(events.columns, name) for name in rules.by])
    columns: dict[str, Any] = dict(zip(identity_names(rules), codes.decode(codes.values), strict=True))
    columns |= {"start_us": events.time_us, "end_us": events.time_us}
    columns["event_count"] = np.ones(len(events), np.int64)
    if rules.split_daily:
        columns["previous_end_us"] = np.full(len(events), NO_END)
    for aggregate in aggregates:
        columns |= dict(zip(aggregate.state_names, aggregate.lift(events), strict=True))
    return pa.table(columns)


def falls_apart(events: pa.Table, hashes: NDArray[np.uint64], rules: SessionRules) -> bool:
    """Say whether cutting events leaves nearly as many fragments; a sample of their identities tells.

    Args:
        events: n events in any order: the identity columns of fragments, and `start_us`.
        hashes: uint64, shape (n,): the hashes of their identities.
        rules: What separates events.
    """
    sample = events.select([*identity_names(rules), "start_us"]).filter(pa.array(hashes >> _SAMPLED == 0))
    rows = sort_rows(identity_codes(sample, rules), _int64(sample, "start_us"), with_order=False)
    opens = _opens(rows.code, rows.time_us, rows.time_us, rules)
    return bool(np.count_nonzero(opens) > _WORTH_CUTTING * len(opens))


def _cut_in_slices(codes: Codes, time_us: NDArray[np.int64], rules: SessionRules) -> pa.Table:
    """Cut events in time order slice by slice, which the processor's cache holds, and join the slices."""
    slices = []
    for begin in range(0, max(len(time_us), 1), SLICE_ROWS):
        part = slice(begin, begin + SLICE_ROWS)
        rows = sort_by_code(replace(codes, values=codes.values[part]), time_us[part])
        groups = Groups.opening(_opens(rows.code, rows.time_us, rows.time_us, rules))
        starts, lasts = groups.starts, groups.lasts
        slices.append((rows.code[starts], rows.time_us[starts], rows.time_us[lasts], groups.sizes))
    code, start_us, end_us, event_count = map(np.concatenate, zip(*slices, strict=True))
    rows = sort_runs(replace(codes, values=code), start_us)
    return pa.table(_join(rows, end_us[rows.order], event_count[rows.order], rules)[1])


def merge(
    fragments: Sequence[pa.Table], rules: SessionRules, aggregates: Sequence[AggregateColumn] = ()
) -> pa.Table:
    """Join the fragments that touch: those of one identity that the rules do not separate.

    Args:
        fragments: One or more tables of fragments, in any order; they may overlap in time.
        rules: What separates events.
        aggregates: The rules' aggregates, bound to the log's types.

    Returns:
        Table of fragments, none of which touch.
    """
    table = together(fragments)
    rows = sort_rows(identity_codes(table, rules), _int64(table, "start_us"), with_order=True)
    order = rows.order
    groups, columns = _join(rows, _int64(table, "end_us")[order], _int64(table, "event_count")[order], rules)
    if rules.split_daily:
        known = groups.max(_int64(table, "previous_end_us")[order])
        columns["previous_end_us"] = np.maximum(known, columns["previous_end_us"])
    for aggregate in aggregates:
        columns |= aggregate.merge(table, order, groups)
    return pa.table(columns)


def _join(
    rows: SortedRows, end_us: NDArray[np.int64], event_count: NDArray[np.int64] | None, rules: SessionRules
) -> tuple[Groups, dict[str, Any]]:
    """Join sorted rows (events, or fragments) that touch; return the groups and their fragments' columns.

    A row starts at its time, ends at `end_us` and holds `event_count` events (None: one each).
    """
    code, start_us = rows.code, rows.time_us
    reach_us = end_us if end_us is start_us else _running_max(code, end_us)
    groups = Groups.opening(_opens(code, start_us, reach_us, rules))
    identity = rows.codes.decode(code[groups.starts])
    columns: dict[str, Any] = {f"identity_{index}": values for index, values in enumerate(identity)}
    columns["start_us"] = start_us[groups.starts]
    columns["end_us"] = reach_us[groups.lasts]
    columns["event_count"] = groups.sizes if event_count is None else groups.sum(event_count)
    if rules.split_daily:
        columns["previous_end_us"] = _previous_end(code, start_us, reach_us, groups, rules)
    return groups, columns


def together(fragments: Sequence[pa.Table]) -> pa.Table:
    """Put tables of fragments into one, with one chunk and one dictionary for each column.

    A few fragments of a large chunk bring its whole dictionary along; where dictionaries outweigh
    the rows the text itself is kept, or they would grow with the log.
    """
    entries = sum(map(_dictionary_entries, fragments))
    is_mixed = any(table.schema != fragments[0].schema for table in fragments)
    if is_mixed or entries > sum(map(len, fragments)):
        fragments = [without_dictionaries(table) for table in fragments]
    return pa.concat_tables(fragments).unify_dictionaries().combine_chunks()


def without_dictionaries(table: pa.Table) -> pa.Table:
    """Return fragments with every text in its place, and no dictionary."""
    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))


def last_of_each_identity(fragments: pa.Table, rules: SessionRules) -> pa.Table:
    """Return each identity's last fragment, by start and, where they have one, ordinal."""
    code = identity_codes(fragments, rules).values
    ordinal = [_int64(fragments, "ordinal")] if rules.is_sequential else []
    order = np.lexsort([*ordinal, _int64(fragments, "start_us"), code])
    is_last = np.append(begins(code[order])[1:], True)[: len(order)]
    return fragments.take(pa.array(order[is_last]))


def identity_names(rules: SessionRules) -> list[str]:
    """Name the identity columns of fragments: their own names could clash with the others."""
    return [f"identity_{index}" for index in range(len(rules.by))]


def _opens(
    code: NDArray[np.uint64], start_us: NDArray[np.int64], reach_us: NDArray[np.int64], rules: SessionRules
) -> NDArray[np.bool_]:
    """Mark the rows, sorted by identity and start, that no rule joins to what stands before them.

    `reach_us` is the latest end among a row and all before it of its identity.
    """
    opens = np.ones(len(code), bool)
    separate = code[1:] != code[:-1]
    if rules.timeout_us is not None:
        separate |= ~within_timeout(start_us[1:] - reach_us[:-1], rules)
    if rules.split_daily:
        day = rules.zone.local_day(start_us)
        separate |= day[1:] != day[:-1]
    opens[1:] = separate
    return opens


def within_timeout(gap_us: NDArray[np.int64], rules: SessionRules) -> NDArray[np.bool_]:
    """Say of gaps (int64, µs) whether the timeout lets them pass; bool of the same shape."""
    timeout_us = rules.timeout_us
    if timeout_us is None:
        return np.ones(len(gap_us), bool)
    return gap_us <= timeout_us if rules.boundary == "exceeds" else gap_us < timeout_us


def _previous_end(
    code: NDArray[np.uint64],
    start_us: NDArray[np.int64],
    reach_us: NDArray[np.int64],
    groups: Groups,
    rules: SessionRules,
) -> NDArray[np.int64]:
    """Give each group the end that stands before it within the timeout: only the calendar parts the two."""
    first = groups.starts[1:]
    before = reach_us[first - 1]
    parted_by_calendar = (code[first] == code[first - 1]) & within_timeout(start_us[first] - before, rules)
    previous = np.full(len(groups), NO_END)
    previous[1:] = np.where(parted_by_calendar, before, NO_END)
    return previous


def _running_max(code: NDArray[np.uint64], end_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each row the latest end among it and all before it of its identity."""
    same, reach_us = code[1:] == code[:-1], end_us
    for _ in range(_FEW_INSIDE):
        inside = np.flatnonzero(same & (reach_us[1:] < reach_us[:-1])) + 1
        if not len(inside):
            return reach_us
        reach_us = reach_us.copy() if reach_us is end_us else reach_us
        reach_us[inside] = reach_us[inside - 1]
    # Identities ascend, so ranks offset by identity let one accumulate restart at each of them.
    distinct, rank = np.unique(reach_us, return_inverse=True)
    floor = np.concatenate(([0], np.cumsum(~same))) * len(distinct)
    return distinct[np.maximum.accumulate(rank + floor) - floor]


def identity_codes(fragments: pa.Table, rules: SessionRules) -> Codes:
    """Give every fragment a code for its identity."""
    return encode([column(fragments, name) for name in identity_names(rules)])


def _dictionary_entries(table: pa.Table) -> int:
    encoded = [values for values in table.columns if pa.types.is_dictionary(values.type)]
    return sum(len(chunk.dictionary) for values in encoded for chunk in values.chunks)


def _int64(table: pa.Table, name: str) -> NDArray[np.int64]:
    return column(table, name).to_numpy()
