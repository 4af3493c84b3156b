"""Labels: which session each event belongs to, and its place there.

An event's label depends on nothing but its identity's earlier events. So events are walked as the
watermark passes, each identity's behind the last session that it had, however long ago that was:
an identity's sessions are numbered, and a gap is told whatever its length. Of every identity that
one session is kept, so memory grows with identities; with events it does not.

A table of labels has

* `position` (int64, ascending): where the event stands in the log (`positions`);
* `session_id` (text), `session_number` and `event_index` (int64, from 1);
* `gap_seconds` (float64): null for an identity's first event;
* `start_reason` (text).
"""

from __future__ import annotations

import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.division import MOST_PARTS
from sessionize.core.fragments import together, without_dictionaries
from sessionize.core.sessions import SessionTable, identity_columns, session_ids, to_seconds
from sessionize.core.walk import Walk, reasons
from sessionize.engine.held import as_waiting, waiting_events
from sessionize.engine.islands import Islands
from sessionize.engine.plan import END, Step
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.engine.spill import PartedFiles, Spill, explained
from sessionize.engine.waiting import Tables
from sessionize.errors import InputError
from sessionize.events import Chunk
from sessionize.rules import SessionRules

_RECORD_BITS = 40
"""A position is the piece's place in the log, and in the lower bits the record's in the piece."""

LABELS = pa.schema(
    [
        ("session_id", pa.string()),
        ("session_number", pa.int64()),
        ("event_index", pa.int64()),
        ("gap_seconds", pa.float64()),
        ("start_reason", pa.string()),
    ]
)
"""The columns that labels add, before any prefix."""


def log_table(rules: SessionRules, types: Mapping[str, pa.DataType]) -> SessionTable:
    """Bind rules to the types of the columns that they read, where nobody asks for a table of sessions."""
    return SessionTable(rules, (), pa.schema(list(types.items())))


def label_schema(log: pa.Schema, rules: SessionRules) -> pa.Schema:
    """Put the label columns behind those of a log.

    Raises:
        InputError: Where two columns would have one name.

    Example:
        >>> label_schema(pa.schema([("user_id", pa.int64())]), SessionRules(prefix="s_")).names[:2]
        ['user_id', 's_session_id']
    """
    for name in (rules.prefix + field.name for field in LABELS):
        if name in log.names:
            raise InputError(
                f"two columns of the labelled log would be named {name!r}. Rename ours with --prefix."
            )
    return pa.schema([*log, *(field.with_name(rules.prefix + field.name) for field in LABELS)])


def positions(piece: int, records: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of records (int64, from 0) of a piece."""
    return (piece << _RECORD_BITS) + records


def records_of(position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which record of its piece each position is."""
    return position & ((1 << _RECORD_BITS) - 1)


def _piece_of(position: NDArray[np.int64]) -> NDArray[np.int64]:
    return position >> _RECORD_BITS


def _pieces_of(events: Tables) -> set[int]:
    """Return the pieces of tables of events, each of which is of one piece."""
    return {column(table, "position")[0].as_py() >> _RECORD_BITS for table in events if len(table)}


class Labelling(Islands):
    """Events not walked yet, and the last session of each identity; gives labels, and the sessions."""

    def __init__(self, table: SessionTable, resources: Resources, pool: Pool) -> None:
        """Hold nothing yet."""
        super().__init__(table, resources, pool)
        self._labels: deque[pa.Table] = deque()
        self._unlabelled: set[int] = set()

    @staticmethod
    def taken(chunk: Chunk, step: Step, before: int, table: SessionTable) -> pa.Table:
        """Take in a chunk of a piece, of which so many records came before."""
        position = positions(step.index, chunk.places() + before)
        return as_waiting(chunk.events, table).append_column("position", pa.array(position))

    def add_events(self, events: pa.Table) -> None:
        """Take in the events of one piece, in their order."""
        self._hold("events", events)
        self._unlabelled |= _pieces_of([events])

    def waits_for(self, piece: int) -> bool:
        """Say whether an event of a piece that was taken in has no label yet."""
        return self._spill is not None or piece in self._unlabelled

    def settled(self, watermark_us: int) -> Iterator[Tables]:
        """Walk the events below the watermark (µs), if it is worth it; `labels` has the labels then.

        Yields:
            Lists of tables of walked sessions, in no particular order: those with a later one, at
            last all.
        """
        if watermark_us == END and self._spill is not None:
            yield from self._spilled(self._spill)
        elif watermark_us == END or self._is_worth_it(watermark_us, watermark_us):
            yield self._walk_on(watermark_us)
            if self._count_anew() > self._room_bytes // 2:
                self._spill_all()

    def labels(self) -> Iterator[pa.Table]:
        """Give up the labels that were found since the last call; threads may be finding more."""
        while self._labels:
            yield self._labels.popleft()

    def _walk_on(self, watermark_us: int) -> Tables:
        self._join(watermark_us)
        self._unlabelled = _pieces_of(self._waiting["events"])
        kinds = ["finished", "open"] if watermark_us == END else ["finished"]
        finished = [table for kind in kinds for table in self._waiting[kind]]
        self._waiting |= {kind: [] for kind in kinds}
        return finished

    def _spilled(self, spill: Spill) -> Iterator[Tables]:
        self._spill_all()
        self._spill, self._unlabelled = None, set()
        yield from ([sessions] for sessions in self._pool.map(self._rejoined, spill.by_identity()))

    def _rejoined(self, waiting: Mapping[str, Tables]) -> pa.Table:
        return self._counted(*self._walked(waiting))

    def _counted(self, sessions: pa.Table, repeated: int) -> pa.Table:
        self.deduplicated += repeated
        return sessions

    def _walked(self, waiting: Mapping[str, Tables]) -> tuple[pa.Table, int]:
        opened, events = waiting["open"], waiting["events"]
        if not sum(map(len, events)):
            return together(opened) if opened else pa.table({}), 0
        in_order = _by_position(together(events))
        behind = together(opened) if opened else None
        walk = Walk(waiting_events(in_order, self._table), self._table.rules, (), behind)
        sessions, places = walk.labels()
        self._labels.append(_labels(column(in_order, "position").to_numpy(), sessions, places, self._table))
        return sessions, walk.rows.repeated


def _by_position(events: pa.Table) -> pa.Table:
    """Let events that nothing else tells apart stand as they did in the log."""
    position = column(events, "position").to_numpy()
    if (position[1:] > position[:-1]).all():
        return events
    return events.take(pa.array(np.argsort(position)))


def _labels(
    position: NDArray[np.int64], sessions: pa.Table, places: pa.Table, table: SessionTable
) -> pa.Table:
    """Make labels of the places of events, repeated deliveries left out."""
    has_label = column(places, "session").is_valid()
    places, position = places.filter(has_label), position[np.asarray(has_label)]
    session = column(places, "session").to_numpy()
    is_met = np.zeros(len(sessions), bool)
    is_met[session] = True
    session = (np.cumsum(is_met) - 1)[session]
    sessions = sessions.filter(pa.array(is_met))
    gap_us = column(places, "gap_us")
    ids = session_ids(sessions, identity_columns(sessions, table), table.rules)
    return pa.table(
        {
            "position": position,
            "session_id": pa.DictionaryArray.from_arrays(session.astype(np.int32), ids),
            "session_number": column(sessions, "number").to_numpy()[session],
            "event_index": column(places, "event_index"),
            "gap_seconds": pa.array(
                to_seconds(gap_us.fill_null(0).to_numpy()), mask=np.asarray(gap_us.is_null())
            ),
            "start_reason": pa.DictionaryArray.from_arrays(
                column(sessions, "reason").to_numpy()[session], reasons(table.rules)
            ),
        }
    )


class WaitingLabels:
    """Labels until their piece of the log is read again: in memory, or on disk where that has no room."""

    def __init__(self, room_bytes: int, folder: str | Path | None) -> None:
        """Hold nothing yet.

        Args:
            room_bytes: How much may wait in memory.
            folder: Where to put the temporary folder; None for the system's place.
        """
        self._room_bytes, self._place = room_bytes, folder
        self._waiting: dict[int, Tables] = {}
        self._bytes: Counter[int] = Counter()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: PartedFiles | None = None
        self._width = 1

    def add(self, labels: pa.Table, pieces: int) -> None:
        """Take labels in, of any of so many pieces.

        Raises:
            OutputError: Where they find no room.
        """
        piece = _piece_of(column(labels, "position").to_numpy())
        begins = np.flatnonzero(np.diff(piece, prepend=-1))
        for begin, end in zip(begins, [*begins[1:], len(piece)], strict=True):
            self._waiting.setdefault(int(piece[begin]), []).append(labels.slice(begin, end - begin))
            # Slices share a dictionary, which each of them would count as its own.
            self._bytes[int(piece[begin])] += labels.nbytes * (end - begin) // len(piece)
        if self._bytes.total() > self._room_bytes:
            self._spill(pieces)

    def of_piece(self, piece: int) -> pa.Table | None:
        """Give up the labels of a piece, in any order; None where it has none."""
        tables = self._waiting.pop(piece, [])
        del self._bytes[piece]
        if self._files is not None:
            with explained(self._place):
                tables += (_only(piece, table) for table in self._files.read(piece // self._width))
        return together(tables) if tables else None

    def close(self) -> None:
        """Remove what is on disk."""
        if self._folder is not None:
            self._folder.cleanup()

    def _spill(self, pieces: int) -> None:
        with explained(self._place):
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="sessionize-", dir=self._place)
            if self._files is None:
                self._width = -(-pieces // MOST_PARTS)
                self._files = PartedFiles(Path(self._folder.name), "labels", -(-pieces // self._width))
            waiting = together([table for tables in self._waiting.values() for table in tables])
            piece = _piece_of(column(waiting, "position").to_numpy())
            self._files.write(without_dictionaries(waiting), piece // self._width)
        self._waiting, self._bytes = {}, Counter()


def _only(piece: int, labels: pa.Table) -> pa.Table:
    return labels.filter(pa.array(_piece_of(column(labels, "position").to_numpy()) == piece))
