"""Stored rows: the sessions as everybody reads them, and behind them the state that lets them grow.

`_state`, last in the table, is a struct of what fragments have beside identity, start, end and count:
the states of the aggregates, `previous_end_us`, and what a walk must know of an open session. Where
there is nothing of the kind, there is no such column.
"""

from __future__ import annotations

import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.fragments import identity_names, without_dictionaries
from sessionize.core.ordering import storage
from sessionize.core.sessions import SessionTable, finish, in_closing_order, session_dates
from sessionize.writing.atomic import DATE

STATE = "_state"


def as_rows(fragments: pa.Table, table: SessionTable) -> pa.Table:
    """Write sessions, as fragments, as stored rows.

    Args:
        fragments: The sessions.
        table: What a session's row looks like.

    Returns:
        Table of `table.schema`, `session_date` (date32: the local day of the start) and `_state`, in
        closing order.
    """
    ordered = without_dictionaries(in_closing_order([fragments], table.rules))
    rows = finish(ordered, table)
    rows = rows.append_column(DATE, session_dates(rows, table.rules))
    hidden = _hidden(ordered, table)
    if not hidden:
        return rows
    state = pa.StructArray.from_arrays([column(ordered, name) for name in hidden], names=hidden)
    return rows.append_column(STATE, state)


def columns_read(fragments: pa.Table, table: SessionTable) -> list[str]:
    """Name the columns of stored rows that `as_fragments` reads; ids, which are long, are not among them.

    Args:
        fragments: Sessions, as fragments: their columns say whether there is hidden state.
        table: What a session's row looks like.
    """
    rules = table.rules
    own = [rules.prefix + name for name in ("start_time", "end_time", "event_count")]
    return [*rules.by, *own, *([STATE] if _hidden(fragments, table) else [])]


def as_fragments(rows: pa.Table, table: SessionTable) -> pa.Table:
    """Read stored rows, or their `columns_read`, back as fragments, in the order given."""
    rules = table.rules
    columns = {
        own: storage(column(rows, name)) for own, name in zip(identity_names(rules), rules.by, strict=True)
    }
    for own, name in (("start_us", "start_time"), ("end_us", "end_time")):
        columns[own] = column(rows, rules.prefix + name).view(pa.int64())
    columns["event_count"] = column(rows, rules.prefix + "event_count")
    if STATE in rows.column_names:
        state = column(rows, STATE)
        columns |= {field.name: values for field, values in zip(state.type, state.flatten(), strict=True)}
    return pa.table(columns)


def _hidden(fragments: pa.Table, table: SessionTable) -> list[str]:
    public = {*identity_names(table.rules), "start_us", "end_us", "event_count"}
    return [name for name in fragments.column_names if name not in public]
