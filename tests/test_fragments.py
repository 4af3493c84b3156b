"""The algebra of fragments: merging is associative and commutative, and an event is the smallest fragment."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionize.core import fragments
from sessionize.core.aggregates import bind
from sessionize.core.fragments import cut, merge
from sessionize.core.identity import Codes, encode
from sessionize.core.packing import Packing, sort_rows
from sessionize.events import Events
from sessionize.rules import SessionRules

TEN_MINUTES_US = 600_000_000
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(-3, 200).map(TEN_MINUTES_US.__mul__),
        st.integers(-2, 2),
    ),
    max_size=12,
)
RULES = st.builds(
    SessionRules,
    timeout=st.sampled_from(["30m", "10m", None]),
    boundary=st.sampled_from(["exceeds", "reaches"]),
    split_daily=st.booleans(),
    agg=st.just({"first": "first:x", "total": "sum:x", "all": "set:x", "mean": "mean:x"}),
)


def cut_rows(rows: list[tuple[str, int, int]], rules: SessionRules) -> pa.Table:
    users, times, values = zip(*rows, strict=True) if rows else ((), (), ())
    columns = pa.table({"user_id": pa.array(users, pa.string()), "x": pa.array(values, pa.int64())})
    return cut(Events(np.array(times, np.int64), columns), rules, bound(rules))


def bound(rules: SessionRules) -> Any:
    return bind(rules.agg, {"user_id": pa.string(), "x": pa.int64()}, ())


def rows_of(fragments: pa.Table) -> list[str]:
    return sorted(map(repr, fragments.to_pylist()))


@given(EVENTS, EVENTS, RULES)
def test_cutting_together_is_cutting_apart_and_merging(
    left: list[Any], right: list[Any], rules: SessionRules
) -> None:
    together = cut_rows(left + right, rules)

    merged = merge([cut_rows(left, rules), cut_rows(right, rules)], rules, bound(rules))

    assert rows_of(merged) == rows_of(together)


@given(EVENTS, EVENTS, EVENTS, RULES)
def test_merging_is_associative(a: list[Any], b: list[Any], c: list[Any], rules: SessionRules) -> None:
    one, two, three = (cut_rows(rows, rules) for rows in (a, b, c))
    aggregates = bound(rules)

    left_first = merge([merge([one, two], rules, aggregates), three], rules, aggregates)
    right_first = merge([one, merge([three, two], rules, aggregates)], rules, aggregates)

    assert rows_of(left_first) == rows_of(right_first)


@given(EVENTS, RULES)
def test_merged_fragments_have_nothing_left_to_merge(rows: list[Any], rules: SessionRules) -> None:
    fragments = cut_rows(rows, rules)

    assert rows_of(merge([fragments], rules, bound(rules))) == rows_of(fragments)


def coded(values: list[int], size: int) -> Codes:
    return Codes(np.array(values, np.uint64), size, lambda codes: [pa.array(codes)])


@pytest.mark.parametrize(
    ("size", "times"),
    [
        pytest.param(3, [5, -7, 5], id="small numbers"),
        pytest.param(1 << 40, [0, 1 << 20, 3], id="codes too wide for a radix sort"),
        pytest.param(1 << 40, [0, 1_000_000 << 20, 3_000_000], id="whole seconds need fewer bits"),
        pytest.param(1 << 40, [0, 1_000 << 30, 3_000], id="whole milliseconds need fewer bits"),
        pytest.param(1 << 62, [0, 1 << 58, 3], id="more bits than a key has"),
    ],
)
@pytest.mark.parametrize("with_order", [True, False])
def test_rows_are_sorted_by_code_then_time(size: int, times: list[int], with_order: bool) -> None:
    codes = coded([size - 1, 0, size - 1], size)
    time_us = np.array(times, np.int64)

    rows = sort_rows(codes, time_us, with_order=with_order)

    decoded = rows.codes.decode(rows.code)[0].to_pylist()
    pairs = sorted(zip(codes.values.tolist(), times, strict=True))
    assert list(zip(decoded, rows.time_us.tolist(), strict=True)) == pairs
    if with_order:
        assert time_us[rows.order].tolist() == rows.time_us.tolist()


def test_a_log_that_steps_back_now_and_then_is_sorted() -> None:
    time_us = np.arange(100)
    time_us[50] = 3
    codes = coded([number % 7 for number in range(100)], 7)

    rows = sort_rows(codes, time_us, with_order=False)

    assert list(zip(rows.code.tolist(), rows.time_us.tolist(), strict=True)) == sorted(
        zip(codes.values.tolist(), time_us.tolist(), strict=True)
    )


def test_packing_gives_back_what_it_packed() -> None:
    time_us = np.array([7_000, 1_000, 4_000])

    packing = Packing.of(coded([2, 0, 1], 3), time_us)

    assert packing.code_of(packing.keys).tolist() == [2, 0, 1]
    assert packing.time_of(packing.keys).tolist() == time_us.tolist()


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([pa.array([-(2**63), 2**63 - 1, 0])], id="int64 extremes"),
        pytest.param([pa.array([0, 2**64 - 1, 2**63], pa.uint64())], id="uint64 extremes"),
        pytest.param([pa.array([True, False, True])], id="bool"),
        pytest.param([pa.array(["a", "", "a"])], id="text"),
        pytest.param([pa.array([2**63 - 1, 1, 2]), pa.array(["x", "y", "x"])], id="wide and text"),
        pytest.param(
            [pa.array([0, 2**31, 5]), pa.array([0, 2**31, 5]), pa.array([0, 9, 5])], id="three wide"
        ),
        pytest.param(
            [pa.array([-1, 0, 2**20], pa.date32()), pa.array([1, 2, 3], pa.timestamp("ns"))], id="times"
        ),
    ],
)
def test_codes_decode_to_the_identities_that_they_stand_for(columns: list[pa.Array]) -> None:
    codes = encode(columns)

    decoded = codes.decode(codes.values)

    assert [column.to_pylist() for column in decoded] == [column.to_pylist() for column in columns]
    rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
    assert len(set(codes.values.tolist())) == len(set(rows))


def test_a_scrambled_slice_of_an_ordered_chunk_keeps_its_identities() -> None:
    """Sparse ids and days of microseconds need more bits than a packed key has."""
    day_us = 86_400_000_000
    time_us = np.arange(400) * day_us
    time_us[:8] = time_us[:8][::-1].copy()
    users = (np.arange(400) % 3) * (2**31 - 1)
    events = Events(time_us + np.arange(400) % 7, pa.table({"user_id": pa.array(users)}))

    with patch.object(fragments, "SLICE_ROWS", 8):
        found = cut(events, SessionRules())

    expected = sorted(zip(users.tolist(), events.time_us.tolist(), strict=True))
    assert (
        sorted(zip(found["identity_0"].to_pylist(), found["start_us"].to_pylist(), strict=True)) == expected
    )
