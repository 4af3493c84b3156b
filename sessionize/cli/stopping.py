"""Ending between two steps: a signal lets the step that runs come to its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sessionize.cli.console import Console
from sessionize.cli.failures import Terminated

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Remembers the signal that asked to end.

    Attributes:
        number: The signal; None as long as none came.
    """

    def __init__(self) -> None:
        """Remember none yet."""
        self.number: int | None = None

    def is_wanted(self) -> bool:
        """Say whether a signal came."""
        return self.number is not None

    def end(self) -> None:
        """End as the signal would have.

        Raises:
            KeyboardInterrupt: After SIGINT.
            Terminated: After SIGTERM.
        """
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number is not None:
            raise Terminated(self.number)


@contextmanager
def stopping(console: Console) -> Iterator[Stopping]:
    """Hold the first SIGINT or SIGTERM back while the context lasts; a second one ends at once."""
    wanted = Stopping()
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, frame: FrameType | None) -> None:
        wanted.number = number
        for each, handler in previous.items():
            signal.signal(each, handler)
        console.say("Stopping after this step; once more to stop at once.")

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield wanted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
