"""Labels of data frames: what the oracle says, however the log is cut, ordered or held."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sessionize as sz
from sessionize.engine import spill
from sessionize.engine.resources import parse_size
from sessionize.labelling import labelled
from sessionize.labelling.labels import LABELS
from sessionize.reading.log import FilePiece
from tests.generators import FRAME_KINDS, logs
from tests.labels import LEAST, label_options, labels_of, no_room, tiny_pieces
from tests.logs import Log, session_rows
from tests.small_logs import at, events
from tests.test_engine import room

many = settings(max_examples=3 * settings().max_examples)
NAMES = LABELS.names


def labels(*times: str, **options: Any) -> list[dict[str, Any]]:
    """The labels of a log of A's events at these times."""
    columns = {name: options.pop(name) for name in list(options) if isinstance(options[name], pa.Array)}
    return [dict(row or {}) for row in labels_of(sz.label(events(*times, **columns), **options))]


def values(name: str, found: list[dict[str, Any]]) -> list[Any]:
    return [row.get(name) for row in found]


# ---------------------------------------------------------------- the oracle


@pytest.mark.property
@many
@given(logs())
def test_labels_are_those_of_the_oracle(log: Log) -> None:
    found = sz.label(log.table(), **label_options(log))

    assert labels_of(found) == log.expected().labels


@pytest.mark.property
@given(logs(), st.integers(1, 5), st.integers(1, 4))
def test_pieces_of_any_size_have_the_labels_of_the_oracle(log: Log, rows: int, threads: int) -> None:
    with tiny_pieces(rows):
        found = sz.label(log.table(), threads=threads, **label_options(log))

    assert labels_of(found) == log.expected().labels


@pytest.mark.property
@given(logs(), st.integers(1, 5), st.integers(1, 4))
def test_what_waits_on_disk_has_the_labels_of_the_oracle(log: Log, rows: int, parts: int) -> None:
    with tiny_pieces(rows), no_room(parts):
        found = sz.label(log.table(), memory_limit=LEAST, **label_options(log))

    assert labels_of(found) == log.expected().labels


@pytest.mark.property
@given(logs())
def test_labels_grouped_by_session_are_the_sessions(log: Log) -> None:
    rows = sz.label(log.table(), **label_options(log))

    options = log.without_aggregates().options()
    sessions = sz.sessionize(log.table(), **options)
    expected = {
        row["session_id"]: (row["event_count"], row["start_reason"]) for row in session_rows(sessions)
    }
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in filter(None, labels_of(rows)):
        grouped.setdefault(row["session_id"], []).append(row)
    assert {id_: (len(group), group[0]["start_reason"]) for id_, group in grouped.items()} == expected
    assert all(
        sorted(row["event_index"] for row in group) == list(range(1, len(group) + 1))
        for group in grouped.values()
    )


@pytest.mark.property
@given(logs(kinds=FRAME_KINDS))
def test_pandas_and_polars_have_the_labels_of_arrow(log: Log) -> None:
    table, options = log.table(), label_options(log)
    expected = labels_of(sz.label(table, **options))

    of_pandas = sz.label(table.to_pandas(types_mapper=pd.ArrowDtype), **options)
    of_polars = sz.label(pl.DataFrame(table), **options)

    assert labels_of(_as_arrow(of_pandas[NAMES])) == expected
    assert labels_of(of_polars.select(NAMES).to_arrow().cast(LABELS)) == expected


def _as_arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, schema=LABELS, preserve_index=False)


@pytest.mark.property
@given(logs(), st.integers(0, 9))
def test_the_summary_counts_what_run_counts(log: Log, seed: int) -> None:
    table = log.shuffled(seed).table()
    _, of_labels = sz.label(table, return_summary=True, **label_options(log))

    options = log.without_aggregates().options() | {"as_of": None}
    _, of_sessions = sz.sessionize(table, return_summary=True, **options)

    left_out = ("seconds", "peak_memory_bytes")
    counts, others = ({k: v for k, v in summary.as_dict().items() if k not in left_out}
                      for summary in (of_labels, of_sessions))  # fmt: skip
    assert counts == others


# ---------------------------------------------------------------- by hand


def test_an_identitys_sessions_are_numbered_and_their_events_too() -> None:
    found = labels("09:00", "09:30", "10:01", "10:02", "12:00")

    assert values("session_number", found) == [1, 1, 2, 2, 3]
    assert values("event_index", found) == [1, 2, 1, 2, 1]


def test_a_gap_is_told_whatever_its_length_but_on_the_first_event() -> None:
    found = labels("09:00", "09:00:00.000001", "2027-01-01 09:00")

    assert values("gap_seconds", found) == [None, 1e-6, 31_535_999.999999]


def test_every_event_has_its_sessions_reason() -> None:
    found = labels("23:50", "2026-01-02 00:05", "2026-01-02 00:06", split_daily=True)

    assert values("start_reason", found) == ["inactivity", "calendar", "calendar"]


def test_days_alone_are_the_reason_of_the_first_session_too() -> None:
    found = labels("23:50", "2026-01-02 00:05", split_daily=True, timeout=None)

    assert values("start_reason", found) == ["calendar", "calendar"]


def test_level_events_keep_the_order_of_the_input() -> None:
    found = labels("09:00", "09:00", "09:00", max_events=2)

    assert values("session_id", found) == ["A:1767258000000000"] * 2 + ["A:1767258000000000.2"]
    assert values("event_index", found) == [1, 2, 1]


def test_level_events_of_files_out_of_time_order_keep_the_order_of_the_input() -> None:
    """The second piece begins earlier, so it is read first."""
    log = events("09:00", "10:00", "08:00", "09:00", who=["A", "B", "B", "A"])

    with tiny_pieces(2):
        found = sz.label(log)

    assert found["event_index"].to_pylist() == [1, 1, 1, 2]


def test_rows_that_are_no_events_have_no_labels() -> None:
    log = events("09:00", "09:01", "09:02", "09:02", who=["A", "bot", None, "A"], key=pa.array([1, 2, 3, 4]))
    again = pa.concat_tables([log, log.slice(3)])

    found, summary = sz.label(
        again, exclude=["user_id=bot"], dedupe="key", max_rejected=1, return_summary=True
    )

    assert values("event_index", [dict(row or {}) for row in labels_of(found)]) == [1, None, None, 2, None]
    tally = summary.tally
    assert (tally.events, tally.filtered, tally.rejected, tally.deduplicated) == (2, 1, 1, 1)


def test_a_prefix_renames_only_what_labels_add() -> None:
    log = events("09:00", session_id=pa.array(["mine"]))

    found = sz.label(log, prefix="s_")

    assert found.column_names == ["user_id", "timestamp", "session_id", *("s_" + name for name in NAMES)]


def test_a_clash_of_names_is_refused_with_its_remedy() -> None:
    log = events("09:00", gap_seconds=pa.array([1.0]))

    with pytest.raises(sz.InputError, match=r"would be named 'gap_seconds'\. Rename ours with --prefix"):
        sz.label(log)


def test_aggregates_are_refused() -> None:
    with pytest.raises(ValueError, match="Labels have none"):
        sz.label(events("09:00"), agg={"landing": "first:user_id"})


def test_too_many_rejected_rows_are_an_error_that_holds_them() -> None:
    with pytest.raises(sz.RejectedRowsError) as caught:
        sz.label(events("09:00", "09:01", who=["A", None]))

    assert caught.value.rejected["record"].to_pylist() == [2]


def test_a_broken_promise_costs_a_second_reading_only() -> None:
    log = events("09:00", "08:00", "12:00", "07:00")
    expected = sz.label(log)

    with tiny_pieces(1), patch.object(FilePiece, "time_range", (0, 1)):
        found = sz.label(log)

    assert found.equals(expected)


# ---------------------------------------------------------------- frames


def pandas_log() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": pd.Categorical(["b", "a", "b"]),
            "timestamp": pd.to_datetime(["2026-01-01 09:00", "2026-01-01 09:05", "2026-01-01 09:10"]),
            "amount": pd.array([1, None, 3], dtype="Int8"),
            "mixed": pd.Series([1, "a", None], dtype=object),
            7: [1.5, np.nan, -0.0],
        }
    )


def test_pandas_keeps_rows_index_and_every_column() -> None:
    frame = pandas_log().set_index(pd.Index([5, 5, 1], name="row"))
    before = frame.copy()

    found = sz.label(frame)

    pd.testing.assert_frame_equal(found[list(frame.columns)], before)
    pd.testing.assert_frame_equal(frame, before)
    assert found["session_number"].tolist() == [1, 1, 1]
    assert [str(found[name].dtype) for name in NAMES[1:4]] == ["int64", "int64", "float64"]


def test_pandas_counts_are_nullable_integers_where_a_row_has_no_label() -> None:
    found = sz.label(pandas_log(), exclude={"user_id": "a"})

    assert str(found["event_index"].dtype) == "Int64"
    assert found["event_index"].tolist() == [1, pd.NA, 2]


def test_polars_keeps_every_column() -> None:
    frame = pl.DataFrame(
        {"user_id": ["a", "b"], "timestamp": [at("09:00"), at("09:05")], "tags": [["x"], []]}
    )

    found = sz.label(frame)

    assert found.select(frame.columns).equals(frame)
    assert found["event_index"].to_list() == [1, 1]


@pytest.mark.parametrize(
    "kind", [pa.Table, pa.RecordBatch, pa.RecordBatchReader], ids=lambda kind: kind.__name__
)
def test_arrow_comes_back_as_it_came(kind: type) -> None:
    table = events("09:00", "09:05", tags=pa.array([["x"], None]))
    given = {
        pa.Table: table,
        pa.RecordBatch: table.to_batches()[0],
        pa.RecordBatchReader: table.to_reader(),
    }[kind]

    found = sz.label(given)

    assert isinstance(found, kind)
    read = found.read_all() if isinstance(found, pa.RecordBatchReader) else pa.table(found)
    assert read.select(table.column_names).equals(table)
    assert read["event_index"].to_pylist() == [1, 2]


@pytest.mark.parametrize("kind", ["table", "batch"])
def test_no_rows_give_the_right_columns(kind: str) -> None:
    empty = events() if kind == "table" else pa.RecordBatch.from_pylist([], events().schema)

    assert sz.label(empty).schema.names == ["user_id", "timestamp", *NAMES]


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(TypeError, match="pandas, Polars or PyArrow table, not list"):
        sz.label([1, 2])


def test_a_log_in_time_order_streams_through() -> None:
    """It never holds more than its open sessions and a few pieces, so nothing goes to disk."""
    minutes = pa.array(np.arange(2_000) * 60_000_000, pa.timestamp("us", "UTC"))
    log = pa.table({"user_id": ["u", "v"] * 1_000, "timestamp": minutes})

    with (
        tiny_pieces(20),
        room(16 << 10),
        patch.object(labelled, "_ROOM", parse_size(LEAST) // (16 << 10)),
        patch.object(spill.PartedFiles, "write") as write,
    ):
        found = sz.label(log, memory_limit=LEAST)

    assert not write.called
    assert found["event_index"].to_pylist()[-2:] == [1_000, 1_000]


def test_the_memory_limit_leaves_no_temporary_file(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    log = pa.table(
        {
            "user_id": [f"u{number}" for number in random.integers(0, 9, 300)],
            "timestamp": pa.array(random.integers(0, 10**10, 300), pa.timestamp("us", "UTC")),
        }
    )
    expected = sz.label(log)

    with tiny_pieces(50), no_room():
        found = sz.label(log, memory_limit=LEAST, temp_dir=tmp_path)

    assert found.equals(expected)
    assert list(tmp_path.iterdir()) == []
