"""Work in threads, in order, with a bounded number of results in the making."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sessionize.reading.log import Log, Piece, PlacedFile
    from sessionize.reading.rows import Needed
    from sessionize.reading.sources import Source

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool:
    """Threads; a context manager that leaves none behind.

    Attributes:
        threads: How many tasks run at once.
    """

    def __init__(self, threads: int) -> None:
        """Make a pool of so many threads."""
        self.threads = threads
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="sessionize")

    def __enter__(self) -> Pool:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the tasks that run; drop those that do not yet."""
        self._executor.shutdown(cancel_futures=True)

    def pieces(
        self, log: Log, sources: Sequence[Source], files: Sequence[PlacedFile], needed: Needed
    ) -> Iterable[Piece]:
        """Return the pieces of a log as they are: threads share what was opened."""
        return log.pieces

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Map in order, with one item more than threads in the making.

        Unlike `Executor.map` it takes an item from the iterable only when a place is free: items
        and results may be large, and there may be more of them than memory holds.
        """
        waiting: deque[Future[Result]] = deque()
        remaining = iter(items)
        for item in islice(remaining, self.threads + 1):
            waiting.append(self._executor.submit(work, item))
        while waiting:
            result = waiting.popleft().result()
            for item in islice(remaining, 1):
                waiting.append(self._executor.submit(work, item))
            yield result
