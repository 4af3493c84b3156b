"""`sz.gaps` and `sz.gap_files`: a log in, its gaps out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Unpack

from sessionize.definition import READING, Definition
from sessionize.engine.local import believing
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.gap.counting import count_gaps
from sessionize.gap.gaps import Gaps
from sessionize.gap.scale import Scale
from sessionize.job import summarize
from sessionize.progress import Progress, follow
from sessionize.reading.frames import open_frame
from sessionize.reading.log import Log, open_log
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import find_sources, listed
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.spelling import closest

_TAKEN = READING | {"by", "boundary"}


def gaps(
    events: Any,
    *,
    timeouts: Iterable[str | timedelta] | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    **definition: Unpack[Definition],
) -> Gaps:
    """Count the gaps between the events of a table: which timeout fits them?

    A gap is the time between two consecutive events of one identity; events at one time have gaps of 0.

    Args:
        events: A pandas, Polars or PyArrow table, or anything with `__arrow_c_stream__`; a row is
            an event, in any order. It is not changed.
        timeouts: The timeouts to compare, from one second to ten years; 1, 5, 10, 15, 20, 30, 45, 60 and
            120 minutes unless given.
        reading: How to read the events; keywords such as `time="ts"` override single values.
        max_rejected: Rows that may be rejected: a number, or a share of the rows (`"0.5%"`).
        threads: Worker threads; one for each core unless given.
        memory_limit: What to stay below beside the events: bytes, or text such as `2GB`; half of what
            is free unless given. Neither it nor `threads` changes the result.
        temp_dir: Where events that do not fit into memory wait; the system's place unless given.
        **definition: `by`, `boundary`, `timezone`, and any field of `ReadOptions` (`time`, `time_unit`,
            `include`, …).

    Returns:
        The gaps, counted.

    Raises:
        RejectedRowsError: Where more rows are rejected than allowed; it holds them.
        InputError: For a missing column or one of an unusable type.
        ValueError: For an option outside its domain.
        TypeError: For another keyword, or events that are no table.

    Example:
        >>> import pandas as pd
        >>> events = pd.DataFrame({
        ...     "user_id": ["ada", "bob", "ada", "ada"],
        ...     "timestamp": pd.to_datetime(["2026-01-01 09:00", "2026-01-01 09:05",
        ...                                  "2026-01-01 09:30", "2026-01-01 10:01"]),
        ... })
        >>> counted = gaps(events, timeouts=["30m", "1h"])
        >>> counted.timeouts()["sessions"].to_pylist(), counted.timeouts()["gaps_at"].to_pylist()
        ([3, 2], [1, 0])
    """

    def opened(rules: SessionRules, options: ReadOptions) -> Log:
        return open_frame(events, rules.columns, rules.by, options)

    resources = Resources(threads, memory_limit, temp_dir)
    return _counted(opened, timeouts, reading, definition, resources, max_rejected)


def gap_files(
    inputs: str | Path | Sequence[str | Path],
    *,
    timeouts: Iterable[str | timedelta] | None = None,
    reading: ReadOptions | None = None,
    max_rejected: int | str = 0,
    allow_empty: bool = False,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    notify: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    **definition: Unpack[Definition],
) -> Gaps:
    r"""Count the gaps between the events of files, in one pass: the command `sessionize gaps`.

    Args:
        inputs: Files, folders, globs, URIs, or `-` for standard input.
        timeouts: The timeouts to compare, as in `gaps`.
        reading: How to read the log; keywords such as `time="ts"` override single values.
        max_rejected: Rows that may be rejected: a number, or a share of the input rows (`"0.5%"`).
        allow_empty: Whether 0-byte files and folders without files are a log without rows.
        threads: Worker threads; one for each core unless given.
        memory_limit: What to stay below: bytes, or text such as `2GB`; half of what is free unless
            given. Neither it nor `threads` changes the result.
        temp_dir: Where events that do not fit into memory wait; the system's place unless given.
        notify: Is told what was left out of the input.
        progress: Is called with the rows that were read since its last call.
        **definition: `by`, `boundary`, `timezone`, and any field of `ReadOptions`.

    Returns:
        The gaps, counted.

    Raises:
        InputError: For input that cannot be used, rejected rows beyond the limit among it.
        ValueError: For an option outside its domain.
        TypeError: For another keyword.

    Example:
        >>> import tempfile
        >>> log = Path(tempfile.mkdtemp()) / "log.csv"
        >>> _ = log.write_text("user_id,timestamp\nada,2026-01-01T09:00:00Z\nada,2026-01-01T09:00:45Z\n")
        >>> gap_files(log).gaps
        1
    """

    def opened(rules: SessionRules, options: ReadOptions) -> Log:
        named = listed(inputs)
        sources = find_sources(named, options, notify=notify or _ignore, allow_empty=allow_empty)
        return open_log(sources, rules.columns, rules.by, options)

    resources = Resources(threads, memory_limit, temp_dir)
    return _counted(opened, timeouts, reading, definition, resources, max_rejected, progress)


def _counted(
    opened: Callable[[SessionRules, ReadOptions], Log],
    timeouts: Iterable[str | timedelta] | None,
    reading: ReadOptions | None,
    definition: Mapping[str, Any],
    resources: Resources,
    max_rejected: int | str,
    progress: Progress | None = None,
) -> Gaps:
    started = time.perf_counter()
    rules, options, scale = _defined(timeouts, reading, definition)
    limit = RejectLimit.parse(max_rejected)
    log = opened(rules, options)
    follow(progress, log.extent.share)

    def attempt(trusting: bool) -> Gaps:
        outcome = Outcome(rules)
        with Pool(resources.threads) as pool:
            counts, identities = count_gaps(
                log, rules, scale, outcome, pool, resources=resources, trusting=trusting, progress=progress
            )
        limit.check(outcome.tally, outcome.rejected())
        summary = summarize(outcome, rules, time.perf_counter() - started, output=None)
        return Gaps(by=rules.by, counts=counts, identities=identities, summary=summary)

    return believing(attempt)


def _defined(
    timeouts: Iterable[str | timedelta] | None, reading: ReadOptions | None, definition: Mapping[str, Any]
) -> tuple[SessionRules, ReadOptions, Scale]:
    """Make of keywords who is meant, how to read, and what to count by."""
    for name in definition:
        if name == "timeout":
            raise TypeError(
                "gaps compare several timeouts: name them with timeouts=, such as ['15m', '30m']."
            )
        if name not in _TAKEN:
            raise TypeError(
                f"unknown keyword {name!r}: gaps know no rules but the timeout{closest(name, _TAKEN)}"
            )
    rules = SessionRules(timeout=None, **{name: definition[name] for name in definition if name == "by"})
    how = {name: value for name, value in definition.items() if name in READING}
    options = (reading or ReadOptions()).evolve(**how)
    return rules, options, Scale.of(timeouts, definition.get("boundary", "exceeds"))


def _ignore(message: str) -> None:
    """Take a notice that nobody asked for."""
