"""What an update did, in numbers: what Python returns and `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from attrs import frozen

from sessionize.card import Line, as_card, moment
from sessionize.events import Tally
from sessionize.rules import SessionRules
from sessionize.store.difference import Counts
from sessionize.summary import lines_of_rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class UpdateSummary:
    """What one update of a store did, or would do.

    Attributes:
        store: The store as named.
        rules: What a session is.
        table_version: The version of the table afterwards; None where a dry run would make the first.
        new: Files that came in, as named.
        changed: Files whose old content went and whose new content came.
        moved: Files that are known under another path.
        same: How many files were in the store already.
        forgotten: Files that were taken out.
        tally: Where the rows of the files that were read went.
        sessions: What became of the sessions.
        partitions: The dates whose partitions were written, ascending.
        watermark_us: The latest event of the store, µs since the epoch; None without events.
        rejected: Table of the rejected rows (`file`, `record`, `reason`, `raw`), in input order.
        seconds: Wall time.
        is_dry_run: Whether nothing was written.
    """

    store: str
    rules: SessionRules
    table_version: int | None
    new: Sequence[str] = ()
    changed: Sequence[str] = ()
    moved: Sequence[str] = ()
    same: int = 0
    forgotten: Sequence[str] = ()
    tally: Tally
    sessions: Counts
    partitions: Sequence[date] = ()
    watermark_us: int | None
    rejected: pa.Table
    seconds: float
    is_dry_run: bool = False

    @property
    def watermark(self) -> datetime | None:
        """The time of the store's latest event, UTC."""
        return None if self.watermark_us is None else _EPOCH + timedelta(microseconds=self.watermark_us)

    @property
    def changed_nothing(self) -> bool:
        """Whether the store is what it was."""
        return not (self.new or self.changed or self.moved or self.forgotten)

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as the object that `--json` prints: plain values, times as ISO 8601 text."""
        watermark = self.watermark
        return {
            "store": self.store,
            "table_version": self.table_version,
            "dry_run": self.is_dry_run,
            "rules": self.rules.as_dict(),
            "preset": self.rules.based_on,
            "files": {
                "new": list(self.new),
                "changed": list(self.changed),
                "moved": list(self.moved),
                "same": self.same,
                "forgotten": list(self.forgotten),
            },
            "input_rows": self.tally.input_rows,
            "events": self.tally.events,
            "filtered": self.tally.filtered,
            "rejected": self.tally.rejected,
            "rejected_by_reason": dict(sorted(self.tally.rejected_by_reason.items())),
            "sessions": {
                "added": self.sessions.added,
                "extended": self.sessions.extended,
                "merged": self.sessions.merged,
                "removed": self.sessions.removed,
            },
            "partitions": [day.isoformat() for day in self.partitions],
            "watermark": None if watermark is None else watermark.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "seconds": round(self.seconds, 3),
        }

    def _repr_html_(self) -> str:
        """Show the summary as a table, for notebooks."""
        title = "What the update would do" if self.is_dry_run else "What the update did"
        return as_card(title, _lines(self))


def _lines(summary: UpdateSummary) -> Iterator[Line]:
    """Say what came in and what became of the sessions; what did not occur is left out."""
    files = {"new": len(summary.new), "changed": len(summary.changed), "moved": len(summary.moved)}
    files |= {"in already": summary.same, "forgotten": len(summary.forgotten)}
    yield "files", ", ".join(f"{count:,} {what}" for what, count in files.items() if count) or "none"
    if not summary.changed_nothing:
        counts = summary.sessions
        yield "events", f"{summary.tally.events:,}"
        yield from lines_of_rows(summary.tally)
        yield "sessions added", f"{counts.added:,}"
        yield "extended, merged, removed", f"{counts.extended:,}, {counts.merged:,}, {counts.removed:,}"
        yield "dates written", ", ".join(map(str, summary.partitions)) or "none"
    yield "watermark", moment(summary.watermark)
    version = "none yet" if summary.table_version is None else f"{summary.table_version}"
    yield "store", f"{summary.store}, version {version}"
    yield "took", f"{summary.seconds:,.1f} s"
