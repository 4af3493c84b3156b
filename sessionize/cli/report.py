"""The summary that a person reads: a few lines of what came out, and of what did not."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sessionize.rules import SessionRules
    from sessionize.summary import Summary

LABEL_WIDTH = 10
SHORTEST_S = 1.0
"""The rate of a shorter run is mostly that of the start of the program."""


def describe(summary: Summary, rejects: str | Path | None) -> str:
    """Write a run's summary for a person.

    Args:
        summary: What the run did.
        rejects: Where its rejected rows are kept; None where there can be none.

    Returns:
        Lines without a final newline. The labels carry ANSI colour, which `click.echo` takes out where the
        output is no terminal.
    """
    lines = [*_came_out(summary), *_was_left_out(summary, rejects), *_took(summary), *_next(summary)]
    return "\n".join(f"{click.style(f'{label:<{LABEL_WIDTH}}', bold=True)}{text}" for label, text in lines)


def _came_out(summary: Summary) -> Iterator[tuple[str, str]]:
    found = f"{summary.sessions:,}"
    if summary.sessions:
        found += f", {_share(summary.single_event_sessions, summary.sessions)} of a single event"
        found += f", {summary.open_sessions:,} still open"
    yield "sessions", found
    if summary.points is not None:
        yield "points", ", ".join(f"{count:,} {point}" for point, count in summary.points.items())
    if summary.preset is not None:
        yield "preset", _preset(summary.preset, summary.rules)
    yield "events", f"{summary.tally.events:,}{_span(summary.first_event, summary.last_event)}"


def _preset(name: str, rules: SessionRules) -> str:
    """Name the preset, and the options that were given beside it."""
    from sessionize.in_words import as_options
    from sessionize.presets import preset

    beside = as_options(rules, base=preset(name).rules)
    return f"{name}, with {shlex.join(beside)}" if beside else name


def _was_left_out(summary: Summary, rejects: str | Path | None) -> Iterator[tuple[str, str]]:
    tally = summary.tally
    rows = _count(tally.input_rows, "input row")
    if tally.filtered:
        yield "filtered", f"{_share(tally.filtered, tally.input_rows)} of {rows}"
    if tally.rejected:
        share = _share(tally.rejected, tally.input_rows)
        yield "rejected", f"{share} of {rows}: {tally.reasons}; kept in {rejects}"
    if tally.deduplicated:
        share = _share(tally.deduplicated, tally.input_rows)
        yield "dedupe", f"{share} of {rows} deduplicated by {summary.rules.dedupe}"
    if tally.dst_resolved:
        yield "clock", f"{_count(tally.dst_resolved, 'local time')} resolved at a clock change"


def _took(summary: Summary) -> Iterator[tuple[str, str]]:
    is_long = summary.seconds >= SHORTEST_S
    rate = f" ({summary.tally.input_rows / summary.seconds:,.0f} rows/s)" if is_long else ""
    yield "took", f"{summary.seconds:,.1f} s{rate}, peak memory {summary.peak_memory_bytes / 1e6:,.0f} MB"


def _next(summary: Summary) -> Iterator[tuple[str, str]]:
    """Where the sessions are, and the command that shows the first of them."""
    if summary.output in (None, "-"):
        return
    path = str(summary.output)
    yield "output", path
    quoted = shlex.quote(path)
    if path.endswith((".csv", ".jsonl")):
        yield "look", f"head {quoted}"
    elif path.endswith((".gz", ".zst")):
        yield "look", f"{'zcat' if path.endswith('.gz') else 'zstdcat'} {quoted} | head"
    else:
        yield "look", f"python -c {_quoted(f'import pandas; print(pandas.{_reader(path)}({path!r}).head())')}"


def _reader(path: str) -> str:
    return "read_feather" if path.endswith(".arrow") else "read_parquet"


def _quoted(code: str) -> str:
    """Quote for a shell, by double quotes where that is enough: code that holds single ones stays legible."""
    return shlex.quote(code) if set(code) & set('"$`\\!') else f'"{code}"'


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _span(first: datetime | None, last: datetime | None) -> str:
    if first is None or last is None:
        return ""
    return f", from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
