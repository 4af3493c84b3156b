"""SEMANTICS.md, sentence by sentence: what else opens a session than silence and the calendar.

Each case is put to sessionize and to the oracle.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import isnan, nan
from typing import Any

import pyarrow as pa
import pytest

from tests.hand_made import HOUR_US, MINUTE_US, SECOND_US, Ask, around, both, log, us
from tests.oracle import Aggregation, Rules

ON_USER = Rules(by=("device",), split_on=("user",))
FROM_NULL = replace(ON_USER, split_from_null=True)

# ---------------------------------------------------------------- a change of value


@both
def test_another_value_opens_a_session(ask: Ask) -> None:
    found = ask(log(ON_USER, user=["ada", "ada", "bob", "ada"]))

    assert found.reasons == ["inactivity", "change:user", "change:user"]
    assert found.counts == [2, 1, 1]
    assert found.column("end_time") == [us("09:01"), us("09:02"), us("09:03")]


@both
@pytest.mark.parametrize(
    ("users", "counts", "from_null"),
    [
        pytest.param(["A", None, "A"], [3], [3], id="A null A"),
        pytest.param(["A", None, "B"], [2, 1], [2, 1], id="A null B"),
        pytest.param([None, "A"], [2], [1, 1], id="null A"),
        pytest.param([None, None, "A", None], [4], [2, 2], id="null null A null"),
        pytest.param([None, "A", None, "A", "B"], [4, 1], [1, 3, 1], id="null A null A B"),
        pytest.param([None, None], [2], [2], id="nothing but nulls"),
        pytest.param(["A", "", "a"], [1, 1, 1], [1, 1, 1], id="an empty text and the case are values"),
    ],
)
def test_a_null_neither_splits_nor_forgets(
    ask: Ask, users: list[str | None], counts: list[int], from_null: list[int]
) -> None:
    column = pa.array(users, pa.string())

    assert ask(log(ON_USER, user=column)).counts == counts
    assert ask(log(FROM_NULL, user=column)).counts == from_null


@both
def test_a_value_is_not_remembered_over_a_split(ask: Ask) -> None:
    """After the silence the session has only nulls, whatever the one before had."""
    times = ["09:00", "10:00", "10:01"]

    assert ask(log(ON_USER, times=times, user=["ada", None, "bob"])).counts == [1, 2]
    assert ask(log(FROM_NULL, times=times, user=["ada", None, "ada"])).reasons == [
        "inactivity",
        "inactivity",
        "change:user",
    ]


@both
@pytest.mark.parametrize(
    ("second", "boundary", "reason"),
    [
        pytest.param("09:29:59.999999", "reaches", "change:user", id="below timeout, reaches"),
        pytest.param("09:30", "reaches", "inactivity", id="exactly timeout, reaches"),
        pytest.param("09:30", "exceeds", "change:user", id="exactly timeout, exceeds"),
        pytest.param("09:30:00.000001", "exceeds", "inactivity", id="just above, exceeds"),
    ],
)
def test_a_change_that_coincides_with_a_timeout_is_inactivity(
    ask: Ask, second: str, boundary: str, reason: str
) -> None:
    found = ask(log(replace(ON_USER, boundary=boundary), times=["09:00", second], user=["ada", "bob"]))

    assert found.reasons == ["inactivity", reason]


@both
def test_of_two_columns_that_change_together_the_first_given_is_the_reason(ask: Ask) -> None:
    columns = {"user": ["ada", "bob"], "campaign": ["spring", "summer"]}

    for given in (("user", "campaign"), ("campaign", "user")):
        rules = Rules(by=("device",), split_on=given)
        assert ask(log(rules, **columns)).reasons == ["inactivity", f"change:{given[0]}"]


@both
@pytest.mark.parametrize(
    ("from_null", "reasons"),
    [
        pytest.param(False, ["inactivity", "change:user"], id="the campaign is forgotten"),
        pytest.param(True, ["inactivity", "change:user", "change:campaign"], id="so a first one splits"),
    ],
)
def test_a_change_of_one_column_restarts_the_other(ask: Ask, from_null: bool, reasons: list[str]) -> None:
    rules = Rules(by=("device",), split_on=("user", "campaign"), split_from_null=from_null)

    found = ask(log(rules, user=["ada", "bob", "bob"], campaign=["spring", None, "summer"]))

    assert found.reasons == reasons


@both
def test_the_sessions_values_stand_behind_its_reason(ask: Ask) -> None:
    rules = replace(FROM_NULL, split_on=("user", "campaign"), agg=(Aggregation("n", "count", "user"),))

    found = ask(log(rules, user=[None, "ada", None], campaign=pa.nulls(3, pa.string())))

    assert list(found.sessions[0])[-4:] == ["start_reason", "user", "campaign", "n"]
    assert found.column("user") == [None, "ada"]
    assert found.column("campaign") == [None, None]


@both
@pytest.mark.parametrize(
    ("same", "other"),
    [
        pytest.param(pa.array([0.0, -0.0]), pa.array([0.0, 5e-324]), id="float"),
        pytest.param(pa.array([nan, -nan]), pa.array([nan, 1.0]), id="NaN"),
        pytest.param(pa.array([2**53, 2**53]), pa.array([2**53, 2**53 + 1]), id="integer"),
        pytest.param(pa.array([False, False]), pa.array([False, True]), id="bool"),
        pytest.param(pa.array([Decimal("0.10")] * 2), pa.array([Decimal("0.10"), Decimal("0.11")]), id="dec"),
        pytest.param(pa.array([b"a", b"a"]), pa.array([b"a", b"a\x00"]), id="binary"),
        pytest.param(
            pa.array(["a", "a"]).dictionary_encode(),
            pa.array(["a", "b"]).dictionary_encode(),
            id="dictionary",
        ),
    ],
)
def test_values_of_every_type_are_compared_exactly(ask: Ask, same: pa.Array, other: pa.Array) -> None:
    assert ask(log(ON_USER, user=same)).counts == [2]
    assert ask(log(ON_USER, user=other)).counts == [1, 1]


@both
def test_a_sessions_value_is_written_as_aggregates_are(ask: Ask) -> None:
    (minus_zero,) = ask(log(ON_USER, user=[-0.0])).column("user")
    (not_a_number,) = ask(log(ON_USER, user=[nan])).column("user")

    assert str(minus_zero) == "0.0"
    assert isnan(not_a_number)


# ---------------------------------------------------------------- markers

BEFORE = Rules(split_before=(("event", "open"),))
AFTER = Rules(split_after=(("event", "close"),))


@both
@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        pytest.param(BEFORE, [1, 3, 1], id="before"),
        pytest.param(AFTER, [3, 2], id="after"),
        pytest.param(replace(BEFORE, split_after=AFTER.split_after), [1, 2, 1, 1], id="before and after"),
        pytest.param(
            Rules(split_before=(("event", "open"), ("event", "close"))), [1, 1, 2, 1], id="any of several"
        ),
        pytest.param(Rules(split_before=(("event", "Open"),)), [5], id="none that matches"),
    ],
)
def test_markers_open_sessions(ask: Ask, rules: Rules, counts: list[int]) -> None:
    found = ask(log(rules, event=["view", "open", "close", "view", "open"]))

    assert found.counts == counts
    assert found.reasons == ["inactivity", *["marker"] * (len(counts) - 1)]


@both
def test_a_start_marker_on_the_first_event_opens_one_session(ask: Ask) -> None:
    found = ask(log(BEFORE, event=["open", "view"]))

    assert (found.counts, found.reasons) == ([2], ["inactivity"])


@both
def test_each_start_marker_opens_a_session(ask: Ask) -> None:
    assert ask(log(BEFORE, event=["open", "open", "open"])).counts == [1, 1, 1]


@both
def test_an_end_marker_belongs_to_the_session_that_it_ends(ask: Ask) -> None:
    found = ask(log(AFTER, event=["view", "close", "view"]))

    assert found.column("end_time") == [us("09:01"), us("09:02")]


@both
def test_an_event_may_both_start_and_end_a_session(ask: Ask) -> None:
    rules = Rules(split_before=(("event", "ping"),), split_after=(("event", "ping"),))

    assert ask(log(rules, event=["view", "ping", "view"])).counts == [1, 1, 1]


@both
def test_an_end_marker_is_forgotten_once_silence_has_ended_the_session(ask: Ask) -> None:
    found = ask(log(AFTER, times=["09:00", "09:31", "09:32"], event=["close", "view", "view"]))

    assert (found.counts, found.reasons) == ([1, 2], ["inactivity", "inactivity"])


@both
@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param(pa.array(["1", "1.0", "01", None]), "1.0", id="text by its letters"),
        pytest.param(pa.array([2, 1, 3, None]), "1", id="integer"),
        pytest.param(pa.array([1.5, 1.0, nan, None]), "1", id="float"),
        pytest.param(pa.array([False, True, False, None]), "true", id="bool"),
        pytest.param(pa.array([Decimal("1.50"), Decimal("1.00"), None, None]), "1", id="decimal"),
    ],
)
def test_a_marker_is_compared_in_the_type_of_its_column(ask: Ask, values: pa.Array, text: str) -> None:
    found = ask(log(Rules(split_before=(("x", text),)), x=values))

    assert found.counts == [1, 3]


# ---------------------------------------------------------------- limits

LIMIT_US = 10 * MINUTE_US
TEN_MINUTES = Rules(max_duration_us=LIMIT_US)


@both
@pytest.mark.parametrize(
    ("length_us", "boundary", "sessions"),
    [
        pytest.param(LIMIT_US - 1, "reaches", 1, id="just below, reaches"),
        pytest.param(LIMIT_US, "reaches", 2, id="exactly, reaches"),
        pytest.param(LIMIT_US + 1, "reaches", 2, id="just above, reaches"),
        pytest.param(LIMIT_US - 1, "exceeds", 1, id="just below, exceeds"),
        pytest.param(LIMIT_US, "exceeds", 1, id="exactly, exceeds"),
        pytest.param(LIMIT_US + 1, "exceeds", 2, id="just above, exceeds"),
    ],
)
def test_a_duration_is_compared_with_its_limit(
    ask: Ask, length_us: int, boundary: str, sessions: int
) -> None:
    rules = replace(TEN_MINUTES, max_duration_boundary=boundary)

    found = ask(log(rules, times=around("09:00", 0, MINUTE_US, length_us)))

    assert found.reasons == ["inactivity", "max_duration"][:sessions]


@both
def test_a_duration_is_counted_anew_from_the_event_that_was_one_too_many(ask: Ask) -> None:
    found = ask(log(TEN_MINUTES, times=around("09:00", *(4 * n * MINUTE_US for n in range(8)))))

    assert found.column("start_time") == [us("09:00"), us("09:12"), us("09:24")]
    assert found.counts == [3, 3, 2]


@both
def test_a_duration_is_counted_anew_after_any_other_split(ask: Ask) -> None:
    rules = replace(TEN_MINUTES, split_before=(("event", "open"),))
    times = ["09:00", "09:06", "09:12", "09:16"]

    found = ask(log(rules, times=times, event=["view", "open", "view", "view"]))

    assert found.reasons == ["inactivity", "marker", "max_duration"]
    assert found.column("start_time") == [us("09:00"), us("09:06"), us("09:16")]


@both
@pytest.mark.parametrize(
    ("limit", "counts"),
    [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (6, [5])],
)
def test_a_full_session_takes_no_more_events(ask: Ask, limit: int, counts: list[int]) -> None:
    found = ask(log(Rules(max_events=limit), times=around("09:00", 0, 1, 2, 3, 4)))

    assert found.counts == counts
    assert found.reasons == ["inactivity", *["max_events"] * (len(counts) - 1)]


@both
def test_events_are_counted_anew_after_any_other_split(ask: Ask) -> None:
    rules = replace(ON_USER, max_events=2)

    found = ask(log(rules, user=["ada", "bob", "bob", "bob"]))

    assert found.counts == [1, 2, 1]
    assert found.reasons == ["inactivity", "change:user", "max_events"]


# ---------------------------------------------------------------- the calendar


@both
@pytest.mark.parametrize(
    "midnight",
    [
        pytest.param("2026-03-28 23:00", id="before the spring day"),
        pytest.param("2026-03-29 22:00", id="after the spring day of 23 hours"),
        pytest.param("2026-10-24 22:00", id="before the autumn day"),
        pytest.param("2026-10-25 23:00", id="after the autumn day of 25 hours"),
    ],
)
def test_a_change_at_midnight_in_paris_is_the_calendars(ask: Ask, midnight: str) -> None:
    """The new day forgets the user: after a null at midnight the next user is the day's first."""
    rules = replace(ON_USER, split_daily=True, timezone="Europe/Paris")
    times = around(midnight, -1, 0, 1)

    assert ask(log(rules, times=times, user=["ada", "bob", "bob"])).reasons == ["inactivity", "calendar"]
    assert ask(log(rules, times=times, user=["ada", None, "bob"])).counts == [1, 2]


@both
@pytest.mark.parametrize(
    ("start", "lasts_us"),
    [
        pytest.param("2026-03-28 23:00", 23 * HOUR_US, id="spring"),
        pytest.param("2026-10-24 22:00", 25 * HOUR_US, id="autumn"),
    ],
)
def test_the_days_of_paris_are_as_long_as_its_clocks_say(ask: Ask, start: str, lasts_us: int) -> None:
    """A limit counts elapsed time, so that of 24 hours cuts the long day and never the short one."""
    rules = Rules(timeout_us=None, split_daily=True, timezone="Europe/Paris", max_duration_us=24 * HOUR_US)

    found = ask(log(rules, times=around(start, 0, lasts_us - 1, lasts_us)))

    is_long = lasts_us > 24 * HOUR_US
    assert found.reasons == ["inactivity", *["max_duration"] * is_long, "calendar"]


@both
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(Rules(max_events=9), id="max events"),
        pytest.param(Rules(max_duration_us=9 * HOUR_US), id="max duration"),
        pytest.param(Rules(split_on=("x",)), id="change"),
        pytest.param(Rules(split_before=(("x", "9"),)), id="start marker"),
        pytest.param(Rules(split_after=(("x", "9"),)), id="end marker"),
        pytest.param(Rules(dedupe="x"), id="dedupe"),
    ],
)
def test_without_timeout_the_first_event_is_inactivity_where_events_are_walked(
    ask: Ask, rules: Rules
) -> None:
    times = ["2026-01-01", "2026-01-02"]

    found = ask(log(replace(rules, timeout_us=None, split_daily=True), times=times, x=pa.nulls(2, "int64")))

    assert found.reasons == ["inactivity", "calendar"]


# ---------------------------------------------------------------- which rule is the reason


ALL_AT_ONCE = Rules(
    by=("device",),
    split_daily=True,
    split_on=("user", "campaign"),
    split_before=(("event", "open"),),
    max_duration_us=SECOND_US,
    max_events=1,
)
WITHOUT: dict[str, dict[str, Any]] = {
    "inactivity": {"timeout_us": None},
    "calendar": {"split_daily": False},
    "change:user": {"split_on": ("campaign",)},
    "change:campaign": {"split_on": ()},
    "marker": {"split_before": ()},
    "max_duration": {"max_duration_us": None},
    "max_events": {"max_events": None},
}
"""The reasons in their order, and how to switch each off."""


@both
@pytest.mark.parametrize("reason", WITHOUT)
def test_the_first_rule_that_holds_is_the_reason(ask: Ask, reason: str) -> None:
    """All rules would open a session at the second event; those before the reason are switched off."""
    rules, earlier = ALL_AT_ONCE, list(WITHOUT)[: list(WITHOUT).index(reason)]
    for name in earlier:
        rules = replace(rules, **WITHOUT[name])
    times = ["2026-01-01 23:40", "2026-01-02 00:20"]
    columns = {"user": ["ada", "bob"], "campaign": ["spring", "summer"], "event": ["view", "open"]}

    found = ask(log(rules, times=times, **columns))

    assert found.reasons == ["inactivity", reason]


# ---------------------------------------------------------------- open and closed


@both
@pytest.mark.parametrize(
    ("rules", "as_of", "is_open"),
    [
        pytest.param(AFTER, "09:01", False, id="ended by a marker"),
        pytest.param(BEFORE, "09:01", True, id="a start marker closes nothing"),
        pytest.param(Rules(max_events=2), "09:01", False, id="full"),
        pytest.param(Rules(max_events=3), "09:01", True, id="not full"),
        pytest.param(TEN_MINUTES, "09:09:59.999999", True, id="just below the limit, reaches"),
        pytest.param(TEN_MINUTES, "09:10", False, id="at the limit, reaches"),
        pytest.param(
            replace(TEN_MINUTES, max_duration_boundary="exceeds"), "09:10", True, id="at the limit, exceeds"
        ),
        pytest.param(
            replace(TEN_MINUTES, max_duration_boundary="exceeds"),
            "09:10:00.000001",
            False,
            id="just above the limit, exceeds",
        ),
        pytest.param(ON_USER, "09:01", True, id="a change closes nothing yet"),
    ],
)
def test_a_session_is_open_while_an_event_at_the_watermark_could_join_it(
    ask: Ask, rules: Rules, as_of: str, is_open: bool
) -> None:
    columns = {"event": ["open", "close"], "user": ["ada", "ada"]}

    found = ask(log(replace(rules, as_of=us(as_of)), **columns))

    assert found.open_sessions == is_open


@both
def test_only_an_identitys_last_session_is_open(ask: Ask) -> None:
    found = ask(log(ON_USER, times=["09:00"] * 2, user=["ada", "bob"]))

    assert (len(found.sessions), found.open_sessions) == (2, 1)


# ---------------------------------------------------------------- trusting an existing id


@both
def test_a_trackers_own_session_ids_can_be_trusted(ask: Ask) -> None:
    """Its ids are part of the identity, and nothing else ends a session."""
    rules = Rules(by=("user_id", "client_session_id"), timeout_us=None)
    times = ["09:00", "15:00", "09:05", "2026-01-09 09:00"]

    found = ask(log(rules, times=times, client_session_id=["s1", "s1", "s2", "s2"]))

    assert found.column("client_session_id") == ["s1", "s2"]
    assert found.counts == [2, 2]
    assert found.column("end_time") == [us("15:00"), us("2026-01-09 09:00")]
    assert found.column("session_id") == [f"A:s1:{us('09:00')}", f"A:s2:{us('09:05')}"]
