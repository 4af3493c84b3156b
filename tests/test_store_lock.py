"""One writer at a time; and what is half on disk after a power loss."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sessionize.errors import OutputError, StoreBusyError, StoreError
from sessionize.store import log
from sessionize.store.lock import LOCK, locked
from sessionize.store.table import SessionsTable
from tests.command_line import ROOT
from tests.stored_sessions import FIRST, SCHEMA, ids, stored

AT_ONCE = timedelta()

HOLDER = """
import sys
from sessionize.store.lock import locked

with locked(sys.argv[1], None):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "sessions")


@pytest.fixture
def holder(location: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the store until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, location],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate()


@pytest.fixture
def filled(location: str) -> SessionsTable:
    """One session at version 1."""
    return SessionsTable.create(location, SCHEMA).replace([FIRST], stored("2026-01-01 09:00"), ledger=1)


def entry(location: str, version: int) -> Path:
    return Path(location, "_delta_log", f"{version:020}.json")


# The lock


def test_who_finds_the_store_held_is_told_by_whom_and_since_when(
    location: str, holder: subprocess.Popen[str]
) -> None:
    told = rf"process {holder.pid} on .+ since \S+Z\. .*--lock-timeout"

    with pytest.raises(StoreBusyError, match=told), locked(location, AT_ONCE):
        pytest.fail("two hold the store")


def test_a_holder_that_has_not_signed_yet_is_another_process(
    location: str, holder: subprocess.Popen[str]
) -> None:
    Path(location, LOCK).write_text("")

    with pytest.raises(StoreBusyError, match="another process is writing to it"), locked(location, AT_ONCE):
        pytest.fail("two hold the store")


@pytest.mark.parametrize("timeout", [None, timedelta(minutes=1)], ids=["no limit", "a minute"])
def test_the_second_waits_until_the_first_is_done(
    location: str,
    holder: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    timeout: timedelta | None,
) -> None:
    def let_go(_: float) -> None:
        if threading.current_thread() is threading.main_thread():  # other threads of the process sleep, too
            holder.communicate("done\n")

    monkeypatch.setattr(time, "sleep", let_go)

    with locked(location, timeout):
        assert holder.returncode == 0


def test_a_killed_holder_holds_nothing(location: str, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()

    with locked(location, AT_ONCE):
        assert f'"pid": {os.getpid()}' in Path(location, LOCK).read_text()


def test_a_thread_that_holds_the_store_passes(location: str) -> None:
    with locked(location, AT_ONCE), locked(f"{location}/.", AT_ONCE):
        assert Path(location, LOCK).exists()

    with locked(location, AT_ONCE):
        assert Path(location, LOCK).exists()


def test_another_thread_of_the_same_process_does_not_pass(location: str) -> None:
    refused: list[Exception] = []

    def enter() -> None:
        try:
            with locked(location, AT_ONCE):
                pass
        except StoreBusyError as error:
            refused.append(error)

    with locked(location, AT_ONCE):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()

    assert len(refused) == 1


def test_a_failure_of_the_body_lets_the_store_go(location: str) -> None:
    with pytest.raises(RuntimeError), locked(location, AT_ONCE):
        raise RuntimeError

    with locked(location, AT_ONCE):
        assert Path(location, LOCK).exists()


def test_an_object_store_has_no_lock() -> None:
    with locked("mock:///sessions", AT_ONCE), locked("mock:///sessions", AT_ONCE):
        assert not Path("mock:").exists()


def test_a_file_system_without_locks_is_named(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(StoreError, match="cannot be locked: No locks available"), locked(location, AT_ONCE):
        pytest.fail("nobody can hold the store")


def test_a_store_that_cannot_be_written_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be written"), locked(str(tmp_path / "file" / "x"), AT_ONCE):
        pytest.fail("there is no store")


def test_a_full_disk_does_not_keep_one_from_the_lock(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", refuse)

    with locked(location, AT_ONCE):
        assert Path(location, LOCK).read_text() == ""


# Repair


@pytest.mark.parametrize(
    "text",
    [b"", b'{"commitInfo":{"times', b"\0" * 512, b'{"commitInfo":{}}\n{"add":', b"17"],
    ids=["empty", "cut in the first line", "zeroes", "cut in a later line", "no action"],
)
def test_a_torn_newest_entry_never_was_a_version(filled: SessionsTable, text: bytes) -> None:
    filled.replace([FIRST], stored("2026-01-01 12:00"), ledger=2)
    entry(filled.location, 2).write_bytes(text)

    found = SessionsTable.open(filled.location)
    after = found.replace([FIRST], stored("2026-01-01 13:00"), ledger=3)

    assert (found.version, found.ledger, found.files()) == (1, 1, filled.files())
    assert (after.version, ids(after.read(after.files()))) == (2, ["1@01T13:00"])


def test_a_torn_first_entry_never_was_a_table(location: str) -> None:
    SessionsTable.create(location, SCHEMA)
    entry(location, 0).write_bytes(b"")

    with pytest.raises(StoreError, match="no sessions store"):
        SessionsTable.open(location)
    assert SessionsTable.create(location, SCHEMA).version == 0


@pytest.mark.parametrize("name", ["00000000000000000001.checkpoint.parquet", "_last_checkpoint"])
def test_a_torn_checkpoint_is_left_out(filled: SessionsTable, name: str) -> None:
    filled.checkpoint()
    torn = Path(filled.location, "_delta_log", name)
    torn.write_bytes(torn.read_bytes()[:20])

    found = SessionsTable.open(filled.location)

    assert found.files() == filled.files()
    assert not torn.exists()


@pytest.mark.parametrize(
    "hint", ['{"size":3}', "17", '{"version":5}'], ids=["no version", "no object", "lost"]
)
def test_a_hint_that_leads_nowhere_is_left_out(filled: SessionsTable, hint: str) -> None:
    Path(filled.location, "_delta_log", "_last_checkpoint").write_text(hint)

    assert SessionsTable.open(filled.location).files() == filled.files()


def test_an_older_entry_is_no_business_of_the_repair(filled: SessionsTable) -> None:
    filled.replace([FIRST], stored(), ledger=2)
    entry(filled.location, 1).write_bytes(b"")

    log.repair(filled.location)

    assert entry(filled.location, 1).exists()


def test_nothing_is_repaired_while_another_holds_the_store(
    filled: SessionsTable, monkeypatch: pytest.MonkeyPatch, holder: subprocess.Popen[str]
) -> None:
    monkeypatch.setattr(log, "_PATIENCE", AT_ONCE)
    entry(filled.location, 1).write_bytes(b"")

    with pytest.raises(StoreBusyError, match=str(holder.pid)):
        SessionsTable.open(filled.location)

    assert entry(filled.location, 1).exists()


def test_the_holder_itself_may_repair(filled: SessionsTable) -> None:
    entry(filled.location, 1).write_bytes(b"")

    with locked(filled.location, AT_ONCE):
        found = SessionsTable.open(filled.location)

    assert found.version == 0


def test_the_holder_is_shown_with_the_time_in_utc(location: str) -> None:
    with locked(location, AT_ONCE):
        found = re.search(r'"since": "(.+?)"', Path(location, LOCK).read_text())

    assert found
    assert datetime.fromisoformat(found[1]) - datetime.now(UTC) <= timedelta(seconds=1)
