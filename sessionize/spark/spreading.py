"""Items of work, spread over Spark's tasks: each in a task of its own."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Each = Callable[[int, Any], Iterable[pa.RecordBatch]]
"""Takes the number of an item, from 0, and the item."""


def spread(spark: SparkSession, items: Iterable[object], work: Each, ddl: str) -> DataFrame:
    """Do some work with each item in a task of its own; what it gives are the rows of a data frame."""
    pickled = list(map(pickle.dumps, items))
    numbers = spark.range(0, len(pickled), 1, max(len(pickled), 1))
    return numbers.mapInArrow(partial(_work, work, pickled), ddl)


def _work(
    work: Each, pickled: Sequence[bytes], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from work(number, pickle.loads(pickled[number]))
