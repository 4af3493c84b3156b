"""The peers' best-known sessionization: the time since the user's previous event, a running count, a group.

Run `python benchmarks/peers.py PEER LOG OUT`. Each reads the two columns of a log (Parquet, a
folder of it, or CSV) and writes Parquet with `user_id`, `start_time`, `end_time`, `event_count`,
which is less than sessionize writes. Imports are local, so that no peer pays for another.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMEOUT_US = 30 * 60 * 1_000_000


def duckdb(log: Path, out: Path) -> None:
    """LAG, a running SUM, GROUP BY. Microseconds as integers are faster here than intervals."""
    import duckdb

    duckdb.sql("SET preserve_insertion_order = false")
    duckdb.sql(f"""
        COPY (
            WITH events AS (
                SELECT user_id, epoch_us(timestamp) AS time_us FROM '{_pattern(log)}'
            ), marked AS (
                SELECT *, coalesce(time_us - lag(time_us) OVER (PARTITION BY user_id ORDER BY time_us)
                    > {TIMEOUT_US}, false) AS opens
                FROM events
            ), numbered AS (
                SELECT user_id, time_us, sum(opens::int) OVER (
                    PARTITION BY user_id ORDER BY time_us ROWS UNBOUNDED PRECEDING) AS number
                FROM marked
            )
            SELECT user_id, make_timestamp(min(time_us)) AS start_time,
                make_timestamp(max(time_us)) AS end_time, count(*) AS event_count
            FROM numbered GROUP BY user_id, number
        ) TO '{out}' (FORMAT parquet)
    """)


def polars(log: Path, out: Path) -> None:
    """One sort by time, each user's gaps and running count, a group; streamed to the file.

    Of the usual forms (sorted by user and time, in memory or streamed) this took the least CPU.
    """
    import polars as pl

    scan = pl.scan_csv(log, try_parse_dates=True) if log.suffix == ".csv" else pl.scan_parquet(_pattern(log))
    time = pl.col("timestamp")
    opens = time.diff() > pl.duration(microseconds=TIMEOUT_US)
    (
        scan.select("user_id", "timestamp")
        .sort("timestamp")
        .with_columns(number=opens.fill_null(True).cum_sum().over("user_id"))
        .group_by("user_id", "number")
        .agg(start_time=time.min(), end_time=time.max(), event_count=pl.len())
        .drop("number")
        .sink_parquet(out)
    )


def polars_window(log: Path, out: Path) -> None:
    """The textbook form: each user's gaps by a window in order of time, then a running count, a group."""
    import polars as pl

    scan = pl.scan_csv(log, try_parse_dates=True) if log.suffix == ".csv" else pl.scan_parquet(_pattern(log))
    time = pl.col("timestamp")
    gap = time.diff().over("user_id")
    (
        scan.select("user_id", "timestamp")
        .sort("user_id", "timestamp")
        .with_columns(opens=(gap > pl.duration(microseconds=TIMEOUT_US)).fill_null(True))
        .with_columns(number=pl.col("opens").cum_sum().over("user_id"))
        .group_by("user_id", "number")
        .agg(start_time=time.min(), end_time=time.max(), event_count=pl.len())
        .drop("number")
        .sink_parquet(out)
    )


def pandas(log: Path, out: Path) -> None:
    """One sort, a comparison with the row above, a running count, a group."""
    import pandas as pd

    columns = ["user_id", "timestamp"]
    if log.suffix == ".csv":
        events = pd.read_csv(log, usecols=columns, parse_dates=["timestamp"], engine="pyarrow")
    else:
        events = pd.read_parquet(log, columns=columns)
    events = events.sort_values(columns)
    user, time = events["user_id"], events["timestamp"]
    opens = (user != user.shift()) | (time.diff() > pd.Timedelta(microseconds=TIMEOUT_US))
    sessions = events.groupby(opens.cumsum()).agg(
        user_id=("user_id", "first"),
        start_time=("timestamp", "first"),
        end_time=("timestamp", "last"),
        event_count=("timestamp", "size"),
    )
    sessions.to_parquet(out, index=False)


def floor(log: Path, out: Path) -> None:
    """What no sessionizer can save: read the two columns, write a finished sessions table.

    The table is an Arrow file beside the output, which costs next to nothing to map into memory.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    from sessionize.writing.output import open_output
    from sessionize.writing.target import output_target

    columns = ["user_id", "timestamp"]
    if log.suffix == ".csv":
        options = pyarrow.csv.ConvertOptions(include_columns=columns)
        pyarrow.csv.read_csv(log, convert_options=options)
    else:
        pq.read_table(log, columns=columns)
    with pa.memory_map(str(finished(out))) as source:
        sessions = pa.ipc.open_file(source).read_all()
        with open_output(output_target(out), sessions.schema, metadata={}) as writer:
            writer.write(sessions)


def finished(out: Path) -> Path:
    """Return where the floor finds the finished sessions."""
    return out.with_name("finished.arrow")


def _pattern(log: Path) -> str:
    return str(log / "*.parquet") if log.is_dir() else str(log)


def digest(out: Path, keep: Path | None = None) -> dict[str, Any]:
    """Say what a table of sessions holds, so that two can be compared: count, and sums modulo 2^64."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    sessions = pq.read_table(out)
    if keep:
        with pa.ipc.new_file(str(keep), sessions.schema) as writer:
            writer.write_table(sessions)
    start_us, end_us = (
        sessions[name].cast(pa.timestamp("us", getattr(sessions[name].type, "tz", None))).cast(pa.int64())
        for name in ("start_time", "end_time")
    )
    counts = sessions["event_count"].cast(pa.int64())
    # The product ties each start to its own end and count.
    tied = pc.multiply(pc.subtract(end_us, start_us), counts)
    return {
        "sessions": len(sessions),
        "sums": [pc.sum(values).as_py() for values in (start_us, end_us, counts, tied)],
    }


PEERS: dict[str, Callable[[Path, Path], None]] = {
    "duckdb": duckdb,
    "polars": polars,
    "polars_window": polars_window,
    "pandas": pandas,
    "floor": floor,
}

if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    if name == "digest":
        print(json.dumps(digest(*map(Path, paths))))
    else:
        PEERS[name](*map(Path, paths))
