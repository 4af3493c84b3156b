"""A store whose files Spark reads is the store that this process reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from tests.published import write_log
from tests.spark_runs import ROOT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAMPLE = ROOT / "sample_data" / "daily"
RULES: list[dict[str, Any]] = [
    {"agg": {"pages": "set:page", "mean": "mean:amount"}, "types": ["amount=float64"]},
    {"split_on": "page", "max_events": 5},
]
each_rule = pytest.mark.parametrize("rules", RULES, ids=["fragments", "events"])


def contents(store: sz.SessionStore) -> list[dict[str, Any]]:
    return store.sessions().to_pylist()


def parquet_of(csv: Path, folder: Path) -> Path:
    """A day as Parquet with several row groups."""
    events = pa.csv.read_csv(csv, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True))
    pq.write_table(events, folder / f"{csv.stem}.parquet", row_group_size=100)
    return folder / f"{csv.stem}.parquet"


def one_event(folder: Path, time: str) -> Path:
    return write_log(folder / "a.csv", {"user_id": ["ada"], "timestamp": [time]})


@each_rule
def test_a_backfill_on_spark_is_the_backfill_here(
    spark: SparkSession, rules: dict[str, Any], tmp_path: Path
) -> None:
    here, there = sz.SessionStore(tmp_path / "here"), sz.SessionStore(tmp_path / "there")
    period = ("2026-11-02", "2026-11-08")

    expected = here.backfill(SAMPLE, *period, step="3d", **rules)
    found = there.backfill(SAMPLE, *period, step="3d", engine="spark", **rules)

    assert found.tally == expected.tally
    assert [step.update.sessions for step in found.steps] == [step.update.sessions for step in expected.steps]
    assert contents(there) == contents(here)
    assert there.verify().agrees
    assert not there.update(SAMPLE).new  # the ledger knows the files whoever has read them


def test_nights_may_go_on_here_and_files_may_have_row_groups(spark: SparkSession, tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    history, tonight = sorted(SAMPLE.iterdir())[:3], sorted(SAMPLE.iterdir())[3]
    store.update([parquet_of(path, tmp_path) for path in history], engine="spark")

    store.update(parquet_of(tonight, tmp_path))

    assert store.verify().agrees


def test_rejected_rows_are_kept_with_their_files_and_records(spark: SparkSession, tmp_path: Path) -> None:
    good, bad = "2026-01-01T09:00:00Z", "soon"
    files = [
        write_log(tmp_path / "a.csv", {"user_id": ["ada", "bob"], "timestamp": [good, bad]}),
        write_log(tmp_path / "b.csv", {"user_id": [None, "ada"], "timestamp": [good, good]}),
    ]
    stores = {engine: sz.SessionStore(tmp_path / engine) for engine in ("local", "spark")}

    kept = {
        engine: store.update(files, engine=engine, max_rejected=2).rejected  # type: ignore[arg-type]
        for engine, store in stores.items()
    }

    assert kept["spark"].equals(kept["local"])
    assert [row["record"] for row in kept["spark"].to_pylist()] == [2, 1]


def test_nothing_new_starts_no_spark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="no pyspark in this environment: make setup")
    store = sz.SessionStore(tmp_path / "store")
    store.update(SAMPLE)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)

    assert not store.update(SAMPLE, engine="spark").new
    with pytest.raises(sz.EngineError, match="Spark needs Java"):
        store.update(
            write_log(tmp_path / "a.csv", {"user_id": ["ada"], "timestamp": ["2026-01-01"]}), engine="spark"
        )


def test_a_file_that_spark_cannot_read_changes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(SAMPLE)
    before = contents(store)

    with pytest.raises(sz.InputError, match="time-unit"):
        store.update(
            write_log(tmp_path / "a.csv", {"user_id": ["ada"], "timestamp": ["1767258000"]}), engine="spark"
        )

    assert contents(store) == before
