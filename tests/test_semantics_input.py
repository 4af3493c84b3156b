"""SEMANTICS.md, sentence by sentence: times, and which rows count."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
import pytest

import sessionize as sz
from tests.small_logs import at, column, events, rows

Unit = Literal["s", "us", "ns"]
Policy = Literal["earlier", "later"]


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
