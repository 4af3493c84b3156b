"""Packets: what a task holds of them, and in which order rows leave."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest

import sessionize as sz
from sessionize.core.sessions import SessionTable
from sessionize.spark import packets
from sessionize.spark.packets import EventPackets, FragmentPackets, Packets, SessionPackets
from tests.shuffles import Frame

RULES = sz.SessionRules(timeout="30m")
TABLE = SessionTable.of(RULES, {"user_id": pa.string()})
MINUTE_US = 60_000_000
TIMES = [("start_us", pa.int64()), ("end_us", pa.int64()), ("event_count", pa.int64())]
EVENTS = EventPackets(pa.schema([("identity_0", pa.string()), ("start_us", pa.int64())]), TABLE, parts=8)
FRAGMENTS = FragmentPackets(pa.schema([("identity_0", pa.string()), *TIMES]), TABLE, parts=8)


@pytest.fixture(autouse=True)
def few_rows_at_a_time() -> Iterator[None]:
    with patch.object(packets, "GATHERED_ROWS", 20), patch.object(packets, "PACKET_ROWS", 5):
        yield


def arriving(shuffle: Packets, *tables: pa.Table) -> list[pa.Table]:
    """What a task is given where each table was packed by a task of its own."""
    rows = pa.Table.from_batches([shuffle.packed(table) for table in tables])
    in_order = rows.sort_by([("place", "ascending"), ("since", "ascending")])
    return [table for table, _ in shuffle.arriving(in_order.to_batches(max_chunksize=3))]


def test_of_one_users_events_only_those_in_reach_are_held() -> None:
    events = pa.table({"identity_0": ["ada"] * 1000, "start_us": range(1000)})

    tables = arriving(EVENTS, *(events.slice(first, 100) for first in range(0, 1000, 100)))

    assert max(map(len, tables)) < 30
    assert pa.concat_tables(tables)["start_us"].to_pylist() == list(range(1000))


def test_events_of_one_instant_come_together() -> None:
    events = pa.table({"identity_0": ["ada"] * 90, "start_us": [1] * 30 + [2] * 30 + [3] * 30})

    tables = arriving(EVENTS, events, events, events)

    assert [set(table["start_us"].to_pylist()) for table in tables] == [{1}, {2}, {3}]


def test_fragments_of_one_user_that_touch_become_less_while_they_wait() -> None:
    moments = [minute * MINUTE_US for minute in range(500)]
    lifted = pa.table(
        {"identity_0": ["ada"] * 500, "start_us": moments, "end_us": moments, "event_count": [1] * 500}
    )

    [table] = arriving(FRAGMENTS, lifted, lifted)

    assert len(table) < 100
    assert sum(table["event_count"].to_pylist()) == 1000


def test_fragments_of_one_user_come_together() -> None:
    users = [f"user-{number % 40}" for number in range(400)]
    hours = [number // 40 * 60 * MINUTE_US for number in range(400)]
    fragments = pa.table({"identity_0": users, "start_us": hours, "end_us": hours, "event_count": [1] * 400})

    tables = arriving(FRAGMENTS, fragments.slice(0, 130), fragments.slice(130))

    seen = [set(table["identity_0"].to_pylist()) for table in tables]
    assert len(seen) > 1
    assert sum(map(len, seen)) == 40
    assert sum(map(len, tables)) == 400


@pytest.mark.parametrize("is_dated", [True, False])
def test_sessions_come_by_their_end(is_dated: bool) -> None:
    day_us = 24 * 60 * MINUTE_US
    starts = [number % 2 * day_us for number in range(300)]
    sessions = pa.table({"start_us": starts, "end_us": range(300)})
    shuffle = SessionPackets(sessions.schema, TABLE, is_dated)

    tables = arriving(shuffle, sessions.slice(0, 170), sessions.slice(170))

    keys = [list(zip(shuffle.places(table), table["end_us"].to_pylist(), strict=True)) for table in tables]
    assert {place for of_table in keys for place, _ in of_table} == ({0, 1} if is_dated else {0})
    assert len(keys) > 3
    assert all(max(before) < min(after) for before, after in pairwise(keys))


def test_notes_come_before_all_sessions_where_one_task_takes_them() -> None:
    sessions = SessionPackets(pa.schema([("end_us", pa.int64())]), TABLE, is_dated=False)
    packed = sessions.packed(pa.table({"end_us": range(20)}), ["a note"])
    frame = Frame(random.Random(0), packed.schema, [packed.to_pylist()] * 3)

    shuffled: Any = sessions.shuffled(frame)  # type: ignore[arg-type]  # stands in for one of Spark's
    [rows] = [partition for partition in shuffled.partitions if partition]

    assert [row["note"] is not None for row in rows] == [True] * 3 + [False] * 12


def test_packets_that_do_not_come_sorted_are_never_merged() -> None:
    sessions = SessionPackets(pa.schema([("end_us", pa.int64())]), TABLE, is_dated=False)
    batches = [sessions.packed(pa.table({"end_us": [end_us]})) for end_us in (1, 3, 2)]

    with pytest.raises(RuntimeError, match="did not come sorted"):
        list(sessions.arriving(batches))
