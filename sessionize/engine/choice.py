"""Who does the work: threads of this process, or the tasks of a Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, TypeVar, get_args

from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.reading.log import Log, Piece, PlacedFile
from sessionize.reading.rows import Needed
from sessionize.reading.sources import Source

Item = TypeVar("Item")
Result = TypeVar("Result")

Engine = Literal["local", "spark"]
"""Who runs a job: this process, or Apache Spark."""


class Workers(Protocol):
    """Those who read files."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Do some work with each item; the results come in the order of the items."""

    def pieces(
        self, log: Log, sources: Sequence[Source], files: Sequence[PlacedFile], needed: Needed
    ) -> Iterable[Piece]:
        """Divide a log, of these files, which are open, into what one of them reads at a time."""


@contextmanager
def workers(engine: Engine, resources: Resources, spark_conf: Mapping[str, str]) -> Iterator[Workers]:
    """Have workers for a while.

    Raises:
        EngineError: Where Spark, or the Java that it needs, is not to be had.
    """
    if engine == "local":
        with Pool(resources.threads) as pool:
            yield pool
    else:
        from sessionize.spark.tasks import spark_tasks

        with spark_tasks(spark_conf) as tasks:
            yield tasks


def check_engine(
    engine: str, *, of_resources: Mapping[str, object], spark_conf: Mapping[str, str] | None
) -> None:
    """Refuse an unknown engine, and what means nothing to the one that is named.

    Args:
        engine: Its name.
        of_resources: What was asked of `Resources`, by keyword; None for what was not.
        spark_conf: Settings of Spark's.

    Raises:
        ValueError: See there.
    """
    if engine not in get_args(Engine):
        raise ValueError(f"engine {engine!r} is unknown. Write local or spark.")
    if engine == "local" and spark_conf:
        raise ValueError("spark_conf means nothing to the local engine. Add engine='spark'.")
    for name, value in of_resources.items():
        if engine == "spark" and value is not None:
            raise ValueError(f"{name} is the local engine's. Spark has settings of its own: see spark_conf.")
