"""Durations: every way to write one, and every way to get it wrong."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionize.durations import about, format_duration, parse_duration, spoken


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30m", 1800),
        ("1h30m", 5400),
        ("900s", 900),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("1us", 1e-6),
        ("1w2d", 777_600),
        (" 30M ", 1800),
        ("PT30M", 1800),
        ("P1DT12H", 129_600),
        ("pt0.5s", 0.5),
    ],
)
def test_text_with_a_unit_is_a_duration(written: str, seconds: float) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [timedelta(minutes=30), pd.Timedelta("30min"), np.timedelta64(30, "m"), np.timedelta64(1800, "s")],
    ids=["timedelta", "pandas", "numpy minutes", "numpy seconds"],
)
def test_objects_with_a_unit_are_durations(value: object) -> None:
    duration = parse_duration(value)

    assert (type(duration), duration) == (timedelta, timedelta(minutes=30))


@pytest.mark.parametrize("value", ["900", "-5", "1.5", 900, 1.5, True])
def test_bare_number_is_refused_with_the_unit_to_write(value: object) -> None:
    with pytest.raises(ValueError, match=r"has no unit\. Write .*s for seconds"):
        parse_duration(value)


@pytest.mark.parametrize(
    "text", ["", "30 m", "half an hour", "30mm", "-30m", "P", "PT", "P1DT", "P1M", "1h-5m"]
)
def test_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration\. Write for example 30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    "value",
    ["1.5us", "0.0000001s", pd.Timedelta(1, "ns"), np.timedelta64(1, "ns")],
    ids=["part of a us", "fraction of a second", "pandas ns", "numpy ns"],
)
def test_duration_finer_than_a_microsecond_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="finer than a microsecond"):
        parse_duration(value)


@pytest.mark.parametrize("value", [np.timedelta64("NaT"), np.timedelta64(1), np.timedelta64(1, "M")])
def test_numpy_duration_of_unknown_length_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a duration of known length"):
        parse_duration(value)


def test_duration_beyond_timedelta_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than time itself"):
        parse_duration("9999999999w")


def test_other_kind_of_value_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not list"):
        parse_duration([30])


def test_zero_is_written_with_its_unit() -> None:
    assert format_duration(timedelta(0)) == "0s"


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=100_000)))
def test_written_duration_reads_back(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("duration_us", "text"),
    [
        (0, "0 s"),
        (1, "1 µs"),
        (500_000, "500 ms"),
        (60_000_000, "1 min"),
        (90_061_000_000, "1 d 1 h 1 min 1 s"),
        (86_400_000_001, "1 d 0.000001 s"),
    ],
)
def test_exact_durations_are_told_with_units_and_nothing_lost(duration_us: int, text: str) -> None:
    assert spoken(duration_us) == text


@pytest.mark.parametrize(
    ("duration_us", "text"),
    [
        (0, "0 s"),
        (0.4, "0.4 µs"),
        (999, "999 µs"),
        (999.6, "1 ms"),
        (999_500, "1 s"),
        (59_949_999, "59.9 s"),
        (59_950_000, "1 min"),
        (3_599_700_000, "1 h"),
        (86_399_000_000, "1 d"),
        (8_000 * 86_400_000_000, "8,000 d"),
    ],
)
def test_rough_durations_are_told_in_two_units_or_three_digits(duration_us: float, text: str) -> None:
    assert about(duration_us) == text
