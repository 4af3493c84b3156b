"""Logs small enough to check by eye, put to sessionize and to the oracle alike.

A case that a person worked out judges both of them; generated logs only compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

import pyarrow as pa
import pytest

import sessionize as sz
from tests.clocks import EPOCH, MICROSECOND
from tests.logs import Log, session_rows
from tests.oracle import Row, Rules
from tests.small_logs import INSTANT, at

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US


@dataclass(frozen=True)
class Found:
    """What a log's sessions are, and where its rows went."""

    sessions: list[Row]
    events: int
    filtered: int
    rejected: int
    deduplicated: int
    open_sessions: int

    def column(self, name: str) -> list[Any]:
        """One column of the sessions table, in order."""
        return [row[name] for row in self.sessions]

    @property
    def reasons(self) -> list[str]:
        """Why each session opened."""
        return self.column("start_reason")

    @property
    def counts(self) -> list[int]:
        """How many events each session has."""
        return self.column("event_count")


Ask = Callable[[Log], Found]


def ask_sessionize(log: Log) -> Found:
    sessions, summary = sz.sessionize(log.table(), return_summary=True, **log.options())
    tally = summary.tally
    return Found(
        session_rows(sessions),
        tally.events,
        tally.filtered,
        tally.rejected,
        tally.deduplicated,
        summary.open_sessions,
    )


def ask_oracle(log: Log) -> Found:
    outcome = log.expected()
    return Found(
        outcome.sessions,
        len(outcome.events),
        outcome.filtered,
        len(outcome.rejected),
        outcome.deduplicated,
        outcome.open_sessions,
    )


both = pytest.mark.parametrize("ask", [ask_sessionize, ask_oracle], ids=["sessionize", "oracle"])
"""Runs a test twice: what it asserts holds for sessionize and for the oracle."""


def log(rules: Rules, *, times: Sequence[str] | None = None, **columns: Any) -> Log:
    """Write down a log.

    Args:
        rules: What a session is.
        times: The events' times as `at` reads them, UTC; from 09:00 on a minute apart unless given.
        **columns: The columns, as lists or Arrow arrays, an event each; an identity column that is
            not given is A throughout.
    """
    arrays = {name: pa.array(given) for name, given in columns.items()}
    size = len(times) if times is not None else len(next(iter(arrays.values())))
    moments = times_us(times) if times is not None else [us("09:00") + n * MINUTE_US for n in range(size)]
    arrays = {name: pa.array(["A"] * size) for name in rules.by} | arrays
    values = {name: array.to_pylist() for name, array in arrays.items()} | {"timestamp": moments}
    rows = [{name: column[row] for name, column in values.items()} for row in range(size)]
    return Log(rows, {name: array.type for name, array in arrays.items()} | {"timestamp": INSTANT}, rules)


def us(time: str) -> int:
    """An instant as `at` reads it, in µs since the epoch."""
    return (at(time) - EPOCH.replace(tzinfo=UTC)) // MICROSECOND


def times_us(times: Sequence[str]) -> list[int]:
    return [us(time) for time in times]


def around(moment: str, *steps_us: int) -> list[str]:
    """The times that lie so many microseconds after a moment, or before it."""
    return [f"{at(moment) + timedelta(microseconds=step):%Y-%m-%d %H:%M:%S.%f}" for step in steps_us]
