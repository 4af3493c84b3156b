"""What was counted of a log's gaps, as a value that shows itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sessionize.durations import MICROSECOND, format_duration
from sessionize.events import Tally
from sessionize.gap.counts import Counts
from sessionize.gap.scale import EDGES_US
from sessionize.gap.suggestion import Suggestion, suggest
from sessionize.summary import Summary

if TYPE_CHECKING:
    import altair

LENGTH = pa.duration("us")


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """The gaps between the consecutive events of each identity of a log.

    Attributes:
        by: The identity columns.
        counts: The gaps, counted; `table()` and `timeouts()` show them.
        identities: How many identities there are.
        summary: What reading the log has shown: rows, rejected rows, first and last event, time taken.
    """

    by: tuple[str, ...]
    counts: Counts
    identities: int
    summary: Summary

    @property
    def tally(self) -> Tally:
        """Where every input row went."""
        return self.summary.tally

    @property
    def gaps(self) -> int:
        """How many gaps there are: one less than events, for each identity."""
        return int(self.counts.gaps.sum())

    @property
    def first_event(self) -> datetime | None:
        """Time of the earliest event, UTC; None without events."""
        return self.summary.first_event

    @property
    def last_event(self) -> datetime | None:
        """Time of the latest event, UTC; None without events."""
        return self.summary.last_event

    @property
    def resolution(self) -> timedelta:
        """The coarsest of a day, an hour, a minute, a second, 1 ms and 1 µs that divides every gap."""
        return self.counts.resolution_us * MICROSECOND

    def table(self) -> pa.Table:
        """Return the histogram.

        Returns:
            A row for each bin, from short gaps to long ones: `gap_from` (inclusive), `gap_to`
            (exclusive; both duration[us]), `gaps` (int64). The first row counts the gaps of exactly 0;
            the others, eight for each doubling, reach from the shortest gap to the longest.
        """
        bins = self.counts.bins
        filled = np.flatnonzero(bins[1:]) + 1
        shown = np.r_[0, np.arange(filled[0], filled[-1] + 1)] if len(filled) else np.zeros(1, np.int64)
        return pa.table(
            {
                "gap_from": pa.array(EDGES_US[shown]).cast(LENGTH),
                "gap_to": pa.array(EDGES_US[shown + 1]).cast(LENGTH),
                "gaps": bins[shown],
            }
        )

    def timeouts(self) -> pa.Table:
        """Return what sessions would be under each timeout.

        Returns:
            A row for each timeout, ascending: `timeout` (duration[us]), `sessions` (int64), `mean_events`
            and `mean_duration_seconds` per session (float64; null without sessions),
            `single_event_sessions` (int64), `single_event_share` (float64, from 0 to 1; null without
            sessions), `gaps_at` and `gaps_beyond` (int64): how many gaps are exactly as long, and how
            many open a session under the boundary that was asked for.
        """
        counts = self.counts
        sessions = [self.identities + beyond for beyond in counts.beyond.tolist()]
        alone = counts.alone.tolist()
        seconds = [within_us / 1_000_000 for within_us in counts.within_us]
        return pa.table(
            {
                "timeout": pa.array(counts.scale.timeouts_us).cast(LENGTH),
                "sessions": pa.array(sessions, pa.int64()),
                "mean_events": _ratios([self.identities + self.gaps] * len(sessions), sessions),
                "mean_duration_seconds": _ratios(seconds, sessions),
                "single_event_sessions": pa.array(alone, pa.int64()),
                "single_event_share": _ratios(alone, sessions),
                "gaps_at": counts.at,
                "gaps_beyond": counts.beyond,
            }
        )

    def suggest(self) -> Suggestion:
        """Suggest a timeout: the bottom of the valley between the gaps, or 30 minutes where none is clear."""
        return self._suggestion

    @cached_property
    def _suggestion(self) -> Suggestion:
        return suggest(self.counts)

    def plot(self) -> altair.LayerChart:
        """Draw the histogram on a log scale, with the timeouts and the suggestion marked.

        Returns:
            An Altair chart.

        Raises:
            ImportError: Without Altair: `pip install 'sessionize[report]'`.
        """
        from sessionize.gap.plot import chart

        return chart(self)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as the object that `--json` prints: plain values, lengths of time in seconds."""
        suggestion, summary = self.suggest(), self.summary.as_dict()
        of_rows = ("input_rows", "events", "filtered", "rejected", "rejected_by_reason", "dst_resolved")
        return {
            "version": summary["version"],
            "by": list(self.by),
            "boundary": self.counts.scale.boundary,
            **{name: summary[name] for name in of_rows},
            "identities": self.identities,
            "gaps": self.gaps,
            "resolution_seconds": self.resolution.total_seconds(),
            "first_event": summary["first_event"],
            "last_event": summary["last_event"],
            "histogram": [_plain(row) for row in self.table().to_pylist()],
            "timeouts": [
                {**row, "timeout": format_duration(row["timeout"])} for row in self.timeouts().to_pylist()
            ],
            "suggestion": {
                "timeout": format_duration(suggestion.timeout),
                "is_clear": suggestion.is_clear,
                "reason": suggestion.reason,
                "others": [format_duration(other) for other in suggestion.others],
            },
            "seconds": summary["seconds"],
            "peak_memory_bytes": summary["peak_memory_bytes"],
        }

    def __str__(self) -> str:
        """Draw everything as text, 80 characters wide."""
        from sessionize.gap.drawing import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        """Show the timeouts and the suggestion as HTML, for notebooks."""
        from sessionize.gap.drawing import as_html

        return as_html(self)


def _ratios(parts: list[Any], wholes: list[int]) -> pa.Array:
    """Divide, exactly rounded; null where there is nothing to divide by."""
    ratios = [part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)]
    return pa.array(ratios, pa.float64())


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "from_seconds": row["gap_from"].total_seconds(),
        "to_seconds": row["gap_to"].total_seconds(),
        "gaps": row["gaps"],
    }
