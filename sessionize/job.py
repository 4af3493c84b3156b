"""One run on one screen: find the log, sessionize it, write the table, say what was done."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal, Unpack, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.sessions import SessionTable
from sessionize.datapoints import point_schema, points_of, start_us
from sessionize.definition import Definition, define
from sessionize.engine.local import believing, sessions_of
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.in_words import named_by
from sessionize.reading.log import open_log
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import find_sources, listed
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.summary import Summary
from sessionize.version import __version__
from sessionize.writing.output import open_output
from sessionize.writing.rejects import keeping_rejected
from sessionize.writing.target import Target, output_target
from sessionize.zones import TZDATA_VERSION

Progress = Callable[[int], None]
Emit = Literal["sessions", "datapoints"]
"""What a run writes: a row for each session, or the data points that an SDK would have sent."""


def run(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    emit: Emit = "sessions",
    output_format: str | None = None,
    partition_by: Literal["date"] | None = None,
    max_rejected: int | str = 0,
    rejects: str | Path | None = None,
    as_of: str | date | None = None,
    allow_empty: bool = False,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    notify: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    **definition: Unpack[Definition],
) -> Summary:
    r"""Read logs, find their sessions, and write one table of them: the command `sessionize run`.

    The table appears whole when everything has succeeded; until then, and after any error, what
    stood there before still does.

    Args:
        inputs: Files, folders, globs, URIs, or `-` for standard input.
        output: A `.parquet`, `.csv`, `.jsonl` or `.arrow` file (text also `.gz`, `.zst`), `-` for
            CSV on standard output, or a folder with `partition_by`.
        rules: What a session is; keywords such as `timeout="15m"` override single values.
        reading: How to read the log; keywords such as `time="ts"` override single values.
        emit: `sessions`, or `datapoints`: of each session when it started and, unless it is open, when
            it ended (`sessionize.datapoints`).
        output_format: The format, where the output's name doesn't say.
        partition_by: `date` writes a folder `session_date=…/` for each local day of a start.
        max_rejected: Rows that may be rejected: a number, or a share of the input rows (`"0.5%"`).
        rejects: Where rejected rows are kept; `OUTPUT.rejected.jsonl` unless named.
        as_of: The watermark that says which sessions are open; the last event unless given.
        allow_empty: Whether 0-byte files and folders without files are a log without rows.
        threads: Worker threads; one for each core unless given.
        memory_limit: What the run aims to stay below: bytes, or text such as `2GB`; half of what is
            free unless given. Neither it nor `threads` ever changes the output.
        temp_dir: Where fragments that do not fit into memory wait; the system's place unless given.
        notify: Is told what was left out of the input.
        progress: Is called with the rows that were read since its last call.
        **definition: Any field of `SessionRules` or `ReadOptions`.

    Returns:
        What was done, in numbers.

    Raises:
        InputError: For input that cannot be used, rejected rows beyond the limit among it.
        OutputError: Where the output cannot be written.
        ValueError: For an option outside its domain.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "log.csv").write_text("user_id,timestamp\nada,2026-01-01T09:00:00Z\n")
        >>> run(folder / "log.csv", folder / "sessions.csv").sessions
        1
        >>> print((folder / "sessions.csv").read_text().splitlines()[1])
        ada:1767258000000000,ada,2026-01-01T09:00:00.000000Z,2026-01-01T09:00:00.000000Z,0.0,1,inactivity
    """
    started = time.perf_counter()
    rules, reading = define(rules, reading, definition)
    limit = RejectLimit.parse(max_rejected)
    resources = Resources(threads, memory_limit, temp_dir)
    if emit not in get_args(Emit):
        raise ValueError(f"emit {emit!r} is unknown. Write sessions or datapoints.")
    target = output_target(output, output_format=output_format, partition_by=partition_by)
    rejects = place_for_rejects(rejects or target.default_rejects, target, limit)

    named = listed(inputs)
    own = [str(path) for path in (target.path, rejects) if path is not None]
    sources = find_sources(named, reading, own=own, notify=notify or _ignore, allow_empty=allow_empty)
    log = open_log(sources, rules.columns, rules.by, reading, named_by(rules))
    table = SessionTable.of(rules, log.types)
    schema = table.schema if emit == "sessions" else point_schema(table)
    metadata = provenance(rules, emit)

    def attempt(trusting: bool) -> Outcome:
        outcome = Outcome(rules, reading.instant_us(as_of))
        with (
            Pool(resources.threads) as pool,
            keeping_rejected(rejects) as keep,
            open_output(target, schema, metadata=metadata, dates=dates(rules, emit)) as writer,
        ):
            closed = sessions_of(
                log, table, outcome, pool, resources=resources, trusting=trusting, progress=progress
            )
            for rows in closed if emit == "sessions" else points_of(closed, table, outcome):
                writer.write(rows)
            limit.check(outcome.tally, outcome.rejected())
            keep(outcome.rejected())
        return outcome

    outcome = believing(attempt)
    return summarize(outcome, rules, time.perf_counter() - started, output=str(output), emit=emit)


def place_for_rejects(rejects: str | Path | None, target: Target, limit: RejectLimit) -> str | Path | None:
    """Check the place for rejected rows before hours of reading."""
    if rejects is None:
        if limit != RejectLimit(0):
            raise ValueError("standard output has no place for rejected rows. Name a file with rejects.")
        return None
    place = output_target(rejects, output_format="jsonl")
    if place.path == target.path:
        raise ValueError(f"{rejects} is to hold both the sessions and the rejected rows. Name another file.")
    return place.path


def provenance(rules: SessionRules, emit: Emit = "sessions") -> dict[str, str]:
    """Say how a table was made, for its metadata: rules and versions, nothing of the moment."""
    made = {
        "version": __version__,
        "tzdata": TZDATA_VERSION,
        "preset": rules.based_on,
        "rules": rules.as_dict(),
    }
    if emit != "sessions":
        made["emit"] = emit
    return {"sessionize": json.dumps(made, ensure_ascii=False)}


def dates(rules: SessionRules, emit: Emit = "sessions") -> Callable[[pa.Table], pa.Array]:
    """Return the function that gives each row its date: the local day on which its session started."""

    def started_us(rows: pa.Table) -> NDArray[np.int64]:
        if emit == "datapoints":
            return start_us(rows, rules)
        return rows[rules.prefix + "start_time"].to_numpy().astype("datetime64[us]").view(np.int64)

    def date_of(rows: pa.Table) -> pa.Array:
        return pa.array(rules.zone.local_day(started_us(rows)).astype(np.int32)).view(pa.date32())

    return date_of


def summarize(
    outcome: Outcome, rules: SessionRules, seconds: float, *, output: str | None, emit: Emit = "sessions"
) -> Summary:
    """Put the numbers of a run together."""
    return Summary(
        version=__version__,
        rules=rules,
        preset=rules.based_on,
        tally=outcome.tally,
        sessions=outcome.sessions,
        single_event_sessions=outcome.single_event_sessions,
        open_sessions=outcome.open_sessions(),
        first_event=outcome.first_event,
        last_event=outcome.last_event,
        seconds=seconds,
        peak_memory_bytes=_peak_memory_bytes(),
        output=output,
        rejected=outcome.rejected(),
        emit=emit,
    )


def _peak_memory_bytes() -> int:
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def _ignore(message: str) -> None:
    """Take a notice that nobody asked for."""
