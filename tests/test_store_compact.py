"""Tidying a store: only what nothing needs goes, and only what is ours."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from sessionize.errors import OutputError, StoreError
from sessionize.store import compact as compact_module
from sessionize.store.compact import compact
from sessionize.store.ledger import ledger_path
from sessionize.store.snapshot import ledger_of
from sessionize.store.table import SessionsTable
from tests.crashes import Died, dying_at
from tests.nights import Nights, spans
from tests.store_files import write_ledgers
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
FIRST_LEDGER = "_sessionize/ledger/0000000000-000001.parquet"
OF_OTHERS = ("README.md", "session_date=2026-01-01/notes.parquet", "_sessionize/ledger/1.parquet", "x.tmp")


@pytest.fixture
def table(tmp_path: Path) -> SessionsTable:
    """One session, replaced once: version 2, whose old file nothing needs."""
    table = SessionsTable.create(str(tmp_path / "sessions"), SCHEMA)
    for version in (1, 2):
        write_ledgers(table.location, version)
        table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=version)
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

    assert (done.version, done.files) == (2, (FIRST_LEDGER, old.path))
    assert done.size_bytes > old.size_bytes
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
    write_ledgers(table.location, 1)
    table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=1)

    compact(table.location)

    after = SessionsTable.open(table.location)
    assert not is_there(table, "_delta_log/00000000000000000000.json")
    assert (after.version, after.ledger, after.files()) == (1, 1, table.files())
    assert after.schema.equals(SCHEMA)


# Ledgers, contributions and rejected rows


def kept_of(nights: Nights) -> set[str]:
    """The files that a store keeps beside its table, save the lock."""
    root = Path(nights.store.location)
    files = {str(path.relative_to(root)) for path in root.glob("_sessionize/**/*") if path.is_file()}
    return files - {"_sessionize/lock"}


def needed_by(nights: Nights, *versions: int) -> set[str]:
    """What versions of its table refer to."""
    ledgers = [ledger_of(SessionsTable.open(nights.store.location, version)) for version in versions]
    files = [file for each in ledgers for file in each.files.values()]
    return {
        *(ledger_path(each.version) for each in ledgers),
        *(f"_sessionize/contributions/{file.id}.parquet" for file in files),
        *(f"_sessionize/rejected/{file.id}.parquet" for file in files if file.tally.rejected),
    }


def corrected(nights: Nights) -> list[datetime]:
    """Let a file with a rejected row be corrected twice: versions 1 to 3; when each was made."""
    for minute in (1, 2, 3):
        nights.update(nights.write("day", f"09:0{minute}", "09:00", who=["A", None]), max_rejected=1)
    return [commit.time for commit in reversed(SessionsTable.open(nights.store.location).commits())]


def test_what_only_versions_refer_to_that_are_gone_goes(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    corrected(nights)

    compact(nights.store.location, keep=NOTHING)

    assert kept_of(nights) == needed_by(nights, 3)
    nights.update(nights.write("day", "09:10"))
    assert spans(nights.rows()) == ["09:10"]


def test_what_a_version_of_late_refers_to_stays(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    *_, third = corrected(nights)
    hour = timedelta(hours=1)

    compact(nights.store.location, keep=hour, now=third - timedelta(milliseconds=1) + hour)

    assert kept_of(nights) == needed_by(nights, 2, 3)
    assert nights.store.changes(since=2).as_dict()["removed"] == 1


def test_a_version_whose_entry_has_expired_keeps_its_ledger(tmp_path: Path) -> None:
    table = SessionsTable.create(str(tmp_path / "sessions"), SCHEMA)
    write_ledgers(table.location, 1, 2, 3)
    for version in (2, 3):
        table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=version)
        table.checkpoint()
    for version in (0, 1):
        Path(table.location, f"_delta_log/{version:020}.json").unlink()
    (newest,) = table.commits()
    hour = timedelta(hours=1)

    done = compact(table.location, keep=hour, now=newest.time - timedelta(milliseconds=1) + hour)

    assert done.files == (FIRST_LEDGER,)


def test_what_updates_have_left_that_were_killed_at_any_step_goes(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"))
    late = nights.write("late", "09:10", "09:11", who=["A", None])
    for fatal in count():
        with dying_at(fatal) as steps, suppress(Died):
            nights.update(late, max_rejected=1)
        if not steps.has_failed:
            break
        if late in nights.files():
            nights.update(forget=late)
    newest = SessionsTable.open(nights.store.location).version
    left = kept_of(nights)

    compact(nights.store.location, keep=NOTHING)

    assert len(left) > len(kept_of(nights))
    assert kept_of(nights) == needed_by(nights, newest)
    assert spans(nights.store.sessions().to_pylist()) == ["09:00–09:10"]


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
