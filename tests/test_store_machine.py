"""A store after any history, deaths and races included: what one run over the files in its ledger gives."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sessionize.errors import OutputError, StoreError
from sessionize.store.delta import commit
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.snapshot import is_store, ledger_of
from sessionize.store.store import SessionStore
from sessionize.store.summary import UpdateSummary
from sessionize.store.table import SessionsTable
from tests.crashes import Died, Steps, dying_at, full_at
from tests.generators import TEXT_KINDS, logs
from tests.logs import Log, assert_same_sessions, session_rows
from tests.test_properties import csv_text

STEPS_OF_A_HISTORY = 20
USUAL_STEPS = 2000 if "CI" in os.environ else 2 * settings().max_examples
STEPS = int(os.environ.get("STORE_STEPS", USUAL_STEPS))
"""200 in the usual run; `make check-slow` and `make check-store` take more."""

TABLES, TEXTS = (".parquet", ".arrow"), (".csv", ".csv.gz", ".jsonl")

LOGS_OF_TABLES = st.tuples(logs(), st.just(TABLES))
LOGS_OF_TEXTS = st.tuples(logs(kinds=TEXT_KINDS, is_text=True), st.just(TEXTS))
STEPS_ON_DISK = st.integers(0, 40)
"""About as many as an update takes."""

ROW_GROUP_ROWS = 3
TICK_NS = 1_000_000_000
DAYS = [f"2026-01-0{day}" for day in range(1, 6)]
NAMES, NEW_NAMES = (st.sampled_from([f"{who}-{day}" for day in DAYS]) for who in "ab")
"""Under either a file may come; to the other it may be renamed. A backfill goes by their days."""
PLACES = st.tuples(st.integers(0, 24), st.integers(0, 24)).map(sorted)

Done = TypeVar("Done")
GoesWrong = Callable[[int], AbstractContextManager[Steps]]
Ledger = dict[str, LedgerFile]
"""The entries of the ledger by file name."""


class Histories(RuleBasedStateMachine):
    """Files that come, change, move and go, in any order; after each update the table is checked."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.raw = self.folder / "raw"
        self.raw.mkdir()
        self.store = SessionStore(self.folder / "store")
        self.written: list[Log] = []

    @initialize(begins=st.one_of(LOGS_OF_TABLES, LOGS_OF_TEXTS))
    def begin(self, begins: tuple[Log, Sequence[str]]) -> None:
        self.log, self.suffixes = begins
        types = self.log.type_options() if self.suffixes == TEXTS else {}
        options = {**self.log.options(), "types": types}
        self.options = {name: value for name, value in options.items() if name != "as_of"}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------ what happens to files

    @rule(name=NAMES, places=PLACES, format_=st.integers(0, 5))
    def deliver(self, name: str, places: Sequence[int], format_: int) -> None:
        """Write a file, or write it again with other content."""
        log = replace(self.log, rows=self.log.rows[slice(*places)])
        there = [path.name for path in self.raw.glob(f"{name}.*")]
        path = self.raw / (there or [name + self.suffixes[format_ % len(self.suffixes)]])[0]
        _write(log, path)
        self.written.append(log)
        modified_ns = len(self.written) * TICK_NS
        os.utime(path, ns=(modified_ns, modified_ns))

    @precondition(lambda self: self._names())
    @rule(data=st.data(), name=NEW_NAMES)
    def rename(self, data: st.DataObject, name: str) -> None:
        path = self.raw / data.draw(st.sampled_from(self._names()), label="file")
        if not list(self.raw.glob(f"{name}.*")):
            path.rename(self.raw / (name + "".join(path.suffixes)))

    @precondition(lambda self: any(self.raw.glob("*.csv")))
    @rule(data=st.data())
    def zip(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.raw.glob("*.csv"))), label="file")
        zipped, modified_ns = path.with_suffix(".csv.gz"), path.stat().st_mtime_ns
        zipped.write_bytes(gzip.compress(path.read_bytes()))
        os.utime(zipped, ns=(modified_ns, modified_ns))
        path.unlink()

    @precondition(lambda self: self._names())
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        (self.raw / data.draw(st.sampled_from(self._names()), label="file")).unlink()

    # ------------------------------------------------------------ updates

    @precondition(lambda self: self._names())
    @rule(data=st.data())
    def update(self, data: st.DataObject) -> None:
        """Bring files in, and find that doing so once more changes nothing."""
        names, forget = self._chosen(data)

        if self._update(names, forget):
            self._insist(names, forget)
            self._check()
            if once_more := sorted({*names} - {*forget}):
                again = self._update(once_more)
                assert again is None or again.changed_nothing

    @precondition(lambda self: self._names())
    @rule(data=st.data())
    def update_as_foretold(self, data: st.DataObject) -> None:
        names, forget = self._chosen(data)
        said = self._update(names, forget, dry_run=True)

        done = self._update(names, forget)

        assert _foretold(said) == _foretold(done)
        self._check()

    @precondition(lambda self: self._names())
    @rule(
        days=st.lists(st.sampled_from(DAYS), min_size=2, max_size=2).map(sorted),
        step=st.sampled_from(["1d", "2d"]),
        backwards=st.booleans(),
        replaces=st.booleans(),
    )
    def backfill(self, days: Sequence[str], step: str, backwards: bool, replaces: bool) -> None:
        """Bring the files of a period in, whatever else is there."""
        names = [name for name in self._names() if days[0] <= name[2:12] <= days[1]]

        done = self._unless_a_file_is_lost(
            lambda: self.store.backfill(
                self.raw,
                *days,
                step=step,
                backwards=backwards,
                replace=replaces,
                allow_same_content=True,
                allow_empty=True,
                threads=1,
                **self.options,
            )
        )

        if done:
            self._insist(names, [])
        self._check()

    @precondition(lambda self: self._names())
    @rule(data=st.data(), goes_wrong=st.sampled_from([dying_at, full_at]), fatal=STEPS_ON_DISK)
    def fail_to_update(self, data: st.DataObject, goes_wrong: GoesWrong, fatal: int) -> None:
        """Find the old table or the new one after a death, or after the disk was full."""
        names, forget = self._chosen(data)
        before = self._ledger()

        with goes_wrong(fatal) as steps:
            try:
                self._update(names, forget)
            except (Died, OutputError):
                event(f"{goes_wrong.__name__} step {steps.taken // 10 * 10} or later")

        if self._ledger() != before:
            self._insist(names, forget)
        self._check()

    @precondition(lambda self: self._names())
    @rule(data=st.data())
    def race(self, data: st.DataObject) -> None:
        """Let another writer commit right before this one."""
        names, others = self._chosen(data)[0], self._chosen(data)[0]
        committed = []

        with _right_before_a_commit(lambda: committed.append(self._update(others))):
            done = self._update(names)

        if done and committed != [None]:
            self._insist([*names, *(others if committed else [])], [])
        self._check()

    # ------------------------------------------------------------ helpers

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.raw.iterdir())

    def _chosen(self, data: st.DataObject) -> tuple[list[str], list[str]]:
        """Choose files to bring in, and now and then some to forget."""
        there, known = st.sampled_from(self._names()), sorted(self._ledger())
        names = data.draw(st.lists(there, min_size=1, max_size=3, unique=True), label="files")
        if not known or data.draw(st.integers(0, 3), label="forgets") < 3:
            return names, []
        return names, data.draw(st.lists(st.sampled_from(known), max_size=2, unique=True), label="forgotten")

    def _update(
        self, names: Sequence[str], forget: Sequence[str] = (), **options: Any
    ) -> UpdateSummary | None:
        """Update the store; None where it must read a file that was lost, and so changes nothing."""
        before = self._ledger()
        done = self._unless_a_file_is_lost(
            lambda: self.store.update(
                [self.raw / name for name in names],
                forget=[self.raw / name for name in forget],
                allow_same_content=True,
                threads=1,
                **{**self.options, **options},
            )
        )
        assert done or self._ledger() == before
        return done

    def _unless_a_file_is_lost(self, act: Callable[[], Done]) -> Done | None:
        try:
            return act()
        except StoreError as error:
            if "is gone. Bring it back" not in str(error):
                raise
            return None

    def _ledger(self) -> Ledger:
        source = SessionsTable.open(self.store.location) if is_store(self.store.location) else None
        if source is None or source.ledger is None:
            return {}
        return {Path(path).name: entry for path, entry in ledger_of(source).files.items()}

    def _insist(self, names: Sequence[str], forget: Sequence[str]) -> None:
        """Check that the ledger has the files as they are on disk, and not those that were forgotten."""
        ledger = self._ledger()
        for name in {*names} - {*forget}:
            on_disk = self.written[(self.raw / name).stat().st_mtime_ns // TICK_NS - 1]
            assert repr(self._content(ledger[name]).rows) == repr(on_disk.rows)
        assert not {*ledger} & {*forget}

    def _content(self, entry: LedgerFile) -> Log:
        return self.written[int(entry.stamp.modified) // TICK_NS - 1]

    def _check(self) -> None:
        """Check that the table is what one run over the ledger's files gives."""
        if ledger := self._ledger():
            rows = [row for entry in ledger.values() for row in self._content(entry).rows]
            expected = replace(self.log, rows=rows).expected().sessions
            assert_same_sessions(session_rows(self.store.sessions()), expected, self.log.rules)


def _write(log: Log, path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(log.table(), path, row_group_size=ROW_GROUP_ROWS)
    elif path.suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, log.table().schema) as writer:
            writer.write_table(log.table())
    else:
        text = (json_text if path.suffix == ".jsonl" else csv_text)(log).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def json_text(log: Log) -> str:
    """The log as JSON lines, every value as the text that CSV has for it; without rows an empty line."""
    table = log.table().to_pylist()
    return "\n".join(json.dumps({name: _as_text(row[name]) for name in row}) for row in table) + "\n"


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _foretold(summary: UpdateSummary | None) -> dict[str, Any] | None:
    """What an update says that changes nothing, and that the same one says when it does."""
    if summary is None:
        return None
    return {**summary.as_dict(), "table_version": 0, "dry_run": False, "seconds": 0}


@contextmanager
def _right_before_a_commit(act: Callable[[], object]) -> Iterator[None]:
    """Do something once, in the moment before the first commit."""
    others = [act]

    def interrupted(*args: Any, **kwargs: Any) -> int:
        while others:
            others.pop()()
        return commit(*args, **kwargs)

    with patch("sessionize.store.table.commit", interrupted):
        yield


Histories.TestCase.settings = settings(
    max_examples=max(STEPS // STEPS_OF_A_HISTORY, 1), stateful_step_count=STEPS_OF_A_HISTORY
)
TestHistories = pytest.mark.property(Histories.TestCase)
