"""What one run did, in numbers: the `Summary` that Python returns and `--json` prints."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from sessionize.card import Line, as_card, moment, share
from sessionize.events import Tally
from sessionize.rules import SessionRules


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What one run did.

    Attributes:
        version: The version of sessionize that ran.
        rules: What a session was.
        preset: The preset that the rules started from, or None.
        tally: Where every input row went.
        sessions: Sessions found.
        single_event_sessions: Sessions of exactly one event.
        open_sessions: Sessions that an event at or after the watermark could still join.
        first_event: Time of the earliest event, UTC; None without events.
        last_event: Time of the latest event, UTC; None without events.
        seconds: Wall time of the run.
        peak_memory_bytes: Largest resident set of the process so far.
        output: The output as named; None where the sessions were returned.
        rejected: Table of the rejected rows (`file`, `record`, `reason`, `raw`), in input order.
        emit: What was written: `sessions` or `datapoints`.
    """

    version: str
    rules: SessionRules
    preset: str | None
    tally: Tally
    sessions: int
    single_event_sessions: int
    open_sessions: int
    first_event: datetime | None
    last_event: datetime | None
    seconds: float
    peak_memory_bytes: int
    output: str | None
    rejected: pa.Table
    emit: str = "sessions"

    @property
    def points(self) -> dict[str, int] | None:
        """How many data points of each kind were written; None where it was sessions."""
        if self.emit != "datapoints":
            return None
        return {"session_start": self.sessions, "session_end": self.sessions - self.open_sessions}

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as the object that `--json` prints: plain values, times as ISO 8601 text."""
        tally, points = self.tally, self.points
        return {
            "version": self.version,
            "rules": self.rules.as_dict(),
            "preset": self.preset,
            "input_rows": tally.input_rows,
            "events": tally.events,
            "filtered": tally.filtered,
            "rejected": tally.rejected,
            "rejected_by_reason": dict(sorted(tally.rejected_by_reason.items())),
            "deduplicated": tally.deduplicated,
            "dst_resolved": tally.dst_resolved,
            "sessions": self.sessions,
            "single_event_sessions": self.single_event_sessions,
            "open_sessions": self.open_sessions,
            "first_event": _iso(self.first_event),
            "last_event": _iso(self.last_event),
            "seconds": round(self.seconds, 3),
            "peak_memory_bytes": self.peak_memory_bytes,
            "output": self.output,
            **({} if points is None else {"points": points}),
        }

    def _repr_html_(self) -> str:
        """Show the summary as a table, for notebooks."""
        return as_card("What the run found", _lines(self))


def _lines(summary: Summary) -> Iterator[Line]:
    """Say what came out, what did not, and by which rules; what did not occur is left out."""
    from sessionize.in_words import as_options

    yield "sessions", f"{summary.sessions:,}"
    if summary.sessions:
        yield "of a single event", share(summary.single_event_sessions, summary.sessions)
        yield "still open", f"{summary.open_sessions:,}"
    if summary.points is not None:
        yield "data points", ", ".join(f"{count:,} {point}" for point, count in summary.points.items())
    yield "events", f"{summary.tally.events:,}"
    yield "first, last", f"{moment(summary.first_event)}, {moment(summary.last_event)}"
    yield from lines_of_rows(summary.tally)
    yield "rules", shlex.join(as_options(summary.rules)) or "the defaults"
    yield "took", f"{summary.seconds:,.1f} s, peak memory {summary.peak_memory_bytes / 1e6:,.0f} MB"
    if summary.output is not None:
        yield "output", summary.output


def lines_of_rows(tally: Tally) -> Iterator[Line]:
    """Say which input rows were no events, a label and a text for each kind that occurred."""
    rows = tally.input_rows
    if tally.filtered:
        yield "filtered rows", share(tally.filtered, rows)
    if tally.rejected:
        yield "rejected rows", f"{share(tally.rejected, rows)}: {tally.reasons}"
    if tally.deduplicated:
        yield "deduplicated rows", share(tally.deduplicated, rows)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
