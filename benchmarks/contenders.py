"""Who runs: a contender is a Python program that makes a table of sessions from a log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Answer = Literal["sessions", "bytes", "alone"]


@dataclass(frozen=True)
class Contender:
    """A program, and what its answer is compared with.

    Attributes:
        name: Its name in the tables.
        arguments: What follows `python`; `{log}` and `{out}` stand for the two paths.
        answer: Whether it must find the `sessions` that the others find, write the same `bytes` as
            all others that must, or stands `alone`: nobody else answers its question.
        log: A kind of log of its own, if it does not read that of its row.
        times: How many times the events of its row it reads.
        times_itself: Whether it prints the seconds that count.
    """

    name: str
    arguments: tuple[str, ...]
    answer: Answer = "sessions"
    log: str | None = None
    times: int = 1
    times_itself: bool = False

    def command(self, log: Path, out: Path) -> list[str]:
        """Return what follows `python` to sessionize `log` into `out`."""
        return [argument.format(log=log, out=out) for argument in self.arguments]


def sessionize(*options: str, name: str = "sessionize", answer: Answer = "bytes") -> Contender:
    """Return the command `sessionize run` with these options."""
    run = ("-m", "sessionize", "run", "{log}", "-o", "{out}", "--quiet")
    return Contender(name, (*run, *options), answer)


def peer(name: str, *options: str) -> Contender:
    """Return one of `peers.py`."""
    return Contender(name, ("-m", "benchmarks.peers", name, "{log}", "{out}", *options))


def frame(name: str) -> Contender:
    """Return one of `frames.py`."""
    return Contender(name, ("-m", "benchmarks.frames", name, "{log}", "{out}"), times_itself=True)


def floor(*columns: str) -> Contender:
    """Return the floor for these columns beside identity and time."""
    read = ("user_id", "timestamp", *columns)
    return Contender("floor", ("-m", "benchmarks.floor", "{log}", "{out}", *read), answer="alone")
