"""Data frames in, and results back as the same kind of frame."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sessionize as sz
from sessionize.errors import InputError, MissingColumnError
from sessionize.events import Chunk
from sessionize.reading import tables
from sessionize.reading.frames import open_frame, restore
from sessionize.reading.options import ReadOptions
from tests.chunks import chunks_of, rejected, seconds, values

TIMES = pd.to_datetime(["1970-01-01 00:00:01", "1970-01-01 00:00:02"])


def read(events: object, by: str = "user_id", **options: Any) -> list[Chunk]:
    return chunks_of(open_frame(events, [by], [by], ReadOptions(**options)))


def restored(events: object, column: str = "user_id") -> Any:
    """One column, through the reader and back."""
    (chunk,) = read(events, by=column)
    return restore(chunk.events.columns, events, {column: column})


IDENTITIES = [
    pd.Series(["a", "b"]),
    pd.Series(["a", "b"], dtype=object),
    pd.Series(["a", "b"], dtype="string"),
    pd.Series(["a", "b"], dtype="string[pyarrow]"),
    pd.Series(["b", "a"], dtype=pd.CategoricalDtype(["z", "b", "a"], ordered=True)),
    pd.Series([7, 5], dtype="category"),
    pd.Series([2**62 + 1, -5]),
    pd.Series([1, 2], dtype="uint8"),
    pd.Series([2**64 - 1, 2], dtype="uint64"),
    pd.Series([2**62 + 1, 5], dtype="Int64"),
    pd.Series([2**62 + 1, 5], dtype="int64[pyarrow]"),
    pd.Series(["a", "b"], dtype=pd.ArrowDtype(pa.large_string())),
    pd.Series([True, False]),
    pd.Series([True, False], dtype="boolean"),
    pd.Series([Decimal("1.50"), Decimal("2.25")]),
    pd.Series([dt.date(2026, 1, 1), dt.date(2026, 1, 2)]),
    pd.Series([b"a", b"b"]),
    pd.Series(TIMES.as_unit("ns")),
    pd.Series(TIMES.as_unit("ms").tz_localize("Europe/Paris")),
]


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda series: str(series.dtype))
def test_pandas_identity_keeps_values_and_dtype(identity: pd.Series[Any]) -> None:
    frame = pd.DataFrame({"user_id": identity, "timestamp": TIMES})
    before = frame.copy()

    result = restored(frame)

    pd.testing.assert_series_equal(result["user_id"], identity, check_names=False)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "identity",
    [
        pd.Series(["a", None]),
        pd.Series(["a", np.nan], dtype=object),
        pd.Series(["a", pd.NA], dtype="string"),
        pd.Series(["a", None], dtype="category"),
        pd.Series([1, pd.NA], dtype="Int64"),
        pd.Series([pd.Timestamp(5), pd.NaT]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_missing_values_of_pandas_are_no_identity(identity: pd.Series[Any]) -> None:
    chunks = read(pd.DataFrame({"user_id": identity, "timestamp": TIMES}))

    assert len(values(chunks)) == 1
    assert [(record, reason) for record, reason, _ in rejected(chunks)] == [(2, "missing_identity")]
    assert chunks[0].rejected["file"].to_pylist() == ["<events>"]


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (pd.Series([1, "a"]), "'user_id' mixes int and str"),
        (pd.Series([b"a", "a"]), "'user_id' mixes bytes and str"),
        (pd.Series([1.0, 2.0]), "compared by exact value"),
        (pd.Series([1, None]), "compared by exact value"),
        (pd.Series([object(), object()]), r"'user_id' \(object\) is no Arrow column"),
        (pd.Series([["a"], ["b"]]), "cannot be ordered"),
    ],
    ids=["int and text", "bytes and text", "floats", "integers through floats", "any objects", "lists"],
)
def test_inexact_identity_of_pandas_is_refused(identity: pd.Series[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(pd.DataFrame({"user_id": identity, "timestamp": TIMES}))


@pytest.mark.parametrize(
    "times",
    [
        TIMES,
        TIMES.as_unit("ns"),
        TIMES.tz_localize("UTC").tz_convert("Asia/Tokyo"),
        pd.Series(["1970-01-01T00:00:01Z", "1970-01-01 01:00:02+01"]),
        pd.Series(TIMES).astype("timestamp[us][pyarrow]"),
        pd.Series(list(TIMES.to_pydatetime()), dtype=object),
    ],
    ids=["naive", "nanoseconds", "zoned", "text", "Arrow", "objects"],
)
def test_pandas_times_of_all_kinds_are_instants(times: Any) -> None:
    assert seconds(read(pd.DataFrame({"user_id": ["a", "b"], "timestamp": times}))) == [1, 2]


def test_only_needed_columns_of_pandas_are_converted() -> None:
    frame = pd.DataFrame({"user_id": ["a", "b"], "timestamp": TIMES, "mixed": [1, "a"]})

    assert values(read(frame)) == ["a", "b"]


def test_pandas_columns_without_text_names_go_by_their_text() -> None:
    frame = pd.DataFrame({0: ["a", "b"], "timestamp": TIMES})

    assert values(read(frame, by="0"), "0") == ["a", "b"]


def test_index_of_pandas_is_no_column() -> None:
    frame = pd.DataFrame({"user_id": ["a", "b"], "timestamp": TIMES}).set_index("user_id")

    with pytest.raises(MissingColumnError, match=r"<events>: no column 'user_id'\. Found: timestamp\."):
        read(frame)


def test_slices_of_pandas_keep_their_rows() -> None:
    frame = pd.DataFrame({"user_id": list("abcd"), "timestamp": [*TIMES, *TIMES]})[1:3]

    assert values(read(frame)) == ["b", "c"]


def test_frames_are_cut_into_pieces_with_absolute_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "CHUNK_ROWS", 2)
    ids = pa.array(["a", "b", "a", "c", None]).dictionary_encode()
    log = open_frame(
        pa.table({"user_id": ids, "timestamp": range(5)}), [], ["user_id"], ReadOptions(time_unit="s")
    )

    ranges = [piece.time_range for piece in log.pieces]
    chunks = chunks_of(log)

    assert ranges == [(0, 1_000_000), (2_000_000, 3_000_000), (4_000_000, 4_000_000)]
    assert values(chunks) == ["a", "b", "a", "c"]
    assert rejected(chunks) == [(5, "missing_identity", '{"user_id": null, "timestamp": 4}')]


POLARS = pl.DataFrame({"user_id": ["a", "b"], "timestamp": TIMES.to_numpy(), "other": [1, 2]})


@pytest.mark.parametrize(
    "dtype", [pl.String(), pl.Categorical(), pl.Enum(["b", "a"])], ids=["String", "Categorical", "Enum"]
)
def test_polars_identity_keeps_its_dtype(dtype: Any) -> None:
    frame = POLARS.with_columns(pl.col("user_id").cast(dtype))

    result = restored(frame)

    assert result.schema["user_id"] == dtype
    assert result["user_id"].to_list() == ["a", "b"]


def test_lazy_frame_must_be_collected() -> None:
    with pytest.raises(TypeError, match=r"LazyFrame has no rows yet\. Pass events\.collect\(\)"):
        read(POLARS.lazy())


@pytest.mark.parametrize("events", ["log.csv", [1], None], ids=repr)
def test_anything_else_is_no_frame(events: object) -> None:
    with pytest.raises(TypeError, match=r"not \w+\. Files are for sessionize\.run\(\)"):
        read(events)


ARROW = pa.table({"user_id": pa.array(["a", "b"], pa.large_string()), "timestamp": TIMES})


class Stream:
    """Something that knows Arrow's C stream and nothing else."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return ARROW.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (ARROW, pa.Table),
        (ARROW.to_batches()[0], pa.RecordBatch),
        (ARROW.to_reader(), pa.RecordBatchReader),
        (Stream(), pa.Table),
    ],
    ids=["table", "batch", "reader", "stream"],
)
def test_arrow_comes_back_as_the_kind_it_was(events: Any, kind: Any) -> None:
    chunks = read(events)
    kept = pa.large_string() if hasattr(events, "schema") else pa.string()

    result: Any = restore(chunks[0].events.columns, events, {"user_id": "user_id"})

    assert type(result) is kind
    assert result.schema.field("user_id").type == kept
    assert values(chunks) == ["a", "b"]


@pytest.mark.parametrize(
    "type_",
    [pa.dictionary(pa.int8(), pa.large_string()), pa.string_view(), pa.date64(), pa.binary(2)],
    ids=str,
)
def test_arrow_identity_keeps_its_type(type_: pa.DataType) -> None:
    plain = (
        pa.array([0, 86_400_000]).cast(pa.timestamp("ms")) if type_ == pa.date64() else pa.array(["aa", "bb"])
    )
    identity = plain.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else plain.cast(type_)
    table = pa.table({"user_id": identity, "timestamp": TIMES})

    result = restored(table)

    assert result.schema.field("user_id").type == type_
    assert result["user_id"].to_pylist() == identity.to_pylist()


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_a_rejected_row_is_told_whatever_type_its_text_has(type_: pa.DataType) -> None:
    identity = pa.array(["aa", None]).cast(type_)

    with pytest.raises(sz.InputError, match="1 missing_identity"):
        sz.sessionize(pa.table({"user_id": identity, "timestamp": TIMES}))


def test_one_identity_is_explained_where_its_text_is_a_view() -> None:
    identity = pa.array(["aa", "bb"]).cast(pa.string_view())

    explanation = sz.explain(pa.table({"user_id": identity, "timestamp": TIMES}), "bb")

    assert explanation.events.num_rows == 1


def test_empty_record_batch_comes_back_as_one() -> None:
    batch = ARROW.to_batches()[0].slice(2)

    result = restore(ARROW.select(["user_id"]).slice(2), batch, {"user_id": "user_id"})

    assert isinstance(result, pa.RecordBatch)
    assert result.num_rows == 0


def test_new_columns_of_pandas_are_exact() -> None:
    result = restore(
        pa.table(
            {
                "n": pa.array([2**62 + 1, None]),
                "m": [1, 2],
                "b": pa.array([True, None]),
                "at": pa.array([0, 1], pa.timestamp("us", "UTC")),
                "x": pa.array([1.5, None]),
                "kept": pa.array([1, None]),
                "s": pa.array(["a", None]),
            }
        ),
        pd.DataFrame({"old": pd.Series([1], dtype="int32")}),
        {"kept": "old"},
    )

    assert {name: str(dtype) for name, dtype in result.dtypes.items() if name != "s"} == {
        "n": "Int64",
        "m": "int64",
        "b": "boolean",
        "at": "datetime64[us, UTC]",
        "x": "float64",
        "kept": "Int64",
    }
    assert result["n"][0] == 2**62 + 1
    assert result["s"].isna().tolist() == [False, True]


def test_new_times_of_polars_are_utc() -> None:
    result = restore(pa.table({"at": pa.array([0], pa.timestamp("us", "UTC"))}), POLARS, {})

    assert result.schema["at"] == pl.Datetime("us", "UTC")
