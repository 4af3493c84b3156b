"""Logs small enough to check by eye, written as the times of their events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

import sessionize as sz

INSTANT = pa.timestamp("us", "UTC")
DAY = "2026-01-01"


def at(text: str) -> datetime:
    """An instant, UTC: `09:30`, `09:30:00.000001`, or with a date in front."""
    return datetime.fromisoformat(text if "-" in text else f"{DAY} {text}").replace(tzinfo=UTC)


def events(*times: str, who: Sequence[Any] | None = None, **columns: Any) -> pa.Table:
    """A log: everyone is A unless `who` says otherwise."""
    identity = ["A"] * len(times) if who is None else who
    return pa.table(
        {
            "user_id": identity if isinstance(identity, pa.Array) else pa.array(identity),
            "timestamp": pa.array([at(time) for time in times], INSTANT),
            **columns,
        }
    )


def sessionized(*times: str, who: Sequence[Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    return rows(sz.sessionize(events(*times, who=who), **options))


def rows(sessions: pa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in sessions.to_pylist()]


def column(name: str, found: list[dict[str, Any]]) -> list[Any]:
    return [row[name] for row in found]


def aggregated(function: str, values: Any, *, times: Sequence[str] = (), **options: Any) -> Any:
    """One aggregate over events of one session, a minute apart unless `times` says otherwise."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    moments = times or [f"09:{minute:02}" for minute in range(len(array))]
    name, _, argument = function.partition(",")
    text = f"{name}:x" + (f",{argument}" if argument else "")
    (session,) = rows(sz.sessionize(events(*moments, x=array), agg={"found": text}, **options))
    return session["found"]
