"""Spark data frames in, the same sessions out, whatever the user's session is set to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import sessionize as sz
from sessionize.spark import rejected, sessionize
from tests.generators import FRAME_KINDS, logs
from tests.logs import Log, assert_same_sessions, session_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ODD_SETTINGS = [
    {"spark.sql.session.timeZone": "America/St_Johns"},
    {"spark.sql.session.timeZone": "Pacific/Apia", "spark.sql.timestampType": "TIMESTAMP_NTZ"},
    {"spark.sql.ansi.enabled": "false", "spark.sql.caseSensitive": "true"},
    {"spark.sql.execution.arrow.maxRecordsPerBatch": "1"},
    {"spark.sql.execution.arrow.useLargeVarTypes": "true"},
    {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "2"},
    {"spark.sql.execution.arrow.pyspark.enabled": "false", "spark.sql.legacy.timeParserPolicy": "LEGACY"},
]
each_setting = pytest.mark.parametrize("odd", ODD_SETTINGS, ids=lambda odd: " ".join(odd.values()))

EVENTS = [
    ("ada", "2026-03-29 00:10:00", "/"),
    ("ada", "2026-03-29 00:40:00", None),
    ("ada", "2026-03-29 03:05:00", "/cart"),
    ("bob", "2026-03-28 23:59:59.999999", "é"),
    ("bob", "2026-03-29 00:00:00", "/"),
    ("bob", "2026-03-29 00:00:00", "a"),
]
RULES: dict[str, Any] = {
    "split_daily": True,
    "timezone": "Europe/Paris",
    "agg": {"first_page": "first:page", "pages": "set:page", "kinds": "nunique:page"},
}


@contextmanager
def set_to(spark: SparkSession, odd: dict[str, str]) -> Iterator[None]:
    before = {name: str(spark.conf.get(name)) for name in odd}
    for name, value in odd.items():
        spark.conf.set(name, value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


def events() -> pa.Table:
    """The events as Arrow has them: instants."""
    users, times, pages = zip(*EVENTS, strict=True)
    instants = pa.array(times).cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.timestamp("us", "UTC"))
    return pa.table({"user_id": users, "timestamp": instants, "page": pages})


def frame(spark: SparkSession, table: pa.Table, folder: Path) -> DataFrame:
    """A table as a data frame of two partitions."""
    pq.write_table(table, folder / "events.parquet")
    return spark.read.parquet(str(folder / "events.parquet")).repartition(2)


def as_arrow(sessions: DataFrame) -> pa.Table:
    """What a data frame holds, in the order of the files but for ties."""
    return sessions.orderBy("end_time", "user_id", "start_time").toArrow()


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows, instants as µs whatever type a file has them in."""
    columns = {
        name: table[name].cast(pa.timestamp("us", "UTC")).cast(pa.int64()) if "time" in name else table[name]
        for name in table.column_names
    }
    return pa.table(columns).to_pylist()


@each_setting
def test_no_setting_of_the_session_changes_a_session(
    spark: SparkSession, odd: dict[str, str], tmp_path: Path
) -> None:
    expected = sz.sessionize(events(), **RULES)

    with set_to(spark, odd):
        found = as_arrow(sessionize(frame(spark, events(), tmp_path), **RULES))

    assert plain(found) == plain(expected)


@pytest.mark.slow
@each_setting
def test_no_setting_of_the_session_changes_a_file(
    spark: SparkSession, odd: dict[str, str], tmp_path: Path
) -> None:
    pq.write_table(events(), tmp_path / "events.parquet")
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    sz.run(tmp_path / "events.parquet", here, **RULES)

    with set_to(spark, odd):
        before = dict(spark.conf.getAll)
        sz.run(tmp_path / "events.parquet", there, engine="spark", **RULES)
        after = dict(spark.conf.getAll)

    assert there.read_bytes() == here.read_bytes()
    assert after == before


def test_local_times_are_read_in_the_zone_of_the_rules(spark: SparkSession, tmp_path: Path) -> None:
    local = events().set_column(1, "timestamp", events()["timestamp"].cast(pa.timestamp("us")))
    expected = sz.sessionize(local, **RULES)

    with set_to(spark, {"spark.sql.session.timeZone": "Asia/Tokyo"}):
        given_frame = frame(spark, local, tmp_path)
        assert dict(given_frame.dtypes)["timestamp"] == "timestamp_ntz"
        found = as_arrow(sessionize(given_frame, **RULES))

    assert plain(found) == plain(expected)


def test_rules_may_be_a_value_and_names_may_be_odd(spark: SparkSession, tmp_path: Path) -> None:
    table = events().rename_columns(["user.id", "at `it`", "page"])
    rules = sz.SessionRules(by=["user.id"], split_on=["page"])

    found = sessionize(frame(spark, table, tmp_path), rules, time="at `it`")

    expected = sz.sessionize(table, rules=rules, time="at `it`")
    assert found.columns == expected.column_names
    assert {row.session_id for row in found.collect()} == set(expected["session_id"].to_pylist())


def test_rejected_rows_fail_the_job_and_can_be_seen_or_dropped(spark: SparkSession, tmp_path: Path) -> None:
    users = pa.array([None, *events()["user_id"].to_pylist()[1:]])
    broken = frame(spark, events().set_column(0, "user_id", users), tmp_path)

    with pytest.raises(Exception, match=r"1 missing_identity.*sessionize\.spark\.rejected"):
        sessionize(broken).collect()

    assert [(row.reason, row.raw.startswith('{"user_id": null')) for row in rejected(broken).collect()] == [
        ("missing_identity", True)
    ]
    assert sum(row.event_count for row in sessionize(broken, drop_rejected=True).collect()) == 5


def test_a_missing_column_is_named_before_anything_runs(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(sz.MissingColumnError, match=r"no column 'ts'.*Found: user_id, timestamp, page"):
        sessionize(frame(spark, events(), tmp_path), time="ts")


def test_a_column_that_no_rule_can_read_is_named(spark: SparkSession) -> None:
    nested = spark.sql("SELECT map('a', 1) AS user_id, timestamp '2026-01-01' AS timestamp")

    with pytest.raises(sz.InputError, match="'user_id'"):
        sessionize(nested)


@pytest.mark.slow
@settings(max_examples=40)
@given(log=logs(kinds=FRAME_KINDS))
def test_random_frames_under_random_rules(spark: SparkSession, log: Log) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = {key: value for key, value in log.options().items() if key not in ("max_rejected", "as_of")}

        found = as_arrow(sessionize(frame(spark, log.table(), folder), drop_rejected=True, **options))

        expected = sz.sessionize(pq.read_table(folder / "events.parquet"), max_rejected="100%", **options)
        assert_same_sessions(session_rows(found.cast(expected.schema)), session_rows(expected), log.rules)
