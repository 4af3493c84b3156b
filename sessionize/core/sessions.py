"""From fragments that nothing can touch any more to the sessions table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.core.aggregates import AggregateColumn, bind
from sessionize.core.columns import column
from sessionize.core.fragments import NO_END, identity_names, together
from sessionize.core.identity import identity_text
from sessionize.core.ordering import sort_keys
from sessionize.core.texts import as_text
from sessionize.core.walk import change_names, reasons
from sessionize.errors import InputError
from sessionize.rules import SessionRules

INSTANT = pa.timestamp("us", "UTC")
OWN_COLUMNS = ("session_id", "start_time", "end_time", "duration_seconds", "event_count", "start_reason")
"""The columns that sessionize adds, before any prefix."""

_MICROSECONDS = 1_000_000
_EXACT = 1 << 53


@dataclass(frozen=True)
class SessionTable:
    """What a session is over one log's column types, and what its row looks like.

    Attributes:
        rules: What a session is.
        aggregates: The rules' aggregates, bound to the log's types.
        schema: Columns and types of the sessions table.
    """

    rules: SessionRules
    aggregates: Sequence[AggregateColumn]
    schema: pa.Schema

    @classmethod
    def of(cls, rules: SessionRules, types: Mapping[str, pa.DataType]) -> SessionTable:
        """Bind rules to the types of the columns that they read.

        Raises:
            InputError: For an aggregate that its column's type has no meaning for, or two columns
                of one name.
        """
        aggregates = bind(rules.agg, types, rules.tie_break)
        return cls(rules, aggregates, session_schema(rules, types, aggregates))


def session_schema(
    rules: SessionRules, types: Mapping[str, pa.DataType], aggregates: Sequence[AggregateColumn]
) -> pa.Schema:
    """Name and type the columns of the sessions table.

    Args:
        rules: The rules.
        types: The type of each column of the log that rules read.
        aggregates: The rules' aggregates, bound to those types.

    Returns:
        The schema: our columns around the identity, then the `split_on` columns, then the
        aggregates, in the orders given.

    Raises:
        InputError: Where two columns would have one name.

    Example:
        >>> session_schema(SessionRules(), {"user_id": pa.int64()}, []).names[:3]
        ['session_id', 'user_id', 'start_time']
    """
    own = {name: rules.prefix + name for name in OWN_COLUMNS}
    fields = [
        pa.field(own["session_id"], pa.string()),
        *(pa.field(name, types[name]) for name in rules.by),
        pa.field(own["start_time"], INSTANT),
        pa.field(own["end_time"], INSTANT),
        pa.field(own["duration_seconds"], pa.float64()),
        pa.field(own["event_count"], pa.int64()),
        pa.field(own["start_reason"], pa.string()),
        *(pa.field(name, types[name]) for name in rules.split_on),
        *(pa.field(aggregate.name, aggregate.type) for aggregate in aggregates),
    ]
    names = [field.name for field in fields]
    for index, name in enumerate(names):
        if name in names[:index]:
            remedy = (
                "Rename ours with --prefix" if name in own.values() else "Give the aggregate another name"
            )
            raise InputError(f"two columns of the sessions table would be named {name!r}. {remedy}.")
    return pa.schema(fields)


def in_closing_order(fragments: Sequence[pa.Table], rules: SessionRules) -> pa.Table:
    """Put fragments into the order in which sessions stand: by end, then identity, start, ordinal.

    Args:
        fragments: One or more tables of merged fragments, in any order.
        rules: What a session is.

    Returns:
        One table of fragments, one chunk for each column.
    """
    table = together(fragments)
    return table.take(pa.array(_closing_order(table, rules))).combine_chunks()


def finish(fragments: pa.Table, table: SessionTable) -> pa.Table:
    """Write fragments as sessions.

    Args:
        fragments: Merged fragments, in closing order.
        table: What a session's row looks like.

    Returns:
        Table of `table.schema`, a row for each fragment, in the order given.
    """
    rules, schema = table.rules, table.schema
    start, end = column(fragments, "start_us"), column(fragments, "end_us")
    identity = identity_columns(fragments, table)
    columns = [
        session_ids(fragments, identity, rules),
        *identity,
        start.view(INSTANT),
        end.view(INSTANT),
        pa.array(to_seconds(end.to_numpy() - start.to_numpy())),
        fragments["event_count"],
        _start_reason(fragments, rules),
        *(
            _of_type(column(fragments, own), schema.field(name).type)
            for own, name in zip(change_names(rules), rules.split_on, strict=True)
        ),
        *(aggregate.finish(aggregate.states(fragments)) for aggregate in table.aggregates),
    ]
    return pa.table(columns, schema=schema)


def identity_columns(fragments: pa.Table, table: SessionTable) -> list[pa.Array]:
    """Return the identity columns of fragments in the types that the log has."""
    return [
        _of_type(column(fragments, own), table.schema.field(name).type)
        for own, name in zip(identity_names(table.rules), table.rules.by, strict=True)
    ]


def session_dates(rows: pa.Table, rules: SessionRules) -> pa.Array:
    """Return the local day on which each session started.

    Args:
        rows: Sessions, n, as `finish` writes them.
        rules: What a session is.

    Returns:
        date32, shape (n,), without nulls.
    """
    started = rows[f"{rules.prefix}start_time"].to_numpy().astype("datetime64[us]").view(np.int64)
    return local_dates(started, rules)


def local_dates(time_us: NDArray[np.int64], rules: SessionRules) -> pa.Array:
    """Return the local day of each instant (int64, microseconds since the epoch, UTC): date32."""
    return pa.array(rules.zone.local_day(time_us).astype(np.int32)).view(pa.date32())


def start_dates(fragments: pa.Table, table: SessionTable) -> NDArray[np.int64]:
    """Return the local day of the start of fragments: int64 days since the epoch."""
    return table.rules.zone.local_day(column(fragments, "start_us").to_numpy())


def session_ids(fragments: pa.Table, identity: Sequence[pa.Array], rules: SessionRules) -> pa.Array:
    """Write the ids of sessions.

    Args:
        fragments: n merged fragments.
        identity: Their identity columns, in the types that the log has.
        rules: What a session is.

    Returns:
        String array of n ids, without nulls.
    """
    text = identity_text([_session_id_form(values) for values in identity], as_text)
    return pc.binary_join_element_wise(text, _start_text(fragments, rules), ":")


def to_seconds(microseconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the nearest double; only what is beyond 2⁵³ µs needs the whole seconds apart."""
    if not len(microseconds) or microseconds.max() <= _EXACT:
        return microseconds / _MICROSECONDS
    whole, rest = np.divmod(microseconds, _MICROSECONDS)
    return np.where(microseconds <= _EXACT, microseconds / _MICROSECONDS, whole + rest / _MICROSECONDS)


def _closing_order(fragments: pa.Table, rules: SessionRules) -> NDArray[np.int64]:
    end_us = fragments["end_us"].to_numpy()
    order = np.argsort(end_us, kind="stable")
    sorted_us = end_us[order]
    level = np.zeros(len(order) + 1, bool)
    level[1:-1] = sorted_us[1:] == sorted_us[:-1]
    tied = np.flatnonzero(level[1:] | level[:-1])
    if len(tied):
        rows = order[tied]
        names = identity_names(rules) + (["start_us", "ordinal"] if rules.is_sequential else [])
        keys = [sort_keys(column(fragments, name).take(pa.array(rows))) for name in names]
        order[tied] = rows[np.lexsort((*reversed(keys), sorted_us[tied]))]
    return order


def _start_text(fragments: pa.Table, rules: SessionRules) -> pa.Array:
    """Write the start as a session id ends; of several sessions of one start the later ones are numbered."""
    start = column(fragments, "start_us").cast(pa.string())
    if not rules.is_sequential:
        return start
    ordinal = column(fragments, "ordinal")
    numbered = pc.binary_join_element_wise(start, ordinal.cast(pa.string()), ".")
    return pc.if_else(pc.greater(ordinal, 1), numbered, start)


def _start_reason(fragments: pa.Table, rules: SessionRules) -> pa.Array:
    if rules.is_sequential:
        return pa.array(reasons(rules)).take(column(fragments, "reason"))
    if not rules.split_daily:
        return pa.repeat("inactivity", fragments.num_rows)
    if rules.timeout_us is None:
        return pa.repeat("calendar", fragments.num_rows)
    continues = fragments["previous_end_us"].to_numpy() != NO_END
    return pc.if_else(pa.array(continues), "calendar", "inactivity")


def _session_id_form(values: pa.Array) -> pa.Array:
    """Write a timestamp as its epoch µs; anything else as it is."""
    if not pa.types.is_timestamp(values.type):
        return values
    try:
        return values.cast(pa.timestamp("us", values.type.tz)).view(pa.int64())
    except pa.ArrowInvalid:
        raise InputError(
            "an identity column holds times finer than a microsecond, which a session id cannot tell apart. "
            "Use another identity, or times in whole microseconds."
        ) from None


def _of_type(values: pa.Array, type_: pa.DataType) -> pa.Array:
    if isinstance(type_, pa.BaseExtensionType):
        return type_.wrap_array(_of_type(values, type_.storage_type))
    return values.cast(type_)
