"""One identity's timeline: each event, the gap before it, the session it is in, and why.

Only that identity's rows are kept of the log; they are walked as every other engine walks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sessionize.core.fragments import without_dictionaries
from sessionize.core.sessions import INSTANT, SessionTable, identity_columns, session_ids, to_seconds
from sessionize.core.walk import Walk, reasons
from sessionize.definition import Definition, define, shows_definition
from sessionize.engine.outcome import Outcome, Reading
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.errors import InputError
from sessionize.events import Events, Tally
from sessionize.explaining.explanation import OWN_COLUMNS, Explanation, named
from sessionize.explaining.why import Timeline, why
from sessionize.in_words import named_by
from sessionize.progress import Progress, follow
from sessionize.reading.frames import EVENTS, open_frame
from sessionize.reading.log import FilePiece, Log, open_log
from sessionize.reading.one_identity import Looked, OneIdentity, look
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import find_sources
from sessionize.rules import SessionRules
from sessionize.spelling import closest

MOST_NAMES = 20_000
"""So many identities are remembered, to say which one was meant by a name that nobody has."""


@dataclass
class _Found:
    """What a piece of the log holds of the identity; or all of it."""

    reading: Reading = field(default_factory=Reading)
    own: Tally = field(default_factory=Tally)
    events: list[Events] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    malformed: int = 0

    def add(self, looked: Looked) -> None:
        """Take in what some more records hold."""
        others = looked.records
        if looked.chunk is not None:
            others -= looked.chunk.tally.input_rows
            self.reading.add(looked.chunk)
            self.own += looked.chunk.tally
            events = looked.chunk.events
            self.events.append(Events(events.time_us, without_dictionaries(events.columns)))
        self.reading.leave_out(looked.file, others)
        self.malformed += looked.malformed
        self.note(looked.names)

    def note(self, names: Sequence[str]) -> None:
        """Remember some names of identities, up to a limit."""
        if len(self.names) < MOST_NAMES:
            self.names |= dict.fromkeys(names)


@shows_definition
def explain(
    events: Any,
    id: Any,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    allow_empty: bool = False,
    threads: int | None = None,
    notify: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    **definition: Unpack[Definition],
) -> Explanation:
    """Explain one identity's sessions, event by event.

    Args:
        events: A pandas, Polars or PyArrow table; or files, folders, globs, URIs, `-`, as `run` takes them.
        id: The identity's value; a list, one for each column, where the identity has several.
        rules: What a session is; keywords such as `timeout="15m"` override single values. Aggregates
            play no part.
        reading: How to read the events; keywords such as `time="ts"` override single values.
        allow_empty: Whether 0-byte files and folders without files are a log without rows.
        threads: Worker threads; one for each core unless given.
        notify: Is told what was left out of the input.
        progress: Is called with the rows that were read since its last call.
        **definition: Any field of `SessionRules` or `ReadOptions`.

    Returns:
        The timeline. Of the log no more is kept in memory than that identity's events.

    Raises:
        InputError: For an identity that has no row in the log, with the name that was probably meant; for
            a value that its column cannot hold; and for a log that cannot be read.
        ValueError: For a number of values that is not that of the identity's columns.

    Example:
        >>> log = pa.table({"user_id": ["ada", "ada"], "timestamp": ["2026-01-01T09:00", "2026-01-01T09:31"]})
        >>> explain(log, "ada").events["why"].to_pylist()
        ['first event', '31 min of silence > 30 min']
    """
    rules, reading = define(rules, reading, definition)
    rules = rules.evolve(agg=())
    identity = _identity(id, rules)
    where, log = _opened(events, rules, reading, allow_empty, notify)
    wanted = OneIdentity(identity, log.types, reading)
    wanted.check()
    follow(progress, log.extent.share)
    found, rejected = _found(log, wanted, rules, Resources(threads).threads, progress)
    if not found.own.input_rows:
        raise InputError(f"{where}: no row of {named(identity)}{_meant(identity, found.names)}")
    if found.own.filtered == found.own.input_rows:
        raise InputError(
            f"{where}: --include and --exclude leave out all rows of {named(identity)}, "
            f"{found.own.filtered:,} in number. Drop them to see its sessions."
        )
    timeline = _timeline(found.events, log, rules)
    return Explanation(rules, identity, timeline, rejected, found.own.filtered, found.malformed)


def _identity(value: Any, rules: SessionRules) -> dict[str, str]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) != len(rules.by):
        raise ValueError(
            f"id: {len(values)} given, but the identity is {' and '.join(rules.by)}: "
            "give a value for each column, in that order."
        )
    return {column: _text(item) for column, item in zip(rules.by, values, strict=True)}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)


def _opened(
    events: Any,
    rules: SessionRules,
    reading: ReadOptions,
    allow_empty: bool,
    notify: Callable[[str], None] | None,
) -> tuple[str, Log]:
    """Open a frame or files, and say what messages call them."""
    is_named = isinstance(events, list | tuple) and all(isinstance(item, str | Path) for item in events)
    if not (is_named or isinstance(events, str | Path)):
        return EVENTS, open_frame(events, rules.columns, rules.by, reading, named_by(rules))
    named = list(events) if is_named else [events]
    sources = find_sources(named, reading, notify=notify or _ignore, allow_empty=allow_empty)
    log = open_log(sources, rules.columns, rules.by, reading, named_by(rules))
    return ", ".join(map(str, named)), log


def _ignore(message: str) -> None:
    """Take a notice that nobody asked for."""


def _found(
    log: Log,
    wanted: OneIdentity,
    rules: SessionRules,
    threads: int,
    progress: Progress | None,
) -> tuple[_Found, pa.Table]:
    """Look through the log; return what it holds, and the rejected rows."""

    def look_through(piece: FilePiece) -> _Found:
        found = _Found()
        for looked in look(piece, wanted):
            found.add(looked)
        return found

    whole, outcome = _Found(), Outcome(rules)
    with Pool(threads) as pool:
        for index, part in enumerate(pool.map(look_through, log.pieces)):
            outcome.note_reading(index, part.reading)
            whole.own += part.own
            whole.events += part.events
            whole.malformed += part.malformed
            whole.note(list(part.names))
            if progress:
                progress(part.reading.tally.input_rows)
    if not whole.names and isinstance(log.pieces, Sequence):  # statistics have ruled everything out
        for piece in log.pieces[:1]:
            whole.note(wanted.names(piece.with_partition(next(piece.task.load())[0])))
    return whole, outcome.rejected()


def _meant(identity: Mapping[str, str], names: Mapping[str, None]) -> str:
    """Say which identity was probably meant, as the rest of a sentence."""
    name = ":".join(identity.values())
    alike = {_loose(known): known for known in names}
    if (known := alike.get(_loose(name))) is not None:
        return f"; did you mean {known!r}? Identities are compared by exact value."
    return closest(name, names)


def _loose(name: str) -> str:
    """Write away what is easily lost between two systems: case, blanks, leading zeros, `.0`."""
    return name.strip().casefold().removesuffix(".0").lstrip("0")


def _timeline(found: Sequence[Events], log: Log, rules: SessionRules) -> pa.Table:
    """Walk the events and write down what became of each."""
    events = _together(found, log, rules)
    walk = Walk(events, rules)
    sessions, places = walk.labels()
    order = pa.array(walk.rows.order)
    places, columns = places.take(order), events.columns.take(order).combine_chunks()
    session, gap_us = places["session"].combine_chunks(), places["gap_us"].combine_chunks()
    opens = pc.fill_null(pc.equal(places["event_index"], 1), False).combine_chunks()
    table = SessionTable.of(rules, log.types)
    own = [
        pa.array(walk.rows.time_us).view(INSTANT),
        pa.array(to_seconds(gap_us.fill_null(0).to_numpy()), mask=gap_us.is_null().to_numpy(False)),
        session_ids(sessions, identity_columns(sessions, table), rules).take(session),
        pc.add(session, 1),
        places["event_index"],
        pa.array(reasons(rules)).take(sessions["reason"].combine_chunks()).take(session),
        opens,
        why(Timeline(sessions, session, walk.rows.time_us, gap_us, opens, columns), rules),
    ]
    names = [rules.prefix + name for name in OWN_COLUMNS]
    if clash := [name for name in rules.event_columns if name in names]:
        raise InputError(
            f"two columns of the timeline would be named {clash[0]!r}. Rename ours with --prefix."
        )
    return pa.table(own + [columns[name] for name in rules.event_columns], [*names, *rules.event_columns])


def _together(found: Sequence[Events], log: Log, rules: SessionRules) -> Events:
    schema = pa.schema([(name, log.types[name]) for name in rules.columns])
    columns = [part.columns.select(rules.columns).cast(schema) for part in found]
    time_us = [part.time_us for part in found]
    return Events(
        np.concatenate([np.empty(0, np.int64), *time_us]),
        pa.concat_tables([schema.empty_table(), *columns]).combine_chunks(),
    )
