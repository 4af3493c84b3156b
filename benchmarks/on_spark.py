"""One contender on one Spark: sessionize, Spark's own `session_window`, or the LAG idiom.

Run `python -m benchmarks.on_spark CONTENDER LOG OUT WARMUP`. It starts a Spark with two workers, lets the
contender sessionize WARMUP, a smaller log, until everything is loaded and compiled, then times it over
LOG. It prints JSON: `wall`, `cpu` and `memory` (of this process, the JVM and its Python workers), and
`shuffled`, the bytes that Spark says it has shuffled. The idioms write a folder of Parquet files with
`user_id`, `start_time`, `end_time`, `event_count`; sessionize writes more, and a run writes by date, which
takes a second shuffle.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import sessionize as sz

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TIMEOUT_US = 30 * 60 * 1_000_000
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}
_TICKS = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)
"""Of /proc/PID/stat behind the name: user and system time, its own and that of children that have ended."""


def sessionize(spark: SparkSession, log: Path, out: Path) -> None:
    """Run on the active session."""
    sz.run(log, out, engine="spark", partition_by="date")


def sessionize_frame(spark: SparkSession, log: Path, out: Path) -> None:
    """A data frame in, a data frame out: Spark reads and writes, as for the idioms."""
    from sessionize.spark import sessionize

    sessionize(spark.read.parquet(str(log))).write.parquet(str(out))


def session_window(spark: SparkSession, log: Path, out: Path) -> None:
    """Spark's own: a gap that reaches the duration closes the window, so it is a microsecond longer."""
    from pyspark.sql import functions as F  # noqa: N812 (as everyone calls it)

    window = F.session_window("timestamp", "30 minutes 1 microsecond")
    _summary(spark.read.parquet(str(log)).groupBy("user_id", window)).drop("session_window").write.parquet(
        str(out)
    )


def lag(spark: SparkSession, log: Path, out: Path) -> None:
    """LAG, a running SUM, GROUP BY: what everyone writes."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812

    each = Window.partitionBy("user_id").orderBy("timestamp")
    gap_us = F.unix_micros("timestamp") - F.lag(F.unix_micros("timestamp")).over(each)
    opens = F.coalesce((gap_us > TIMEOUT_US).cast("int"), F.lit(0))
    so_far = each.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    marked = spark.read.parquet(str(log)).select("user_id", "timestamp", opens.alias("opens"))
    numbered = marked.withColumn("number", F.sum("opens").over(so_far))
    _summary(numbered.groupBy("user_id", "number")).drop("number").write.parquet(str(out))


def _summary(groups: object) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812

    return groups.agg(  # type: ignore[attr-defined]  # GroupedData, which Spark 3.5 keeps elsewhere
        F.min("timestamp").alias("start_time"),
        F.max("timestamp").alias("end_time"),
        F.count("*").alias("event_count"),
    )


CONTENDERS: dict[str, Callable[[SparkSession, Path, Path], None]] = {
    "sessionize": sessionize,
    "sessionize_frame": sessionize_frame,
    "session_window": session_window,
    "lag": lag,
}


def shuffled_bytes(events: Path, since: float) -> int:
    """Sum what Spark's event log says was written into shuffles by tasks launched from then on (epoch s)."""
    total = 0
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd" and event["Task Info"]["Launch Time"] >= since * 1000:
            total += event["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
    return total


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it has started."""
    stats = (text.rpartition(")")[2].split() for text in _said_of_processes("stat"))
    return sum(sum(map(int, stat[_CPU_FIELDS])) for stat in stats) / _TICKS


def peak_bytes() -> int:
    """Return the sum of the peaks of resident memory of this process and of all that it has started."""
    status = _said_of_processes("status")
    peaks = (line.split()[1] for text in status for line in text.splitlines() if line.startswith("VmHWM"))
    return sum(map(int, peaks)) * 1024


def _said_of_processes(name: str) -> Iterator[str]:
    for process in processes():
        with suppress(FileNotFoundError, ProcessLookupError):  # one that has ended
            yield Path("/proc", str(process), name).read_text()


def processes() -> Iterator[int]:
    """Give this process and all below it that have not ended meanwhile."""
    found = [os.getpid()]
    while found:
        process = found.pop()
        yield process
        with suppress(FileNotFoundError, ProcessLookupError):  # it, or a thread of it, has ended
            for task in Path("/proc", str(process), "task").iterdir():
                found += map(int, (task / "children").read_text().split())


def main() -> None:
    """Warm up, measure, print."""
    from pyspark.sql import SparkSession

    name, log, out, warmup = sys.argv[1], *map(Path, sys.argv[2:])
    work = CONTENDERS[name]
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    with tempfile.TemporaryDirectory() as folder:
        builder = SparkSession.builder.appName(name).config("spark.eventLog.dir", Path(folder).as_uri())
        for setting, value in SETTINGS.items():
            builder = builder.config(setting, value)
        spark = builder.getOrCreate()
        for number in range(2):
            work(spark, warmup, Path(folder, f"warmup-{number}"))
        since, wall, cpu = time.time(), time.perf_counter(), cpu_seconds()
        work(spark, log, out)
        took = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu, "memory": peak_bytes()}
        spark.stop()
        [events] = Path(folder).glob("local-*")
        print(json.dumps({**took, "shuffled": shuffled_bytes(events, since)}))


if __name__ == "__main__":
    main()
