"""How `sessionize status` shows a store."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta

from rich.console import Group
from rich.table import Table
from rich.text import Text

from sessionize.cli.paper import paper
from sessionize.cli.store_report import count, moment, size
from sessionize.durations import MICROSECOND, about
from sessionize.in_words import as_options, option
from sessionize.reading.options import ReadOptions
from sessionize.store.history import Commit
from sessionize.store.status import StoreStatus, update_of

_WIDTH = 80
"""What goes into a file or a pipe is as wide as a plain terminal."""

_LABEL_WIDTH = 13


def print_status(status: StoreStatus) -> None:
    """Print a store on standard output."""
    paper(_WIDTH).print(_drawn(status))


def _drawn(status: StoreStatus) -> Group:
    facts = [
        Text.assemble((f"{label:<{_LABEL_WIDTH}}", "bold"), text, overflow="fold")
        for label, text in _facts(status)
    ]
    return Group(*facts, Text(), _commits(status))


def _facts(status: StoreStatus) -> Iterator[tuple[str, str]]:
    tally = status.tally
    yield "store", f"{status.store}, version {status.table_version}"
    yield "rules", shlex.join([*as_options(status.rules), *_reading(status)]) or "the defaults"
    yield "files", f"{status.files:,}"
    yield "events", f"{tally.events:,} of {count(tally.input_rows, 'input row')}"
    if tally.rejected:
        yield "rejected", f"{tally.rejected:,}: {tally.reasons}"
    if tally.deduplicated:
        yield "dedupe", f"{tally.deduplicated:,} deduplicated"
    yield (
        "sessions",
        f"{status.sessions:,} on {count(status.partitions, 'date')}, {size(status.size_bytes)}",
    )
    yield "open", _open(status)
    yield "first event", moment(status.first_event)
    yield "watermark", f"{moment(status.watermark)}{behind(status.freshness)}"


def _reading(status: StoreStatus) -> list[str]:
    """Write the reading options that are not the defaults as words of a command line."""
    # The zone is that of the rules.
    usual = ReadOptions(timezone=status.rules.timezone).as_dict()
    given = status.definition.reading.as_dict()
    return [word for name, value in given.items() if value != usual[name] for word in option(name, value)]


def _open(status: StoreStatus) -> str:
    if not status.open_sessions:
        return "none"
    return f"{count(status.open_sessions, 'session')}, the longest since {moment(status.open_since)}"


def behind(freshness: timedelta | None) -> str:
    """Write how far a time lies back, to stand behind it; nothing for one to come."""
    if freshness is None or freshness < timedelta(0):
        return ""
    return f", {about(freshness / MICROSECOND)} ago"


def _commits(status: StoreStatus) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("version", "committed", "files", "sessions"):
        table.add_column(name, justify="right" if name == "version" else "left")
    for commit in status.commits:
        table.add_row(str(commit.version), moment(commit.time), *_did(commit))
    return table


def _did(commit: Commit) -> tuple[str, str]:
    update = update_of(commit)
    if update is None:
        return "", ""
    files, sessions = update["files"], update["sessions"]
    kinds = ("new", "changed", "moved", "forgotten")
    return (
        ", ".join(f"{len(files[kind]):,} {kind}" for kind in kinds if files[kind]),
        ", ".join(f"{number:,} {what}" for what, number in sessions.items() if number),
    )
