"""Talking to Spark: whole conversations, and failures in one line."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from sessionize.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

Handler = Callable[[int, FrameType | None], object]

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PYTHON = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception): .*)$(?!\n\tat )", re.MULTILINE)
_JAVA = re.compile(r"^Caused by: (?:\w+\.)*(.*)$", re.MULTILINE)


@contextmanager
def talking(spark: SparkSession | None = None) -> Iterator[None]:
    """Talk to Spark; a signal that comes meanwhile waits for the end of the conversation.

    Cut in two, a conversation with the JVM leaves an answer on the line that the next question takes
    for its own. So where the handler of a signal raises, what the session runs is cancelled, and the
    exception comes when the body has ended. At a second signal it comes at once.

    Args:
        spark: The session to talk to; None where there is none yet, or none to cancel anything in.

    Raises:
        EngineError: For every error of Spark's.
    """
    with _holding_signals(spark), explained():
        yield


def told(spark: SparkSession, rows: Iterator[Row]) -> Iterator[Row]:
    """Give rows that Spark tells one after the other; between two of them signals are not held."""
    while True:
        with talking(spark):
            row = next(rows, None)
        if row is None:
            return
        yield row


@contextmanager
def explained() -> Iterator[None]:
    """Turn what Spark says of a job that has failed into one line.

    Raises:
        EngineError: For every error of Spark's.
    """
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JNetworkError, ConnectionError, EOFError) as error:
        raise EngineError(
            "Spark's driver, a Java process beside this one, has ended in the middle of the job."
            " Perhaps it was killed for its memory: --spark-conf spark.driver.memory=4g sets its limit."
        ) from error
    except (Py4JError, PySparkException) as error:
        raise EngineError(
            f"Spark could not carry out the job: {_reason(str(error))}."
            " Its log says more: --spark-conf spark.log.level=INFO."
        ) from error


@contextmanager
def _holding_signals(spark: SparkSession | None) -> Iterator[None]:
    """Call handlers of signals, but hold back what they raise; it cancels what Spark does."""
    is_where_signals_arrive = current_thread() is main_thread()
    found = {number: signal.getsignal(number) for number in _ENDINGS if is_where_signals_arrive}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    held: list[BaseException] = []
    # A handler runs amid any line of this thread's: it may touch nothing that takes a lock.
    unwanted: SimpleQueue[bool] = SimpleQueue()
    over = Event()

    def cancel() -> None:
        is_unwanted = unwanted.get()
        while is_unwanted and spark is not None and not over.wait(0.2):  # a job may start after the first
            with suppress(Exception):
                spark.interruptAll()

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            raise held[0]
        try:
            _talking_to_nobody(handlers[signal.Signals(number)])(number, frame)
        except BaseException as ending:
            held.append(ending)
            unwanted.put(True)

    canceller = Thread(target=cancel, daemon=True)
    canceller.start()
    try:
        for number in handlers:
            signal.signal(number, hold)
        yield
    finally:
        over.set()
        unwanted.put(False)
        canceller.join()
        for number, handler in handlers.items():
            if signal.getsignal(number) is hold:  # else a handler has put another in its place
                signal.signal(number, handler)
        if held:
            raise held[0]


def _talking_to_nobody(handler: Handler) -> Handler:
    """Replace PySpark's own, which asks the JVM to cancel all jobs, in the middle of another question."""
    is_pysparks = (getattr(handler, "__module__", None) or "").startswith("pyspark.")
    return signal.default_int_handler if is_pysparks else handler


def _reason(text: str) -> str:
    """Find why a task failed: what Python said last in it, else what Java names as the first cause."""
    for pattern in (_PYTHON, _JAVA):
        if found := pattern.findall(text):
            return str(found[-1]).strip().rstrip(".")
    return text.strip().partition("\n")[0].rstrip(".")
