"""History in steps: files by the days that they are of, some days at a time, each step one commit.

A step that is done is in the store, so a backfill that was stopped, or failed, goes on where it was
when it is run again: files that are in are skipped. In whatever order steps come, they end in the
same table.

With `replace` the period is made what its files say now. Every file is read for its content,
whatever its size and time; and a file of the store that is gone is taken out where another file of
the same folder and day is there, as when a day is delivered anew under other names. A day of which
no file is left stays: deleting raw files is not forgetting them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
from attrs import evolve, frozen

from sessionize.errors import InputError
from sessionize.events import REJECTED, Tally
from sessionize.reading.folders import Place, place_of
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import Source, find_sources
from sessionize.store.defaults import STEP
from sessionize.store.fingerprint import canonical_path
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.lock import locked
from sessionize.store.periods import DatePattern, Days, Step, days_of, steps
from sessionize.store.request import Request
from sessionize.store.snapshot import Snapshot
from sessionize.store.summary import UpdateSummary
from sessionize.store.update import update

_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


@frozen(kw_only=True)
class Backfill:
    """What a backfill is asked to do.

    Attributes:
        request: Store, inputs, rules and reading options, and how to work.
        period: The days.
        length: How many days a step has.
        pattern: Where the date is in a file's path; None looks for it.
        replaces: Whether the period is made what its files say now, see above.
        is_backwards: Whether the latest step comes first.
        lock_timeout: How long each step waits while another process writes.
    """

    request: Request
    period: Days
    length: timedelta = STEP
    pattern: DatePattern | None = None
    replaces: bool = False
    is_backwards: bool = False
    lock_timeout: timedelta


@frozen
class BackfillStep:
    """One step of a backfill that is done.

    Attributes:
        number: Which one, from 1.
        of: How many there are.
        days: Its days.
        update: What it did.
    """

    number: int
    of: int
    days: Days
    update: UpdateSummary

    def as_dict(self) -> dict[str, Any]:
        """Return the step as plain values that JSON can hold."""
        days = {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        return days | self.update.as_dict()


@frozen
class BackfillSummary:
    """What a backfill did, or would do.

    Attributes:
        store: The store as named.
        period: The days that were asked for.
        planned: How many steps it has.
        steps: Those that are done, in the order in which they were.
        seconds: Wall time.
    """

    store: str
    period: Days
    planned: int
    steps: Sequence[BackfillStep]
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Whether every step was done."""
        return len(self.steps) == self.planned

    @property
    def tally(self) -> Tally:
        """Where the rows of the files that were read went."""
        return reduce(Tally.__add__, (step.update.tally for step in self.steps), Tally())

    @property
    def rejected(self) -> pa.Table:
        """The rejected rows (`file`, `record`, `reason`, `raw`), step by step."""
        return pa.concat_tables([REJECTED.empty_table(), *(step.update.rejected for step in self.steps)])

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as the object that `--json` prints."""
        tally = self.tally
        return {
            "store": self.store,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "complete": self.is_complete,
            "planned_steps": self.planned,
            "input_rows": tally.input_rows,
            "events": tally.events,
            "filtered": tally.filtered,
            "rejected": tally.rejected,
            "steps": [step.as_dict() for step in self.steps],
            "seconds": round(self.seconds, 3),
        }


def backfill(
    asked: Backfill,
    *,
    stop: Callable[[], bool] = lambda: False,
    stepped: Callable[[BackfillStep], None] = lambda step: None,
) -> BackfillSummary:
    """Bring a period of history into a store.

    The store is locked for each step alone, so that a nightly update need not wait for the last one.

    Args:
        asked: What to do.
        stop: Is asked before each step whether to end here.
        stepped: Is told of each step that is done.

    Returns:
        The steps.

    Raises:
        InputError: For a period without files, and whatever `update` raises it for.
        StoreError: As `update` does, here and for its kinds; steps before it stay done.
        ValueError: For a period or a step that makes no sense.
    """
    started = time.perf_counter()
    request, done = asked.request, list[BackfillStep]()
    ledger = Snapshot.open(request.location, request.given).ledger
    planned = _planned(asked, ledger.definition.reading)
    for number, step in enumerate(planned, 1):
        if stop():
            break
        done.append(BackfillStep(number, len(planned), step.days, _one_step(asked, step)))
        stepped(done[-1])
    return BackfillSummary(request.location, asked.period, len(planned), done, time.perf_counter() - started)


def _planned(asked: Backfill, reading: ReadOptions) -> list[Step]:
    request, period = asked.request, asked.period
    sources = find_sources(
        request.inputs,
        reading,
        own=[request.location],
        notify=request.notify,
        allow_empty=request.allow_empty,
    )
    planned = steps(
        sources,
        period,
        reading=reading,
        length=asked.length,
        pattern=asked.pattern,
        backwards=asked.is_backwards,
    )
    if not planned and not request.allow_empty:
        raise InputError(
            f"{', '.join(map(str, request.inputs))}: none of {len(sources)} files is of {period.first} to "
            f"{period.last}. Say where the date is with --date-pattern, or name another period."
        )
    return planned


def _one_step(asked: Backfill, step: Step) -> UpdateSummary:
    request = evolve(asked.request, inputs=(), sources=step.sources, trust_stamps=not asked.replaces)
    if request.is_dry_run:
        return update(_replacing(request, asked))
    with locked(request.location, asked.lock_timeout):
        return update(_replacing(request, asked))


def _replacing(request: Request, asked: Backfill) -> Request:
    """Let a step also forget the files in whose place those of the step stand."""
    if not asked.replaces:
        return request
    ledger = Snapshot.open(request.location, request.given).ledger
    replaced = _replaced(request.sources, ledger, asked.pattern)
    return evolve(request, forget=[entry.path for entry in replaced])


def _replaced(sources: Sequence[Source], ledger: Ledger, pattern: DatePattern | None) -> Iterator[LedgerFile]:
    """Find files of the ledger that are gone, and of whose folder and days others are there."""
    found: defaultdict[str, list[tuple[Source, Days | None]]] = defaultdict(list)
    for source in sources:
        days = days_of(source, ledger.definition.reading, pattern)
        found[_folder(canonical_path(source.place))].append((source, days))
    for entry in _gone(ledger.files, found):
        beside = found[_folder(entry.path)]
        days = _days_of_entry(entry, beside[0][0], ledger.definition.reading, pattern)
        if days and any(other is not None and days.overlaps(other) for _, other in beside):
            yield entry


def _gone(files: Mapping[str, LedgerFile], folders: Collection[str]) -> Iterator[LedgerFile]:
    for path, entry in files.items():
        if _folder(path) in folders and place_of(path).info().type == pafs.FileType.NotFound:
            yield entry


def _days_of_entry(
    entry: LedgerFile, beside: Source, reading: ReadOptions, pattern: DatePattern | None
) -> Days | None:
    """Find the days of a file that is gone: by its name, as for the files beside it, or by its events."""
    name = f"{_folder(beside.name)}/{entry.path.rpartition('/')[2]}"
    # A text file: there are no statistics to ask.
    named = replace(beside, place=Place(name, name, beside.place.filesystem), format="csv")
    if days := days_of(named, reading, pattern):
        return days
    if entry.first_us is None or entry.last_us is None or pattern:
        return None
    bounds = reading.zone.local_day(np.array([entry.first_us, entry.last_us], np.int64))
    return Days(*(_EPOCH + int(day) * _DAY for day in bounds))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def as_day(value: str | date) -> date:
    """Read a local day.

    Raises:
        ValueError: For text that is no ISO date, and for a time.

    Example:
        >>> as_day("2026-11-23")
        datetime.date(2026, 11, 23)
    """
    if isinstance(value, datetime):
        raise ValueError(f"{value} is a time. Give a date, such as 2026-11-23.")
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date. Write it as 2026-11-23.") from None
