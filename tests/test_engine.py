"""The embedded engine's own promises: spilling, broken promises of time ranges, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sessionize as sz
from sessionize.core import division
from sessionize.engine import carried, spill, waiting
from sessionize.engine.resources import parse_size
from sessionize.reading.log import FilePiece
from sessionize.rules import Boundary
from tests.generators import logs
from tests.logs import Log, assert_same_sessions, session_rows, tiny_chunks
from tests.test_properties import exact

INSTANT = pa.timestamp("us", "UTC")
SECOND_US = 1_000_000
LEAST = "100MB"


@contextmanager
def room(bytes_: int) -> Iterator[None]:
    """Let so many bytes of fragments wait in memory, under the least limit."""
    with patch.object(waiting, "_ROOM", parse_size(LEAST) // bytes_):
        yield


@contextmanager
def hardly_any_memory(parts: int = 3) -> Iterator[None]:
    """Let everything that waits go to disk at once."""
    with (
        room(100),
        patch.object(division, "IDENTITY_PARTS", parts),
        patch.object(waiting, "IDENTITY_PARTS", parts),
        patch.object(spill, "IDENTITY_PARTS", parts),
    ):
        yield


def shuffled_log(events: int = 3_000, users: int = 100) -> pa.Table:
    random = np.random.default_rng(7)
    return pa.table(
        {
            "user_id": [f"u{number}" for number in random.integers(0, users, events)],
            "timestamp": pa.array(random.integers(0, 86_400, events) * SECOND_US, INSTANT),
        }
    )


@pytest.mark.property
@settings(max_examples=2 * settings().max_examples)
@given(logs(), st.integers(1, 5), st.integers(1, 4))
def test_what_waits_on_disk_gives_the_sessions_of_the_oracle(log: Log, rows: int, parts: int) -> None:
    with tiny_chunks(rows), hardly_any_memory(parts):
        sessions = sz.sessionize(log.table(), memory_limit=LEAST, **log.options())

    assert_same_sessions(session_rows(sessions), log.expected().sessions, log.rules)


@pytest.mark.property
@given(logs(), st.integers(1, 5))
def test_a_memory_limit_changes_no_row(log: Log, rows: int) -> None:
    sessions = sz.sessionize(exact(log).table(), **exact(log).options())

    with tiny_chunks(rows), hardly_any_memory():
        spilled = sz.sessionize(exact(log).table(), memory_limit=LEAST, **exact(log).options())

    assert repr(session_rows(spilled)) == repr(session_rows(sessions))  # NaN is NaN here


@pytest.mark.property
@given(logs(), st.integers(1, 5))
def test_events_that_wait_beside_fragments_give_the_sessions_of_the_oracle(log: Log, rows: int) -> None:
    with tiny_chunks(rows), patch.object(carried, "falls_apart", side_effect=cycle([True, False])):
        sessions = sz.sessionize(log.table(), **log.options())

    assert_same_sessions(session_rows(sessions), log.expected().sessions, log.rules)


def test_a_memory_limit_changes_no_byte(tmp_path: Path) -> None:
    pq.write_table(shuffled_log(), tmp_path / "log.parquet", row_group_size=500)
    sz.run(tmp_path / "log.parquet", tmp_path / "whole.parquet")

    with tiny_chunks(500), hardly_any_memory():
        sz.run(tmp_path / "log.parquet", tmp_path / "spilled.parquet", memory_limit=LEAST)

    assert (tmp_path / "spilled.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_the_temporary_folder_is_gone_after_success(tmp_path: Path) -> None:
    with (
        tiny_chunks(500),
        hardly_any_memory(),
        patch.object(spill.PartedFiles, "write", autospec=True, side_effect=spill.PartedFiles.write) as write,
    ):
        sz.sessionize(shuffled_log(), memory_limit=LEAST, temp_dir=tmp_path)

    assert write.called
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    log = shuffled_log().append_column("amount", pa.array([2**62] * 3_000))

    with tiny_chunks(500), hardly_any_memory(), pytest.raises(sz.InputError, match="too large for int64"):
        sz.sessionize(log, agg={"total": "sum:amount"}, memory_limit=LEAST, temp_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_for_temporary_files_is_one_clear_line(tmp_path: Path) -> None:
    full = OSError(28, "No space left on device")

    with (
        tiny_chunks(500),
        hardly_any_memory(),
        patch.object(pa, "OSFile", side_effect=full),
        pytest.raises(sz.OutputError) as caught,
    ):
        sz.sessionize(shuffled_log(), memory_limit=LEAST, temp_dir=tmp_path)

    expected = "no room for temporary files: No space left on device. Name another folder with --temp-dir"
    assert expected in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with tiny_chunks(500), hardly_any_memory(), pytest.raises(sz.OutputError, match="nowhere: no room"):
        sz.sessionize(shuffled_log(), memory_limit=LEAST, temp_dir=tmp_path / "nowhere")


def test_a_piece_outside_its_promised_range_is_read_again_without_trust() -> None:
    """Statistics that lie cost time, never a session."""
    log = shuffled_log()
    expected = sz.sessionize(log)

    with tiny_chunks(500), patch.object(FilePiece, "time_range", (0, SECOND_US)):
        sessions = sz.sessionize(log)

    assert sessions.equals(expected)


@pytest.mark.parametrize("boundary", ["exceeds", "reaches"])
def test_sessions_are_passed_on_while_an_ordered_log_is_read(boundary: Boundary) -> None:
    """A log in time order never holds more than its open sessions, so it never spills."""
    hours = np.repeat(np.arange(200), 10) * 3_600 * SECOND_US
    log = pa.table({"user_id": ["u"] * 2_000, "timestamp": pa.array(hours, INSTANT)})

    with (
        tiny_chunks(20),
        patch.object(carried.Carried, "_spill_all") as spilled,
        room(8 << 10),
    ):
        sessions = sz.sessionize(log, boundary=boundary, memory_limit=LEAST)

    assert not spilled.called
    assert sessions["event_count"].to_pylist() == [10] * 200


def test_the_first_need_of_pandas_in_several_threads_at_once_is_no_deadlock(tmp_path: Path) -> None:
    """A command imports pandas only when its threads need it."""
    pq.write_table(shuffled_log(), tmp_path / "log.parquet", row_group_size=300)
    arguments = ["run", str(tmp_path / "log.parquet"), "-o", str(tmp_path / "out.csv"), "--threads", "4"]
    program = (
        "from sessionize.cli.startup import import_arrow_without_pandas; import_arrow_without_pandas();"
        "from sessionize.engine import waiting; from sessionize.reading import parquet;"
        "waiting.ROWS_OF_A_PART = 100; parquet.CHUNK_ROWS = 300;"
        f"from sessionize.cli.main import main; main({arguments!r})"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
