"""Events as tables that can wait: in memory, on disk, in parts."""

from __future__ import annotations

import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.fragments import identity_names
from sessionize.core.ordering import storage
from sessionize.core.sessions import SessionTable
from sessionize.events import Events


def as_waiting(events: Events, table: SessionTable) -> pa.Table:
    """Write events as a table that can wait: `identity_0`, …, `start_us`, and the rules' columns."""
    rules = table.rules
    columns = {  # stored as in sessions, so that what belongs together goes the same way
        own: storage(column(events.columns, name))
        for own, name in zip(identity_names(rules), rules.by, strict=True)
    }
    columns["start_us"] = pa.array(events.time_us)
    columns |= {f"event_{name}": column(events.columns, name) for name in rules.event_columns}
    return pa.table(columns)


def waiting_events(taken: pa.Table, table: SessionTable) -> Events:
    """Read a table of waiting events, one chunk for each column, back."""
    rules = table.rules
    columns = {name: taken[own] for own, name in zip(identity_names(rules), rules.by, strict=True)}
    columns |= {name: taken[f"event_{name}"] for name in rules.event_columns}
    return Events(column(taken, "start_us").to_numpy(), pa.table(columns))
