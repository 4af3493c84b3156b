"""One run on Spark: it schedules, shuffles, sorts and retries; reading, cutting, merging, writing are ours.

    units of the log ──read, cut──▶ fragments ══by identity══▶ merge ──▶ sessions ══by date══▶ files

What one identity did between two rests is one fragment, however much it was: of a bot's three
million events hardly more than its sessions are shuffled.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from sessionize.datapoints import points_of
from sessionize.engine.outcome import Outcome
from sessionize.errors import InputError
from sessionize.job import Job
from sessionize.spark.finding import merged
from sessionize.spark.notes import Failed, Merged, Read, Written
from sessionize.spark.packets import parts_of
from sessionize.spark.session import spark_session
from sessionize.spark.spreading import spread
from sessionize.spark.taking import read_units
from sessionize.spark.talking import talking, told
from sessionize.spark.units import Unit, tasks_of, units_of
from sessionize.spark.work import Work
from sessionize.spark.writing import DDL, finished, written
from sessionize.writing.atomic import PARTITION, replaced_folder
from sessionize.writing.folder import FolderEncoder
from sessionize.writing.output import open_output
from sessionize.writing.rejects import keeping_rejected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ATTEMPTS = "_attempts"
"""Where tasks write, below the folder that is to take the output's place."""


def run_on_spark(job: Job, conf: Mapping[str, str]) -> Outcome:
    """Carry a job out on Spark.

    Args:
        job: What to do.
        conf: Settings of Spark's, for a session of our own.

    Returns:
        What the run found out.

    Raises:
        EngineError: Where Spark is not to be had.
        InputError: For input that cannot be used.
        OutputError: Where the output cannot be written.
    """
    _check_inputs(job)
    tasks = tasks_of(units_of(job.sources, job.files, job.needed, job.log.types))
    is_dated = job.target.partition_by is not None and job.emit == "sessions"
    write = _written_there if is_dated else _written_here
    with spark_session(conf) as spark, keeping_rejected(job.rejects) as keep:
        with talking(spark):
            work = Work(job.table, job.needed, job.log.types, parts_of(spark), is_dated)
            found = sessions(taken(spark, work, tasks), work, job.as_of_us)
        with write(job, work, spark, found) as outcome:
            job.limit.check(outcome.tally, outcome.rejected())
            keep(outcome.rejected())
    return outcome


def taken(spark: SparkSession, work: Work, tasks: Sequence[list[Unit]]) -> DataFrame:
    """Read and cut the units of each task."""
    return spread(spark, tasks, partial(read_units, work), work.taken.ddl)


def sessions(taken: DataFrame, work: Work, as_of_us: int | None) -> DataFrame:
    """Shuffle what was taken by identity, and merge it."""
    return work.taken.shuffled(taken).mapInArrow(partial(merged, work, as_of_us), work.found.ddl)


@contextmanager
def _written_there(job: Job, work: Work, spark: SparkSession, found: DataFrame) -> Iterator[Outcome]:
    """Shuffle by date, and let each task write its dates. Only what Spark takes for done is kept."""
    outcome = Outcome(job.table.rules, job.as_of_us)
    with replaced_folder(Path(str(job.target.path)), job.target.name) as folder:
        encoder = FolderEncoder(folder, job.schema, job.metadata, job.dates, job.target.kept)
        attempts = folder / _ATTEMPTS
        attempts.mkdir()
        place = replace(job.target, path=attempts, keeps_dates=False)
        stage = partial(written, work, place, job.metadata, job.dates)
        with talking(spark):
            rows = work.found.shuffled(found).mapInArrow(stage, DDL).collect()
        notes = [pickle.loads(row.note) for row in rows]
        for note in notes:
            take_note(note, outcome)
        _gather(attempts, folder, [note for note in notes if isinstance(note, Written)], outcome)
        encoder.finish()
        yield outcome


@contextmanager
def _written_here(job: Job, work: Work, spark: SparkSession, found: DataFrame) -> Iterator[Outcome]:
    """Sort all sessions by their end in one task, and write them here: it is one file, or one pipe."""
    outcome = Outcome(job.table.rules, job.as_of_us)
    with talking(spark):
        rows = work.found.shuffled(found).mapInArrow(partial(finished, work), DDL).toLocalIterator()

    def closed() -> Iterator[pa.Table]:
        for row in told(spark, rows):  # notes have no end, so they come before all sessions
            if row.note is not None:
                take_note(pickle.loads(row.note), outcome)
            else:
                yield pa.ipc.open_stream(pa.py_buffer(row.sessions)).read_all()

    with open_output(job.target, job.schema, metadata=job.metadata, dates=job.dates) as writer:
        for table in closed() if job.emit == "sessions" else points_of(closed(), job.table, outcome):
            writer.write(table)
        yield outcome


def take_note(note: object, outcome: Outcome) -> None:
    """Take in what a task has to say of the log."""
    match note:
        case Failed(error):
            raise error
        case Read(task, reading):
            outcome.note_reading(task, reading)
        case Merged(closed, deduplicated):
            outcome.note_elsewhere(closed)
            outcome.note_deduplicated(deduplicated)


def _gather(attempts: Path, folder: Path, written: Sequence[Written], outcome: Outcome) -> None:
    """Move what Spark takes for done up to its place; what other attempts have left goes."""
    if sum(note.rows for note in written) != outcome.sessions:
        raise RuntimeError("the tasks have not written as many sessions as were found.")
    for note in written:
        for dated in (attempts / note.folder).glob(f"{PARTITION}*"):
            dated.rename(folder / dated.name)
    shutil.rmtree(attempts)


def _check_inputs(job: Job) -> None:
    """Refuse what another machine cannot read.

    Raises:
        InputError: For standard input.
    """
    for source in job.sources:
        if source.once is not None:
            raise InputError(f"{source.name}: Spark's tasks can read no pipe. Save it as a file first.")
