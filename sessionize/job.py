"""One run on one screen: find the log, sessionize it, write the table, say what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, Unpack, get_args

import pyarrow as pa

from sessionize.core.sessions import SessionTable, local_dates, session_dates
from sessionize.datapoints import point_schema, points_of, start_us
from sessionize.definition import Definition, define
from sessionize.engine.choice import Engine, check_engine
from sessionize.engine.local import believing, sessions_of
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources, peak_memory_bytes
from sessionize.in_words import named_by
from sessionize.progress import Progress, follow
from sessionize.provenance import provenance
from sessionize.reading.log import Log, PlacedFile, log_of, open_files
from sessionize.reading.options import ReadOptions
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source, find_sources, listed
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.summary import Summary
from sessionize.version import __version__
from sessionize.writing.output import open_output
from sessionize.writing.rejects import keeping_rejected
from sessionize.writing.target import Target, output_target

Emit = Literal["sessions", "datapoints"]
"""What a run writes: a row for each session, or the data points that an SDK would have sent."""


@dataclass(frozen=True)
class Job:
    """A run that is about to begin: everything that is known before rows are read.

    Attributes:
        sources: The files of the log.
        files: The same, opened.
        needed: The columns that are read, and how.
        log: The files as one log.
        table: What a session is, and what its row looks like.
        emit: What is written.
        target: Where to, and as what.
        rejects: Where rejected rows are kept; None where there is no place for them.
        limit: How many rows may be rejected.
        as_of_us: The watermark that says which sessions are open; None for the last event.
    """

    sources: Sequence[Source]
    files: Sequence[PlacedFile]
    needed: Needed
    log: Log
    table: SessionTable
    emit: Emit
    target: Target
    rejects: str | Path | None
    limit: RejectLimit
    as_of_us: int | None

    @property
    def schema(self) -> pa.Schema:
        """The columns of what is written."""
        return self.table.schema if self.emit == "sessions" else point_schema(self.table)

    @property
    def metadata(self) -> Mapping[str, str]:
        """How it was made, for the files' metadata."""
        return provenance(self.table.rules, self.emit)

    @property
    def dates(self) -> Callable[[pa.Table], pa.Array]:
        """The function that gives each row that is written its date."""
        return dates(self.table.rules, self.emit)


def run(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    emit: Emit = "sessions",
    output_format: str | None = None,
    partition_by: Literal["date"] | None = None,
    keep_dates: bool = False,
    max_rejected: int | str = 0,
    rejects: str | Path | None = None,
    as_of: str | date | None = None,
    allow_empty: bool = False,
    engine: Engine = "local",
    spark_conf: Mapping[str, str] | None = None,
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
        keep_dates: Whether that folder keeps the dates that stand there and of which this run has no
            session. A session that crosses into such a date is cut where the inputs are: a
            `SessionStore` knows better.
        max_rejected: Rows that may be rejected: a number, or a share of the input rows (`"0.5%"`).
        rejects: Where rejected rows are kept; `OUTPUT.rejected.jsonl` unless named.
        as_of: The watermark that says which sessions are open; the last event unless given.
        allow_empty: Whether 0-byte files and folders without files are a log without rows.
        engine: `local`, this process; or `spark`, the cluster that an active Spark session or the usual
            settings name (`sessionize.spark`). The sessions and their order are the same.
        spark_conf: Settings of Spark's, such as `{"spark.master": "yarn"}`, where no session is active.
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
        EngineError: Where Spark, or the Java that it needs, is not to be had.
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
    of_resources = {"threads": threads, "memory_limit": memory_limit, "temp_dir": temp_dir}
    check_engine(engine, of_resources=of_resources, spark_conf=spark_conf)
    target = output_target(
        output, output_format=output_format, partition_by=partition_by, keep_dates=keep_dates
    )
    rejects = place_for_rejects(rejects or target.default_rejects, target, limit)

    named = listed(inputs)
    own = [str(path) for path in (target.path, rejects) if path is not None]
    sources = find_sources(named, reading, own=own, notify=notify or _ignore, allow_empty=allow_empty)
    needed = Needed.of(rules.columns, rules.by, reading, named_by(rules))
    files = open_files(sources, needed)
    log = log_of(files, needed)
    follow(progress, log.extent.share)
    table = SessionTable.of(rules, log.types)
    as_of_us = reading.instant_us(as_of)
    job = Job(sources, files, needed, log, table, emit, target, rejects, limit, as_of_us)

    if engine == "local":
        outcome = believing(lambda trusting: _run_here(job, resources, trusting, progress))
    else:
        from sessionize.spark.job import run_on_spark

        outcome = run_on_spark(job, spark_conf or {})
    return summarize(outcome, rules, time.perf_counter() - started, output=str(output), emit=emit)


def _run_here(job: Job, resources: Resources, trusting: bool, progress: Progress | None) -> Outcome:
    """Let the embedded engine carry a job out."""
    outcome = Outcome(job.table.rules, job.as_of_us)
    with (
        Pool(resources.threads) as pool,
        keeping_rejected(job.rejects) as keep,
        open_output(job.target, job.schema, metadata=job.metadata, dates=job.dates) as writer,
    ):
        closed = sessions_of(
            job.log, job.table, outcome, pool, resources=resources, trusting=trusting, progress=progress
        )
        for rows in closed if job.emit == "sessions" else points_of(closed, job.table, outcome):
            writer.write(rows)
        job.limit.check(outcome.tally, outcome.rejected())
        keep(outcome.rejected())
    return outcome


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


def dates(rules: SessionRules, emit: Emit = "sessions") -> Callable[[pa.Table], pa.Array]:
    """Return the function that gives each row its date: the local day on which its session started."""
    if emit == "datapoints":
        return lambda rows: local_dates(start_us(rows, rules), rules)
    return lambda rows: session_dates(rows, rules)


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
        peak_memory_bytes=peak_memory_bytes(),
        output=output,
        rejected=outcome.rejected(),
        emit=emit,
    )


def _ignore(message: str) -> None:
    """Take a notice that nobody asked for."""
