"""Items of work, spread over Spark's tasks: each in a task of its own."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def spread(spark: SparkSession, items: Iterable[object]) -> DataFrame:
    """Give each item a task: a data frame of `task` (from 0) and `item` (pickled), a partition for each."""
    rows = [(task, pickle.dumps(item)) for task, item in enumerate(items)]
    listed = spark.createDataFrame(rows, "task long, item binary")
    return listed.repartitionByRange(max(len(rows), 1), "task")


def items_of(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Any]]:
    """Give the items that have come to a task, each with its number."""
    for batch in batches:
        numbers, items = (column.to_pylist() for column in batch.columns)
        yield from zip(numbers, map(pickle.loads, items), strict=True)
