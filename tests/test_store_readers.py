"""The table in the hands of those who don't know sessionize."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

import sessionize as sz
from tests.nights import Nights

COUNTS = [("2026-01-01", 3), ("2026-01-02", 1)]
"""Events by date."""


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """A store of two updates: the second has rewritten what the first wrote."""
    nights = Nights(tmp_path, agg={"pages": "set:page"})
    nights.update(nights.write("first", "09:00", "12:00", page=["/", "/cart"]))
    nights.update(nights.write("second", "09:10", "2026-01-02 09:00", page=["/help", "/"]))
    return nights


def in_duckdb(nights: Nights, query: str) -> list[Any]:
    with duckdb.connect() as connection:
        connection.register("sessions", DeltaTable(nights.store.location).to_pyarrow_dataset())
        return connection.sql(query).fetchall()


def test_duckdb_reads_the_table(nights: Nights) -> None:
    query = "SELECT session_date::VARCHAR, sum(event_count)::INT FROM sessions GROUP BY ALL ORDER BY ALL"

    assert in_duckdb(nights, query) == COUNTS


def test_duckdb_asks_the_table_of_one_date(nights: Nights) -> None:
    query = "SELECT pages FROM sessions WHERE session_date = '2026-01-02'"

    assert in_duckdb(nights, query) == [(["/"],)]


def test_polars_reads_the_table(nights: Nights) -> None:
    sessions = pl.read_delta(nights.store.location)

    by_date = sessions.group_by(pl.col("session_date").cast(pl.String)).agg(pl.col("event_count").sum())
    assert by_date.sort("session_date").rows() == COUNTS


def test_pandas_reads_the_table(nights: Nights) -> None:
    sessions = DeltaTable(nights.store.location).to_pandas()

    by_date = sessions.groupby(sessions["session_date"].astype(str))["event_count"].sum()
    assert list(by_date.items()) == COUNTS


def test_every_reader_finds_the_columns_in_their_order(nights: Nights) -> None:
    public = nights.store.sessions().column_names

    stored = DeltaTable(nights.store.location).schema().fields

    assert [field.name for field in stored] == [*public, "session_date", "_state"]


def test_values_are_those_of_the_sessions_table(nights: Nights) -> None:
    sessions = nights.store.sessions()

    read = pl.read_delta(nights.store.location).sort("end_time").select(sessions.column_names)

    assert read.equals(_frame(sessions))


def test_a_run_over_a_folder_that_holds_a_store_passes_it_over(nights: Nights, tmp_path: Path) -> None:
    summary = sz.run([tmp_path], tmp_path / "run.parquet", agg={"pages": "set:page"})

    assert (summary.tally.events, summary.sessions) == (4, len(nights.store.sessions()))


def _frame(table: Any) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
