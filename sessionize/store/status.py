"""How a store is: what it contains, up to when, and what is still open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from attrs import frozen

from sessionize.core.columns import column
from sessionize.core.sessions import SessionTable
from sessionize.engine.outcome import Outcome
from sessionize.events import Tally
from sessionize.rules import SessionRules
from sessionize.store.definition import StoreDefinition
from sessionize.store.history import Commit
from sessionize.store.ledger import Ledger
from sessionize.store.rows import as_fragments
from sessionize.store.table import SessionsTable

COMMITS = 5
"""The newest commits that a status tells of."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class StoreStatus:
    """How a store is at one version of its table.

    Attributes:
        store: The store as named.
        table_version: The version of its table.
        definition: Its rules and reading options, and what made it.
        files: How many input files it contains.
        tally: Where their rows went.
        sessions: How many sessions it has.
        open_sessions: Those that an event at or after the watermark could still join.
        open_since_us: The earliest start of an open one, µs since the epoch; None without any.
        partitions: How many dates have sessions.
        size_bytes: The size of its sessions on disk.
        first_us: The earliest event, µs since the epoch; None without events.
        last_us: The latest event, the watermark.
        commits: The newest commits, newest first.
        now: When it was asked.
    """

    store: str
    table_version: int
    definition: StoreDefinition
    files: int
    tally: Tally
    sessions: int
    open_sessions: int
    open_since_us: int | None
    partitions: int
    size_bytes: int
    first_us: int | None
    last_us: int | None
    commits: Sequence[Commit]
    now: datetime

    @property
    def rules(self) -> SessionRules:
        """What a session is."""
        return self.definition.rules

    @property
    def first_event(self) -> datetime | None:
        """The time of the earliest event, UTC."""
        return _moment(self.first_us)

    @property
    def watermark(self) -> datetime | None:
        """The time of the latest event, UTC."""
        return _moment(self.last_us)

    @property
    def open_since(self) -> datetime | None:
        """The time of the earliest start of an open session, UTC."""
        return _moment(self.open_since_us)

    @property
    def freshness(self) -> timedelta | None:
        """How far the watermark is behind the clock; None without events."""
        return None if self.watermark is None else self.now - self.watermark

    def as_dict(self) -> dict[str, Any]:
        """Return the status as the object that `--json` prints: plain values, times as ISO 8601 text."""
        made, freshness = self.definition.as_dict(), self.freshness
        return {
            "store": self.store,
            "table_version": self.table_version,
            **{name: made[name] for name in ("rules", "preset", "reading", "version", "tzdata")},
            "files": self.files,
            "input_rows": self.tally.input_rows,
            "events": self.tally.events,
            "filtered": self.tally.filtered,
            "rejected": self.tally.rejected,
            "rejected_by_reason": dict(sorted(self.tally.rejected_by_reason.items())),
            "deduplicated": self.tally.deduplicated,
            "dst_resolved": self.tally.dst_resolved,
            "sessions": self.sessions,
            "open_sessions": self.open_sessions,
            "open_since": _iso(self.open_since),
            "partitions": self.partitions,
            "size_bytes": self.size_bytes,
            "first_event": _iso(self.first_event),
            "watermark": _iso(self.watermark),
            "freshness_seconds": None if freshness is None else freshness.total_seconds(),
            "commits": [
                {"version": each.version, "time": _iso(each.time), "update": update_of(each)}
                for each in self.commits
            ],
        }


def status(
    source: SessionsTable, ledger: Ledger, table: SessionTable, *, as_of_us: int | None, now: datetime
) -> StoreStatus:
    """Look at a store; of its sessions only those that may be open are read.

    Args:
        source: The table.
        ledger: Its ledger.
        table: What a session is.
        as_of_us: The watermark that says which sessions are open; None for the latest event.
        now: What the clock says.
    """
    files = source.files()
    still_open = _still_open(source, table, ledger.last_us if as_of_us is None else as_of_us)
    return StoreStatus(
        store=source.location,
        table_version=source.version,
        definition=ledger.definition,
        files=len(ledger.files),
        tally=_tally(source, ledger, table),
        sessions=sum(file.rows for file in files),
        open_sessions=0 if still_open is None else len(still_open),
        open_since_us=None if still_open is None else pc.min(still_open["start_us"]).as_py(),
        partitions=len({file.session_date for file in files}),
        size_bytes=sum(file.size_bytes for file in files),
        first_us=ledger.first_us,
        last_us=ledger.last_us,
        commits=source.commits(COMMITS),
        now=now,
    )


def update_of(commit: Commit) -> Mapping[str, Any] | None:
    """Return what the update of a commit did, as `UpdateSummary.as_dict`; None where it was none."""
    return json.loads(commit.note["summary"]) if "summary" in commit.note else None


def _still_open(source: SessionsTable, table: SessionTable, watermark_us: int | None) -> pa.Table | None:
    outcome = Outcome(table.rules, watermark_us)
    bound_us = outcome.open_from_us()
    for file in source.files():
        if file.last_end_us >= bound_us:
            outcome.note_closed(as_fragments(source.read([file]).combine_chunks(), table))
    return outcome.still_open()


def _tally(source: SessionsTable, ledger: Ledger, table: SessionTable) -> Tally:
    """Count the rows of all files; which events repeat others, only the sessions know."""
    if table.rules.dedupe is None:
        return ledger.tally
    name = f"{table.rules.prefix}event_count"
    counts = column(source.read(source.files(), [name]), name)
    tally = replace(ledger.tally, deduplicated=0)
    return replace(tally, deduplicated=tally.events - pc.sum(counts, min_count=0).as_py())


def _moment(time_us: int | None) -> datetime | None:
    return None if time_us is None else _EPOCH + timedelta(microseconds=time_us)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
