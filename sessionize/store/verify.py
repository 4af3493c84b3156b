"""Whether a store holds what one run over its files gives: they are read anew, and compared row by row.

A file that is gone or has changed since cannot vouch for its sessions. What lies further from its
events than the timeout, it cannot have touched; everything nearer is left unchecked, and counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sessionize.core.columns import column
from sessionize.core.sessions import SessionTable, finish
from sessionize.engine.resources import Resources
from sessionize.progress import Progress
from sessionize.reading.sources import Source
from sessionize.store.candidates import reach_us, stretches
from sessionize.store.fingerprint import fingerprint, stamp_of
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.pairs import Pairs
from sessionize.store.recomputed import Recomputed, recomputed
from sessionize.store.rows import STATE, as_fragments
from sessionize.store.sample import Sample
from sessionize.store.selection import reopen
from sessionize.store.spans import Chains, Mask, Rows, spans
from sessionize.store.table import SessionsTable
from sessionize.writing.atomic import DATE

DIFFERENCE = "difference"
KINDS = ("missing", "extra", "different")
SHOWN = 20
"""Differing sessions that `as_dict` lists."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How a store compares with one run over the files in its ledger.

    Attributes:
        store: The store as named.
        table_version: The version of its table that was verified.
        files: How many files it contains.
        gone: Files that are not there any more.
        changed: Files that hold something else than what the store took in.
        sample: The share of the identities that was compared, from 0 to 1.
        sessions: How many sessions were compared.
        unchecked: How many were not, because a file within their reach is gone or has changed.
        differences: Table of the sessions that differ, by end, then id: `difference` (`missing`: not
            in the store; `extra`: only there; `different`), `columns` (list of strings: those that
            differ; `_state` is the hidden state, from which the session would grow), then the session's
            columns as they ought to be (as they are for `extra`) and `session_date`.
        seconds: Wall time.
    """

    store: str
    table_version: int
    files: int
    gone: Sequence[str]
    changed: Sequence[str]
    sample: float
    sessions: int
    unchecked: int
    differences: pa.Table
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether every file was there and every session that was looked at is right."""
        return not (self.gone or self.changed or len(self.differences))

    def count(self, kind: str) -> int:
        """Count the sessions that are `missing`, `extra` or `different`."""
        return pc.sum(pc.equal(self.differences[DIFFERENCE], kind), min_count=0).as_py()

    def as_dict(self) -> dict[str, Any]:
        """Return the result as the object that `--json` prints, with the first few differences."""
        names = self.differences.column_names[:3]
        return {
            "store": self.store,
            "table_version": self.table_version,
            "agrees": self.agrees,
            "files": self.files,
            "gone": list(self.gone),
            "changed": list(self.changed),
            "sample": self.sample,
            "sessions": self.sessions,
            "unchecked": self.unchecked,
            **{kind: self.count(kind) for kind in KINDS},
            "differences": self.differences.slice(0, SHOWN).select(names).to_pylist(),
            "seconds": round(self.seconds, 3),
        }


def verify(
    source: SessionsTable,
    ledger: Ledger,
    table: SessionTable,
    *,
    sample: Sample,
    resources: Resources,
    progress: Progress | None = None,
) -> Verification:
    """Read the files of a store anew, and compare what one run makes of them with its table.

    Args:
        source: The table.
        ledger: Its ledger.
        table: What a session is.
        sample: Which identities are looked at.
        resources: Threads, memory, and a place on disk.
        progress: Is called with the rows that were read since its last call.

    Raises:
        InputError: For a file that cannot be read.
        StoreError: For a table that cannot be read.
        OutputError: Where the temporary folder cannot be written.
    """
    started = time.perf_counter()
    found, gone, changed = _files(ledger)
    with recomputed(found, ledger, table, sample=sample, resources=resources, progress=progress) as right:
        sides = _Sides(source, right, table, sample)
        checked = _Checked.of([*gone, *changed], sides)
        looks = [_look(day, sides, checked) for day in sides.dates]
    return Verification(
        store=source.location,
        table_version=source.version,
        files=len(ledger.files),
        gone=[entry.path for entry in gone],
        changed=[entry.path for entry in changed],
        sample=sample.share,
        sessions=sum(look.sessions for look in looks),
        unchecked=sum(look.unchecked for look in looks),
        differences=_in_order([look.differences for look in looks], table),
        seconds=time.perf_counter() - started,
    )


def _files(ledger: Ledger) -> tuple[list[Source], list[LedgerFile], list[LedgerFile]]:
    """Find the files of a ledger: those that are as they were, those that are gone, those that changed."""
    found, gone, changed = [], [], []
    for entry in ledger.files.values():
        source = reopen(entry, ledger.definition.reading)
        if source is None:
            gone.append(entry)
        elif _is_as_before(source, entry, ledger):
            found.append(source)
        else:
            changed.append(entry)
    return found, gone, changed


def _is_as_before(source: Source, entry: LedgerFile, ledger: Ledger) -> bool:
    if stamp_of(source) == entry.stamp:
        return True
    return fingerprint(source, ledger.definition.columns).content == entry.content


@dataclass(frozen=True)
class _Sides:
    """The sessions that are there and those that ought to be, a date at a time."""

    source: SessionsTable
    right: Recomputed
    table: SessionTable
    sample: Sample

    @property
    def dates(self) -> list[date]:
        return sorted({file.session_date for file in self.source.files()} | self.right.dates)

    def stored(self, day: date) -> pa.Table:
        """Read what is there, hidden state and all."""
        files = [file for file in self.source.files() if file.session_date == day]
        rows = self.source.read(files).combine_chunks()
        chosen = self.sample.holds(as_fragments(rows, self.table), self.table.rules)
        return rows.filter(pa.array(chosen)).combine_chunks()

    def spans(self) -> Iterator[pa.Table]:
        """Give the stretches of time of all sessions of both sides."""
        for day in self.dates:
            for rows in (self.stored(day), self.right.read(day)):
                yield spans(as_fragments(rows, self.table), self.table.rules)


@dataclass(frozen=True)
class _Checked:
    """The sessions that no missing file can have touched.

    Attributes:
        table: What a session is.
        chains: Stretches of time of an identity, each of all that may have to do with each other; None
            where no file is missing.
        is_near: bool, one for each chain: whether a missing file reaches it.
    """

    table: SessionTable
    chains: Chains | None = None
    is_near: Mask | None = None

    @classmethod
    def of(cls, missing: Sequence[LedgerFile], sides: _Sides) -> _Checked:
        table = sides.table
        ranges = [(entry.first_us, entry.last_us) for entry in missing if entry.first_us is not None]
        parts = list(sides.spans()) if ranges else []
        if not parts:
            return cls(table)
        chains = Chains.of(parts, table.rules)
        start_us, end_us = np.array(ranges, np.int64).T
        starts, ends = stretches([pa.table({"start_us": start_us, "end_us": end_us})], reach_us(table.rules))
        first, last = (column(chains.table, name).to_numpy() for name in ("start_us", "end_us"))
        near = np.append(starts, np.iinfo(np.int64).max)[np.searchsorted(ends, first)]
        return cls(table, chains, near <= last)

    def among(self, rows: pa.Table) -> pa.Table:
        """Keep the sessions that can be checked."""
        if self.chains is None or self.is_near is None:
            return rows
        chain = self.chains.holding(as_fragments(rows, self.table))
        return rows.filter(pa.array(~self.is_near[chain])).combine_chunks()


@dataclass(frozen=True)
class _Look:
    """What one date has shown."""

    sessions: int
    unchecked: int
    differences: pa.Table


def _look(day: date, sides: _Sides, checked: _Checked) -> _Look:
    stored = sides.stored(day)
    rows, computed = checked.among(stored), checked.among(sides.right.read(day))
    found = _differences(rows, computed, sides.table)
    found = found.append_column(DATE, pa.repeat(pa.scalar(day), len(found)))
    return _Look(len(rows), len(stored) - len(rows), found)


def _differences(stored: pa.Table, computed: pa.Table, table: SessionTable) -> pa.Table:
    """Put the sessions of a date that differ together, each with how."""
    meant = finish(as_fragments(stored, table), table)
    stored = stored.select(table.schema.names)
    pairs = Pairs.of(stored, computed, f"{table.rules.prefix}session_id")
    differing = pairs.differing(_inexact(table)) | _of_state(stored, meant, pairs.in_left)
    wrong = np.flatnonzero(np.any([*differing.values(), np.zeros(len(pairs.in_left), bool)], axis=0))
    columns = [[name for name, differs in differing.items() if differs[row]] for row in wrong]
    return pa.concat_tables(
        [
            _picked(computed, np.flatnonzero(pairs.only_right()), "missing"),
            _picked(stored, np.flatnonzero(pairs.only_left()), "extra"),
            _picked(computed, pairs.in_right[wrong], "different", columns),
        ]
    )


def _in_order(parts: Sequence[pa.Table], table: SessionTable) -> pa.Table:
    prefix, none = table.rules.prefix, pa.Table.from_batches([], table.schema)
    nothing = _picked(none, np.empty(0, np.int64), "").append_column(DATE, pa.array([], pa.date32()))
    keys = [(f"{prefix}end_time", "ascending"), (f"{prefix}session_id", "ascending")]
    return pa.concat_tables([nothing, *parts]).sort_by(keys)


def _of_state(stored: pa.Table, meant: pa.Table, rows: Rows) -> dict[str, Mask]:
    """Find the rows whose hidden state says something else, and which would change when touched."""
    differing = Pairs(stored, meant, rows, rows).differing()
    return {STATE: np.any([*differing.values()], axis=0)} if differing else {}


def _picked(
    rows: pa.Table, places: Rows, kind: str, columns: Sequence[Sequence[str]] | None = None
) -> pa.Table:
    names = pa.array(columns if columns is not None else [[]] * len(places), pa.list_(pa.string()))
    picked = rows.take(pa.array(places)).add_column(0, "columns", names)
    return picked.add_column(0, DIFFERENCE, pa.repeat(pa.scalar(kind), len(places)))


def _inexact(table: SessionTable) -> list[str]:
    """Name the columns whose last bits may differ from one way of adding to another."""
    return [
        aggregate.name
        for aggregate in table.rules.agg
        if aggregate.function in ("sum", "mean") and pt.is_floating(table.schema.field(aggregate.name).type)
    ]
