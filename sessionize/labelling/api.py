"""Data frames in, the same data frames with labels out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal, TypeVar, Unpack, overload

import numpy as np
import pyarrow as pa

from sessionize.definition import Definition, define, shows_definition
from sessionize.engine.local import believing
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.in_words import named_by
from sessionize.job import summarize
from sessionize.labelling.job import refuse_aggregates
from sessionize.labelling.labelled import LabelledPiece, Labels
from sessionize.labelling.labels import LABELS, label_schema, log_table
from sessionize.reading.frames import column_names, extended, held, open_frame
from sessionize.reading.options import ReadOptions
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.summary import Summary

Frame = TypeVar("Frame")


@overload
def label(
    events: Frame,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    return_summary: Literal[False] = False,
    **definition: Unpack[Definition],
) -> Frame: ...


@overload
def label(
    events: Frame,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    return_summary: Literal[True],
    **definition: Unpack[Definition],
) -> tuple[Frame, Summary]: ...


@shows_definition
def label(
    events: Any,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    return_summary: bool = False,
    **definition: Unpack[Definition],
) -> Any:
    """Say of every event which session it belongs to.

    Args:
        events: A pandas, Polars or PyArrow table, or anything with `__arrow_c_stream__`; a row is
            an event, in any order. It is not changed.
        rules: What a session is, without aggregates; keywords such as `timeout="15m"` override
            single values.
        reading: How to read the events; keywords such as `time="ts"` override single values.
        max_rejected: Rows that may be rejected: a number, or a share of the rows (`"0.5%"`).
        threads: Worker threads; one for each core unless given.
        memory_limit: What the run aims to stay below beside the events and their labels: bytes, or
            text such as `2GB`; half of what is free unless given. Neither it nor `threads` changes
            the result.
        temp_dir: Where what does not fit into memory waits; the system's place unless given.
        return_summary: Whether to return the counts and the rejected rows as well.
        **definition: Any field of `SessionRules` but `agg`, or of `ReadOptions`.

    Returns:
        The events, as the kind of table that came in (a PyArrow table for other kinds): every row
        in its place, its index and its columns as they are, and behind them `session_id` (text),
        `session_number` (int64: which of its identity's sessions it is, from 1), `event_index`
        (int64: which of the session's events it is, from 1), `gap_seconds` (float64: since the
        identity's event before; null on its first) and `start_reason` (text: the session's). All
        are null on rows that were left out, rejected, or delivered before. With `return_summary`, a
        pair of that table and the `Summary`.

    Raises:
        RejectedRowsError: Where more rows are rejected than allowed; it holds them.
        InputError: For a missing column or one of an unusable type, and for a column that has the
            name of one of ours.
        ValueError: For an option outside its domain, and for aggregates.
        TypeError: For an unknown keyword, or events that are no table.

    Example:
        >>> import pandas as pd
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada", "ada"],
        ...     "timestamp": pd.to_datetime(["2026-01-01 09:00", "2026-01-01 09:05",
        ...                                  "2026-01-01 09:30", "2026-01-01 10:01"]),
        ... })
        >>> label(events)[["user_id", "session_number", "event_index", "gap_seconds"]]
          user_id  session_number  event_index  gap_seconds
        0     ada               1            1          NaN
        1     bob               1            1          NaN
        2     ada               1            2       1800.0
        3     ada               2            1       1860.0
    """
    started = time.perf_counter()
    rules, reading = define(rules, reading, definition)
    refuse_aggregates(rules)
    limit = RejectLimit.parse(max_rejected)
    resources = Resources(threads, memory_limit, temp_dir)
    frame = held(events)
    schema = label_schema(pa.schema([(name, pa.null()) for name in column_names(frame)]), rules)
    log = open_frame(frame, rules.columns, rules.by, reading, named_by(rules))
    table = log_table(rules, log.types)

    def attempt(trusting: bool) -> tuple[pa.Table, Outcome]:
        outcome = Outcome(rules)
        with Pool(resources.threads) as pool:
            pieces = Labels(log, table, outcome, pool, resources).pieces(trusting=trusting)
            parts = [_of_rows(piece) for piece in pieces]
        limit.check(outcome.tally, outcome.rejected())
        return pa.concat_tables([LABELS.empty_table(), *parts]), outcome

    labels, outcome = believing(attempt)
    result = extended(frame, labels.rename_columns(schema.names[-len(LABELS) :]))
    if isinstance(events, pa.RecordBatchReader):
        result = result.to_reader()
    if not return_summary:
        return result
    return result, summarize(outcome, rules, time.perf_counter() - started, output=None)


def _of_rows(piece: LabelledPiece) -> pa.Table:
    """Return the labels of all rows of a piece, of schema `LABELS`."""
    labels, row = piece.aligned()
    return labels.take(pa.array(row, mask=np.less(row, 0))).cast(LABELS)
