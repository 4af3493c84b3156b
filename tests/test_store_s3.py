"""The same table on object storage, from a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from sessionize.errors import OutputError, StoreBusyError, StoreError
from sessionize.store.compact import compact
from sessionize.store.durable import write_parquet
from sessionize.store.lock import locked
from sessionize.store.log import repair
from sessionize.store.table import SessionsTable
from tests.store_files import write_ledgers
from tests.stored_sessions import FIRST, SCHEMA, SECOND, ids, stored

moto = pytest.importorskip("moto.server", reason="the tests on S3 need moto[server]")

ROWS = stored("2026-01-01 09:00", "2026-01-02 09:00")


UNDERSTANDS_MOTO = 26
"""Earlier releases of Arrow (21 to 23 were tried) take moto's answer to a finished upload for a failure."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    if int(pa.__version__.split(".")[0]) < UNDERSTANDS_MOTO:
        pytest.skip(f"Arrow {pa.__version__} and moto's object store do not get along")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def location(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A new folder in a bucket; where it is and who may read it stands in the environment."""
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    pafs.FileSystem.from_uri("s3://sessions?allow_bucket_creation=true")[0].create_dir("sessions")
    return f"s3://sessions/{tmp_path.name}"


def read_all(table: SessionsTable) -> list[str]:
    return ids(table.read(table.files()))


def test_a_table_is_made_filled_and_read(location: str) -> None:
    filled = SessionsTable.create(location, SCHEMA).replace([FIRST, SECOND], ROWS, ledger=1)

    changed = filled.replace([FIRST], stored("2026-01-01 12:00"), ledger=2, note={"what": "noon"})

    assert filled.read(filled.files()).equals(ROWS.select(SCHEMA.names))
    assert read_all(SessionsTable.open(location)) == ["1@01T12:00", "2@02T09:00"]
    assert [(commit.version, commit.note) for commit in changed.commits(1)] == [(2, {"what": "noon"})]
    assert SessionsTable.open(location, 1).ledger == 1


def test_a_commit_that_comes_second_is_busy_and_changes_nothing(location: str) -> None:
    table = SessionsTable.create(location, SCHEMA)
    winner = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=1)

    with pytest.raises(StoreBusyError, match="another process has changed it meanwhile"):
        table.replace([FIRST], stored("2026-01-01 12:00"), ledger=2)

    newest = SessionsTable.open(location)
    assert (newest.version, newest.ledger, newest.files()) == (1, 1, winner.files())
    assert len(data_files(location)) == 1


def test_files_of_a_commit_without_a_clear_answer_stay(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise OSError("connection reset")

    table = SessionsTable.create(location, SCHEMA)
    monkeypatch.setattr(DeltaTable, "create_write_transaction", unreachable)

    with pytest.raises(OutputError, match="connection reset"):
        table.replace([FIRST], stored("2026-01-01 12:00"), ledger=1)

    assert len(data_files(location)) == 1


def test_where_there_is_no_table_none_is_opened(location: str) -> None:
    with pytest.raises(StoreError, match="no sessions store"):
        SessionsTable.open(location)


def test_a_table_is_not_made_among_other_files(location: str) -> None:
    filesystem, path = pafs.FileSystem.from_uri(location)
    with filesystem.open_output_stream(f"{path}/events.csv") as stream:
        stream.write(b"precious")

    with pytest.raises(StoreError, match=r"holds other files \(events.csv\)"):
        SessionsTable.create(location, SCHEMA)


def test_what_nothing_needs_is_swept(location: str) -> None:
    table = SessionsTable.create(location, SCHEMA)
    table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=1).replace([FIRST], stored(), ledger=2)
    write_ledgers(location, 1, 2)

    done = compact(location, keep=timedelta())

    after = SessionsTable.open(location)
    assert len(done.files) == 2
    assert data_files(location) == []
    assert (after.version, after.ledger) == (2, 2)


def test_files_beside_the_table_are_written(location: str) -> None:
    write_parquet(ROWS, location, "_sessionize/ledger/1.parquet")

    filesystem, path = pafs.FileSystem.from_uri(location)
    assert pq.read_table(f"{path}/_sessionize/ledger/1.parquet", filesystem=filesystem).equals(ROWS)


def test_there_is_no_lock_and_nothing_to_repair(location: str) -> None:
    with locked(location, timedelta()):
        repair(location)

    filesystem, path = pafs.FileSystem.from_uri(location)
    assert filesystem.get_file_info(path).type == pafs.FileType.NotFound


def data_files(location: str) -> list[str]:
    filesystem, path = pafs.FileSystem.from_uri(location)
    infos = filesystem.get_file_info(pafs.FileSelector(path, recursive=True))
    return [info.path for info in infos if "/part-" in info.path]
