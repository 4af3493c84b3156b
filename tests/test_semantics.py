"""SEMANTICS.md, sentence by sentence, on logs small enough to check by eye."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import nan
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz

INSTANT = pa.timestamp("us", "UTC")
DAY = "2026-01-01"

Unit = Literal["s", "us", "ns"]
Policy = Literal["earlier", "later"]


def at(text: str) -> datetime:
    """An instant, UTC: `09:30`, `09:30:00.000001`, or with a date in front."""
    return datetime.fromisoformat(text if "-" in text else f"{DAY} {text}").replace(tzinfo=UTC)


def events(*times: str, who: Sequence[Any] | None = None, **columns: Any) -> pa.Table:
    """A log: everyone is A unless `who` says otherwise."""
    identity = ["A"] * len(times) if who is None else who
    return pa.table(
        {
            "user_id": identity if isinstance(identity, pa.Array) else pa.array(identity),
            "timestamp": pa.array([at(time) for time in times], INSTANT),
            **columns,
        }
    )


def sessionized(*times: str, who: Sequence[Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    return rows(sz.sessionize(events(*times, who=who), **options))


def rows(sessions: pa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in sessions.to_pylist()]


def column(name: str, found: list[dict[str, Any]]) -> list[Any]:
    return [row[name] for row in found]


def aggregated(function: str, values: Any, *, times: Sequence[str] = (), **options: Any) -> Any:
    """One aggregate over events of one session, a minute apart unless `times` says otherwise."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    moments = times or [f"09:{minute:02}" for minute in range(len(array))]
    name, _, argument = function.partition(",")
    text = f"{name}:x" + (f",{argument}" if argument else "")
    (session,) = rows(sz.sessionize(events(*moments, x=array), agg={"found": text}, **options))
    return session["found"]


# ---------------------------------------------------------------- timeout and boundary

BELOW, EXACTLY, ABOVE = "09:29:59.999999", "09:30", "09:30:00.000001"


@pytest.mark.parametrize(
    ("second", "boundary", "sessions"),
    [
        pytest.param(BELOW, "exceeds", 1, id="below timeout, exceeds"),
        pytest.param(EXACTLY, "exceeds", 1, id="exactly timeout, exceeds"),
        pytest.param(ABOVE, "exceeds", 2, id="just above, exceeds"),
        pytest.param(BELOW, "reaches", 1, id="below timeout, reaches"),
        pytest.param(EXACTLY, "reaches", 2, id="exactly timeout, reaches"),
        pytest.param(ABOVE, "reaches", 2, id="just above, reaches"),
    ],
)
def test_the_gap_is_compared_with_the_timeout(second: str, boundary: str, sessions: int) -> None:
    assert len(sessionized("09:00", second, boundary=boundary)) == sessions


def test_the_timeout_is_thirty_minutes_and_must_be_exceeded_by_default() -> None:
    assert column("event_count", sessionized("09:00", "09:30", "10:00:00.000001")) == [2, 1]


def test_the_gap_is_between_consecutive_events_not_from_the_start() -> None:
    assert column("event_count", sessionized("09:00", "09:20", "09:40", "10:00")) == [4]


def test_the_gap_is_that_of_one_identity() -> None:
    found = sessionized("09:00", "09:20", "09:40", who=["A", "B", "A"])

    assert column("user_id", found) == ["A", "B", "A"]


@pytest.mark.parametrize(
    "timeout", ["15m", "900s", "PT15M", timedelta(minutes=15)], ids=["15m", "900s", "PT15M", "timedelta"]
)
def test_a_timeout_is_written_with_a_unit(timeout: object) -> None:
    assert len(sessionized("09:00", "09:15", "09:30:00.000001", timeout=timeout)) == 2


@pytest.mark.parametrize("timeout", ["900", 900, "999ms", "0s", "soon"])
def test_a_timeout_without_unit_or_below_a_second_is_refused(timeout: object) -> None:
    with pytest.raises(ValueError, match=r"900s|minimum is 1s|not a duration"):
        sessionized("09:00", timeout=timeout)


def test_without_timeout_an_identity_has_one_session() -> None:
    (session,) = sessionized("2024-01-01", "2025-01-01", "2026-01-01", timeout="none")

    assert (session["event_count"], session["start_reason"]) == (3, "inactivity")


# ---------------------------------------------------------------- local days


def test_a_new_local_day_opens_a_session_that_the_calendar_caused() -> None:
    found = sessionized("2026-01-01 23:55", "2026-01-02 00:05", split_daily=True)

    assert column("start_reason", found) == ["inactivity", "calendar"]


def test_days_do_not_matter_unless_asked_for() -> None:
    assert column("event_count", sessionized("2026-01-01 23:55", "2026-01-02 00:05")) == [2]


def test_the_last_microsecond_of_a_day_belongs_to_it() -> None:
    found = sessionized(
        "2026-01-01 23:50", "2026-01-01 23:59:59.999999", "2026-01-02 00:00", split_daily=True
    )

    assert column("event_count", found) == [2, 1]


def test_inactivity_comes_before_the_calendar_as_the_reason() -> None:
    found = sessionized("2026-01-01 23:00", "2026-01-02 00:00", split_daily=True)

    assert column("start_reason", found) == ["inactivity", "inactivity"]


def test_an_exact_timeout_over_midnight_is_the_calendars_under_exceeds() -> None:
    found = sessionized("2026-01-01 23:45", "2026-01-02 00:15", split_daily=True)

    assert column("start_reason", found) == ["inactivity", "calendar"]


def test_an_exact_timeout_over_midnight_is_inactivity_under_reaches() -> None:
    found = sessionized("2026-01-01 23:45", "2026-01-02 00:15", split_daily=True, boundary="reaches")

    assert column("start_reason", found) == ["inactivity", "inactivity"]


def test_without_timeout_every_session_starts_by_the_calendar() -> None:
    found = sessionized("2026-01-01 09:00", "2026-01-02 09:00", timeout="none", split_daily=True)

    assert column("start_reason", found) == ["calendar", "calendar"]


def test_the_day_is_that_of_the_zone() -> None:
    times = ["2026-01-01 18:20", "2026-01-01 18:40"]

    assert len(sessionized(*times, split_daily=True)) == 1
    assert len(sessionized(*times, split_daily=True, timezone="Asia/Kolkata")) == 2


@pytest.mark.parametrize(
    ("first", "second", "sessions"),
    [
        pytest.param("2026-03-28 22:59", "2026-03-28 23:00", 2, id="spring: midnight at 23:00Z"),
        pytest.param("2026-03-28 23:00", "2026-03-29 21:59:59.999999", 1, id="the day has 23 hours"),
        pytest.param("2026-03-29 21:59", "2026-03-29 22:00", 2, id="next midnight at 22:00Z"),
        pytest.param("2026-10-24 22:00", "2026-10-25 22:59:59.999999", 1, id="the day has 25 hours"),
        pytest.param("2026-10-25 22:59", "2026-10-25 23:00", 2, id="autumn: midnight at 23:00Z"),
    ],
)
def test_days_of_paris_around_its_clock_changes(first: str, second: str, sessions: int) -> None:
    found = sessionized(first, second, timeout="none", split_daily=True, timezone="Europe/Paris")

    assert len(found) == sessions


def test_a_clock_set_back_over_midnight_returns_to_no_earlier_day() -> None:
    """St. John's, 2006-10-29 00:01 → 2006-10-28 23:01; the clock shows midnight twice, a day starts once."""
    found = sessionized(
        "2006-10-29 02:29",  # 23:59, the 28th
        "2006-10-29 02:30",  # 00:00, the 29th
        "2006-10-29 02:31",  # 23:01 again, the 28th once more
        "2006-10-29 03:29",
        "2006-10-29 03:30",  # 00:00 again
        split_daily=True,
        timezone="America/St_Johns",
        timeout="2h",
    )

    assert column("event_count", found) == [1, 4]


def test_apia_skipped_a_whole_day() -> None:
    found = sessionized(
        "2011-12-30 09:59", "2011-12-30 10:00", split_daily=True, timezone="Pacific/Apia"
    )  # the 29th, then the 31st

    assert column("start_reason", found) == ["inactivity", "calendar"]


# ---------------------------------------------------------------- the session's row


def test_a_session_ends_with_its_last_event() -> None:
    (session,) = sessionized("09:00", "09:10")

    assert (session["start_time"], session["end_time"]) == (at("09:00"), at("09:10"))


def test_the_duration_is_exact_to_the_microsecond() -> None:
    assert column("duration_seconds", sessionized("09:00", "09:00:01.000001")) == [1.000001]


def test_a_duration_of_centuries_is_the_nearest_double() -> None:
    """Its microseconds have no exact double (above 2**53), its seconds have a nearest one all the same."""
    found = sessionized("0001-01-03 02:00:00.000002", "2025-12-31 22:59:59.999998", timeout="none")

    assert column("duration_seconds", found) == [63902638799.999996]


def test_one_event_lasts_zero_seconds() -> None:
    (session,) = sessionized("09:00")

    assert (session["duration_seconds"], session["event_count"]) == (0.0, 1)


def test_events_at_one_microsecond_are_one_session() -> None:
    assert column("event_count", sessionized("09:00", "09:00", "09:00")) == [3]


def test_the_columns_stand_in_the_promised_order_with_the_promised_types() -> None:
    log = events("09:00", x=pa.array([1.5]))

    sessions = sz.sessionize(log, agg={"biggest": "max:x", "n": "count:x"})

    assert [(field.name, str(field.type)) for field in sessions.schema] == [
        ("session_id", "string"),
        ("user_id", "string"),
        ("start_time", "timestamp[us, tz=UTC]"),
        ("end_time", "timestamp[us, tz=UTC]"),
        ("duration_seconds", "double"),
        ("event_count", "int64"),
        ("start_reason", "string"),
        ("biggest", "double"),
        ("n", "int64"),
    ]


@pytest.mark.parametrize("name", ["session_id", "start_time", "event_count"])
def test_an_identity_with_one_of_our_names_needs_a_prefix(name: str) -> None:
    log = events("09:00").rename_columns([name, "timestamp"])

    with pytest.raises(sz.InputError, match="prefix"):
        sz.sessionize(log, by=name)

    assert sz.sessionize(log, by=name, prefix="our_").column_names[:3] == [
        "our_session_id",
        name,
        "our_start_time",
    ]


def test_sessions_stand_in_the_order_in_which_they_closed() -> None:
    found = sessionized("09:00", "09:20", "09:05", "09:10", who=["long", "long", "short", "short"])

    assert column("user_id", found) == ["short", "long"]


def test_sessions_that_end_together_stand_in_the_order_of_identities() -> None:
    found = sessionized("09:00", "09:00", "09:00", who=[10, 9, -1])

    assert column("user_id", found) == [-1, 9, 10]


def test_text_identities_are_ordered_by_bytes() -> None:
    who = ["é", "a", "Z", "", "10", "9", "\U0001f600", "\uffee"]

    found = sessionized(*["09:00"] * len(who), who=who)

    assert column("user_id", found) == ["", "10", "9", "Z", "a", "é", "\uffee", "\U0001f600"]


@pytest.mark.parametrize("table", [events(), events().slice(0, 0)], ids=["no chunk", "empty slice"])
def test_no_events_give_an_empty_table_with_the_right_columns(table: pa.Table) -> None:
    table = table.set_column(0, "user_id", pa.array([], pa.int64()))

    sessions, summary = sz.sessionize(table, return_summary=True)

    assert sessions.schema.equals(sz.sessionize(events("09:00", who=[1])).schema)
    assert (sessions.num_rows, summary.sessions, summary.first_event) == (0, 0, None)


# ---------------------------------------------------------------- identities


def test_identities_are_compared_by_exact_value() -> None:
    who = ["00042", "42", "42.0", "A", "a", "", " ", "e\u0301", "é"]

    found = sessionized(*["09:00"] * len(who), who=who)

    assert sorted(column("user_id", found)) == sorted(who)


def test_a_64_bit_identity_never_passes_through_a_float() -> None:
    who = [2**53, 2**53 + 1, 2**63 - 1, 2**63 - 2, -(2**63), 0]

    found = sessionized(*["09:00"] * len(who), who=who)

    assert column("user_id", found) == sorted(who)


U64 = pa.array([2**64 - 1], pa.uint64())
NANO = UUID("0123ABCD-0123-4567-89AB-0123456789AB")


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        pytest.param(pa.array([-42], pa.int64()), "-42", id="integer"),
        pytest.param(U64, "18446744073709551615", id="unsigned"),
        pytest.param(pa.array(["user42"]), "user42", id="text"),
        pytest.param(pa.array([""]), "", id="empty text"),
        pytest.param(pa.array(["a:b\\c"]), "a:b\\c", id="text alone is not escaped"),
        pytest.param(pa.array(["A"]).dictionary_encode(), "A", id="dictionary"),
        pytest.param(pa.array([True]), "true", id="bool"),
        pytest.param(pa.array([date(1969, 12, 31)]), "1969-12-31", id="date"),
        pytest.param(pa.array([at("1970-01-01 00:00:01")], INSTANT), "1000000", id="timestamp"),
        pytest.param(
            pa.array([at("1970-01-01 00:00:01")], pa.timestamp("s", "UTC")), "1000000", id="seconds"
        ),
        pytest.param(pa.array([Decimal("4.20")], pa.decimal128(9, 2)), "4.20", id="decimal"),
        pytest.param(
            pa.ExtensionArray.from_storage(pa.uuid(), pa.array([NANO.bytes], pa.binary(16))),
            "0123abcd-0123-4567-89ab-0123456789ab",
            id="uuid",
        ),
        pytest.param(pa.array([b"\x00\xff"]), "00ff", id="binary"),
    ],
)
def test_a_session_id_is_the_identity_and_the_start(identity: pa.Array, text: str) -> None:
    sessions = sz.sessionize(events("2026-01-01 00:00:00.123456", who=identity))

    assert sessions["session_id"].to_pylist() == [f"{text}:1767225600123456"]
    assert sessions["user_id"].type == identity.type or pa.types.is_dictionary(identity.type)


def test_a_start_before_the_epoch_is_a_negative_number_in_the_id() -> None:
    assert column("session_id", sessionized("1969-12-31 23:59:59.999999")) == ["A:-1"]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("a", "b"), "a:b"),
        (("a:", "b"), r"a\::b"),
        (("a", ":b"), r"a:\:b"),
        (("a\\", "b"), r"a\\:b"),
        (("", ""), ":"),
    ],
)
def test_several_identity_columns_are_joined_and_escaped(parts: tuple[str, str], text: str) -> None:
    log = events("1970-01-01", who=[parts[0]], device=[parts[1]])

    sessions = sz.sessionize(log, by=["user_id", "device"])

    assert sessions["session_id"].to_pylist() == [f"{text}:0"]
    assert sessions.column_names[1:3] == ["user_id", "device"]


def test_identities_of_several_columns_differ_in_any_of_them() -> None:
    log = events("09:00", "09:00", "09:00", who=["A", "A", "B"], device=["1", "2", "1"])

    assert sz.sessionize(log, by=["user_id", "device"]).num_rows == 3


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(pa.array([1.0]), id="float"),
        pytest.param(pa.array([[1]]), id="list"),
        pytest.param(pa.array([{"a": 1}]), id="struct"),
    ],
)
def test_an_identity_without_exact_values_is_refused(identity: pa.Array) -> None:
    with pytest.raises(sz.InputError, match="user_id"):
        sz.sessionize(events("09:00", who=identity))


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("numbers", "unit", "expected"),
    [
        pytest.param(pa.array([0]), "s", "1970-01-01 00:00", id="epoch zero"),
        pytest.param(pa.array([-1]), "us", "1969-12-31 23:59:59.999999", id="before the epoch"),
        pytest.param(pa.array([-1]), "ns", "1969-12-31 23:59:59.999999", id="nanoseconds are floored"),
        pytest.param(pa.array([1999]), "ns", "1970-01-01 00:00:00.000001", id="floored, not rounded"),
        pytest.param(pa.array([0.0000019]), "s", "1970-01-01 00:00:00.000002", id="doubles are rounded"),
        pytest.param(pa.array(["1767225600"]), "s", "2026-01-01 00:00", id="text of digits"),
        pytest.param(pa.array(["-0.0000001"]), "s", "1969-12-31 23:59:59.999999", id="text is floored"),
    ],
)
def test_epochs_count_in_the_declared_unit(numbers: pa.Array, unit: Unit, expected: str) -> None:
    log = events("09:00").set_column(1, "timestamp", numbers)

    assert sz.sessionize(log, time_unit=unit)["start_time"].to_pylist() == [at(expected)]


@pytest.mark.parametrize("values", [pa.array([1767225600]), pa.array(["1767225600"])], ids=["int", "text"])
def test_the_unit_of_an_epoch_is_never_guessed(values: pa.Array) -> None:
    with pytest.raises(sz.InputError, match="time-unit"):
        sz.sessionize(events("09:00").set_column(1, "timestamp", values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01", "2026-01-01 00:00"),
        ("2026-01-01T09:30:00Z", "2026-01-01 09:30"),
        ("2026-01-01 09:30:00.1234569", "2026-01-01 09:30:00.123456"),
        ("2026-01-01T09:30+02", "2026-01-01 07:30"),
        ("2026-01-01T09:30:00+0200", "2026-01-01 07:30"),
        ("2026-01-01T09:30:00-03:30", "2026-01-01 13:00"),
        ("2025-12-31T24:00:00", "2026-01-01 00:00"),
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31 23:59:59.999999"),
    ],
)
def test_iso_8601_text_is_read(text: str, expected: str) -> None:
    log = events("09:00").set_column(1, "timestamp", pa.array([text]))

    assert sz.sessionize(log)["start_time"].to_pylist() == [at(expected)]


def test_the_first_time_format_that_fits_wins() -> None:
    log = events("09:00", "09:01", "09:02").set_column(
        1, "timestamp", pa.array(["01/02/2026 10:00", "13/02/2026 10:00", "2026-02-03 10:00"])
    )

    sessions = sz.sessionize(log, time_format=["%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M"])

    assert sessions["start_time"].to_pylist() == [
        at("2026-01-02 10:00"),
        at("2026-02-03 10:00"),
        at("2026-02-13 10:00"),
    ]


PARIS_SKIPPED, PARIS_TWICE = "2026-03-29 02:30", "2026-10-25 02:30"


@pytest.mark.parametrize(
    ("local", "policy", "expected"),
    [
        pytest.param(PARIS_SKIPPED, "earlier", "2026-03-29 01:30", id="skipped, earlier"),
        pytest.param(PARIS_SKIPPED, "later", "2026-03-29 00:30", id="skipped, later"),
        pytest.param(PARIS_TWICE, "earlier", "2026-10-25 00:30", id="twice, earlier"),
        pytest.param(PARIS_TWICE, "later", "2026-10-25 01:30", id="twice, later"),
    ],
)
@pytest.mark.parametrize("is_text", [True, False], ids=["text", "naive timestamp"])
def test_zone_less_times_are_resolved_by_the_policy_and_counted(
    local: str, policy: Policy, expected: str, is_text: bool
) -> None:
    values = pa.array([local]) if is_text else pa.array([datetime.fromisoformat(local)], pa.timestamp("ms"))
    log = events("09:00").set_column(1, "timestamp", values)

    sessions, summary = sz.sessionize(log, timezone="Europe/Paris", dst_policy=policy, return_summary=True)

    assert sessions["start_time"].to_pylist() == [at(expected)]
    assert summary.tally.dst_resolved == 1


@pytest.mark.parametrize(
    ("local", "reason"), [(PARIS_SKIPPED, "nonexistent_time"), (PARIS_TWICE, "ambiguous_time")]
)
def test_reject_rejects_both_kinds_of_local_time(local: str, reason: str) -> None:
    log = events("09:00").set_column(1, "timestamp", pa.array([local]))

    _, summary = sz.sessionize(
        log, timezone="Europe/Paris", dst_policy="reject", max_rejected=1, return_summary=True
    )

    assert summary.tally.rejected_by_reason == {reason: 1}
    assert summary.tally.dst_resolved == 0


# ---------------------------------------------------------------- which rows count


def kinds(**options: Any) -> list[Any]:
    """Event counts of a log whose heartbeats keep a session alive."""
    log = events(
        "09:00", "09:20", "09:40", "10:00", kind=["page", "beat", "beat", None], n=pa.array([1, 2, 3, None])
    )
    return column("event_count", rows(sz.sessionize(log, **options)))


def test_excluded_rows_are_no_events() -> None:
    assert kinds() == [4]
    assert kinds(exclude=["kind=beat"]) == [1, 1]


def test_a_null_matches_neither_include_nor_exclude() -> None:
    assert kinds(include=["kind=page"]) == [1]
    assert kinds(exclude=["kind=page"]) == [3]


def test_values_of_one_included_column_are_alternatives() -> None:
    assert kinds(include=["kind=page", "kind=beat"]) == [3]


def test_several_included_columns_must_all_agree() -> None:
    assert kinds(include=["kind=beat", "n=3"]) == [1]


def test_any_excluded_value_leaves_a_row_out() -> None:
    assert kinds(exclude=["kind=page", "n=3"]) == [1, 1]


def test_rows_are_filtered_before_they_can_be_rejected() -> None:
    log = events("09:00", "09:01", who=["A", None], kind=["page", "beat"])

    _, summary = sz.sessionize(log, exclude=["kind=beat"], return_summary=True)

    assert (summary.tally.filtered, summary.tally.rejected, summary.tally.events) == (1, 0, 1)


def test_one_rejected_row_fails_the_run_and_is_shown() -> None:
    log = events("09:00", "09:01", who=["A", None])

    with pytest.raises(sz.RejectedRowsError, match="missing_identity") as failure:
        sz.sessionize(log)

    assert failure.value.rejected.select(["record", "reason"]).to_pylist() == [
        {"record": 2, "reason": "missing_identity"}
    ]


@pytest.mark.parametrize("allowed", [1, "1", "50%", "100%"])
def test_rejected_rows_up_to_the_limit_pass(allowed: int | str) -> None:
    log = events("09:00", "09:01", who=["A", None])

    sessions, summary = sz.sessionize(log, max_rejected=allowed, return_summary=True)

    assert sessions["user_id"].to_pylist() == ["A"]
    assert summary.rejected["reason"].to_pylist() == ["missing_identity"]


@pytest.mark.parametrize("allowed", [1, "1", "49.9%", "50%"])
def test_more_rejected_rows_than_the_limit_fail(allowed: int | str) -> None:
    log = events("09:00", "09:01", "09:02", who=["A", None, None])

    with pytest.raises(sz.RejectedRowsError):
        sz.sessionize(log, max_rejected=allowed)


def test_a_share_counts_all_input_rows_the_filtered_too() -> None:
    log = events("09:00", "09:01", "09:02", "09:03", who=["A", None, "B", "B"], kind=["p", "p", "b", "b"])

    assert sz.sessionize(log, exclude=["kind=b"], max_rejected="25%").num_rows == 1


def test_any_null_part_of_an_identity_rejects_the_row() -> None:
    log = events("09:00", "09:01", who=["A", "A"], device=["x", None])

    _, summary = sz.sessionize(log, by=["user_id", "device"], max_rejected=1, return_summary=True)

    assert summary.tally.rejected_by_reason == {"missing_identity": 1}


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "missing_time"), ("", "unparseable_time"), ("soon", "unparseable_time")]
)
def test_a_row_without_usable_time_is_rejected(value: str | None, reason: str) -> None:
    times = pa.array(["2026-01-01", value])
    log = events("09:00", "09:01").set_column(1, "timestamp", times)

    _, summary = sz.sessionize(log, max_rejected=1, return_summary=True)

    assert summary.tally.rejected_by_reason == {reason: 1}


def test_times_outside_the_given_bounds_are_implausible() -> None:
    log = events("08:59:59.999999", "09:00", "10:00", "10:00:00.000001")

    sessions, summary = sz.sessionize(
        log, not_before=at("09:00"), not_after=at("10:00"), max_rejected=2, return_summary=True
    )

    assert sessions["start_time"].to_pylist() == [at("09:00"), at("10:00")]
    assert summary.tally.rejected_by_reason == {"implausible_time": 2}


# ---------------------------------------------------------------- ties and aggregates


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


# ---------------------------------------------------------------- open sessions


def open_sessions(*times: str, who: Sequence[Any] | None = None, **options: Any) -> int:
    _, summary = sz.sessionize(events(*times, who=who), return_summary=True, **options)
    return int(summary.open_sessions)


def test_a_session_is_closed_when_its_identity_has_a_later_one() -> None:
    assert open_sessions("09:00", "10:00") == 1


@pytest.mark.parametrize(
    ("watermark", "boundary", "is_open"),
    [
        pytest.param(BELOW, "exceeds", True, id="below timeout, exceeds"),
        pytest.param(EXACTLY, "exceeds", True, id="exactly timeout, exceeds"),
        pytest.param(ABOVE, "exceeds", False, id="just above, exceeds"),
        pytest.param(BELOW, "reaches", True, id="below timeout, reaches"),
        pytest.param(EXACTLY, "reaches", False, id="exactly timeout, reaches"),
    ],
)
def test_a_session_is_open_while_an_event_at_the_watermark_could_join_it(
    watermark: str, boundary: str, is_open: bool
) -> None:
    assert open_sessions("09:00", as_of=at(watermark), boundary=boundary) == is_open


def test_the_watermark_of_a_finite_log_is_its_last_event() -> None:
    assert open_sessions("09:00", "09:30:00.000001", who=["A", "B"]) == 1


def test_a_session_is_closed_when_its_local_day_is_over() -> None:
    times = ["2026-01-01 23:55", "2026-01-02 00:00"]

    assert open_sessions(*times, who=["A", "B"]) == 2
    assert open_sessions(*times, who=["A", "B"], split_daily=True) == 1


def test_without_timeout_and_days_an_identity_stays_open() -> None:
    assert open_sessions("2020-01-01", "2026-01-01", who=["A", "B"], timeout="none") == 2


# ---------------------------------------------------------------- partitions


def test_the_session_date_is_the_local_day_of_the_start(tmp_path: Path) -> None:
    """On the evening of 2006-10-28 in St. John's it had been the 29th for a minute already."""
    log = tmp_path / "log.parquet"
    pq.write_table(events("2006-10-29 02:29", "2006-10-29 02:31", who=["A", "B"]), log)

    sz.run(log, tmp_path / "out", partition_by="date", timezone="America/St_Johns")

    assert sorted(path.parent.name for path in (tmp_path / "out").rglob("*.parquet")) == [
        "session_date=2006-10-28",
        "session_date=2006-10-29",
    ]
