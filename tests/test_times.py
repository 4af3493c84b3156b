"""Times: every form in which logs write them, as instants in microseconds, and those that are none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionize.errors import InputError
from sessionize.reading.options import ReadOptions
from sessionize.reading.times import PROBLEMS, Instants, bare_epochs_error, check_time_type, parse_times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = "2026-01-31T12:00:00"
NOON_US = 1_769_860_800_000_000
# So many copies are read together, by shape; a single value is read on its own.
MANY = 100


def parse(values: Sequence[object] | pa.Array, type_: pa.DataType | None = None, **options: Any) -> Instants:
    column = values if isinstance(values, pa.Array) else pa.array(values, type_)
    return parse_times(column, ReadOptions(**options))


def times_of(instants: Instants) -> list[int | str]:
    """The instants as microseconds, or the reason why there is none."""
    return [
        PROBLEMS[problem - 1] if problem else time
        for time, problem in zip(instants.time_us.tolist(), instants.problem.tolist(), strict=True)
    ]


def us(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


ISO8601 = [
    pytest.param("2026-01-31", us("2026-01-31"), id="date"),
    pytest.param("2026-01-31T12", NOON_US, id="hour"),
    pytest.param("2026-01-31 12:00", NOON_US, id="minute, blank"),
    pytest.param("2026-01-31t12:00:00z", NOON_US, id="lower case"),
    pytest.param("2026-01-31T12:00:00.5", NOON_US + 500_000, id="tenths"),
    pytest.param("2026-01-31T12:00:00,25Z", NOON_US + 250_000, id="comma"),
    pytest.param("2026-01-31T12:00:00.123456Z", NOON_US + 123_456, id="microseconds"),
    pytest.param("2026-01-31T12:00:00.000001999", NOON_US + 1, id="nanoseconds are floored"),
    pytest.param("1969-12-31T23:59:59.999999999Z", -1, id="floored before the epoch"),
    pytest.param("2026-01-31T14:00:00+02", NOON_US, id="+hh"),
    pytest.param("2026-01-31T14:00:00+0200", NOON_US, id="+hhmm"),
    pytest.param("2026-01-31T06:30:00-05:30", NOON_US, id="-hh:mm"),
    pytest.param("2026-01-31T12:00:00-00:00", NOON_US, id="-00:00"),
    pytest.param("2026-01-31 14:00 +02:00", NOON_US, id="blank before the offset"),
    pytest.param("2026-01-31 12:00:00 UTC", NOON_US, id="UTC, as BigQuery prints it"),
    pytest.param("2026-01-31T24:00:00", us("2026-02-01"), id="24:00:00 is the next midnight"),
    pytest.param("2026-12-31T24", us("2027-01-01"), id="24 is the next midnight"),
    pytest.param("2026-12-31T24:00:00.000Z", us("2027-01-01"), id="24:00:00.000 too"),
    pytest.param("20260131T120000Z", NOON_US, id="compact"),
    pytest.param("20260131T1200", NOON_US, id="compact minute"),
    pytest.param("20260131T12", NOON_US, id="compact hour"),
    pytest.param("20260131 120000.5+0000", NOON_US + 500_000, id="compact fraction"),
    pytest.param("2024-02-29", us("2024-02-29"), id="leap day"),
    pytest.param("2000-02-29", us("2000-02-29"), id="leap day of a century"),
    pytest.param("0001-01-01T00:00:00", us("0001-01-01"), id="first instant"),
    pytest.param("0000-12-31T23:00:00-01:00", us("0001-01-01"), id="first instant behind UTC"),
    pytest.param("9999-12-31T23:59:59.999999", us("9999-12-31T23:59:59.999999"), id="last instant"),
]

NO_TIMES = [
    *[
        "",
        " ",
        "soon",
        "NaT",
        "now",
        "2026",
        "2026-01",
        "2026-1-31",
        "31/01/2026",
        "2026-W05-6",
        "1e9",
        "0x1F",
    ],
    *["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-04-31", "2026-01-00", "0000-01-01"],
    *["2026-01-31T25:00", "2026-01-31T24:00:01", "2026-01-31T24:01", "2026-01-31T24:00:00.0000001"],
    *["2026-01-31T12:60", "2026-12-31T23:59:60", "2026-01-31T12:00:00.", "2026-01-31T1:00", "2026-01-31T"],
    *["2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+02:60", "2026-01-31T12:00:00+2", "2026-01-31Z"],
    *["2026-01-31+02:00", "2026-01-31T12:00:00 CET", "2026-01-31T12:00:00  Z", "2026-01-31T120000"],
    *[" 2026-01-31", "2026-01-31 ", "2026-01-31\n", "20260131 ", "２０２６-01-31", "2026-01-31T12:00:00Zé"],
    *["9999-12-31T24:00:00", "9999-12-31T23:00:00-02:00", "0001-01-01T00:00:00+01:00", "long text " * 9],
]


@pytest.mark.parametrize("copies", [1, MANY], ids=["alone", "many alike"])
@pytest.mark.parametrize(("text", "time_us"), ISO8601)
def test_iso_8601_text_is_an_instant(text: str, time_us: int, copies: int) -> None:
    assert times_of(parse([text] * copies)) == [time_us] * copies


@pytest.mark.parametrize("copies", [1, MANY], ids=["alone", "many alike"])
@pytest.mark.parametrize("text", NO_TIMES)
def test_other_text_is_unparseable(text: str, copies: int) -> None:
    assert times_of(parse([text] * copies)) == ["unparseable_time"] * copies


def test_forms_are_mixed_freely_in_one_column() -> None:
    texts = [str(param.values[0]) for param in ISO8601] + NO_TIMES
    alone = [times_of(parse([text]))[0] for text in texts]
    order = np.random.default_rng(7).permutation(len(texts) * MANY) % len(texts)

    together = times_of(parse([texts[index] for index in order]))

    assert together == [alone[index] for index in order]


def test_odd_value_far_down_a_plain_column_is_read() -> None:
    assert times_of(parse([NOON] * 70_000 + ["20260131T12", "x"]))[-3:] == [
        NOON_US,
        NOON_US,
        "unparseable_time",
    ]


def test_any_number_of_layouts_of_one_length_is_read() -> None:
    layouts = [f"{letter}026-01-31T12:00:00" for letter in "abcdefghijklmnopqrst2"]

    assert times_of(parse(layouts * MANY)) == (["unparseable_time"] * 20 + [NOON_US]) * MANY


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.property
@given(
    moments=st.lists(
        st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.one_of(st.none(), OFFSETS)),
        min_size=1,
    ),
    copies=st.sampled_from([1, MANY]),
    separator=st.sampled_from("T "),
)
def test_what_python_writes_reads_back(moments: list[datetime], copies: int, separator: str) -> None:
    texts = [moment.isoformat(separator) for moment in moments]
    aware = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments]

    found = times_of(parse(texts * copies))

    assert found == [(moment - EPOCH) // timedelta(microseconds=1) for moment in aware] * copies


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_any_string_type_holds_times(type_: pa.DataType) -> None:
    column = pa.array([NOON, None, "x", NOON + "Z"], type_)

    assert times_of(parse(column)) == [NOON_US, "missing_time", "unparseable_time", NOON_US]
    assert times_of(parse(column.slice(1, 2))) == ["missing_time", "unparseable_time"]


def test_dictionary_may_hold_nulls_in_both_places() -> None:
    indices = pa.array([2, None, 0, 1, 2], pa.int8())
    column = pa.DictionaryArray.from_arrays(indices, pa.array([NOON, None, "5"]))

    instants = parse(column)

    assert times_of(instants) == [
        "unparseable_time",
        "missing_time",
        NOON_US,
        "missing_time",
        "unparseable_time",
    ]
    assert instants.bare_epochs == 2


@pytest.mark.parametrize("column", [pa.nulls(2), pa.array([None, None], pa.string())], ids=["null", "string"])
def test_null_is_a_missing_time(column: pa.Array) -> None:
    assert times_of(parse(column)) == ["missing_time", "missing_time"]


@pytest.mark.parametrize(
    "type_", [pa.string(), pa.int64(), pa.timestamp("ns"), pa.date32(), pa.null()], ids=str
)
def test_column_without_rows_has_no_times(type_: pa.DataType) -> None:
    assert times_of(parse([], type_, time_unit="s")) == []


@pytest.mark.parametrize(
    ("unit", "number", "time_us"),
    [
        ("s", "0", 0),
        ("s", "-1", -1_000_000),
        ("s", "+1700000000", 1_700_000_000_000_000),
        ("s", "1700000000.123456789", 1_700_000_000_123_456),
        ("s", "-0.0000001", -1),
        ("s", "-1.0000010", -1_000_001),
        ("s", "00000000000000000000000000001.5", 1_500_000),
        ("ms", "1700000000123.9999", 1_700_000_000_123_999),
        ("us", "-5", -5),
        ("us", "-5.000", -5),
        ("us", "-5.001", -6),
        ("ns", "1999", 1),
        ("ns", "-1", -1),
        ("ns", "-1000.0", -1),
        ("ns", "1700000000123456789", 1_700_000_000_123_456),
        ("ns", "4102444800000000000000", None),
        ("s", "253402300799.999999", 253_402_300_799_999_999),
        ("s", "253402300800", None),
        ("s", "-62135596800", -62_135_596_800_000_000),
        ("s", "-62135596800.0000001", None),
        ("s", "9" * 18, None),
        ("s", "9" * 20, None),
        ("s", "9" * 50, None),
        ("s", "1" + "0" * 5000, None),
        ("s", "-1." + "0" * 50 + "1", -1_000_001),
        ("s", ".5", None),
        ("s", "5.", None),
        ("s", "1e3", None),
        ("s", NOON, NOON_US),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("copies", [1, MANY], ids=["alone", "many alike"])
def test_text_of_digits_counts_the_declared_unit(
    unit: str, number: str, time_us: int | None, copies: int
) -> None:
    expected = "unparseable_time" if time_us is None else time_us

    assert times_of(parse([number] * copies, time_unit=unit)) == [expected] * copies


@pytest.mark.parametrize("copies", [1, MANY], ids=["alone", "many alike"])
@pytest.mark.parametrize("text", ["1700000000", "-5", "20260131", "1700000000.5"])
def test_bare_number_is_unparseable_and_counted(text: str, copies: int) -> None:
    instants = parse([text] * copies + [NOON])

    assert times_of(instants) == ["unparseable_time"] * copies + [NOON_US]
    assert instants.bare_epochs == copies


def test_bare_number_under_a_format_is_only_unparseable() -> None:
    instants = parse(["1700000000"], time_format=["ISO8601", "%d/%m/%Y"])

    assert (times_of(instants), instants.bare_epochs) == (["unparseable_time"], 0)


@pytest.mark.parametrize(
    ("type_", "unit", "number", "time_us"),
    [
        pytest.param(pa.int8(), "s", -128, -128_000_000, id="int8"),
        pytest.param(pa.int64(), "ns", -1, -1, id="int64 is floored"),
        pytest.param(pa.int64(), "s", 2**62, None, id="int64 overflow"),
        pytest.param(pa.int64(), "us", -(2**63), None, id="least int64"),
        pytest.param(pa.uint64(), "ns", 2**64 - 1, 18_446_744_073_709_551, id="largest uint64"),
        pytest.param(pa.uint64(), "us", 2**64 - 1, None, id="uint64 overflow"),
        pytest.param(pa.uint32(), "s", 2**32 - 1, 4_294_967_295_000_000, id="uint32"),
        pytest.param(pa.float64(), "s", 1_700_000_000.123456, 1_700_000_000_123_456, id="float64"),
        pytest.param(pa.float64(), "s", -0.0000004, 0, id="float64 is rounded"),
        pytest.param(pa.float64(), "s", -1.5, -1_500_000, id="float64 before the epoch"),
        pytest.param(pa.float64(), "ns", 1600.0, 2, id="float64 nanoseconds"),
        pytest.param(pa.float64(), "us", 1e300, None, id="float64 overflow"),
        pytest.param(pa.float64(), "s", float("inf"), None, id="infinity"),
        pytest.param(pa.float64(), "s", float("-inf"), None, id="minus infinity"),
        pytest.param(pa.float32(), "s", 0.5, 500_000, id="float32"),
        pytest.param(pa.float16(), "s", np.float16(0.5), 500_000, id="float16"),
        pytest.param(pa.decimal128(20, 9), "s", Decimal("1.123456789"), 1_123_456, id="decimal"),
        pytest.param(pa.decimal128(20, 9), "s", Decimal("-0.000000001"), -1, id="decimal is floored"),
        pytest.param(pa.decimal128(38, 0), "s", Decimal("1e37"), None, id="decimal overflow"),
        pytest.param(pa.decimal128(38, 27), "s", Decimal("1e9"), 1_000_000_000_000_000, id="decimal, wide"),
        pytest.param(pa.decimal128(38, 30), "ms", Decimal("-1e-30"), -1, id="decimal, fine"),
        pytest.param(pa.decimal256(76, 40), "s", Decimal("1.5"), 1_500_000, id="decimal256"),
        pytest.param(pa.decimal256(76, 60), "s", Decimal("-1.5"), -1_500_000, id="decimal256, fine"),
        pytest.param(pa.decimal32(4, 1), "s", Decimal("0.1"), 100_000, id="decimal32"),
    ],
)  # fmt: skip
def test_number_counts_the_declared_unit(
    type_: pa.DataType, unit: str, number: Any, time_us: int | None
) -> None:
    column = pa.array([None, number], type_)

    expected = "unparseable_time" if time_us is None else time_us
    assert times_of(parse(column.slice(1), time_unit=unit)) == [expected]


def test_nan_is_a_missing_time() -> None:
    assert times_of(parse([float("nan"), 1.0, None], time_unit="s")) == [
        "missing_time",
        1_000_000,
        "missing_time",
    ]


@pytest.mark.parametrize(
    ("column", "time_us"),
    [
        pytest.param(pa.array([-1], pa.timestamp("s", "Asia/Tokyo")), -1_000_000, id="seconds, zone"),
        pytest.param(pa.array([5], pa.timestamp("ms", "UTC")), 5_000, id="milliseconds, zone"),
        pytest.param(pa.array([3_600_000_000], pa.timestamp("us")), 0, id="microseconds, local"),
        pytest.param(pa.array([-1], pa.timestamp("ns", "+02:00")), -1, id="nanoseconds are floored"),
        pytest.param(pa.array([2**62], pa.timestamp("s", "UTC")), None, id="beyond the calendar"),
        pytest.param(pa.array([date(1970, 1, 2)]), 82_800_000_000, id="date32 is local midnight"),
        pytest.param(
            pa.array([date(1970, 1, 2)], pa.date64()), 82_800_000_000, id="date64 is local midnight"
        ),
        pytest.param(pa.array([2_000_000_000], pa.date32()), None, id="date beyond the calendar"),
    ],
)
def test_arrow_time_is_an_instant(column: pa.Array, time_us: int | None) -> None:
    expected = "unparseable_time" if time_us is None else time_us

    assert times_of(parse(column, timezone="Europe/Paris")) == [expected]


@pytest.mark.parametrize(
    ("policy", "times", "resolved"),
    [
        ("earlier", ["2026-03-29T01:30", "2026-10-25T00:30", "2026-10-25T12:00"], [True, True, False]),
        ("later", ["2026-03-29T00:30", "2026-10-25T01:30", "2026-10-25T12:00"], [True, True, False]),
        ("reject", ["nonexistent_time", "ambiguous_time", "2026-10-25T12:00"], [False, False, False]),
    ],
    ids=["earlier", "later", "reject"],
)
def test_clock_change_is_resolved_or_rejected(policy: str, times: list[str], resolved: list[bool]) -> None:
    column = ["2026-03-29T02:30", "2026-10-25T02:30", "2026-10-25T12:00Z"]

    instants = parse(column, timezone="Europe/Paris", dst_policy=policy)

    assert times_of(instants) == [us(time) if time.startswith("2") else time for time in times]
    assert instants.dst_resolved.tolist() == resolved


def test_bounds_of_the_plausible_are_plausible() -> None:
    column = [
        "2026-01-01T00:59:59",
        "2026-01-01T01:00",
        "2026-01-01T02:00Z",
        "2026-01-01T02:00:00.000001Z",
        "x",
    ]

    found = parse(
        column, timezone="Europe/Paris", not_before="2026-01-01T01:00", not_after="2026-01-01T02:00:00Z"
    )

    first, last = us("2026-01-01"), us("2026-01-01T02:00")
    assert times_of(found) == ["implausible_time", first, last, "implausible_time", "unparseable_time"]


def test_implausible_time_is_not_counted_as_resolved() -> None:
    found = parse(["2026-10-25T02:30"], timezone="Europe/Paris", not_after="2026-01-01")

    assert found.dst_resolved.tolist() == [False]


@pytest.mark.parametrize(
    ("time_format", "text", "time_us"),
    [
        ("%d/%b/%Y:%H:%M:%S %z", "31/Jan/2026:14:00:00 +0200", NOON_US),
        ("%d/%m/%Y %I:%M %p", "31/01/2026 12:00 PM", NOON_US - 3_600_000_000),
        ("%Y%m%d", "20260131", us("2026-01-30T23:00")),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-31 13:00:00.000001999", NOON_US + 1),
        ("%d.%m.%Y", "31.12.9999", us("9999-12-30T23:00")),
        ("%d.%m.%Y %z", "01.01.1500 +0000", us("1500-01-01")),
        ("%d.%m.%Y", "31.02.9999", None),
        ("%d.%m.%Y", "31.02.2026", None),
        ("%d.%m.%Y", "", None),
        ("%d.%m.%Y", "now", None),
        ("%d.%m.%Y", "today", None),
        ("%d.%m.%Y", NOON, None),
        ("ISO8601", NOON + "Z", NOON_US),
    ],
)
def test_text_is_read_by_its_format(time_format: str, text: str, time_us: int | None) -> None:
    expected = "unparseable_time" if time_us is None else time_us

    assert times_of(parse([text], time_format=time_format, timezone="Europe/Paris")) == [expected]


def test_far_year_beside_nanoseconds_is_read_by_its_format() -> None:
    texts = ["2026-01-31 12:00:00.000001999", "1500-01-01 00:00:00.5", "1500-02-30 00:00:00.5"]

    found = parse(texts, time_format="%Y-%m-%d %H:%M:%S.%f")

    assert times_of(found) == [NOON_US + 1, us("1500-01-01T00:00:00.5"), "unparseable_time"]


@pytest.mark.parametrize(
    ("formats", "day"),
    [(["%d/%m/%Y", "%m/%d/%Y"], "2026-02-01"), (["%m/%d/%Y", "%d/%m/%Y"], "2026-01-02")],
    ids=["day first", "month first"],
)
def test_first_format_that_fits_a_value_wins(formats: list[str], day: str) -> None:
    found = parse(["01/02/2026", "31/01/2026", "01/31/2026", "2026-01-31"], time_format=formats)

    assert times_of(found) == [us(day), us("2026-01-31"), us("2026-01-31"), "unparseable_time"]


def test_number_that_fits_no_format_counts_the_unit() -> None:
    found = parse(["20260131", "1700000000.5", NOON], time_format="%Y%m%d", time_unit="s")

    assert times_of(found) == [us("2026-01-31"), 1_700_000_000_500_000, "unparseable_time"]


def test_integers_fit_a_format_of_digits() -> None:
    assert times_of(parse([20260131, 5], time_format="%Y%m%d")) == [us("2026-01-31"), "unparseable_time"]


def test_format_that_contradicts_itself_is_misuse() -> None:
    with pytest.raises(ValueError, match="time_format '%G-%j': Day of the year directive"):
        parse(["2026-001"], time_format="%G-%j")


def test_pandas_times_keep_their_microseconds() -> None:
    series = pd.Series(pd.to_datetime(["2026-01-31 12:00:00.123456789"]))

    assert times_of(parse(pa.Array.from_pandas(series))) == [NOON_US + 123_456]


@pytest.mark.parametrize(
    "type_",
    [pa.timestamp("s"), pa.date64(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.null()],
    ids=str,
)
def test_type_of_times_is_accepted(type_: pa.DataType) -> None:
    check_time_type(type_, ReadOptions(), "events.parquet")


@pytest.mark.parametrize("type_", [pa.int32(), pa.float64(), pa.decimal128(20, 6)], ids=str)
def test_numbers_without_unit_are_refused_with_the_option(type_: pa.DataType) -> None:
    check_time_type(type_, ReadOptions(time_unit="ms"), "events.parquet")

    with pytest.raises(
        InputError, match=r"^events.parquet: 'ts' holds bare numbers \(.*\)\. .*--time-unit s "
    ):
        check_time_type(type_, ReadOptions(time="ts"), "events.parquet")


def test_integers_may_have_a_format_instead_of_a_unit() -> None:
    check_time_type(pa.int64(), ReadOptions(time_format="%Y%m%d"), "events.parquet")

    with pytest.raises(InputError, match="--time-unit"):
        check_time_type(pa.float64(), ReadOptions(time_format="%Y%m%d"), "events.parquet")


@pytest.mark.parametrize(
    "type_",
    [
        pa.bool_(),
        pa.binary(),
        pa.list_(pa.string()),
        pa.duration("s"),
        pa.time32("s"),
        pa.struct([("a", pa.int8())]),
    ],
    ids=str,
)
def test_other_type_is_refused_with_the_option(type_: pa.DataType) -> None:
    with pytest.raises(InputError, match=r"^log/a.parquet: 'ts' holds .*, not times\. .*--time COL"):
        check_time_type(type_, ReadOptions(time="ts", time_unit="s"), "log/a.parquet")


def test_error_for_bare_numbers_quotes_one() -> None:
    assert str(bare_epochs_error("events.csv", "ts", "1700000000")) == (
        "events.csv: 'ts' holds bare numbers such as '1700000000'. "
        "Say what they count with --time-unit s (or ms, us, ns)."
    )
