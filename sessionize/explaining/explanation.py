"""What `explain` finds: one identity's timeline, as a value."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.events import REJECTED
from sessionize.reading.options import ReadOptions
from sessionize.rules import SessionRules
from sessionize.version import __version__
from sessionize.writing.jsonl import JsonLinesEncoder

OWN_COLUMNS = (
    *("time", "gap_seconds", "session_id", "session_number", "event_index"),
    *("start_reason", "opens", "why"),
)
"""The columns of a timeline, before any prefix; those that the rules read follow."""


@dataclass(frozen=True)
class Explanation:
    """One identity's timeline.

    Attributes:
        rules: What a session is; aggregates are not among them.
        identity: The value of each identity column, as text.
        events: Table of a row for each event, in the order in which they are walked: `time` (µs, UTC),
            `gap_seconds` (float64, since the event before; null for the first), `session_id`,
            `session_number` and `event_index` (int64, from 1), `start_reason` (the session's), `opens`
            (bool: whether the event opens its session), `why` (text, null for an event that joins
            without more ado), then the columns that the rules read. A repeated delivery has only
            `time`, `opens`, `why` and the rules' columns.
        rejected: Table of the identity's rejected rows (`file`, `record`, `reason`, `raw`), in input order.
        filtered: How many of its rows `include` and `exclude` leave out.
        malformed: How many records of the log gave no row, so that nobody can tell whose they are.
    """

    rules: SessionRules
    identity: Mapping[str, str]
    events: pa.Table
    rejected: pa.Table = field(default_factory=REJECTED.empty_table)
    filtered: int = 0
    malformed: int = 0

    @property
    def sessions(self) -> int:
        """How many sessions the events are of."""
        return len(self.own("session_number").drop_null().unique())

    def own(self, name: str) -> pa.ChunkedArray:
        """Return one of our own columns, whatever its prefix."""
        return self.events[self.rules.prefix + name]

    def part(
        self,
        *,
        since: str | date | None = None,
        until: str | date | None = None,
        last: int | None = None,
    ) -> Explanation:
        """Keep some of the sessions, each of them whole; numbers and gaps stay what they are.

        Args:
            since: Keep what ends at this time or later: ISO 8601 text, a date (its first moment), or
                a `datetime`; in the rules' time zone where it has no offset.
            until: Keep what begins at this time or earlier; a date is its last moment.
            last: Keep so many of these sessions, the last ones.

        Raises:
            ValueError: For text that is no time.
        """
        since_us, until_us = first_moment_us(since, self.rules), last_moment_us(until, self.rules)
        number = self.numbers()
        time_us = self.own("time").cast(pa.int64()).to_numpy()
        distinct, starts = np.unique(number, return_index=True)
        lasts = np.append(starts[1:], len(number))[: len(starts)] - 1
        kept = np.ones(len(distinct), bool)
        if since_us is not None:
            kept &= time_us[lasts] >= since_us
        if until_us is not None:
            kept &= time_us[starts] <= until_us
        chosen = distinct[kept] if last is None else distinct[kept][-last:]
        return replace(self, events=self.events.filter(pa.array(np.isin(number, chosen))))

    def numbers(self) -> NDArray[np.int64]:
        """Return the session number of each event; a repeated delivery has that of the one before it."""
        return np.maximum.accumulate(self.own("session_number").fill_null(0).to_numpy())

    def as_dict(self) -> dict[str, Any]:
        """Return the object that `--json` prints: plain values, times as ISO 8601 text."""
        return {
            "version": __version__,
            "rules": self.rules.as_dict(),
            "preset": self.rules.based_on,
            "identity": dict(self.identity),
            "sessions": self.sessions,
            "filtered": self.filtered,
            "malformed": self.malformed,
            "events": _plain_rows(self.events),
            "rejected": _plain_rows(self.rejected),
        }

    def __str__(self) -> str:
        """Say whose timeline it is, and how long."""
        counts = [_count(self.sessions, "session"), _count(len(self.events), "event")]
        if len(self.rejected):
            counts.append(_count(len(self.rejected), "rejected row"))
        return f"{named(self.identity)}: {', '.join(counts)}"


def named(identity: Mapping[str, str]) -> str:
    """Name an identity for a message.

    Example:
        >>> named({"user_id": "ada", "site": "fr"})
        "user_id 'ada', site 'fr'"
    """
    return ", ".join(f"{column} {text!r}" for column, text in identity.items())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def first_moment_us(moment: str | date | None, rules: SessionRules) -> int | None:
    """Read a time, or the first moment of a date, in the rules' time zone; µs since the epoch, UTC.

    Raises:
        ValueError: For text that is no time.
    """
    return ReadOptions(timezone=rules.timezone).instant_us(moment)


def last_moment_us(moment: str | date | None, rules: SessionRules) -> int | None:
    """Read a time, or the last moment of a date, as `first_moment_us` does."""
    day = _day(moment)
    if day is None or day == date.max:
        return first_moment_us(moment, rules)
    next_us = first_moment_us(day + timedelta(days=1), rules)
    return None if next_us is None else next_us - 1


def _day(moment: str | date | None) -> date | None:
    """Return a date that is no more than a date."""
    if isinstance(moment, str):
        try:
            return date.fromisoformat(moment)
        except ValueError:
            return None
    return None if isinstance(moment, datetime) else moment


def _plain_rows(table: pa.Table) -> list[Any]:
    """Return rows as JSON has them."""
    sink = io.BytesIO()
    JsonLinesEncoder(sink, table.schema).encode(table)
    return [json.loads(line) for line in sink.getvalue().splitlines()]
