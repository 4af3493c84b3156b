"""SEMANTICS.md, sentence by sentence: the session's row, its identity, its id, and the order of rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from tests.small_logs import INSTANT, at, column, events, sessionized

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
