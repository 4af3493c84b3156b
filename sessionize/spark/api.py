"""Spark data frames in, Spark data frames out: for those who are in Spark already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Unpack

import pyarrow as pa

from sessionize.core.sessions import SessionTable
from sessionize.definition import Definition, define, shows_definition
from sessionize.in_words import named_by
from sessionize.reading.frames import EVENTS
from sessionize.reading.log import Task, log_of
from sessionize.reading.options import ReadOptions
from sessionize.reading.rows import Needed
from sessionize.reading.types import ColumnTypes
from sessionize.rules import SessionRules
from sessionize.spark.finding import merged_and_finished
from sessionize.spark.packets import parts_of
from sessionize.spark.session import ship
from sessionize.spark.taking import rejected_rows, take_frame
from sessionize.spark.types import arrow_type, quoted, spark_schema
from sessionize.spark.work import Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@shows_definition
def sessionize(
    events: DataFrame,
    rules: SessionRules | None = None,
    *,
    reading: ReadOptions | None = None,
    drop_rejected: bool = False,
    **definition: Unpack[Definition],
) -> DataFrame:
    """Find the sessions in a Spark data frame of events.

    Nothing runs until the result is asked for. Only the needed columns are read, and only fragments
    are shuffled, by identity; where rules ask for events in order, their events are.

    Args:
        events: A row is an event, in any order.
        rules: What a session is; keywords such as `timeout="15m"` override single values.
        reading: How to read the events; keywords such as `time="ts"` override single values.
            A `timestamp` is an instant, whatever the session's time zone; a `timestamp_ntz` is a
            local time in `timezone`.
        drop_rejected: Whether rows without identity or usable time are left out. Unless they are,
            the first of them fails the job.
        **definition: Any field of `SessionRules` or `ReadOptions`.

    Returns:
        A data frame, a row for each session: the columns of the sessions table, with the values that
        `sessionize.sessionize` gives, in no order. `orderBy("end_time", *by, "start_time")` brings
        them into that of the files.

    Raises:
        MissingColumnError: For a needed column that the data frame lacks.
        InputError: For a column of an unusable type.
        ValueError: For an option outside its domain.
        TypeError: For an unknown keyword.
    """
    rules, reading = define(rules, reading, definition)
    work = _work(events, rules, reading)
    ship(events.sparkSession)
    taken = _needed(events, work).mapInArrow(partial(take_frame, work, drop_rejected), work.taken.ddl)
    finish = partial(merged_and_finished, work)
    return work.taken.shuffled(taken).mapInArrow(finish, spark_schema(work.table.schema))


@shows_definition
def rejected(
    events: DataFrame,
    rules: SessionRules | None = None,
    *,
    reading: ReadOptions | None = None,
    **definition: Unpack[Definition],
) -> DataFrame:
    """Find the rows of a Spark data frame that are no events, and say why.

    Args:
        events: As `sessionize` takes them.
        rules: What a session is; it names the identity.
        reading: How to read the events.
        **definition: Any field of `SessionRules` or `ReadOptions`.

    Returns:
        A data frame of the rejected rows, in no order: `reason` (text) and `raw` (text: the needed
        columns of the row as JSON).

    Raises:
        MissingColumnError: For a needed column that the data frame lacks.
        InputError: For a column of an unusable type.
    """
    rules, reading = define(rules, reading, definition)
    work = _work(events, rules, reading)
    ship(events.sparkSession)
    return _needed(events, work).mapInArrow(partial(rejected_rows, work), "reason string, raw string")


class _FrameLog:
    """A data frame as the one file of a log: its columns; Spark reads the rows."""

    name = EVENTS
    size = None
    is_indexed = True

    def __init__(self, types: Mapping[str, pa.DataType], names: Sequence[str]) -> None:
        """Take the types of the needed columns, and the names of all."""
        self.names, self.types = names, types

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give nothing to read."""
        yield from ()


def _work(events: DataFrame, rules: SessionRules, reading: ReadOptions) -> Work:
    needed = Needed.of(rules.columns, rules.by, reading, named_by(rules))
    types = {
        field.name: arrow_type(field.name, field.dataType.simpleString())
        for field in events.schema
        if field.name in needed.columns
    }
    log = log_of([(_FrameLog(types, events.columns), {})], needed)
    return Work(SessionTable.of(rules, log.types), needed, log.types, parts_of(events.sparkSession))


def _needed(events: DataFrame, work: Work) -> DataFrame:
    """Select the needed columns, under numbers: `mapInArrow` takes no name that holds a dot or a backtick."""
    names = enumerate(work.needed.columns)
    return events.selectExpr(*(f"{quoted(name)} AS c{number}" for number, name in names))
