"""What the readers hand to the core: events, and the count of everything that was no event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

REJECTED = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("record", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.string()),
    ]
)
"""Rejected rows: the file as named, the record number (from 1), the reason, the row as it stood.

In a chunk the record number counts the chunk's own records; at last it counts those of the file.
"""


@dataclass(frozen=True)
class Events:
    """Events in no particular order.

    Attributes:
        time_us: int64, shape (n,): each event's instant, microseconds since the epoch, UTC.
        columns: Table of n rows: the identity (without nulls) and the columns that rules read, one
            chunk each; text may be dictionary-encoded.
    """

    time_us: NDArray[np.int64]
    columns: pa.Table

    def __len__(self) -> int:
        """Count the events."""
        return len(self.time_us)


@dataclass
class Tally:
    """Where every input row went: input rows = events + filtered + rejected + deduplicated.

    Attributes:
        input_rows: Rows read, the malformed ones among them.
        filtered: Rows left out by include and exclude.
        rejected_by_reason: Rejected rows for each reason that occurred.
        deduplicated: Events dropped as re-delivered.
        dst_resolved: Events whose local time was ambiguous or skipped by a clock change, and was resolved.
        bare_numbers: Rows whose time in text is a number of which nobody said what it counts.
    """

    input_rows: int = 0
    filtered: int = 0
    rejected_by_reason: Counter[str] = field(default_factory=Counter)
    deduplicated: int = 0
    dst_resolved: int = 0
    bare_numbers: int = 0

    @property
    def rejected(self) -> int:
        """Rows that were rejected, for any reason."""
        return self.rejected_by_reason.total()

    @property
    def reasons(self) -> str:
        """How many rows were rejected for which reason, as people read it.

        Example:
            >>> Tally(rejected_by_reason=Counter(unparseable_time=1200, missing_identity=1)).reasons
            '1 missing_identity, 1,200 unparseable_time'
        """
        return ", ".join(f"{rows:,} {reason}" for reason, rows in sorted(self.rejected_by_reason.items()))

    @property
    def events(self) -> int:
        """Rows that became events of sessions."""
        return self.input_rows - self.filtered - self.rejected - self.deduplicated

    def __add__(self, other: Tally) -> Tally:
        """Count two disjoint sets of rows together."""
        return Tally(
            self.input_rows + other.input_rows,
            self.filtered + other.filtered,
            self.rejected_by_reason + other.rejected_by_reason,
            self.deduplicated + other.deduplicated,
            self.dst_resolved + other.dst_resolved,
            self.bare_numbers + other.bare_numbers,
        )


@dataclass(frozen=True)
class Chunk:
    """What one step of reading gives: events, the rejected rows, and the count of both.

    Attributes:
        events: The usable rows.
        rejected: Table of schema `REJECTED`, in input order.
        tally: Where this chunk's rows went.
        is_event: bool, one for each record that gave a row: whether it is an event.
        malformed: int64: where the records that gave no row stand among all, from 0, ascending.
        records: How many records it has of each file, by the file's place in the log, from 0: of one
            file, or of several in their order of which none was rejected. A file's chunks come in
            the file's order.
    """

    events: Events
    rejected: pa.Table
    tally: Tally
    is_event: NDArray[np.bool_]
    malformed: NDArray[np.int64]
    records: Mapping[int, int] = field(default_factory=dict)

    @property
    def file(self) -> int:
        """The place of its file in the log; of several the first."""
        return next(iter(self.records))

    def places(self) -> NDArray[np.int64]:
        """Return where each event stands among the chunk's records: int64, from 0, ascending."""
        gave_rows = np.delete(np.arange(self.tally.input_rows), self.malformed)
        return gave_rows[self.is_event]
