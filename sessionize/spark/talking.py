"""Talking to Spark: whole conversations, and failures in one line."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
    for its own. So a signal cancels what the session runs, and its handler is called when the body
    has ended. A second one is not held back.

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
    """Hold back the signals that this process has handlers for; the first cancels what Spark does."""
    handlers = {number: handler for number in _ENDINGS if callable(handler := signal.getsignal(number))}
    if current_thread() is not main_thread():  # where no signal arrives
        handlers = {}
    held: list[int] = []
    unwanted, over = Event(), Event()

    def cancel() -> None:
        unwanted.wait()
        while spark is not None and not over.wait(0.2):  # a job may start after the one that was cancelled
            with suppress(Exception):
                spark.interruptAll()

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(number)
        unwanted.set()
        _handle(handlers)

    canceller = Thread(target=cancel, daemon=True)
    canceller.start()
    _handle(dict.fromkeys(handlers, hold))
    try:
        yield
    finally:
        over.set()
        unwanted.set()
        canceller.join()
        _handle(handlers)
        for number in held:
            signal.raise_signal(number)


def _handle(handlers: dict[signal.Signals, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _reason(text: str) -> str:
    """Find why a task failed: what Python said last in it, else what Java names as the first cause."""
    for pattern in (_PYTHON, _JAVA):
        if found := pattern.findall(text):
            return str(found[-1]).strip().rstrip(".")
    return text.strip().partition("\n")[0].rstrip(".")
