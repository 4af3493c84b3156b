"""What Spark promises, and no more: rows with equal keys meet, partitions are sorted, batches have any size.

A task may run twice, and one of its attempts counts. Tasks run here, one after the other, so that
hundreds of small logs can be tried in seconds. Whether Spark keeps its promises is for
`tests/test_spark.py` to see, which runs a real one.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from sessionize.spark import job

Row = dict[str, Any]
_LOST = 0.2
"""Tasks that run once more than they need."""
Task = Callable[[Iterator[pa.RecordBatch]], Iterable[pa.RecordBatch]]


@contextmanager
def promised(seed: int) -> Iterator[None]:
    """Let `engine="spark"` run here; the seed says how rows are divided and batched."""

    @contextmanager
    def session(conf: Mapping[str, str]) -> Iterator[Cluster]:
        yield Cluster(random.Random(seed))

    with patch.object(job, "spark_session", session):
        yield


@dataclass(frozen=True)
class Cluster:
    """Where frames come from."""

    random: random.Random
    conf: Mapping[str, str] = field(default_factory=dict)

    def range(self, start: int, end: int, step: int, parts: int) -> Frame:
        """Give numbers, each in a partition of its own."""
        assert parts == max(len(range(start, end, step)), 1)
        schema = pa.schema([("id", pa.int64())])
        return Frame(self.random, schema, [[{"id": number}] for number in range(start, end, step)])


@dataclass(frozen=True)
class Frame:
    """Rows in partitions."""

    random: random.Random
    schema: pa.Schema
    partitions: list[list[Row]]

    def repartition(self, *by: Any) -> Frame:
        """Bring rows with equal keys together, or all of them; their order is lost."""
        names = [] if by == (1,) else by
        parts: defaultdict[int, list[Row]] = defaultdict(list)
        for row in (row for part in self.partitions for row in part):
            parts[hash(repr([row[name] for name in names])) % 3].append(row)
        for part in parts.values():
            self.random.shuffle(part)
        return Frame(self.random, self.schema, [parts[number] for number in range(3)])

    def sortWithinPartitions(self, *by: str) -> Frame:  # noqa: N802
        def key(row: Row) -> list[tuple[bool, Any]]:
            return [(row[name] is not None, row[name]) for name in by]

        return Frame(self.random, self.schema, [sorted(part, key=key) for part in self.partitions])

    def mapInArrow(self, task: Task, schema: str) -> Frame:  # noqa: N802
        for part in self.partitions:
            if self.random.random() < _LOST:
                list(task(self._batches(part)))
        done = [list(task(self._batches(part))) for part in self.partitions]
        known = next((batch.schema for batches in done for batch in batches), self.schema)
        return Frame(
            self.random, known, [[row for batch in part for row in batch.to_pylist()] for part in done]
        )

    def collect(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(**row) for part in self.partitions for row in part]

    def toLocalIterator(self) -> Iterator[SimpleNamespace]:  # noqa: N802
        return iter(self.collect())

    def _batches(self, rows: list[Row]) -> Iterator[pa.RecordBatch]:
        while rows:
            size = self.random.choice([1, 2, 5, 100])
            yield pa.RecordBatch.from_pylist(rows[:size], schema=self.schema)
            rows = rows[size:]
