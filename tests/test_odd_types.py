"""Column types that few logs have: each gives sessions, or one clear error."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sessionize as sz

ID = uuid.UUID("00000000-0000-0000-0000-00000000002a")
TIMES = pa.array([1, 2, 3], pa.timestamp("us", "UTC"))


def session(x: pa.Array, agg: str, **options: Any) -> Any:
    """The aggregate of a session of three events."""
    log = pa.table({"user_id": [1, 1, 1], "x": x, "timestamp": TIMES})
    return sz.sessionize(log, agg={"found": agg}, **options)["found"][0].as_py()


@pytest.mark.parametrize("type_", [pa.decimal32(7, 2), pa.decimal64(15, 2), pa.decimal128(20, 2)], ids=str)
def test_decimals_of_any_width_are_identities_and_aggregates(type_: pa.DataType) -> None:
    values = pa.array([1, 1, 2], pa.decimal128(7, 2)).cast(type_)

    sessions = sz.sessionize(pa.table({"user_id": values, "timestamp": TIMES}))

    assert sessions["session_id"].to_pylist() == ["1.00:1", "2.00:3"]
    assert session(values, "sum:x") == Decimal("4.00")
    assert session(values, "set:x") == [Decimal("1.00"), Decimal("2.00")]
    assert session(values, "count_if:x,1.00") == 2


def test_a_sum_of_more_digits_than_38_is_refused() -> None:
    with pytest.raises(sz.InputError, match="numbers of up to 38 digits"):
        session(pa.array([1, 1, 2], pa.decimal256(50, 2)), "sum:x")


def test_half_floats_are_aggregated() -> None:
    assert session(pa.array(np.array([1, 3, 2], np.float16)), "max:x") == 3.0


def test_uuids_are_collected() -> None:
    values = pa.array([UUID(int=each).bytes for each in (2, 1, 1)], pa.uuid())

    assert session(values, "set:x") == [UUID(int=1), UUID(int=2)]


@pytest.mark.parametrize(
    ("agg", "found"), [("first:x", None), ("min:x", None), ("set:x", []), ("count:x", 0)]
)
def test_a_column_of_nothing_but_nulls_has_aggregates(agg: str, found: Any) -> None:
    assert session(pa.nulls(3), agg) == found


@pytest.mark.parametrize("text", [str(ID), str(ID).upper(), ID.hex])
def test_a_uuid_is_compared_by_its_text(text: str) -> None:
    assert session(pa.array([ID.bytes] * 3, pa.uuid()), f"count_if:x,{text}", include={"x": text}) == 3


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (pa.timestamp("us", "UTC"), "1970-01-01T00:00:00.000002Z"),
        (pa.timestamp("us", "UTC"), "1970-01-01T01:00:00.000002+01:00"),
        (pa.timestamp("us", "UTC"), "1970-01-01 00:00:00.000002"),
        (pa.timestamp("ns"), "1970-01-01T00:00:00.000002"),
    ],
)
def test_a_time_is_compared_by_its_text(type_: pa.DataType, text: str) -> None:
    values = pa.array([1, 2, 2], pa.timestamp("us")).cast(type_)

    assert session(values, f"count_if:x,{text}") == 2


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param(TIMES, "soon", id="no time"),
        pytest.param(
            TIMES.cast(pa.timestamp("us")), "1970-01-01T00:00Z", id="an offset where times have none"
        ),
        pytest.param(pa.array([ID.bytes] * 3, pa.uuid()), "42", id="no uuid"),
        pytest.param(pa.array([1, 2, 3]), "one", id="no number"),
    ],
)
def test_a_value_that_the_column_cannot_hold_is_refused(values: pa.Array, text: str) -> None:
    with pytest.raises(sz.InputError, match="is no such value"):
        session(values, f"count_if:x,{text}")


def test_identities_finer_than_a_microsecond_are_refused() -> None:
    """Two of them would have one session id."""
    log = pa.table({"user_id": pa.array([1, 2, 3], pa.timestamp("ns")), "timestamp": TIMES})

    with pytest.raises(sz.InputError, match="finer than a microsecond"):
        sz.sessionize(log)


def test_a_sum_of_floats_may_be_infinite() -> None:
    assert session(pa.array([1e308, 1e308, 1e308]), "sum:x") == float("inf")


def test_integers_beyond_64_bits_in_a_pandas_column_are_refused() -> None:
    log = pd.DataFrame({"user_id": np.array([2**70, 1, 2], object), "timestamp": TIMES.to_pandas()})

    with pytest.raises(sz.InputError, match="'user_id'"):
        sz.sessionize(log)


def test_a_polars_type_without_an_arrow_type_is_refused() -> None:
    log = pl.DataFrame({"user_id": pl.Series([1], dtype=pl.Int128), "timestamp": [1]})

    with pytest.raises(sz.InputError, match="Int128"):
        sz.sessionize(log, time_unit="s")


def test_an_empty_pandas_frame_gives_an_empty_one() -> None:
    """What pandas makes of empty lists says nothing about their types."""
    sessions = sz.sessionize(pd.DataFrame({"user_id": [], "timestamp": []}))

    assert len(sessions) == 0
    assert list(sessions)[:3] == ["session_id", "user_id", "start_time"]


def test_aggregates_of_one_name_with_a_column_are_refused() -> None:
    with pytest.raises(sz.InputError, match="Give the aggregate another name"):
        sz.sessionize(pa.table({"user_id": [1], "timestamp": TIMES[:1]}), agg={"user_id": "count:user_id"})
