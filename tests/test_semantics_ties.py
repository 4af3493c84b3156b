"""SEMANTICS.md, sentence by sentence: events at one microsecond, where rules cut between them.

Each case is put to sessionize and to the oracle.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hand_made import MINUTE_US, Ask, both, log, us
from tests.oracle import Aggregation, Rules

ON_USER = Rules(by=("device",), split_on=("user",))
FROM_NULL = replace(ON_USER, split_from_null=True)

# ---------------------------------------------------------------- which comes first


@both
@pytest.mark.parametrize("users", [["ada", "bob", "bob"], ["bob", "ada", "bob"], ["bob", "bob", "ada"]])
def test_two_users_at_one_microsecond_come_one_after_the_other(ask: Ask, users: list[str]) -> None:
    found = ask(log(ON_USER, times=["1970-01-01"] * 3, user=users))

    assert found.column("session_id") == ["A:0", "A:0.2"]
    assert found.column("user") == ["ada", "bob"]
    assert found.counts == [1, 2]


@both
def test_tie_break_columns_order_events_before_the_rules_do(ask: Ask) -> None:
    rules = replace(ON_USER, tie_break=("rank",))

    found = ask(log(rules, times=["1970-01-01"] * 3, user=["ada", "bob", "ada"], rank=[3, 2, 1]))

    assert found.column("session_id") == ["A:0", "A:0.2", "A:0.3"]
    assert found.column("user") == ["ada", "bob", "ada"]


@both
def test_a_null_comes_last_at_one_microsecond(ask: Ask) -> None:
    found = ask(log(FROM_NULL, times=["09:00"] * 2, user=[None, "ada"]))

    assert found.counts == [2]


@both
@pytest.mark.parametrize(
    ("rules", "first"),
    [
        pytest.param(Rules(split_on=("x", "y"), max_events=1), 1, id="changes in the order given"),
        pytest.param(Rules(split_on=("y", "x"), max_events=1), 2, id="and the other way round"),
        pytest.param(Rules(split_on=("x",), split_before=(("y", "9"),)), 1, id="change before start marker"),
        pytest.param(
            Rules(split_before=(("x", "9"),), split_after=(("y", "9"),), max_events=1),
            1,
            id="start marker before end marker",
        ),
        pytest.param(
            Rules(split_after=(("x", "9"),), dedupe="y", max_events=1), 1, id="marker before dedupe"
        ),
        pytest.param(Rules(split_on=("x",), dedupe="y"), 1, id="change before dedupe"),
        pytest.param(Rules(dedupe="x", max_events=1, tie_break=("y",)), 2, id="tie-break before all"),
    ],
)
def test_the_rules_columns_order_level_events_in_their_own_order(ask: Ask, rules: Rules, first: int) -> None:
    """One event has the smaller x, the other the smaller y."""
    rules = replace(rules, agg=(Aggregation("event", "first", "event"),))

    found = ask(log(rules, times=["09:00"] * 2, x=[1, 2], y=[2, 1], event=[1, 2]))

    assert found.column("event") == [first, 3 - first]


# ---------------------------------------------------------------- the number at a start


@both
def test_the_ordinal_counts_the_sessions_of_one_identity_and_start(ask: Ask) -> None:
    rules = Rules(by=("device",), max_events=1)
    times = ["1970-01-01", "1970-01-01", "1970-01-01", "1970-01-01 00:00:00.000001"]

    found = ask(log(rules, times=times, device=["A", "A", "B", "A"]))

    assert found.column("session_id") == ["A:0", "A:0.2", "B:0", "A:1"]


@both
def test_a_session_that_goes_on_from_a_shared_start_keeps_its_ordinal(ask: Ask) -> None:
    found = ask(log(ON_USER, times=["1970-01-01"] * 2 + ["1970-01-01 00:01"], user=["ada", "bob", "bob"]))

    assert found.column("session_id") == ["A:0", "A:0.2"]
    assert found.column("end_time") == [0, MINUTE_US]


@both
def test_sessions_of_one_end_identity_and_start_stand_in_the_order_of_their_numbers(ask: Ask) -> None:
    found = ask(log(Rules(max_events=1), times=["1970-01-01"] * 11))

    assert found.column("session_id") == ["A:0", *(f"A:0.{number}" for number in range(2, 12))]


@both
def test_sessions_of_one_end_stand_by_identity_then_start(ask: Ask) -> None:
    times = ["09:00", "09:05", "09:05", "09:05"]

    found = ask(log(ON_USER, times=times, device=["A", "A", "A", "0"], user=["ada", "ada", "bob", "ada"]))

    assert found.column("device") == ["0", "A", "A"]
    assert found.column("start_time") == [us("09:05"), us("09:00"), us("09:05")]


# ---------------------------------------------------------------- what aggregates get


@both
@pytest.mark.parametrize("values", [[1, 2, 3, None], [None, 3, 2, 1]], ids=["ascending", "descending"])
def test_level_events_are_dealt_by_each_aggregates_own_values(ask: Ask, values: list[int | None]) -> None:
    """Whose they are, nothing but the aggregate's column could say; the order of the input must not."""
    agg = (Aggregation("x", "set", "x"), Aggregation("y", "first", "y"))

    found = ask(log(Rules(max_events=2, agg=agg), times=["09:00"] * 4, x=values, y=["a", "b", "c", "d"]))

    assert found.column("x") == [[1, 2], [3]]
    assert found.column("y") == ["a", "c"]


@both
def test_the_rules_columns_do_not_order_first_and_last_in_a_session(ask: Ask) -> None:
    rules = replace(ON_USER, agg=(Aggregation("page", "first", "page"),))

    found = ask(log(rules, times=["09:00"] * 2, user=["ada", None], page=["z", "a"]))

    assert (found.counts, found.column("page")) == ([2], ["a"])
