"""The data points that an SDK would have sent of each session: one as it started, one as it ended.

A session that an event may still join has not ended. Which sessions these are is known only when the
log has been read; all that could be among them wait until then, everything else streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.sessions import INSTANT, SessionTable, identity_columns, session_ids
from sessionize.engine.outcome import Outcome
from sessionize.errors import InputError
from sessionize.rules import SessionRules

START, END = "session_start", "session_end"

_AT_START = ("start_reason",)
_AT_END = ("duration_seconds", "event_count")
_START_OF_ID = r":(?P<start>-?\d+)(?:\.\d+)?$"


def point_schema(table: SessionTable) -> pa.Schema:
    """Name and type the columns of the data points.

    Args:
        table: What a session's row looks like.

    Returns:
        The schema: `point`, `session_id`, the identity, `time` (µs, UTC), then as in the sessions table
        `duration_seconds`, `event_count`, `start_reason`, the `split_on` columns and the aggregates.

    Raises:
        InputError: Where two columns would have one name.
    """
    rules, prefix = table.rules, table.rules.prefix
    known = [table.schema.field(prefix + name) for name in (*_AT_END, *_AT_START)]
    fields = [
        pa.field(prefix + "point", pa.string()),
        table.schema.field(prefix + "session_id"),
        *(table.schema.field(name) for name in rules.by),
        pa.field(prefix + "time", INSTANT),
        *known,
        *(table.schema.field(name) for name in _rest(table)),
    ]
    names = [field.name for field in fields]
    for name in (prefix + "point", prefix + "time"):
        if names.count(name) > 1:
            raise InputError(
                f"two columns of the data points would be named {name!r}. Rename ours with --prefix."
            )
    return pa.schema(fields)


def points_of(sessions: Iterable[pa.Table], table: SessionTable, outcome: Outcome) -> Iterator[pa.Table]:
    """Turn sessions, as they come, into data points.

    Args:
        sessions: Tables of sessions in closing order.
        table: What their rows look like.
        outcome: What the run has found out until each table comes, and about all of the log in the end.

    Yields:
        Tables of `point_schema`. Sessions keep their order; each one's start comes before its end.
    """
    waiting: list[pa.Table] = []
    for closed in sessions:
        waiting.append(closed)
        bound_us = outcome.open_from_us()
        while waiting and (settled := _ending_before(waiting[0], bound_us, table.rules)):
            yield _points(waiting[0].slice(0, settled), table)
            if settled < len(waiting[0]):
                waiting[0] = waiting[0].slice(settled)
                break
            del waiting[0]
    open_ids = _ids(outcome.still_open(), table)
    for closed in waiting:
        yield _points(closed, table, open_ids)


def start_us(points: pa.Table, rules: SessionRules) -> NDArray[np.int64]:
    """Return when each data point's session started, which its id says: int64, µs since the epoch, UTC."""
    ids = column(points, rules.prefix + "session_id")
    return pc.struct_field(pc.extract_regex(ids, _START_OF_ID), "start").cast(pa.int64()).to_numpy()


def _rest(table: SessionTable) -> list[str]:
    return [*table.rules.split_on, *(aggregate.name for aggregate in table.aggregates)]


def _ending_before(sessions: pa.Table, bound_us: int, rules: SessionRules) -> int:
    """Count the sessions, in closing order, that end before a bound."""
    end_us = column(sessions, rules.prefix + "end_time").view(pa.int64()).to_numpy()
    return int(np.searchsorted(end_us, bound_us))


def _ids(fragments: pa.Table | None, table: SessionTable) -> pa.Array:
    if fragments is None:
        return pa.array([], pa.string())
    return session_ids(fragments, identity_columns(fragments, table), table.rules)


def _points(sessions: pa.Table, table: SessionTable, open_ids: pa.Array | None = None) -> pa.Table:
    """Write the points of some sessions, of which those with one of the ids have no end yet."""
    own = {name: table.rules.prefix + name for name in ("point", "session_id", "time")}
    has_ended = np.ones(len(sessions), bool)
    if open_ids is not None:
        has_ended = ~np.asarray(pc.is_in(column(sessions, own["session_id"]), open_ids))
    session = np.repeat(np.arange(len(sessions)), 1 + has_ended)
    is_end = np.zeros(len(session), bool)
    is_end[1:] = session[1:] == session[:-1]
    rows = _rows(pa.array(session), pa.array(session, mask=is_end), pa.array(session, mask=~is_end), table)
    start, end = (table.rules.prefix + name for name in ("start_time", "end_time"))
    columns = {name: sessions[name].take(chosen) for name, chosen in rows.items()}
    columns[own["point"]] = pa.array([START, END]).take(pa.array(is_end.astype(np.int8)))
    columns[own["time"]] = pc.coalesce(columns.pop(end), columns.pop(start))
    schema = point_schema(table)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _rows(always: pa.Array, at_start: pa.Array, at_end: pa.Array, table: SessionTable) -> dict[str, pa.Array]:
    """Say for each column of sessions which rows the points take it from: null where they have none."""
    prefix = table.rules.prefix
    rows = dict.fromkeys([prefix + "session_id", *table.rules.by, *table.rules.split_on], always)
    rows |= {prefix + name: at_start for name in ("start_time", *_AT_START)}
    rows |= {prefix + name: at_end for name in ("end_time", *_AT_END)}
    return rows | {aggregate.name: at_end for aggregate in table.aggregates}
