"""SEMANTICS.md, sentence by sentence: ties and aggregates."""

from __future__ import annotations

from decimal import Decimal
from math import nan

import pyarrow as pa
import pytest

import sessionize as sz
from tests.small_logs import aggregated, events


def test_first_and_last_are_the_first_and_last_values_in_time() -> None:
    times = ["09:02", "09:00", "09:01"]

    assert aggregated("first", ["z", "a", "b"], times=times) == "a"
    assert aggregated("last", ["a", "c", "b"], times=times) == "a"


def test_first_and_last_pass_over_nulls() -> None:
    assert aggregated("first", [None, "b", "c", None]) == "b"
    assert aggregated("last", [None, "b", "c", None]) == "c"


def test_at_one_microsecond_first_takes_the_smallest_and_last_the_largest_value() -> None:
    assert aggregated("first", ["b", "a", "c"], times=["09:00"] * 3) == "a"
    assert aggregated("last", ["b", "c", "a"], times=["09:00"] * 3) == "c"


@pytest.mark.parametrize(
    ("ranks", "first", "last"),
    [
        pytest.param(pa.array([10, 9, 11]), "b", "c", id="numbers numerically"),
        pytest.param(pa.array(["10", "9", "11"]), "a", "b", id="text by bytes"),
        pytest.param(pa.array(["é", "z", "Z"]), "c", "a", id="text by bytes, not by letters"),
        pytest.param(pa.array([None, 1, 2]), "b", "a", id="nulls last"),
        pytest.param(pa.array([nan, 1.0, None]), "b", "c", id="NaN before null"),
        pytest.param(pa.array([nan, 1.0, 2.0]), "b", "a", id="NaN after numbers"),
        pytest.param(pa.array([True, False, None]), "b", "c", id="false before true"),
        pytest.param(pa.array([0.0, -0.0, 0.0]), "a", "c", id="minus zero equals zero"),
        pytest.param(pa.array([b"\xff", b"\x00", b"\x7f"]), "b", "a", id="binary by bytes"),
    ],
)
def test_ties_are_broken_by_the_given_columns(ranks: pa.Array, first: str, last: str) -> None:
    log = events("09:00", "09:00", "09:00", x=pa.array(["a", "b", "c"]), rank=ranks)

    sessions = sz.sessionize(log, tie_break=["rank"], agg={"first": "first:x", "last": "last:x"})

    assert (sessions["first"][0].as_py(), sessions["last"][0].as_py()) == (first, last)


def test_later_tie_break_columns_decide_where_earlier_ones_are_equal() -> None:
    log = events("09:00", "09:00", x=["a", "b"], one=[1, 1], two=[2, 1])

    sessions = sz.sessionize(log, tie_break=["one", "two"], agg={"first": "first:x"})

    assert sessions["first"].to_pylist() == ["b"]


NONE = pa.array([None, None], pa.int64())


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        ("min", pa.array([3, 1, None]), 1),
        ("max", pa.array([3, 1, None]), 3),
        ("min", pa.array(["b", "é", "Z"]), "Z"),
        ("max", pa.array(["b", "é", "Z"]), "é"),
        ("sum", pa.array([2**62, 2**62 - 1, None]), 2**63 - 1),
        ("sum", pa.array([Decimal("0.10"), Decimal("0.20")], pa.decimal128(4, 2)), Decimal("0.30")),
        ("sum", pa.array([2**53, 1]), 2**53 + 1),
        ("mean", pa.array([1, 2, None]), 1.5),
        ("count", pa.array(["a", None, "a"]), 2),
        ("count_if,purchase", pa.array(["purchase", "page", None, "purchase"]), 2),
        ("count_if,2", pa.array([2, 3, None]), 1),
        ("any", pa.array([False, None, True]), True),
        ("any", pa.array([False, None]), False),
        ("all", pa.array([True, None]), True),
        ("all", pa.array([True, False]), False),
        ("nunique", pa.array(["a", "b", None, "a"]), 2),
        ("nunique", pa.array([0.0, -0.0]), 1),
        ("set", pa.array(["b", "a", None, "b"]), ["a", "b"]),
        ("set", pa.array([10, 9]), [9, 10]),
    ],
)
def test_aggregates_of_values(function: str, values: pa.Array, expected: object) -> None:
    assert aggregated(function, values) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("count", 0), ("count_if,1", 0), ("nunique", 0), ("set", []), ("first", None),
        ("last", None), ("min", None), ("max", None), ("sum", None), ("mean", None),
    ],
)  # fmt: skip
def test_aggregates_of_no_value(function: str, expected: object) -> None:
    assert aggregated(function, NONE) == expected


@pytest.mark.parametrize("function", ["any", "all"])
def test_any_and_all_of_no_value_are_null(function: str) -> None:
    assert aggregated(function, pa.array([None], pa.bool_())) is None


@pytest.mark.parametrize("function", ["first", "last", "min", "max", "sum", "mean"])
def test_minus_zero_is_written_as_zero(function: str) -> None:
    assert str(aggregated(function, pa.array([-0.0]))) == "0.0"


def test_an_integer_sum_that_overflows_names_its_column() -> None:
    with pytest.raises(sz.InputError, match=r"\bx\b"):
        aggregated("sum", pa.array([2**63 - 1, 1]))


def test_a_sum_may_pass_beyond_its_type_on_the_way() -> None:
    assert aggregated("sum", pa.array([2**63 - 1, 1, -1])) == 2**63 - 1


def test_an_aggregate_that_needs_numbers_says_how_to_get_them() -> None:
    with pytest.raises(sz.InputError, match="type"):
        aggregated("sum", pa.array(["1", "2"]))
