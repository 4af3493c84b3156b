"""Rows of a sessions table as a store keeps them, written as the times of their sessions."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from tests.small_logs import INSTANT, at

STATE = pa.struct([("previous_end", pa.int64()), ("seen", pa.list_(pa.uint64()))])
SCHEMA = pa.schema(
    [
        ("session_id", pa.string()),
        ("user_id", pa.uint64()),
        ("start_time", INSTANT),
        ("end_time", INSTANT),
        ("event_count", pa.int64()),
        ("_state", STATE),
    ]
)
FIRST, SECOND, THIRD = (date(2026, 1, day) for day in (1, 2, 3))
LARGEST_ID = 2**64 - 1


def stored(*starts: str | datetime, minutes: float = 10) -> pa.Table:
    """One session a start, numbered from 1, each `minutes` long."""
    begins = [at(start) if isinstance(start, str) else start for start in starts]
    sessions = [_session(number, begin, minutes) for number, begin in enumerate(begins, 1)]
    return pa.Table.from_pylist(sessions, SCHEMA.insert(5, pa.field("session_date", pa.date32())))


def ids(table: pa.Table) -> list[str]:
    found: list[str] = table["session_id"].to_pylist()
    return found


def _session(number: int, start: datetime, minutes: float) -> dict[str, Any]:
    return {
        "session_id": f"{number}@{start:%dT%H:%M}",
        "user_id": LARGEST_ID - number,
        "start_time": start,
        "end_time": start + timedelta(minutes=minutes),
        "event_count": number,
        "session_date": start.date(),
        "_state": {"previous_end": None, "seen": [LARGEST_ID, number]},
    }
