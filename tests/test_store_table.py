"""The Delta table under a store: whole partitions come and go in one commit, or nothing changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable, TableFeatures
from deltalake.exceptions import CommitFailedError

from sessionize.errors import InputError, OutputError, StoreBusyError, StoreError, StoreMismatchError
from sessionize.store import partitions
from sessionize.store import table as table_module
from sessionize.store.table import SessionsTable
from sessionize.writing import batches
from tests.command_line import ROOT
from tests.small_logs import at
from tests.stored_sessions import FIRST, LARGEST_ID, SCHEMA, SECOND, THIRD, ids, stored

INT64 = np.iinfo(np.int64)
MORNINGS = ("2026-01-01 09:00", "2026-01-01 10:00", "2026-01-02 09:00")


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "sessions")


@pytest.fixture
def empty(location: str) -> SessionsTable:
    return SessionsTable.create(location, SCHEMA)


@pytest.fixture
def filled(empty: SessionsTable) -> SessionsTable:
    """Two sessions on the first day, one on the second, at version 1."""
    return empty.replace([FIRST, SECOND], stored(*MORNINGS), ledger=1)


def read_all(table: SessionsTable) -> pa.Table:
    return table.read(table.files())


def data_files(location: str) -> set[str]:
    return {str(path.relative_to(location)) for path in Path(location).rglob("part-*.parquet")}


def paths(table: SessionsTable) -> set[str]:
    return {file.path for file in table.files()}


def microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


# Contents


def test_a_new_table_is_empty_and_knows_its_columns(empty: SessionsTable) -> None:
    assert (empty.version, empty.ledger, empty.files()) == (0, None, [])
    assert empty.schema.equals(SCHEMA)
    assert read_all(empty).equals(SCHEMA.empty_table())


def test_rows_come_back_in_our_types_and_in_their_order(filled: SessionsTable) -> None:
    found = read_all(filled)

    assert found.schema.equals(SCHEMA)
    assert found.equals(stored(*MORNINGS).select(SCHEMA.names))
    assert found["user_id"][0].as_py() == LARGEST_ID - 1


def test_the_new_version_has_its_ledger_and_the_old_one_stays(
    empty: SessionsTable, filled: SessionsTable
) -> None:
    assert (filled.version, filled.ledger) == (1, 1)
    assert (empty.version, empty.ledger, empty.files()) == (0, None, [])


def test_only_the_named_partitions_change(filled: SessionsTable) -> None:
    second = [file for file in filled.files() if file.session_date == SECOND]

    changed = filled.replace([FIRST], stored("2026-01-01 12:00"), ledger=2)

    assert ids(read_all(changed)) == ["1@01T12:00", "3@02T09:00"]
    assert second[0] in changed.files()


def test_a_partition_without_rows_is_empty(filled: SessionsTable) -> None:
    changed = filled.replace([FIRST, THIRD], stored(), ledger=2)

    assert [file.session_date for file in changed.files()] == [SECOND]


def test_without_partitions_only_the_ledger_moves(filled: SessionsTable) -> None:
    moved = filled.replace([], stored(), ledger=7)

    assert (moved.version, moved.ledger, moved.files()) == (2, 7, filled.files())


def test_a_stream_of_tables_is_written_date_by_date_in_its_order(
    empty: SessionsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "OPEN_FILES", 1)
    monkeypatch.setattr(partitions, "WAITING_ROWS", 0)
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    tables = [stored("2026-01-02 01:00", f"2026-01-01 0{hour}:00") for hour in range(9)]

    written = empty.replace([FIRST, SECOND], iter(tables), ledger=1)

    first = [file for file in written.files() if file.session_date == FIRST]
    assert ids(written.read(first)) == [f"2@01T0{hour}:00" for hour in range(9)]
    assert sum(file.rows for file in written.files()) == 18


def test_rows_of_a_date_that_is_not_replaced_are_refused_and_leave_nothing(filled: SessionsTable) -> None:
    with pytest.raises(ValueError, match="rows of 2026-01-03, which would stand beside"):
        filled.replace([FIRST], stored("2026-01-01 09:00", "2026-01-03 09:00"), ledger=2)

    assert data_files(filled.location) == paths(filled)


def test_a_failure_in_the_rows_leaves_nothing(filled: SessionsTable) -> None:
    def rows() -> Iterator[pa.Table]:
        yield stored("2026-01-01 09:00")
        raise RuntimeError("the walk failed")

    with pytest.raises(RuntimeError, match="the walk failed"):
        filled.replace([FIRST], rows(), ledger=2)

    assert data_files(filled.location) == paths(SessionsTable.open(filled.location))


@pytest.mark.parametrize(
    "columns",
    [["event_count", "session_date"], ["session_date"], ["_state"]],
    ids=["date last", "date only", "state only"],
)
def test_only_the_columns_asked_for_are_read(filled: SessionsTable, columns: list[str]) -> None:
    found = filled.read(filled.files(), columns)

    assert found.equals(stored(*MORNINGS).select(columns))


def test_a_column_that_is_not_there_is_a_key_error(filled: SessionsTable) -> None:
    with pytest.raises(KeyError, match="landing"):
        filled.read(filled.files(), ["landing"])


def test_a_data_file_that_is_gone_is_named(filled: SessionsTable) -> None:
    (file, *_) = filled.files()
    Path(filled.location, file.path).unlink()

    with pytest.raises(StoreError, match=rf"{file.path}: a data file of the store cannot be read"):
        read_all(filled)


# Statistics


@pytest.mark.parametrize(
    "start",
    ["2026-01-01 09:00", "2026-01-01 09:00:00.000999", "1969-12-31 23:59:59.999999", "0001-01-01 00:00:00.5"],
    ids=["whole ms", "just below a ms", "before the epoch", "first year"],
)
def test_a_files_range_holds_its_times_and_at_most_a_millisecond_more(
    empty: SessionsTable, start: str
) -> None:
    begin, end = at(start), at(start) + timedelta(minutes=10)

    (file,) = empty.replace([begin.date()], stored(begin), ledger=1).files()

    assert 0 <= microseconds(begin) - file.first_start_us < 1000
    assert 0 <= file.last_start_us - microseconds(begin) < 1000
    assert 0 <= microseconds(end) - file.first_end_us < 1000
    assert 0 <= file.last_end_us - microseconds(end) < 1000


def test_a_range_that_delta_cannot_write_is_unknown_and_so_holds_everything(empty: SessionsTable) -> None:
    begin = at("9999-12-31 12:00")

    (file,) = empty.replace([begin.date()], stored(begin), ledger=1).files()

    assert (file.first_end_us, file.last_end_us) == (INT64.min, INT64.max)


def test_ranges_survive_a_checkpoint(filled: SessionsTable) -> None:
    filled.checkpoint()

    assert SessionsTable.open(filled.location).files() == filled.files()


def test_the_columns_of_times_may_have_other_names(location: str) -> None:
    renamed = {"start_time": "our start", "end_time": "our,`end`"}
    rows = stored(*MORNINGS).rename_columns(
        renamed | {n: n for n in stored().column_names if n not in renamed}
    )
    schema = pa.schema([field.with_name(renamed.get(field.name, field.name)) for field in SCHEMA])
    created = SessionsTable.create(location, schema, times=("our start", "our,`end`"))

    written = created.replace([FIRST, SECOND], rows, ledger=1)
    written.checkpoint()

    (first, _) = SessionsTable.open(location).files()
    assert (first.first_start_us, first.last_end_us) == tuple(
        microseconds(at(f"2026-01-01 {time}")) for time in ("09:00", "10:10")
    )


# Versions


def test_an_old_version_can_be_opened(filled: SessionsTable) -> None:
    filled.replace([FIRST], stored(), ledger=2)

    old = SessionsTable.open(filled.location, 1)

    assert (old.version, old.ledger) == (1, 1)
    assert read_all(old).equals(read_all(filled))


def test_commits_are_listed_newest_first_with_their_notes(filled: SessionsTable) -> None:
    filled.replace([], stored(), ledger=2, note={"what": "nothing new"})

    newest, *_ = SessionsTable.open(filled.location).commits(1)
    older = SessionsTable.open(filled.location, 1).commits()

    assert (newest.version, newest.note) == (2, {"what": "nothing new"})
    assert [(commit.version, commit.note) for commit in older] == [(1, {}), (0, {})]
    assert newest.time >= older[0].time


def test_every_few_commits_a_checkpoint_is_written(
    empty: SessionsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "CHECKPOINT_EVERY", 2)

    table = empty
    for ledger in range(1, 4):
        table = table.replace([FIRST], stored("2026-01-01 09:00"), ledger=ledger)

    log = Path(empty.location, "_delta_log")
    assert [path.name for path in log.glob("*.checkpoint.parquet")] == [
        "00000000000000000002.checkpoint.parquet"
    ]
    assert SessionsTable.open(empty.location).ledger == 3


def test_a_checkpoint_that_fails_does_not_undo_the_commit(
    filled: SessionsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("no space left")

    monkeypatch.setattr(table_module, "CHECKPOINT_EVERY", 1)
    monkeypatch.setattr(table_module, "write_checkpoint", full)

    changed = filled.replace([FIRST], stored(), ledger=2)

    assert (changed.version, changed.ledger) == (2, 2)


# Opening and creating


def test_opening_what_is_not_there_says_how_to_make_one(location: str) -> None:
    with pytest.raises(StoreError, match=r"no sessions store\. `sessionize update` makes one"):
        SessionsTable.open(location)


def test_opening_a_version_that_is_not_there_is_refused(filled: SessionsTable) -> None:
    with pytest.raises(StoreError, match=filled.location):
        SessionsTable.open(filled.location, 5)


def test_a_delta_table_of_others_is_refused(location: str) -> None:
    DeltaTable.create(location, SCHEMA.remove(1).remove(4))

    with pytest.raises(StoreMismatchError, match="a Delta table that sessionize did not make"):
        SessionsTable.open(location)


def test_a_table_with_features_that_we_do_not_read_is_refused(filled: SessionsTable) -> None:
    DeltaTable(filled.location).alter.add_feature(
        TableFeatures.DeletionVectors, allow_protocol_versions_increase=True
    )

    with pytest.raises(StoreMismatchError, match="deletionVectors"):
        SessionsTable.open(filled.location)


def test_a_table_is_not_made_over_another(empty: SessionsTable) -> None:
    with pytest.raises(StoreError, match=empty.location):
        SessionsTable.create(empty.location, SCHEMA)


def test_a_table_is_not_made_in_a_folder_of_other_files(location: str) -> None:
    Path(location).mkdir()
    Path(location, "events.csv").write_text("precious")

    with pytest.raises(StoreError, match=r"holds other files \(events.csv\)"):
        SessionsTable.create(location, SCHEMA)


def test_a_creation_that_was_killed_can_be_repeated(location: str) -> None:
    Path(location, "_delta_log").mkdir(parents=True)
    Path(location, "_delta_log", "00000000000000000000.json#1").write_text("half")
    Path(location, "_sessionize").mkdir()

    assert SessionsTable.create(location, SCHEMA).version == 0


@pytest.mark.parametrize("name", ["100%", "a%20b", "a#b", "a?b", "a\\b"])
def test_a_path_that_delta_would_change_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="a store's path cannot hold"):
        SessionsTable.create(str(tmp_path / name), SCHEMA)


@pytest.mark.parametrize("name", ["with blanks", "café", "a+b&c", "[x]*"])
def test_other_odd_paths_are_fine(tmp_path: Path, name: str) -> None:
    table = SessionsTable.create(str(tmp_path / name), SCHEMA)

    changed = table.replace([FIRST, SECOND], stored(*MORNINGS), ledger=1)

    assert len(read_all(changed)) == 3
    assert len(changed.commits()) == 2


def test_a_path_relative_to_the_working_folder_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    SessionsTable.create("sessions", SCHEMA).replace([FIRST, SECOND], stored(*MORNINGS), ledger=1)

    assert len(read_all(SessionsTable.open("sessions"))) == 3


def test_a_column_named_as_the_partition_is_a_value_error(location: str) -> None:
    with pytest.raises(ValueError, match="'session_date' is the partition's column"):
        SessionsTable.create(location, SCHEMA.append(pa.field("session_date", pa.date32())))


def test_a_type_that_delta_lacks_is_refused_and_makes_nothing(location: str) -> None:
    with pytest.raises(InputError, match="column 'tags'"):
        SessionsTable.create(location, SCHEMA.append(pa.field("tags", pa.map_(pa.string(), pa.string()))))

    assert not Path(location).exists()


def test_properties_of_the_delta_table_can_be_given(location: str) -> None:
    SessionsTable.create(location, SCHEMA, {"delta.logRetentionDuration": "interval 90 days"})

    configuration = DeltaTable(location).metadata().configuration
    assert configuration["delta.logRetentionDuration"] == "interval 90 days"


# Races and crashes


def test_a_commit_that_comes_second_is_busy_and_changes_nothing(filled: SessionsTable) -> None:
    rival = SessionsTable.open(filled.location)
    winner = filled.replace([FIRST], stored("2026-01-01 12:00"), ledger=2)

    with pytest.raises(StoreBusyError, match="another process has changed it meanwhile"):
        rival.replace([SECOND], stored("2026-01-02 12:00"), ledger=3)

    newest = SessionsTable.open(filled.location)
    assert (newest.version, newest.ledger, newest.files()) == (2, 2, winner.files())
    assert data_files(filled.location) == paths(filled) | paths(winner)


def test_a_ledger_that_comes_second_is_busy_too(filled: SessionsTable) -> None:
    rival = SessionsTable.open(filled.location)
    filled.replace([], stored(), ledger=2)

    with pytest.raises(StoreBusyError):
        rival.replace([], stored(), ledger=3)


def test_a_commit_whose_answer_was_lost_is_recognised(
    filled: SessionsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = DeltaTable.create_write_transaction

    def deaf(*arguments: Any, **options: Any) -> None:
        commit(*arguments, **options)
        raise CommitFailedError("the entry is there already")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", deaf)

    changed = filled.replace([FIRST], stored("2026-01-01 12:00"), ledger=2)

    assert (changed.version, changed.ledger) == (2, 2)
    assert ids(read_all(changed)) == ["1@01T12:00", "3@02T09:00"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(CommitFailedError("no"), StoreError), (OSError(28, "No space left on device"), OutputError)],
    ids=["delta", "full disk"],
)
def test_a_commit_that_fails_otherwise_says_so_and_leaves_nothing(
    filled: SessionsTable, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(DeltaTable, "create_write_transaction", failing)

    with pytest.raises(kind, match="cannot be") as found:
        filled.replace([FIRST], stored("2026-01-01 12:00"), ledger=2)

    assert not isinstance(found.value, StoreBusyError)
    assert data_files(filled.location) == paths(filled)


RIVAL = """
import sys
from sessionize.errors import StoreBusyError
from sessionize.store.table import SessionsTable
from tests.stored_sessions import FIRST, stored

table = SessionsTable.open(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
try:
    table.replace([FIRST], stored("2026-01-01 20:00"), ledger=int(sys.argv[2]))
    print("won")
except StoreBusyError:
    print("busy")
"""


def program(text: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", text, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def lines(processes: Iterable[subprocess.Popen[str]]) -> list[str]:
    return [process.stdout.readline().strip() for process in processes if process.stdout]


def test_of_two_processes_that_commit_at_once_exactly_one_wins(filled: SessionsTable) -> None:
    rivals = [program(RIVAL, filled.location, ledger) for ledger in ("2", "3")]
    assert lines(rivals) == ["open", "open"]

    for rival in rivals:
        assert rival.stdin
        rival.stdin.write("go\n")
        rival.stdin.flush()
    outcomes = lines(rivals)
    for rival in rivals:
        rival.communicate()

    newest = SessionsTable.open(filled.location)
    assert sorted(outcomes) == ["busy", "won"]
    assert (newest.version, newest.ledger) == (2, 2 + outcomes.index("won"))
    assert ids(read_all(newest)) == ["1@01T20:00", "3@02T09:00"]


KILLED = """
import os, signal, sys
from sessionize.store import partitions, table
from tests.stored_sessions import FIRST, SECOND, stored

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

module, name = sys.argv[2].split(".")
setattr({"partitions": partitions, "table": table}[module], name, die)
rows = stored("2026-01-01 12:00", "2026-01-02 12:00")
table.SessionsTable.open(sys.argv[1]).replace([FIRST, SECOND], rows, ledger=2)
"""


@pytest.mark.parametrize(
    ("moment", "ledger"),
    [("partitions.sync_new", 1), ("table.commit", 1), ("table.sync_entries", 2)],
    ids=["data on its way to disk", "before the commit", "after the commit"],
)
def test_a_killed_process_leaves_the_old_table_or_the_new(
    filled: SessionsTable, moment: str, ledger: int
) -> None:
    process = program(KILLED, filled.location, moment)
    process.communicate()

    found = SessionsTable.open(filled.location)
    after = found.replace([FIRST], stored("2026-01-01 13:00"), ledger=9)

    assert process.returncode == -signal.SIGKILL
    assert found.ledger == ledger
    assert len(read_all(found)) == {1: 3, 2: 2}[ledger]
    assert ids(read_all(after))[0] == "1@01T13:00"


# Other programs


def dataset(location: str) -> Any:
    """The table as an Arrow dataset, as anyone would open it."""
    filesystem = pafs.SubTreeFileSystem(str(Path(location).absolute()), pafs.LocalFileSystem())
    return DeltaTable(location).to_pyarrow_dataset(filesystem=filesystem)


def test_duckdb_reads_the_table(filled: SessionsTable) -> None:
    sessions = dataset(filled.location)

    query = "select session_date, count(*), max(user_id) from sessions group by 1 order by 1"
    found = duckdb.connect().register("sessions", sessions).execute(query).fetchall()

    assert found == [(FIRST, 2, LARGEST_ID - 1), (SECOND, 1, LARGEST_ID - 3)]


def test_polars_reads_the_table(filled: SessionsTable) -> None:
    found = pl.read_delta(filled.location).sort("start_time")

    assert found["session_id"].to_list() == ids(read_all(filled))
    assert found["session_date"].to_list() == [FIRST, FIRST, SECOND]


def test_pandas_reads_the_table(filled: SessionsTable) -> None:
    found = dataset(filled.location).to_table().to_pandas().sort_values("start_time")

    assert list(found["session_id"]) == ids(read_all(filled))
    assert list(found["session_date"]) == [FIRST, FIRST, SECOND]


def test_other_programs_skip_files_by_the_range_of_their_times(filled: SessionsTable) -> None:
    (fragment,) = dataset(filled.location).get_fragments(
        filter=pa.compute.field("start_time") > pa.scalar(at("2026-01-02 00:00"))
    )

    assert "session_date=2026-01-02" in fragment.path
