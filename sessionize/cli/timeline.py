"""A timeline as a person reads it. It imports rich, so only a command that shows one imports it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from rich import box
from rich.table import Table
from rich.text import Text

from sessionize.cli.paper import paper
from sessionize.core.columns import column
from sessionize.core.groups import Groups
from sessionize.durations import about
from sessionize.explaining.explanation import Explanation
from sessionize.rules import SessionRules
from sessionize.writing.text import output_text

LONG_RUN = 4
"""So many events without a word, or more, are one line."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def show(whole: Explanation, shown: Explanation, *, every_event: bool) -> None:
    """Print a timeline on stdout: whose it is, its table, and what is not in it.

    Args:
        whole: What was found.
        shown: The part of it that is shown.
        every_event: Whether runs of events without a word are written out.
    """
    terminal = paper()
    terminal.print(Text(str(whole), style="bold"))
    terminal.print(Text(f"rules: {_rules(whole.rules)}"))
    if len(shown.events):
        terminal.print()
        whole_table = timeline(shown, every_event=every_event)
        if terminal.has_room_for(whole_table):
            terminal.print(whole_table)
        else:
            terminal.print(timeline(shown, every_event=every_event, with_ids=False))
    if len(whole.rejected):
        terminal.print()
        terminal.print(_rejected(whole))
    for note in notes(whole, shown):
        terminal.print(Text(note))


def _rules(rules: SessionRules) -> str:
    from sessionize.in_words import as_options

    if rules.based_on is None:
        return shlex.join(as_options(rules)) or "the defaults (--timeout 30m --boundary exceeds)"
    return shlex.join(["--preset", rules.based_on, *as_options(rules, SessionRules.preset(rules.based_on))])


def timeline(shown: Explanation, *, every_event: bool, with_ids: bool = True) -> Table:
    """Make the table, with a line under each session; without its id where that takes too much room."""
    rules, own = shown.rules, {name: shown.own(name).to_pylist() for name in ("event_index", "why", "opens")}
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column(f"time ({rules.timezone})", no_wrap=True)
    table.add_column("gap", no_wrap=True, justify="right")
    table.add_column("session", overflow="fold")
    table.add_column("event", justify="right", no_wrap=True)
    for name in rules.event_columns:
        table.add_column(Text(name), overflow="fold")
    table.add_column("why", overflow="fold")
    cells = _Cells(shown, with_ids)
    number = shown.numbers()
    for first, last in lines(shown, every_event=every_event):
        is_end = last + 1 == len(number) or number[last + 1] != number[last]
        row = cells.event(first) if first == last else cells.run(first, last)
        style = "bold" if own["opens"][first] else "dim" if own["event_index"][first] is None else ""
        table.add_row(*map(Text, row), style=style, end_section=bool(is_end))
    return table


def lines(shown: Explanation, *, every_event: bool) -> Iterator[tuple[int, int]]:
    """Say which events share a line.

    Yields:
        The first and the last event of each line. Several share one where none of them has a word
        to it, there are at least `LONG_RUN`, and none ends its session.
    """
    number = shown.numbers()
    is_silent = np.asarray(column(shown.events, shown.rules.prefix + "why").is_null())
    is_silent[:-1] &= number[1:] == number[:-1]
    is_silent[-1:] = False
    opens = np.ones(len(number), bool)
    opens[1:] = ~is_silent[1:] | ~is_silent[:-1]
    runs = Groups.opening(opens)
    for first, last in zip(runs.starts.tolist(), runs.lasts.tolist(), strict=True):
        if last - first + 1 >= LONG_RUN and not every_event:
            yield first, last
        else:
            yield from ((row, row) for row in range(first, last + 1))


class _Cells:
    """The columns of a timeline, as Python values, and what a line shows of them."""

    def __init__(self, shown: Explanation, with_ids: bool) -> None:
        names = ("session_number", "session_id", "event_index", "opens", "why")
        self._own = {name: shown.own(name).to_pylist() for name in names}
        self._with_ids = with_ids
        self._time_us = shown.own("time").cast(pa.int64()).to_pylist()
        self._gap_us = _gaps_us(shown)
        self._rules = shown.rules
        self._values = [_texts(column(shown.events, name)) for name in shown.rules.event_columns]

    def event(self, row: int) -> list[str]:
        own, gap_us = self._own, self._gap_us[row]
        is_start = own["opens"][row]
        return [
            _moment(self._time_us[row], self._rules),
            "" if gap_us is None else about(gap_us),
            self._session(row) if is_start else "",
            "" if own["event_index"][row] is None else f"{own['event_index'][row]:,}",
            *(values[row] for values in self._values),
            own["why"][row] or "",
        ]

    def _session(self, row: int) -> str:
        number = str(self._own["session_number"][row])
        return f"{number}  {self._own['session_id'][row]}" if self._with_ids else number

    def run(self, first: int, last: int) -> list[str]:
        longest_us = max(gap_us or 0 for gap_us in self._gap_us[first : last + 1])
        what = f"{last - first + 1:,} events, gaps up to {about(longest_us)}"
        return ["…", "", "", "…", *("" for _ in self._values), what]


def _gaps_us(shown: Explanation) -> list[int | None]:
    seconds = shown.own("gap_seconds").to_pylist()
    return [None if gap is None else round(gap * 1_000_000) for gap in seconds]


def _moment(time_us: int, rules: SessionRules) -> str:
    try:
        moment = (_EPOCH + timedelta(microseconds=time_us)).astimezone(rules.zone.clock)
    except OverflowError:
        return f"{np.datetime64(time_us, 'us')}Z".replace("T", " ")
    text = moment.isoformat(sep=" ")
    return text.removesuffix("+00:00") if rules.timezone == "UTC" else text


def _texts(values: pa.Array) -> list[str]:
    """Write values as the outputs do; a null is a blank cell."""
    return [text or "" for text in output_text(values).to_pylist()]


def _rejected(whole: Explanation) -> Table:
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for name in ("rejected in", "record", "reason", "raw"):
        table.add_column(name, overflow="fold")
    for row in whole.rejected.to_pylist():
        table.add_row(*(Text(str(value)) for value in row.values()))
    return table


def notes(whole: Explanation, shown: Explanation) -> Iterator[str]:
    """Say what the table does not show."""
    hidden = whole.sessions - shown.sessions
    if hidden:
        yield (
            f"{shown.sessions:,} of {whole.sessions:,} sessions are shown; "
            "--last N, --from and --to choose others, --all shows every one."
        )
    if whole.filtered:
        rows = f"{whole.filtered:,} of its rows" if whole.filtered > 1 else "1 of its rows"
        yield f"--include and --exclude leave out {rows}."
    if whole.malformed:
        records = f"{whole.malformed:,} records" if whole.malformed > 1 else "1 record"
        yield f"{records} of the log could not be read as rows, so that nobody can tell whose they are."
