"""Reading a log in a test, and looking at what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sessionize.engine.outcome import Outcome, Reading
from sessionize.events import Chunk, Tally
from sessionize.reading.log import Log, open_log
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import find_sources
from sessionize.rules import SessionRules


def opened(
    *inputs: str | Path, by: Sequence[str] = ("user_id",), columns: Sequence[str] = (), **options: Any
) -> Log:
    """Open files as a log."""
    allow_empty = options.pop("allow_empty", False)
    reading = ReadOptions(**options)
    sources = find_sources(inputs, reading, allow_empty=allow_empty)
    return open_log(sources, [*by, *columns], by, reading)


def read(*inputs: str | Path, **options: Any) -> list[Chunk]:
    """Read files as a log, to the end."""
    return chunks_of(opened(*inputs, **options))


def chunks_of(log: Log) -> list[Chunk]:
    """Read a log to the end."""
    return [chunk for piece in log.pieces for chunk in piece.read()]


def outcome_of(log: Log) -> Outcome:
    """Read a log to the end, and count."""
    outcome = Outcome(SessionRules())
    for index, piece in enumerate(log.pieces):
        reading = Reading()
        for chunk in piece.read():
            reading.add(chunk)
        outcome.note_reading(index, reading)
    return outcome


def values(chunks: Iterable[Chunk], column: str = "user_id") -> list[Any]:
    """The events' values of one column."""
    return [value for chunk in chunks for value in chunk.events.columns[column].to_pylist()]


def seconds(chunks: Iterable[Chunk]) -> list[float]:
    """The events' times, in seconds since the epoch."""
    return [time / 1e6 for chunk in chunks for time in chunk.events.time_us.tolist()]


def rejected(chunks: Iterable[Chunk]) -> list[tuple[int, str, str]]:
    """The rejected rows: record in its file, reason, raw."""
    rows: list[tuple[int, str, str]] = []
    before: Counter[int] = Counter()
    for chunk in chunks:
        for row in chunk.rejected.to_pylist():
            rows.append((before[chunk.file] + row["record"], row["reason"], row["raw"]))
        before[chunk.file] += chunk.tally.input_rows
    return rows


def tally(chunks: Iterable[Chunk]) -> Tally:
    """Where all rows went."""
    return sum((chunk.tally for chunk in chunks), Tally())
