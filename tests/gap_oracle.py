"""Gaps counted one by one, in plain Python, beside the oracle's sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from tests import oracle
from tests.clocks import MICROSECOND
from tests.logs import Log
from tests.oracle import Row, Rules

OPTIONS = (
    *("by", "boundary", "time", "time_unit", "timezone", "dst_policy"),
    *("include", "exclude", "not_before", "not_after", "max_rejected"),
)
"""The options of a generated log that gaps know."""


def gap_options(log: Log) -> dict[str, Any]:
    """What to call `sz.gaps` with."""
    return {name: value for name, value in log.options().items() if name in OPTIONS}


def gaps_us(log: Log) -> Counter[int]:
    """How often each gap occurs, in µs."""
    found: Counter[int] = Counter()
    times: dict[tuple[Any, ...], list[int]] = {}
    for event in oracle.sessionize(log.rows, only_timeout(log.rules, None)).events:
        times.setdefault(tuple(map(repr, event.identity)), []).append(event.time_us)
    for of_one in times.values():
        of_one.sort()
        found.update(later - earlier for earlier, later in pairwise(of_one))
    return found


def under(log: Log, timeouts: Sequence[timedelta]) -> list[Row]:
    """What `Gaps.timeouts()` says, by counting the oracle's sessions."""
    gaps = gaps_us(log)
    return [_under(log, timeout, gaps) for timeout in timeouts]


def only_timeout(rules: Rules, timeout_us: int | None) -> Rules:
    """The same rows and identities, and no rule but a timeout."""
    read = {name: getattr(rules, name) for name in ("by", "time", "boundary", "timezone", "dst_policy")}
    kept = {name: getattr(rules, name) for name in ("include", "exclude", "not_before", "not_after")}
    return replace(Rules(), **read, **kept, timeout_us=timeout_us)


def _under(log: Log, timeout: timedelta, gaps: Counter[int]) -> Row:
    timeout_us = timeout // MICROSECOND
    sessions = oracle.sessionize(log.rows, only_timeout(log.rules, timeout_us)).sessions
    events = sum(row["event_count"] for row in sessions)
    alone = sum(row["event_count"] == 1 for row in sessions)
    length_us = sum(row["end_time"] - row["start_time"] for row in sessions)
    is_beyond = timeout_us.__le__ if log.rules.boundary == "reaches" else timeout_us.__lt__
    number = len(sessions)
    return {
        "timeout": timeout,
        "sessions": number,
        "mean_events": events / number if number else None,
        "mean_duration_seconds": length_us / 1_000_000 / number if number else None,
        "single_event_sessions": alone,
        "single_event_share": alone / number if number else None,
        "gaps_at": gaps[timeout_us],
        "gaps_beyond": sum(count for gap, count in gaps.items() if is_beyond(gap)),
    }
