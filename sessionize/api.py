"""Data frames in, sessions out."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, Unpack, overload

import pyarrow as pa

from sessionize.core.sessions import SessionTable
from sessionize.definition import Definition, define, shows_definition
from sessionize.engine.local import believing, sessions_of
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.in_words import named_by
from sessionize.job import summarize
from sessionize.reading.frames import open_frame, restore
from sessionize.reading.options import ReadOptions
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.summary import Summary

Frame = TypeVar("Frame")

KEEPING = frozenset({"first", "last", "min", "max"})
"""Aggregates whose values are values of their column, dtype and all."""


@overload
def sessionize(
    events: Frame,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    as_of: str | date | None = None,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    return_summary: Literal[False] = False,
    **definition: Unpack[Definition],
) -> Frame: ...


@overload
def sessionize(
    events: Frame,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    as_of: str | date | None = None,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    return_summary: Literal[True],
    **definition: Unpack[Definition],
) -> tuple[Frame, Summary]: ...


@shows_definition
def sessionize(
    events: Any,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    as_of: str | date | None = None,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    return_summary: bool = False,
    **definition: Unpack[Definition],
) -> Any:
    """Find the sessions in a table of events.

    Args:
        events: A pandas, Polars or PyArrow table, or anything with `__arrow_c_stream__`; a row is
            an event, in any order. It is not changed.
        rules: What a session is; keywords such as `timeout="15m"` override single values.
        reading: How to read the events; keywords such as `time="ts"` override single values.
        max_rejected: Rows that may be rejected: a number, or a share of the rows (`"0.5%"`).
        as_of: The watermark that says which sessions are open; the last event unless given.
        threads: Worker threads; one for each core unless given.
        memory_limit: What the run aims to stay below beside the events: bytes, or text such as
            `2GB`; half of what is free unless given. Neither it nor `threads` changes the result.
        temp_dir: Where fragments that do not fit into memory wait; the system's place unless given.
        return_summary: Whether to return the counts and the rejected rows as well.
        **definition: Any field of `SessionRules` (`by`, `timeout`, `boundary`, `split_daily`,
            `timezone`, `split_on`, `max_duration`, `agg`, …) or `ReadOptions` (`time`, `time_unit`,
            `include`, …).

    Returns:
        A table of the kind that came in (a PyArrow table for other kinds), a row for each session:
        `session_id` (text), the identity columns, `start_time` and `end_time` (µs, UTC),
        `duration_seconds` (float64), `event_count` (int64), `start_reason` (text), the aggregates.
        Rows stand in the order in which the sessions closed: by end, identity, start. With
        `return_summary`, a pair of that table and the `Summary`.

    Raises:
        RejectedRowsError: Where more rows are rejected than allowed; it holds them.
        InputError: For a missing column or one of an unusable type.
        ValueError: For an option outside its domain.
        TypeError: For an unknown keyword, or events that are no table.

    Example:
        >>> import pandas as pd
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada", "ada"],
        ...     "timestamp": pd.to_datetime(["2026-01-01 09:00", "2026-01-01 09:05",
        ...                                  "2026-01-01 09:30", "2026-01-01 10:01"]),
        ... })
        >>> sessionize(events)[["user_id", "event_count", "duration_seconds"]]
          user_id  event_count  duration_seconds
        0     bob            1               0.0
        1     ada            2            1800.0
        2     ada            1               0.0
    """
    started = time.perf_counter()
    rules, reading = define(rules, reading, definition)
    limit = RejectLimit.parse(max_rejected)
    resources = Resources(threads, memory_limit, temp_dir)
    as_of_us = reading.instant_us(as_of)
    log = open_frame(events, rules.columns, rules.by, reading, named_by(rules))
    table = SessionTable.of(rules, log.types)

    def attempt(trusting: bool) -> tuple[pa.Table, Outcome]:
        outcome = Outcome(rules, as_of_us)
        with Pool(resources.threads) as pool:
            parts = list(sessions_of(log, table, outcome, pool, resources=resources, trusting=trusting))
        limit.check(outcome.tally, outcome.rejected())
        return pa.concat_tables([pa.Table.from_batches([], table.schema), *parts]), outcome

    sessions, outcome = believing(attempt)
    result = restore(sessions, events, _kept_columns(rules))
    if not return_summary:
        return result
    return result, summarize(outcome, rules, time.perf_counter() - started, output=None)


def _kept_columns(rules: SessionRules) -> dict[str, str]:
    """Map the columns of the result that hold a column's own values to that column."""
    kept = {name: name for name in (*rules.by, *rules.split_on)}
    return kept | {
        aggregate.name: aggregate.column for aggregate in rules.agg if aggregate.function in KEEPING
    }
