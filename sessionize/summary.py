"""What one run did, in numbers: the `Summary` that Python returns and `--json` prints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

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

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as the object that `--json` prints: plain values, times as ISO 8601 text."""
        tally = self.tally
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
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
