"""Gaps are counted exactly, whatever the order, the files, the chunks, the threads and the memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sessionize as sz
from sessionize.gap import histories, stretches
from sessionize.reading.log import FilePiece
from tests.gap_oracle import gap_options, gaps_us, under
from tests.generators import TIMEOUTS_US, logs
from tests.logs import Log, tiny_chunks
from tests.test_engine import LEAST, SECOND_US, hardly_any_memory, room, shuffled_log

TIMEOUTS = sorted({timedelta(microseconds=timeout) for timeout in TIMEOUTS_US if timeout is not None})


@contextmanager
def tiny(rows: int) -> Iterator[None]:
    """Read, and count, so many rows at a time."""
    with (
        tiny_chunks(rows),
        patch.object(stretches, "SLICE_ROWS", max(rows // 2, 1)),
        patch.object(histories, "JOIN_BYTES", 1),
    ):
        yield


def counted(log: Log, **changed: object) -> sz.Gaps:
    return sz.gaps(log.table(), timeouts=TIMEOUTS, **gap_options(log), **changed)  # type: ignore[arg-type]


def same(found: sz.Gaps, other: sz.Gaps) -> bool:
    return bool(
        found.table().equals(other.table())
        and found.timeouts().equals(other.timeouts())
        and (found.identities, found.resolution) == (other.identities, other.resolution)
    )


@pytest.mark.property
@given(logs(), st.integers(1, 6))
def test_timeouts_are_those_of_the_oracles_sessions(log: Log, rows: int) -> None:
    with tiny(rows):
        found = counted(log)

    assert found.timeouts().to_pylist() == under(log, TIMEOUTS)


@pytest.mark.property
@given(logs(), st.integers(1, 6))
def test_every_gap_lies_in_its_bin(log: Log, rows: int) -> None:
    expected = gaps_us(log)

    with tiny(rows):
        bins = counted(log).table()

    bounds = zip(*(bins[name].cast(pa.int64()).to_pylist() for name in ("gap_from", "gap_to")), strict=True)
    within = [sum(count for gap, count in expected.items() if low <= gap < high) for low, high in bounds]
    assert bins["gaps"].to_pylist() == within
    assert sum(within) == expected.total()


@pytest.mark.property
@given(logs(), st.integers(1, 5), st.integers(1, 4))
def test_what_waits_on_disk_is_counted_alike(log: Log, rows: int, parts: int) -> None:
    with tiny(rows), hardly_any_memory(parts):
        found = counted(log, memory_limit=LEAST)

    assert same(found, counted(log))


@pytest.mark.property
@given(logs(kinds=("text", "int64")), st.integers(1, 9), st.sampled_from([1, 2, 4]), st.integers(0, 9))
def test_files_and_threads_change_nothing(log: Log, size: int, threads: int, seed: int) -> None:
    scrambled = log.shuffled(seed).table()
    with tempfile.TemporaryDirectory() as folder:
        for number, start in enumerate(range(0, max(len(scrambled), 1), size)):
            part = scrambled.slice(start, size)
            pq.write_table(part, Path(folder, f"{number:02}.parquet"), row_group_size=max(size // 2, 1))

        found = sz.gap_files(folder, timeouts=TIMEOUTS, threads=threads, **gap_options(log))

    assert same(found, counted(log))


def ordered_log(events: int = 4_000, users: int = 40) -> pa.Table:
    random = np.random.default_rng(3)
    seconds = np.sort(random.integers(0, 30 * 86_400, events))
    return pa.table(
        {
            "user_id": random.integers(0, users, events),
            "timestamp": pa.array(seconds * SECOND_US, pa.timestamp("us", "UTC")),
        }
    )


@pytest.mark.parametrize("rows", [50, 777, 4_000], ids="chunks of {} rows".format)
def test_an_ordered_log_is_counted_as_the_same_log_shuffled(rows: int) -> None:
    log = ordered_log()
    order = np.random.default_rng(1).permutation(len(log))

    with tiny(rows):
        found = sz.gaps(log)

    assert same(found, sz.gaps(log.take(pa.array(order))))


def test_rows_that_step_back_in_a_nearly_sorted_chunk_are_counted_right() -> None:
    log = ordered_log()
    order = np.arange(len(log))
    order[:2_000:100], order[2_000::100] = order[2_000::100].copy(), order[:2_000:100].copy()

    with patch.object(stretches, "SLICE_ROWS", 500):
        found = sz.gaps(log.take(pa.array(order)))

    assert same(found, sz.gaps(log))


def test_an_ordered_log_never_spills_and_keeps_one_stretch_for_each_identity() -> None:
    log = ordered_log(20_000, users=5)
    kept: list[int] = []

    def watch(waiting: histories.Histories, watermark_us: int) -> Iterator[list[pa.Table]]:
        yield from settled(waiting, watermark_us)
        kept.append(sum(len(table) for tables in waiting._waiting.values() for table in tables))

    settled = histories.Histories.settled
    with (
        tiny(100),
        room(64 << 10),
        patch.object(histories.Histories, "settled", watch),
        patch.object(histories.Histories, "_spill_all") as spilled,
    ):
        sz.gaps(log, memory_limit=LEAST)

    assert not spilled.called
    assert max(kept) <= 5 * 5


def test_a_piece_outside_its_promised_range_is_read_again_without_trust() -> None:
    expected = sz.gaps(shuffled_log())

    with tiny(500), patch.object(FilePiece, "time_range", (0, SECOND_US)):
        found = sz.gaps(shuffled_log())

    assert same(found, expected)


def test_the_temporary_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with tiny(500), hardly_any_memory():
        sz.gaps(shuffled_log(), memory_limit=LEAST, temp_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []
