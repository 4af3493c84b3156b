"""What a run finds out about a log while its sessions stream by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from sessionize.core.fragments import identity_names, last_of_each_identity, together
from sessionize.core.walk import may_go_on
from sessionize.engine.plan import BEGINNING, closed_before_us
from sessionize.events import REJECTED, Chunk, Tally
from sessionize.rules import SessionRules

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Reading:
    """What reading a stretch of the log has shown, beside its events.

    Attributes:
        tally: Where the rows went.
        rejected: The rejected rows of each file's place in the log, in input order; records are counted
            from the first of the file in the stretch.
        records: How many records the stretch has of each file.
        file: The last of the files.
        first_us: The earliest event; None without events.
        last_us: The latest event; None without events.
    """

    tally: Tally = field(default_factory=Tally)
    rejected: list[tuple[int, pa.Table]] = field(default_factory=list)
    records: Counter[int] = field(default_factory=Counter)
    file: int = 0
    first_us: int | None = None
    last_us: int | None = None

    def add(self, chunk: Chunk) -> None:
        """Take in one chunk, the next of its files."""
        if len(chunk.rejected):
            self.rejected.append((chunk.file, _renumbered(chunk.rejected, self.records[chunk.file])))
        self.tally += chunk.tally
        self.records.update(chunk.records)
        self.file = chunk.file
        if len(chunk.events):
            time_us = chunk.events.time_us
            self._widen(int(time_us.min()), int(time_us.max()))

    def leave_out(self, file: int, records: int) -> None:
        """Count records of a file, the next ones, that nobody looks at."""
        self.tally += Tally(input_rows=records, filtered=records)
        self.records[file] += records

    def join(self, other: Reading) -> None:
        """Take in what another stretch has shown, apart from its rejected rows."""
        self.tally += other.tally
        if other.first_us is not None and other.last_us is not None:
            self._widen(other.first_us, other.last_us)

    def _widen(self, first_us: int, last_us: int) -> None:
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)


class Closed:
    """Sessions that have closed, counted; those of them that may still be open are kept.

    Attributes:
        sessions: How many there are.
        single_event_sessions: How many of them have a single event.
        recent: Of those that ended at the latest bound or after it, what tells whether they are open.
    """

    def __init__(self, rules: SessionRules) -> None:
        """Count nothing yet."""
        self.sessions = 0
        self.single_event_sessions = 0
        self.recent: list[pa.Table] = []
        self._recent_from_us = BEGINNING
        in_order = ["ordinal", "event_count", "is_ended"] if rules.is_sequential else []
        self._recent_names = [*identity_names(rules), "start_us", "end_us", *in_order]

    def add(self, fragments: pa.Table, bound_us: int) -> None:
        """Take in fragments that have become sessions; those that end before the bound (µs) are closed."""
        self.sessions += len(fragments)
        self.single_event_sessions += int((fragments["event_count"].to_numpy() == 1).sum())
        self._keep([fragments.select(self._recent_names)], bound_us)

    def join(self, other: Closed, bound_us: int) -> None:
        """Take in what was closed elsewhere."""
        self.sessions += other.sessions
        self.single_event_sessions += other.single_event_sessions
        self._keep(other.recent, bound_us)

    def _keep(self, recent: list[pa.Table], bound_us: int) -> None:
        if bound_us > self._recent_from_us:
            recent = recent + self.recent
            self.recent, self._recent_from_us = [], bound_us
        self.recent += [table for table in (_ending_from(table, bound_us) for table in recent) if len(table)]


class Outcome:
    """The counts of a run: where rows went, how many sessions came out, how many of them are open."""

    def __init__(self, rules: SessionRules, as_of_us: int | None = None) -> None:
        """Count nothing yet.

        Args:
            rules: What a session is.
            as_of_us: The watermark that says which sessions are open; None for the last event.
        """
        self._rules = rules
        self._as_of_us = as_of_us
        self._log = Reading()
        self._readings: dict[tuple[int, int], Reading] = {}
        self._closed = Closed(rules)

    @property
    def tally(self) -> Tally:
        """Where the rows went."""
        return self._log.tally

    @property
    def sessions(self) -> int:
        """How many sessions came out."""
        return self._closed.sessions

    @property
    def single_event_sessions(self) -> int:
        """How many of them have a single event."""
        return self._closed.single_event_sessions

    @property
    def first_event(self) -> datetime | None:
        """The time of the earliest event, UTC."""
        return _moment(self._log.first_us)

    @property
    def last_event(self) -> datetime | None:
        """The time of the latest event, UTC."""
        return _moment(self._log.last_us)

    def note_reading(self, index: int, reading: Reading) -> None:
        """Take in what was read of the piece that stands at `index` in the log."""
        self._log.join(reading)
        self._readings[index, reading.file] = reading

    def note_deduplicated(self, events: int) -> None:
        """Take in how many events turned out to be repeated deliveries after their piece was read."""
        self._log.tally.deduplicated += events

    def note_closed(self, fragments: pa.Table) -> None:
        """Take in fragments that have become sessions."""
        self._closed.add(fragments, self.open_from_us())

    def note_elsewhere(self, closed: Closed) -> None:
        """Take in what was closed in another process."""
        self._closed.join(closed, self.open_from_us())

    def open_sessions(self) -> int:
        """Count the sessions that an event at or after the watermark could still join."""
        still_open = self.still_open()
        return 0 if still_open is None else len(still_open)

    def still_open(self) -> pa.Table | None:
        """Return the sessions that an event at or after the watermark could still join.

        Whatever an identity did after a session within reach is within reach as well, so of the
        sessions within reach it is the last of each identity, unless something but time closed it.

        Returns:
            Table of fragments without their aggregates, in no order; None where nothing is within reach.
        """
        if not self._closed.recent:
            return None
        recent = _ending_from(together(self._closed.recent), self.open_from_us())
        last = last_of_each_identity(recent, self._rules)
        if not self._rules.is_sequential:
            return last
        return last.filter(pa.array(may_go_on(last, self._watermark_us(), self._rules)))

    def open_from_us(self) -> int:
        """Return the bound below which a session that ends is closed, whatever else the log holds."""
        return closed_before_us(self._watermark_us(), self._rules)

    def rejected(self) -> pa.Table:
        """Return the rejected rows, in the order of the log, records counted from the first of their file."""
        tables: list[pa.Table] = []
        records: Counter[int] = Counter()
        for _, reading in sorted(self._readings.items()):
            tables += (_renumbered(table, records[file]) for file, table in reading.rejected)
            records.update(reading.records)
        return pa.concat_tables(tables) if tables else REJECTED.empty_table()

    def _watermark_us(self) -> int:
        known_us = self._as_of_us if self._as_of_us is not None else self._log.last_us
        return BEGINNING if known_us is None else known_us


def _renumbered(rejected: pa.Table, before: int) -> pa.Table:
    """Count the records that came before."""
    place = REJECTED.get_field_index("record")
    return rejected.set_column(place, REJECTED.field(place), pc.add(rejected["record"], before))


def _ending_from(fragments: pa.Table, bound_us: int) -> pa.Table:
    ends_late = fragments["end_us"].to_numpy() >= bound_us
    return fragments if ends_late.all() else fragments.filter(pa.array(ends_late))


def _moment(time_us: int | None) -> datetime | None:
    return None if time_us is None else _EPOCH + timedelta(microseconds=time_us)
