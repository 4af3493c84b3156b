"""SessionRules: values as people write them, kept normalised; anything else refused with advice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sessionize.rules import Aggregate, SessionRules
from sessionize.zones import Zone


def test_defaults_are_those_of_the_contract() -> None:
    rules = SessionRules()

    assert (rules.by, rules.timeout, rules.boundary) == (("user_id",), timedelta(minutes=30), "exceeds")
    assert (rules.split_daily, rules.timezone, rules.agg, rules.prefix) == (False, "UTC", (), "")


def test_lone_column_name_is_a_list_of_one() -> None:
    assert SessionRules(by="device_id", tie_break="seq").columns == ("device_id", "seq")


@pytest.mark.parametrize("timeout", [None, "none"])
def test_none_switches_the_timeout_off(timeout: str | None) -> None:
    assert SessionRules(timeout=timeout).timeout_us is None


def test_timeout_is_counted_in_microseconds() -> None:
    assert SessionRules(timeout="1.5s").timeout_us == 1_500_000


def test_shortest_timeout_is_one_second() -> None:
    assert SessionRules(timeout="1s").timeout == timedelta(seconds=1)
    with pytest.raises(ValueError, match="timeout 999ms999us: the minimum is 1s"):
        SessionRules(timeout="0.999999s")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"by": []}, "by: name at least one column"),
        ({"by": ["user", "user"]}, "by: 'user' is given twice"),
        ({"tie_break": ["seq", "seq"]}, "tie_break: 'seq' is given twice"),
        ({"timeout": "900"}, "Write 900s"),
        ({"boundary": "above"}, "boundary 'above': write exceeds"),
        ({"timezone": "Europe/Parris"}, "did you mean 'Europe/Paris'"),
        ({"agg": ["a=first:x", "a=last:x"]}, "agg: 'a' is given twice"),
        ({"agg": {"a": "frist:x"}}, "no function 'frist'; did you mean 'first'"),
        ({"agg": {"a": "first"}}, "write NAME=FUNC:COL"),
        ({"agg": {"a": "first:"}}, "write NAME=FUNC:COL"),
        ({"agg": ["=first:x"]}, "write NAME=FUNC:COL"),
        ({"agg": {"a": "count_if:x"}}, "count_if needs a value"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_misuse_is_refused_with_advice(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SessionRules(**wrong)


def test_lone_text_of_aggregates_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="agg is a mapping or a list"):
        SessionRules(agg="landing=first:page")


@pytest.mark.parametrize(
    "agg",
    [
        {"buys": "count_if:event,a,b=c"},
        ["buys=count_if:event,a,b=c"],
        [Aggregate("buys", "count_if", "event", "a,b=c")],
    ],
    ids=["mapping", "texts", "objects"],
)
def test_aggregate_keeps_commas_and_equals_signs_of_its_value(agg: Any) -> None:
    assert SessionRules(agg=agg).agg == (Aggregate("buys", "count_if", "event", "a,b=c"),)


def test_columns_are_named_once_and_without_the_time() -> None:
    rules = SessionRules(by=["user", "site"], tie_break="seq", agg={"a": "first:page", "b": "last:user"})

    assert rules.columns == ("user", "site", "seq", "page")


def test_zone_is_that_of_the_timezone() -> None:
    assert SessionRules(timezone="Asia/Tokyo").zone == Zone.named("Asia/Tokyo")


def test_evolved_rules_keep_every_other_value() -> None:
    rules = SessionRules(by="device_id").evolve(timeout="1h")

    assert (rules.by, rules.timeout) == (("device_id",), timedelta(hours=1))


def test_rules_travel_through_json() -> None:
    rules = SessionRules(
        by=["a", "b"], timeout="1h1us", boundary="reaches", split_daily=True, timezone="Europe/Paris",
        tie_break="seq", agg={"n": "nunique:page", "buys": "count_if:event,buy"}, prefix="s_",
    )  # fmt: skip

    assert SessionRules(**json.loads(json.dumps(rules.as_dict()))) == rules


def test_equal_rules_have_equal_hashes() -> None:
    assert len({SessionRules(timeout="30m"), SessionRules(timeout="1800s")}) == 1
