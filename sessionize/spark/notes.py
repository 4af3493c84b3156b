"""Notes: what tasks tell the driver of the log, beside rows.

They travel as rows do, so that Spark, which may run a task twice, counts each of them once.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessionize.engine.outcome import Closed, Reading
from sessionize.errors import SessionizeError


@dataclass(frozen=True)
class Read:
    """What reading the units of one task has shown, and the task's place in the log."""

    task: int
    reading: Reading


@dataclass(frozen=True)
class Merged:
    """The sessions of some identities, and how many events were repeated deliveries."""

    closed: Closed
    deduplicated: int


@dataclass(frozen=True)
class Written:
    """A folder that one attempt at a task has written, and its rows."""

    folder: str
    rows: int


@dataclass(frozen=True)
class Failed:
    """What is wrong with the log. Trying again would not help, so it is no failure of Spark's."""

    error: SessionizeError
