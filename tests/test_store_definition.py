"""What a store keeps to: given options against its own, and the clocks of its time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from sessionize.errors import StoreMismatchError
from sessionize.store.clocks import clock_of, clocks_agree
from sessionize.zones import TZDATA_VERSION
from tests.store_files import definition

PARIS, LONDON = clock_of("Europe/Paris"), clock_of("Europe/London")


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("stored", "given", "expected"),
    [
        ({}, {"timeout": "15m"}, ["--timeout: the store has 30m, given 15m"]),
        ({}, {"timeout": None}, ["--timeout: the store has 30m, given none"]),
        ({}, {"split_daily": True}, ["--split-daily: the store has no, given yes"]),
        ({}, {"by": ["a", "b"]}, ["--by: the store has user_id, given a, b"]),
        ({"split_on": ["c"]}, {"split_on": []}, ["--split-on: the store has c, given none"]),
        (
            {"include": ["e=x"]},
            {"include": ["e=y"]},
            ["--include: the store has e=x, given e=y"],
        ),
        ({"types": ["n=int64"]}, {"types": {}}, ["--type: the store has n=int64, given none"]),
        ({"agg": {"x": "sum:n"}}, {"agg": []}, ["--agg: the store has x=sum:n, given none"]),
        ({"prefix": "s_"}, {"prefix": ""}, ["--prefix: the store has s_, given none"]),
        ({}, {"timezone": "Europe/Paris"}, ["--timezone: the store has UTC, given Europe/Paris"]),
        ({}, {"time_unit": "ms"}, ["--time-unit: the store has none, given ms"]),
        (
            {},
            {"time": "ts", "max_events": 5},
            ["--max-events: the store has none, given 5", "--time: the store has timestamp, given ts"],
        ),
    ],
    ids=lambda value: next(iter(value), "default") if isinstance(value, dict) else "",
)
def test_given_option_that_differs_is_spelt_out(
    stored: dict[str, Any], given: dict[str, Any], expected: list[str]
) -> None:
    assert definition(**stored).differences(given) == expected


@pytest.mark.parametrize(
    "given",
    [{}, {"timeout": "1800s"}, {"timeout": "PT30M", "by": "user_id"}, {"split_on": []}],
    ids=["nothing", "another spelling", "two", "empty list"],
)
def test_given_option_that_says_the_same_agrees(given: dict[str, Any]) -> None:
    assert definition().differences(given) == []


def test_option_that_is_not_given_comes_from_the_store() -> None:
    assert definition(timeout="5m", split_daily=True).differences({"split_daily": True}) == []


def test_preset_of_the_store_leaves_what_overrode_it_to_the_store() -> None:
    assert definition(preset="matomo", timeout="5m", timezone="UTC").differences({"preset": "matomo"}) == []


def test_another_preset_is_held_against_each_rule() -> None:
    assert definition(preset="posthog").differences({"preset": "adobe"}) == [
        "--max-duration: the store has 1d, --preset adobe says 12h",
        "--max-duration-boundary: the store has exceeds, --preset adobe says reaches",
        "--max-events: the store has none, --preset adobe says 2500",
    ]


def test_preset_that_says_what_the_store_has_agrees() -> None:
    assert definition(boundary="exceeds").differences({"preset": "ga4"}) == []


def test_option_beside_a_preset_stands_in_its_place() -> None:
    assert definition(timeout="5m").differences({"preset": "ga4", "timeout": "5m"}) == []


def test_unknown_keyword_is_misuse() -> None:
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        definition().differences({"timeuot": "5m"})


def test_differences_are_a_mismatch_with_all_of_them() -> None:
    with pytest.raises(StoreMismatchError) as refused:
        definition().check({"timeout": "5m", "time": "ts"}, "shop/")

    assert str(refused.value) == (
        "shop/: was made by other options. --timeout: the store has 30m, given 5m; "
        "--time: the store has timestamp, given ts.\n"
        "Leave out what the store knows, or build another store for other sessions."
    )


def test_agreement_is_no_mismatch() -> None:
    definition().check({"timeout": "30m"}, "shop/")


def test_columns_are_those_that_a_run_reads() -> None:
    made = definition(agg={"n": "count:page"}, time="ts", include=["event=click"], split_on="site")

    assert made.columns == ("user_id", "site", "page", "ts", "event")


def test_the_same_clocks_agree() -> None:
    assert clocks_agree(PARIS, PARIS, 0, us("2026-01-01"))


def test_clocks_agree_about_a_stretch_in_which_they_changed_together() -> None:
    lisbon = clock_of("Europe/Lisbon")

    assert clocks_agree(LONDON, lisbon, us("2026-01-01"), us("2026-12-31"))
    assert not clocks_agree(LONDON, lisbon, us("1970-06-01"), us("2026-12-31"))


def test_clocks_disagree_about_another_hour_of_change() -> None:
    cairo, beirut = clock_of("Africa/Cairo"), clock_of("Asia/Beirut")

    assert clocks_agree(cairo, beirut, us("2026-01-01"), us("2026-02-01"))
    assert not clocks_agree(cairo, beirut, us("2026-01-01"), us("2026-06-01"))


@pytest.mark.parametrize(
    "stretch", [(-(2**62), us("1900-01-01")), (2**62, 2**62)], ids=["before clocks", "end of time"]
)
def test_clocks_can_be_asked_about_any_time(stretch: tuple[int, int]) -> None:
    assert not clocks_agree(PARIS, LONDON, *stretch)


def test_newer_database_takes_over_where_it_agrees() -> None:
    made = evolve(definition(timezone="Europe/London"), tzdata="1999a", clock=clock_of("Europe/Lisbon"))

    now = made.at_present(us("2026-01-01"), us("2026-02-01"), "shop/")

    assert (now.tzdata, now.clock) == (TZDATA_VERSION, LONDON)


def test_newer_database_takes_over_where_there_are_no_events() -> None:
    made = evolve(definition(timezone="Europe/Paris"), clock=LONDON)

    assert made.at_present(None, None, "shop/").clock == PARIS


def test_database_that_changed_the_stores_own_days_is_a_mismatch() -> None:
    made = evolve(definition(timezone="Europe/Paris"), tzdata="1999a", clock=LONDON)

    with pytest.raises(StoreMismatchError, match=r"database 1999a; .* other clocks for Europe/Paris"):
        made.at_present(us("2026-01-01"), us("2026-02-01"), "shop/")
