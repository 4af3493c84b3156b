"""The app usage of one user: how often, how long, since when, and the last sessions."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import reduce
from operator import and_
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sessionize.core.texts import as_text
from sessionize.dashboard.clock import as_instant
from sessionize.dashboard.people import names_of
from sessionize.dashboard.report import zone_of
from sessionize.dashboard.rows import Reader, Rows
from sessionize.errors import InputError
from sessionize.written.opening import Written, open_written
from sessionize.zones import Zone

LAST_SHOWN = 10
SUGGESTED = 3
_CANDIDATES = 5_000
"""Names that are compared letter by letter; of more, those that share most with the one asked for."""


@dataclass(frozen=True)
class Visit:
    """One session of the user.

    Attributes:
        session_id: Its id.
        start_time: Its first event, UTC.
        end_time: Its last event, UTC.
        duration_seconds: From the first to the last.
        event_count: Its events.
        start_reason: Why it opened.
    """

    session_id: str
    start_time: datetime
    end_time: datetime
    duration_seconds: float
    event_count: int
    start_reason: str


@dataclass(frozen=True)
class Usage:
    """What one user did, in numbers.

    Attributes:
        user: The value of each column that names the user, as text.
        sessions: How many sessions; at least one.
        first_used: The first event, UTC.
        last_used: The last event, UTC.
        total_seconds: The time in sessions.
        median_seconds: The median duration of a session.
        events: The events.
        active_days: Local days on which a session started.
        sessions_per_active_day: Sessions for each of them.
        timezone: Whose days they are.
        last_sessions: The ten sessions that started last, latest first.
    """

    user: dict[str, str]
    sessions: int
    first_used: datetime
    last_used: datetime
    total_seconds: float
    median_seconds: float
    events: int
    active_days: int
    sessions_per_active_day: float
    timezone: str
    last_sessions: tuple[Visit, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the object that `--json` prints: plain values, times as ISO 8601 text."""
        plain = vars(self) | {"last_sessions": [_plain(vars(visit)) for visit in self.last_sessions]}
        return _plain(plain)


def user(
    sessions: Any,
    value: Any,
    *,
    by: str | Sequence[str] | None = None,
    timezone: str | None = None,
) -> Usage:
    """Describe one user: the command `sessionize user`.

    Of a Parquet file or a folder only the columns that are needed are read, and only where the statistics of
    the file do not rule the user out.

    Args:
        sessions: A sessions table: a path (`.parquet`, `.csv`, `.jsonl`, `.arrow`, a folder by
            `session_date=`, or a store), or a pandas, Polars or PyArrow table.
        value: Whose: the exact value, as its own type or as text; a list where the user is named by
            several columns, one for each.
        by: The column or columns that name the user, where they are not the identity.
        timezone: IANA zone of the days; unless given, that of the table's rules, else UTC.

    Returns:
        The user's sessions in numbers.

    Raises:
        InputError: For a user who has no session (the message names those most alike), a table that holds
            no sessions, or a missing column.
        ValueError: For an unknown zone, or another number of values than of columns.

    Example:
        >>> import pandas as pd
        >>> import sessionize as sz
        >>> visits = pd.DataFrame({"user_id": ["ada"] * 2,
        ...                        "timestamp": ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]})
        >>> usage = user(sz.sessionize(visits), "ada")
        >>> usage.sessions, usage.active_days, usage.total_seconds
        (2, 2, 0.0)
    """
    written = open_written(sessions)
    columns = written.layout.users(by)
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) != len(columns):
        raise ValueError(
            f"a user is one {' and '.join(columns)}: give {len(columns)} value"
            f"{'' if len(columns) == 1 else 's'}, not {len(values)}."
        )
    zone = zone_of(written, timezone)
    reader = Reader(written.layout, columns, zone)
    found = [reader.read(table)[0] for table in _tables_of(written, reader, columns, values)]
    found = [rows for rows in found if len(rows)]
    if not found:
        raise InputError(_unknown(written, columns, values))
    return _usage(found, dict(zip(columns, map(_text, values), strict=True)), zone)


def _tables_of(
    written: Written, reader: Reader, columns: Sequence[str], values: Sequence[Any]
) -> Iterator[pa.Table]:
    types = [written.layout.types[column] for column in columns]
    try:
        wanted = [_typed(value, type_) for value, type_ in zip(values, types, strict=True)]
    except (ValueError, TypeError, pa.ArrowException):
        return  # what the type cannot hold, no user is called
    # Arrow compares no extension types, so those are compared as text, after reading.
    pairs = list(zip(columns, types, wanted, strict=True))
    as_texts = [(column, scalar) for column, type_, scalar in pairs if _is_extension(type_)]
    comparable = [pc.field(column) == scalar for column, type_, scalar in pairs if not _is_extension(type_)]
    for table in written.tables(reader.columns, reduce(and_, comparable) if comparable else None):
        yield reduce(_equal, as_texts, table)


def _equal(table: pa.Table, wanted: tuple[str, pa.Scalar]) -> pa.Table:
    column, text = wanted
    return table.filter(pc.equal(as_text(table[column].combine_chunks()), text))


def _is_extension(type_: pa.DataType) -> bool:
    return isinstance(type_, pa.BaseExtensionType)


def _typed(value: Any, type_: pa.DataType) -> pa.Scalar:
    """Take a value, or its text, as one of the column's type; a uuid as its text."""
    if isinstance(type_, pa.UuidType):
        return pa.scalar(str(UUID(str(value))))
    if not isinstance(value, str) or pt.is_string(type_):
        return pa.scalar(value, type_)
    if pt.is_binary(type_) or pt.is_large_binary(type_) or pt.is_fixed_size_binary(type_):
        return pa.scalar(binascii.unhexlify(value), type_)
    return pa.scalar(value).cast(type_)


def _usage(found: Sequence[Rows], who: dict[str, str], zone: Zone) -> Usage:
    start_us, end_us, seconds, events, day = (
        np.concatenate([getattr(rows, name) for rows in found])
        for name in ("start_us", "end_us", "seconds", "events", "day")
    )
    days = len(np.unique(day))
    return Usage(
        user=who,
        sessions=len(start_us),
        first_used=as_instant(int(start_us.min())),
        last_used=as_instant(int(end_us.max())),
        total_seconds=float(np.rint(seconds * 1e6).astype(np.int64).sum()) / 1e6,
        median_seconds=float(np.median(seconds)),
        events=int(events.sum()),
        active_days=days,
        sessions_per_active_day=len(start_us) / days,
        timezone=zone.name,
        last_sessions=_last(found),
    )


def _last(found: Sequence[Rows]) -> tuple[Visit, ...]:
    table = pa.concat_tables(
        pa.table(
            {
                name: getattr(rows, name)
                for name in ("session_id", "start_us", "end_us", "seconds", "events", "reason")
            }
        )
        for rows in found
    )
    latest = [("start_us", "descending"), ("end_us", "descending"), ("session_id", "ascending")]
    places = pc.select_k_unstable(table, min(LAST_SHOWN, len(table)), sort_keys=latest)
    return tuple(
        Visit(
            row["session_id"],
            as_instant(row["start_us"]),
            as_instant(row["end_us"]),
            row["seconds"],
            row["events"],
            row["reason"],
        )
        for row in table.take(places).to_pylist()
    )


def _unknown(written: Written, columns: Sequence[str], values: Sequence[Any]) -> str:
    """Say that nobody is called so, and who is called nearly so."""
    asked = ":".join(map(_text, values))
    named = " and ".join(columns)
    alike = most_alike(asked, _everyone(written, columns))
    meant = f" Most alike: {', '.join(map(repr, alike))}." if alike else ""
    return f"{written.layout.name}: no session of {named} {asked!r}.{meant} Values are compared exactly."


def _everyone(written: Written, columns: Sequence[str]) -> pa.Array:
    known = pa.array([], pa.large_string())
    for table in written.tables(columns):
        known = pa.concat_arrays([known, names_of(table, columns).unique()]).unique()
    return known.drop_null()


def most_alike(asked: str, known: pa.Array) -> list[str]:
    """Find the names that were probably meant: the same but for case, zeros or a part, or a letter or two.

    Args:
        asked: What was asked for.
        known: Array of large_string, distinct names without nulls.

    Returns:
        At most three names, the most alike first.

    Example:
        >>> most_alike("37", pa.array(["000037", "000038", "bob"], pa.large_string()))
        ['000037']
        >>> most_alike("Bob", pa.array(["ann", "bobby", "bob"], pa.large_string()))
        ['bob', 'bobby']
    """
    plain = asked.casefold().lstrip("0") or asked
    folded = pc.utf8_lower(known)
    same = known.filter(pc.equal(pc.utf8_ltrim(folded, "0"), plain))
    partly = known.filter(pc.match_substring(folded, plain)) if len(plain) > 1 else known[:0]
    near = _of_like_length(known, asked)
    by_letters = get_close_matches(asked, near.to_pylist(), n=SUGGESTED, cutoff=0.7)
    ordered = [*same.to_pylist()[:SUGGESTED], *by_letters, *partly.to_pylist()[:SUGGESTED]]
    return list(dict.fromkeys(ordered))[:SUGGESTED]


def _of_like_length(known: pa.Array, asked: str) -> pa.Array:
    """Pick names to compare letter by letter: of like length and, where many, like end or beginning."""
    lengths = pc.utf8_length(known).to_numpy()
    near = known.filter(pa.array(np.abs(lengths - len(asked)) <= 2))
    if len(near) > _CANDIDATES:
        half = max(1, len(asked) // 2)
        ends = near.filter(pc.ends_with(near, asked[-half:]))
        near = pa.concat_arrays([ends, near.filter(pc.starts_with(near, asked[:half]))])
    return near[:_CANDIDATES]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_text(pa.array([value]))[0].as_py()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if isinstance(value, datetime) else value
        for name, value in values.items()
    }
