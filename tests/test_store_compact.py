"""Tidying a store: only what nothing needs goes, and only what is ours."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from sessionize.errors import OutputError, StoreError
from sessionize.store import compact as compact_module
from sessionize.store.compact import compact
from sessionize.store.table import SessionsTable
from tests.stored_sessions import FIRST, SCHEMA, stored

NOTHING = timedelta()
ORPHAN = f"session_date=2026-01-09/part-00000-{'0' * 32}.parquet"
LEFTOVERS = (
    "_delta_log/00000000000000000003.json#1",
    "_delta_log/00000000000000000003.checkpoint.parquet#2",
    "session_date=2026-01-01/part-00001-x.zstd.parquet#1",
    "_sessionize/ledger/.2.parquet.77.00c0ffee.tmp",
    "_sessionize/.lock.1.00c0ffee.tmp",
)
OF_OTHERS = ("README.md", "session_date=2026-01-01/notes.parquet", "_sessionize/ledger/1.parquet", "x.tmp")


@pytest.fixture
def table(tmp_path: Path) -> SessionsTable:
    """One session, replaced once: version 2, whose old file nothing needs."""
    table = SessionsTable.create(str(tmp_path / "sessions"), SCHEMA)
    for ledger in (1, 2):
        table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=ledger)
    return table


def put(table: SessionsTable, *paths: str, days_old: float = 0) -> None:
    moment = time.time() - days_old * 86_400
    for path in paths:
        file = Path(table.location, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x" * 10)
        os.utime(file, (moment, moment))


def is_there(table: SessionsTable, path: str) -> bool:
    return Path(table.location, path).exists()


def test_files_that_only_old_versions_need_go(table: SessionsTable) -> None:
    (old,) = SessionsTable.open(table.location, 1).files()

    done = compact(table.location, keep=NOTHING)

    assert (done.version, done.files, done.size_bytes) == (2, (old.path,), old.size_bytes)
    assert not is_there(table, old.path)
    assert table.read(table.files()).equals(SessionsTable.open(table.location).read(table.files()))


def test_files_stay_for_a_week_unless_told_otherwise(table: SessionsTable) -> None:
    put(table, ORPHAN, *LEFTOVERS, days_old=6.9)

    assert compact(table.location).files == ()


def test_what_killed_runs_left_a_week_ago_goes(table: SessionsTable) -> None:
    put(table, ORPHAN, *LEFTOVERS, days_old=7.1)

    done = compact(table.location)

    assert set(done.files) == {ORPHAN, *LEFTOVERS}
    assert done.size_bytes == 10 * (1 + len(LEFTOVERS))
    assert not any(is_there(table, path) for path in done.files)


def test_what_is_not_ours_stays(table: SessionsTable) -> None:
    put(table, *OF_OTHERS, days_old=100)

    compact(table.location, keep=NOTHING)

    assert all(is_there(table, path) for path in OF_OTHERS)


def test_a_dry_run_says_the_same_and_changes_nothing(table: SessionsTable) -> None:
    put(table, ORPHAN, *LEFTOVERS, days_old=7.1)
    before = sorted(path for path in Path(table.location).rglob("*"))

    planned = compact(table.location, dry_run=True)

    assert sorted(path for path in Path(table.location).rglob("*")) == before
    assert planned == compact(table.location)


def test_no_version_is_added_and_the_ledger_stays(table: SessionsTable) -> None:
    compact(table.location, keep=NOTHING)

    after = SessionsTable.open(table.location)
    assert (after.version, after.ledger, after.files()) == (2, 2, table.files())


def test_a_writer_that_read_before_commits_after(table: SessionsTable) -> None:
    compact(table.location, keep=NOTHING)

    assert table.replace([FIRST], stored(), ledger=3).version == 3


def test_expired_entries_of_the_log_go_and_the_table_opens_from_the_checkpoint(tmp_path: Path) -> None:
    options = {"delta.logRetentionDuration": "interval 0 days"}
    table = SessionsTable.create(str(tmp_path / "sessions"), SCHEMA, options)
    table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=1)

    compact(table.location)

    after = SessionsTable.open(table.location)
    assert not is_there(table, "_delta_log/00000000000000000000.json")
    assert (after.version, after.ledger, after.files()) == (1, 1, table.files())
    assert after.schema.equals(SCHEMA)


def test_what_a_sweep_has_removed_is_not_named_again(table: SessionsTable) -> None:
    compact(table.location, keep=NOTHING)

    assert compact(table.location, keep=NOTHING).files == ()


def test_a_negative_time_is_a_value_error(table: SessionsTable) -> None:
    with pytest.raises(ValueError, match="is negative; use timedelta"):
        compact(table.location, keep=-timedelta(days=1))


def test_where_there_is_no_store_nothing_is_swept(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no sessions store"):
        compact(str(tmp_path))


def test_a_file_that_cannot_be_removed_is_an_output_error(
    table: SessionsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact_module, "_leftovers", lambda *_: iter([("gone", 0)]))

    with pytest.raises(OutputError, match="cannot be written"):
        compact(table.location)
