"""Work in Spark's tasks that shuffles nothing: each item is done where there is room."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from sessionize.errors import SessionizeError
from sessionize.reading.log import Log, Piece, PlacedFile
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source
from sessionize.spark.notes import Failed
from sessionize.spark.session import spark_session
from sessionize.spark.spreading import spread
from sessionize.spark.talking import talking
from sessionize.spark.units import units_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Item = TypeVar("Item")
Result = TypeVar("Result")


MOST_TASKS = 1000
"""Of more items, several are done in one task."""


class SparkTasks:
    """Workers on a cluster, who are only called where there is work."""

    def __init__(self, session: Callable[[], SparkSession]) -> None:
        """Remember where a session is to be had."""
        self._session = cache(session)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Do some work with each item; all results are here before the first is given."""
        each = list(items)
        if not each:
            return
        some = len(each) // MOST_TASKS + 1
        tasks = [each[first : first + some] for first in range(0, len(each), some)]
        spark = self._session()
        with talking(spark):
            done = spread(spark, tasks, partial(_do, work), "task long, result binary").collect()
        for row in sorted(done):
            results = pickle.loads(row.result)
            if isinstance(results, Failed):
                raise results.error
            yield from results

    def pieces(
        self, log: Log, sources: Sequence[Source], files: Sequence[PlacedFile], needed: Needed
    ) -> Iterable[Piece]:
        """Divide a log into units, which another machine can open."""
        return units_of(sources, files, needed, log.types)


@contextmanager
def spark_tasks(conf: Mapping[str, str]) -> Iterator[SparkTasks]:
    """Have the workers of the active session, or of one with these settings.

    Raises:
        EngineError: Where Spark is not to be had.
    """
    with ExitStack() as stack:
        yield SparkTasks(lambda: stack.enter_context(spark_session(conf)))


def _do(work: Callable[[Item], Result], task: int, items: Sequence[Item]) -> Iterator[pa.RecordBatch]:
    done = pickle.dumps(_results(work, items))
    yield pa.RecordBatch.from_pydict({"task": [task], "result": pa.array([done], pa.binary())})


def _results(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result] | Failed:
    try:
        return [work(item) for item in items]
    except SessionizeError as error:
        return Failed(error)
