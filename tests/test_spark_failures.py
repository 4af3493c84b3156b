"""What goes wrong on Spark: one clear error, and the old output is still there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from sessionize.spark.packets import parts_of
from sessionize.spark.talking import talking
from tests.cluster import SETTINGS, needs_spark
from tests.process import run_command
from tests.published import write_log
from tests.shuffles import Cluster, promised
from tests.spark_runs import ROOT, files_below

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAMPLE = ROOT / "sample_data" / "daily"
AT_NINE = "2026-01-01T09:00:00Z"


def good(folder: Path, **columns: Any) -> Path:
    return write_log(folder / "a.csv", {"user_id": ["ada"], "timestamp": [AT_NINE], **columns})


@pytest.fixture
def outputs(tmp_path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """A file and a folder of an earlier run, and the options that write them."""
    outputs: list[tuple[Path, dict[str, Any]]] = [
        (tmp_path / "out" / "s.parquet", {}),
        (tmp_path / "out" / "s", {"partition_by": "date"}),
    ]
    (tmp_path / "out").mkdir()
    for output, options in outputs:
        sz.run(SAMPLE, output, **options)
    return outputs


def assert_refused(inputs: Any, outputs: list[tuple[Path, dict[str, Any]]], match: str, **rules: Any) -> None:
    """Insist that a run on Spark is refused, and that nothing below the outputs' folder changes."""
    folder = outputs[0][0].parent
    before = {path: (folder / path).stat().st_mtime_ns for path in files_below(folder)}
    for output, options in outputs:
        with pytest.raises(sz.InputError, match=match):
            sz.run(inputs, output, engine="spark", **options, **rules)
    assert {path: (folder / path).stat().st_mtime_ns for path in files_below(folder)} == before


def test_a_file_that_a_task_cannot_read_is_named(
    spark: SparkSession, outputs: list[tuple[Path, dict[str, Any]]], tmp_path: Path
) -> None:
    bare = write_log(tmp_path / "b.csv", {"user_id": ["bob"], "timestamp": ["1767258000"]})

    assert_refused([good(tmp_path), bare], outputs, r"b\.csv: .*--time-unit")


def test_rejected_rows_are_counted_over_all_tasks(
    spark: SparkSession, outputs: list[tuple[Path, dict[str, Any]]], tmp_path: Path
) -> None:
    late = write_log(tmp_path / "b.csv", {"user_id": ["bob", None], "timestamp": ["soon", AT_NINE]})

    assert_refused(
        [good(tmp_path), late], outputs, r"2 of 3 input rows rejected: 1 missing_identity, 1 unparseable_time"
    )


def test_a_sum_that_overflows_in_a_task_names_its_column(
    spark: SparkSession, outputs: list[tuple[Path, dict[str, Any]]], tmp_path: Path
) -> None:
    huge = pa.table(
        {
            "user_id": ["ada"] * 2,
            "timestamp": pa.array([0, 1], pa.timestamp("us")),
            "n": pa.array([2**63 - 1] * 2, pa.int64()),
        }
    )
    pq.write_table(huge, tmp_path / "huge.parquet")

    assert_refused(tmp_path / "huge.parquet", outputs, "'n' is too large", agg={"total": "sum:n"})


def test_a_log_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    empty = write_log(
        tmp_path / "a.csv", {"user_id": pa.array([], pa.string()), "timestamp": pa.array([], pa.string())}
    )

    with promised(0):
        summaries = [
            sz.run(empty, tmp_path / "s.parquet", engine="spark"),
            sz.run(empty, tmp_path / "s", engine="spark", partition_by="date"),
        ]

    assert [summary.sessions for summary in summaries] == [0, 0]
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 0
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["_sessionize.json"]


def test_no_files_are_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()

    with promised(0):
        summary = sz.run(tmp_path / "logs", tmp_path / "s.csv", engine="spark", allow_empty=True)

    assert summary.sessions == 0


def test_standard_input_is_refused_before_spark_starts() -> None:
    command = [
        sys.executable,
        "-m",
        "sessionize",
        "run",
        "-",
        "-o",
        "s.csv",
        "--engine",
        "spark",
        "--input-format",
        "csv",
    ]

    done = subprocess.run(
        command, input=f"user_id,timestamp\nada,{AT_NINE}\n", capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (
        3,
        "Error: -: Spark's tasks can read no pipe. Save it as a file first.\n",
    )


def test_without_java_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="no pyspark in this environment: make setup")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    done = run_command("run", SAMPLE, "-o", tmp_path / "s.csv", "--engine", "spark", exit_code=1)

    assert done.stderr.startswith("Error: Spark needs Java, and there is none on the path. Install Java 17")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "spark", "--threads", "2"], "'--threads' is the local engine's"),
        (["--engine", "spark", "--memory-limit", "1GB"], "'--memory-limit' is the local engine's"),
        (["--spark-conf", "spark.master=yarn"], "'--spark-conf' needs '--engine spark'"),
        (["--engine", "spark", "--spark-conf", "yarn"], "'yarn' is no setting. Write KEY=VALUE."),
    ],
)
def test_options_that_mean_nothing_are_wrong_usage(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = run_command("run", SAMPLE, "-o", tmp_path / "s.csv", *arguments, exit_code=2)

    assert message in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "flink"}, "engine 'flink' is unknown"),
        ({"engine": "spark", "threads": 2}, "threads is the local engine's"),
        ({"spark_conf": {"spark.master": "yarn"}}, "means nothing to the local engine"),
    ],
)
def test_keywords_that_mean_nothing_are_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        sz.run(SAMPLE, tmp_path / "s.csv", **options)


def test_settings_are_refused_where_a_session_is_active(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a Spark session is active"):
        sz.run(SAMPLE, tmp_path / "s.csv", engine="spark", spark_conf={"spark.master": "local[1]"})


def fails(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    raise ZeroDivisionError("it was this")


def test_what_spark_says_of_a_failed_job_is_one_line(spark: SparkSession) -> None:
    said = r"^Spark could not carry out the job: ZeroDivisionError: it was this\. Its log says more: .*$"

    with pytest.raises(sz.EngineError, match=said), talking(spark):
        spark.range(1).mapInArrow(fails, "id long").collect()


@pytest.mark.slow
@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,1024]"])
def test_the_command_starts_spark_and_ends_it(master: str, tmp_path: Path) -> None:
    needs_spark()
    settings = SETTINGS | {"spark.master": master}
    conf = [part for name, value in settings.items() for part in ("--spark-conf", f"{name}={value}")]
    sz.run(SAMPLE, tmp_path / "here.csv")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        if master != "local[2]":  # executors of a cluster find their own Python
            patch.setenv("PYSPARK_PYTHON", sys.executable)
        done = run_command("run", SAMPLE, "-o", tmp_path / "there.csv", "--engine", "spark", *conf)

    assert "sessions  600" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_a_driver_that_has_gone_is_said_to_have_gone() -> None:
    pytest.importorskip("pyspark")

    with pytest.raises(sz.EngineError, match="has ended in the middle of the job"), talking():
        raise ConnectionRefusedError(111, "Connection refused")


def interrupted(said: list[str], signals: int) -> None:
    with talking():
        for _ in range(signals):
            signal.raise_signal(signal.SIGINT)
        said.append("the last word")


@pytest.mark.parametrize(("signals", "words"), [(1, ["the last word"]), (2, [])])
def test_one_signal_waits_for_the_end_of_a_conversation(signals: int, words: list[str]) -> None:
    pytest.importorskip("pyspark")
    said: list[str] = []
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted(said, signals)

    assert said == words
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_that_only_notes_cancels_nothing(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[int] = []
    monkeypatch.setattr(spark, "interruptAll", lambda: pytest.fail("cancelled"), raising=False)
    before = signal.signal(signal.SIGTERM, lambda number, frame: noted.append(number))
    try:
        with talking(spark):
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0.5)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert noted == [signal.SIGTERM]


@pytest.mark.parametrize(("said", "parts"), [("auto", 800), ("1", 128), ("3000", 4096), ("9000", 9000)])
def test_parts_follow_the_shuffle_partitions(said: str, parts: int) -> None:
    assert parts_of(Cluster(random.Random(0), {"spark.sql.shuffle.partitions": said})) == parts  # type: ignore[arg-type]


def sleeps(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    time.sleep(60)
    yield from batches


def test_a_signal_cancels_the_job_and_leaves_a_session_that_can_be_talked_to(spark: SparkSession) -> None:
    begun = time.monotonic()
    alarm = threading.Timer(1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    alarm.start()

    with pytest.raises(KeyboardInterrupt), talking(spark):
        spark.range(4).mapInArrow(sleeps, "id long").collect()

    assert time.monotonic() - begun < 30
    assert [row.id for row in spark.range(3).collect()] == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGTERM, "Terminated."), (signal.SIGINT, "Interrupted.")],
    ids=["term", "int"],
)
def test_a_signal_ends_the_run_and_leaves_the_old_folder(
    number: signal.Signals, said: str, tmp_path: Path
) -> None:
    needs_spark()
    folder = tmp_path / "sessions"
    sz.run(SAMPLE, folder, partition_by="date")
    before = files_below(tmp_path)
    conf = [part for name, value in SETTINGS.items() for part in ("--spark-conf", f"{name}={value}")]
    command = [sys.executable, "-m", "sessionize", "run", SAMPLE, "-o", folder, "--partition-by", "date"]

    running = subprocess.Popen(
        [*map(str, command), "--timeout", "5m", "--engine", "spark", *conf], stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.glob(".sessions.*/_attempts")):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(number)
    _, stderr = running.communicate()

    assert (running.returncode, stderr.splitlines()[-1]) == (128 + number, said), stderr
    assert "Traceback" not in stderr
    assert files_below(tmp_path) == before
