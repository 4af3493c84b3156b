"""What people read of the commands on a store: a few lines on stderr, the most important first."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sessionize.events import Tally
    from sessionize.store.backfill import BackfillStep, BackfillSummary
    from sessionize.store.changes import Changes
    from sessionize.store.compact import Compacted
    from sessionize.store.summary import UpdateSummary
    from sessionize.store.verify import Verification

_LABEL_WIDTH = 10
_SHOWN_DATES = 3
_SHOWN_FILES = 10
_SHOWN_SESSIONS = 10

Line = tuple[str, str]


def described(lines: Iterable[Line]) -> str:
    """Put labels and texts into lines, without a final newline; the labels carry ANSI colour."""
    return "\n".join(f"{click.style(f'{label:<{_LABEL_WIDTH}}', bold=True)}{text}" for label, text in lines)


def count(number: int, noun: str) -> str:
    """Write a number and its noun.

    Example:
        >>> count(1, "file"), count(2, "file")
        ('1 file', '2 files')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def moment(time: datetime | None) -> str:
    """Write a time as people read it; `none` where there is none."""
    return "none" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def size(number: int) -> str:
    """Write a number of bytes as people read it."""
    from rich.filesize import decimal

    return decimal(number)


def describe_update(summary: UpdateSummary, rejects: str | None) -> str:
    """Write what an update did, or would do.

    Args:
        summary: What it did.
        rejects: Where its rejected rows were written beside the store; None where nowhere.
    """
    return described(_update(summary, rejects))


def _update(summary: UpdateSummary, rejects: str | None) -> Iterator[Line]:
    if summary.is_dry_run:
        yield "dry run", "nothing was written; this is what would change"
    yield "files", _files(summary)
    if not summary.changed_nothing:
        if summary.tally.input_rows:
            yield "events", f"{summary.tally.events:,} of {count(summary.tally.input_rows, 'input row')}"
        if summary.tally.rejected:
            yield "rejected", _rejected(summary.tally, summary.store, rejects)
        yield "sessions", _sessions(summary)
        yield "dates", _dates(summary.partitions)
    yield "watermark", moment(summary.watermark)
    version = "none yet" if summary.table_version is None else f"{summary.table_version}"
    yield "store", f"{summary.store}, version {version}"
    yield "took", f"{summary.seconds:,.1f} s"
    if not summary.is_dry_run:
        yield "look", f"sessionize status {shlex.quote(summary.store)}"


def _files(summary: UpdateSummary) -> str:
    if summary.changed_nothing:
        return f"nothing to do: {_all(summary.same)} in already"
    parts = [
        f"{len(names):,} {what}"
        for names, what in (
            (summary.new, "new"),
            (summary.changed, "changed"),
            (summary.moved, "moved"),
            (summary.forgotten, "forgotten"),
        )
        if names
    ]
    return ", ".join([*parts, *([f"{summary.same:,} in already"] if summary.same else [])])


def _all(files: int) -> str:
    return "the file is" if files == 1 else f"all {files:,} files are"


def _rejected(tally: Tally, store: str, rejects: str | None) -> str:
    kept = f"kept in {rejects}" if rejects else f"'sessionize status {store} --rejects FILE' writes them"
    share = f"{tally.rejected:,} ({tally.rejected / tally.input_rows:.1%})"
    return f"{share} of {count(tally.input_rows, 'input row')}: {tally.reasons}; {kept}"


def _sessions(summary: UpdateSummary) -> str:
    counts = summary.sessions
    return (
        f"{counts.added:,} added, {counts.extended:,} extended, {counts.merged:,} merged, "
        f"{counts.removed:,} removed"
    )


def _dates(partitions: Sequence[date]) -> str:
    if not partitions:
        return "none written"
    shown = ", ".join(map(str, partitions[:_SHOWN_DATES]))
    if len(partitions) > _SHOWN_DATES:
        shown = f"{partitions[0]} to {partitions[-1]}"
    return f"{len(partitions):,} written: {shown}"


def describe_step(step: BackfillStep) -> str:
    """Write one step of a backfill as one line."""
    files = _files(step.update)
    change = "" if step.update.changed_nothing else f"; sessions {_sessions(step.update)}"
    return f"[{step.number}/{step.of}] {step.days.first} to {step.days.last}: {files}{change}"


def describe_backfill(summary: BackfillSummary, rejects: str | None) -> str:
    """Write what a backfill did, or would do, after its steps; see `describe_update`."""
    return described(_backfill(summary, rejects))


def _backfill(summary: BackfillSummary, rejects: str | None) -> Iterator[Line]:
    tally, last = summary.tally, summary.steps[-1].update if summary.steps else None
    done = f"{len(summary.steps):,} of {summary.planned:,} done"
    yield "steps", done if summary.is_complete else f"{done}; run it again to go on"
    if tally.input_rows:
        yield "events", f"{tally.events:,} of {count(tally.input_rows, 'input row')}"
    if tally.rejected:
        yield "rejected", _rejected(tally, summary.store, rejects)
    if last is not None:
        yield "watermark", moment(last.watermark)
    yield "took", f"{summary.seconds:,.1f} s"


def describe_verification(found: Verification) -> str:
    """Write how a store compares with its files, with the first few differences."""
    return described(_verification(found))


def _verification(found: Verification) -> Iterator[Line]:
    ok = count(len(found.differences), "difference") if len(found.differences) else "no difference"
    share = "" if found.sample == 1 else f" of {found.sample:.2%} of the identities"
    yield "verified", f"{ok} in {count(found.sessions, 'session')}{share}, version {found.table_version}"
    for label, files in (("gone", found.gone), ("changed", found.changed)):
        yield from _listed(label, files, _SHOWN_FILES)
    if found.unchecked:
        yield "unchecked", f"{count(found.unchecked, 'session')} near files that are gone or changed"
    for kind in ("missing", "extra", "different"):
        rows = [row for row in found.as_dict()["differences"] if row["difference"] == kind]
        if number := found.count(kind):
            yield kind, count(number, "session")
            for row in rows[:_SHOWN_SESSIONS]:
                yield "", _session(row)
    yield "took", f"{found.seconds:,.1f} s"


def _session(row: dict[str, object]) -> str:
    _, columns, session_id = row.values()
    return (
        f"{session_id} ({', '.join(columns)})" if isinstance(columns, list) and columns else str(session_id)
    )


def _listed(label: str, names: Sequence[str], most: int) -> Iterator[Line]:
    if names:
        yield label, count(len(names), "file")
        yield from (("", name) for name in names[:most])
        if len(names) > most:
            yield "", f"… and {len(names) - most:,} more"


def describe_changes(found: Changes) -> str:
    """Write how many sessions differ, and with which version to go on."""
    counts = ", ".join(f"{found.count(kind):,} {kind}" for kind in ("added", "changed", "removed"))
    return described(
        [("sessions", counts), ("version", f"{found.version}; the next time: --since {found.version}")]
    )


def describe_compacted(found: Compacted, is_dry_run: bool) -> str:
    """Write what went, or would go."""
    what = f"{count(len(found.files), 'file')}, {size(found.size_bytes)}"
    return described([("would go" if is_dry_run else "removed", what), ("version", str(found.version))])
