"""SEMANTICS.md, sentence by sentence: events that were delivered more than once.

Each case is put to sessionize and to the oracle.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import nan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from tests.hand_made import Ask, both, log
from tests.oracle import Aggregation, Rules

ONCE = Rules(dedupe="id")

# ---------------------------------------------------------------- what is one delivery


@both
def test_of_the_same_time_and_id_one_event_is_kept(ask: Ask) -> None:
    found = ask(log(ONCE, times=["09:00", "09:00", "09:00", "09:01"], id=["x", "x", "x", "y"]))

    assert (found.counts, found.events, found.deduplicated) == ([2], 2, 2)


@both
@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"times": ["09:00", "09:00:00.000001"], "id": ["x", "x"]}, id="another time"),
        pytest.param({"times": ["09:00"] * 2, "id": ["x", "X"]}, id="another id"),
        pytest.param(
            {"times": ["09:00"] * 2, "id": ["x", "x"], "user_id": ["A", "B"]}, id="another identity"
        ),
        pytest.param({"times": ["09:00"] * 2, "id": pa.nulls(2, pa.string())}, id="nulls"),
        pytest.param({"times": ["09:00"] * 2, "id": ["", None]}, id="a null and an empty text"),
    ],
)
def test_other_events_are_all_kept(ask: Ask, columns: dict[str, Any]) -> None:
    found = ask(log(ONCE, **columns))

    assert (found.events, found.deduplicated) == (2, 0)


@both
@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        pytest.param(pa.array([2**53, 2**53 + 1, 2**53]), 2, id="integer"),
        pytest.param(pa.array([0.0, -0.0, 0.0]), 1, id="minus zero"),
        pytest.param(pa.array([nan, nan, None]), 2, id="NaN, which is no null"),
        pytest.param(pa.array([Decimal("1.0"), Decimal("1.0"), Decimal("1.1")]), 2, id="decimal"),
        pytest.param(pa.array([b"\x00", b"\x00", b""]), 2, id="binary"),
        pytest.param(pa.array(["42", "042", "42"]), 2, id="text"),
    ],
)
def test_ids_of_every_type_are_compared_exactly(ask: Ask, ids: pa.Array, kept: int) -> None:
    found = ask(log(ONCE, times=["09:00"] * 3, id=ids))

    assert (found.events, found.deduplicated) == (kept, 3 - kept)


@both
def test_a_dictionary_of_ids_is_read_like_its_values(ask: Ask) -> None:
    found = ask(log(ONCE, times=["09:00"] * 3, id=pa.array(["x", None, "x"]).dictionary_encode()))

    assert found.deduplicated == 1


@both
def test_ids_need_not_lie_beside_each_other(ask: Ask) -> None:
    """Between the two deliveries of x, in order, stands another event of that microsecond."""
    rules = replace(ONCE, tie_break=("rank",))

    found = ask(log(rules, times=["09:00"] * 3, id=["x", "y", "x"], rank=[1, 2, 3]))

    assert found.deduplicated == 1


# ---------------------------------------------------------------- which one is kept

PAGES = Rules(dedupe="id", agg=(Aggregation("pages", "set", "page"),))


@both
@pytest.mark.parametrize("ranks", [[1, 2], [2, 1]], ids=["first row", "second row"])
def test_the_first_in_the_order_of_events_is_kept(ask: Ask, ranks: list[int]) -> None:
    rules = replace(PAGES, tie_break=("rank",))

    found = ask(log(rules, times=["09:00"] * 2, id=["x"] * 2, rank=ranks, page=["a", "b"]))

    assert found.column("pages") == [["a" if ranks == [1, 2] else "b"]]


@both
@pytest.mark.parametrize("pages", [["b", "a", None], [None, "a", "b"]])
def test_of_level_deliveries_an_aggregate_sees_its_smallest_value(ask: Ask, pages: list[str | None]) -> None:
    found = ask(log(PAGES, times=["09:00"] * 3, id=["x"] * 3, page=pages))

    assert found.column("pages") == [["a"]]


@both
def test_the_rules_columns_are_compared_before_the_id(ask: Ask) -> None:
    """The delivery of ada is first, so that of bob is dropped and changes nothing."""
    rules = replace(ONCE, by=("device",), split_on=("user",))

    found = ask(log(rules, times=["09:00"] * 2, id=["x"] * 2, user=["bob", "ada"]))

    assert (found.column("user"), found.deduplicated) == (["ada"], 1)


# ---------------------------------------------------------------- what follows


@both
def test_a_repeated_delivery_is_in_no_count(ask: Ask) -> None:
    rules = replace(ONCE, agg=(Aggregation("n", "count", "amount"), Aggregation("total", "sum", "amount")))

    found = ask(log(rules, times=["09:00"] * 2, id=["x"] * 2, amount=[5, 5]))

    assert (found.counts, found.column("n"), found.column("total")) == ([1], [1], [5])


@both
def test_a_repeated_delivery_fills_no_session(ask: Ask) -> None:
    found = ask(log(replace(ONCE, max_events=2), times=["09:00"] * 4, id=["x", "x", "y", "y"]))

    assert (found.counts, found.deduplicated) == ([2], 2)


@both
def test_a_start_marker_delivered_twice_opens_one_session(ask: Ask) -> None:
    rules = replace(ONCE, split_before=(("event", "open"),))

    found = ask(log(rules, times=["09:00"] * 2, id=["x"] * 2, event=["open"] * 2))

    assert found.counts == [1]


@both
def test_every_input_row_is_accounted_for(ask: Ask) -> None:
    rules = replace(ONCE, exclude=(("event", "beat"),))
    who = ["A", "A", None, "A"]
    event = ["view", "view", "view", "beat"]

    found = ask(log(rules, times=["09:00"] * 4, user_id=who, id=["x"] * 4, event=event))

    assert (found.events, found.filtered, found.rejected, found.deduplicated) == (1, 1, 1, 1)


# ---------------------------------------------------------------- files


def test_a_delivery_in_two_files_counts_once(tmp_path: Path) -> None:
    twice = log(ONCE, times=["09:00", "09:10"], id=["x", "y"])
    files = [tmp_path / "monday.parquet", tmp_path / "tuesday.parquet"]
    for file in files:
        pq.write_table(twice.table(), file)

    summary = sz.run(files, tmp_path / "sessions.parquet", **twice.options())

    assert (summary.tally.events, summary.tally.deduplicated) == (2, 2)
    assert pq.read_table(tmp_path / "sessions.parquet")["event_count"].to_pylist() == [2]
