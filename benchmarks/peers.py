"""The peers' best-known sessionization: the time since the user's previous event, a running count, a group.

Run `python -m benchmarks.peers PEER LOG OUT [--aggregates]`. Each reads the needed columns of a
log (Parquet, a folder of it, or CSV) and writes Parquet with `user_id`, `start_time`, `end_time`,
`event_count`, which is less than sessionize writes. The aggregates are `landing` and `exit` (the
first and the last page) and `purchases` (how many events are one). No user has two events in one
microsecond, so no idiom has to say which comes first. Imports are local: no peer pays for another.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

TIMEOUT_US = 30 * 60 * 1_000_000
NEEDED = ["user_id", "timestamp"]


def duckdb(log: Path, out: Path, *, aggregates: bool = False) -> None:
    """LAG, a running SUM, GROUP BY. Microseconds as integers are faster here than intervals."""
    import duckdb

    payload = ", page, event" if aggregates else ""
    summary = (
        ", arg_min(page, time_us) AS landing, arg_max(page, time_us) AS exit,"
        " count(*) FILTER (event = 'purchase') AS purchases"
    )
    duckdb.sql("SET preserve_insertion_order = false")
    duckdb.sql(f"""
        COPY (
            WITH events AS (
                SELECT user_id, epoch_us(timestamp) AS time_us {payload} FROM '{_pattern(log)}'
            ), marked AS (
                SELECT *, coalesce(time_us - lag(time_us) OVER (PARTITION BY user_id ORDER BY time_us)
                    > {TIMEOUT_US}, false) AS opens
                FROM events
            ), numbered AS (
                SELECT user_id, time_us {payload}, sum(opens::int) OVER (
                    PARTITION BY user_id ORDER BY time_us ROWS UNBOUNDED PRECEDING) AS number
                FROM marked
            )
            SELECT user_id, make_timestamp(min(time_us)) AS start_time,
                make_timestamp(max(time_us)) AS end_time, count(*) AS event_count
                {summary if aggregates else ""}
            FROM numbered GROUP BY user_id, number
        ) TO '{out}' (FORMAT parquet)
    """)


def polars(log: Path, out: Path, *, aggregates: bool = False) -> None:
    """One sort by time, each user's gaps and running count, a group; streamed to the file.

    Of the usual forms (sorted by user and time, in memory or streamed) this took the least CPU.
    """
    polars_sessions(_scan(log), aggregates=aggregates).sink_parquet(out)


def polars_sessions(events: pl.LazyFrame, *, aggregates: bool = False) -> pl.LazyFrame:
    """Return the plan of `polars` over any events."""
    import polars as pl

    opens = pl.col("timestamp").diff() > pl.duration(microseconds=TIMEOUT_US)
    return (
        events.select(*NEEDED, *_polars_payload(aggregates))
        .sort("timestamp")
        .with_columns(number=opens.fill_null(True).cum_sum().over("user_id"))
        .group_by("user_id", "number")
        .agg(**_polars_summary(aggregates))
        .drop("number")
    )


def polars_window(log: Path, out: Path, *, aggregates: bool = False) -> None:
    """The textbook form: each user's gaps by a window in order of time, then a running count, a group."""
    import polars as pl

    gap = pl.col("timestamp").diff().over("user_id")
    (
        _scan(log)
        .select(*NEEDED, *_polars_payload(aggregates))
        .sort("user_id", "timestamp")
        .with_columns(opens=(gap > pl.duration(microseconds=TIMEOUT_US)).fill_null(True))
        .with_columns(number=pl.col("opens").cum_sum().over("user_id"))
        .group_by("user_id", "number")
        .agg(**_polars_summary(aggregates))
        .drop("number")
        .sink_parquet(out)
    )


def _scan(log: Path) -> pl.LazyFrame:
    import polars as pl

    match log.suffix:
        case ".csv":
            return pl.scan_csv(log, try_parse_dates=True)
        case ".jsonl":
            texts = pl.scan_ndjson(log, schema=dict.fromkeys(NEEDED, pl.String))
            return texts.with_columns(pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ"))
        case _:
            return pl.scan_parquet(_pattern(log))


def _polars_payload(aggregates: bool) -> dict[str, pl.Expr] | list[str]:
    return ["page", "event"] if aggregates else []


def _polars_summary(aggregates: bool) -> dict[str, pl.Expr]:
    import polars as pl

    time = pl.col("timestamp")
    found = {"start_time": time.min(), "end_time": time.max(), "event_count": pl.len()}
    if not aggregates:
        return found
    # Rows of a group stand in time order, so these need no sort of their own.
    page, is_purchase = pl.col("page"), pl.col("event") == "purchase"
    return found | {"landing": page.first(), "exit": page.last(), "purchases": is_purchase.sum()}


def pandas(log: Path, out: Path, *, aggregates: bool = False) -> None:
    """One sort, a comparison with the row above, a running count, a group."""
    import pandas as pd

    columns = [*NEEDED, "page", "event"] if aggregates else NEEDED
    if log.suffix == ".csv":
        events = pd.read_csv(log, usecols=columns, parse_dates=["timestamp"], engine="pyarrow")
    else:
        events = pd.read_parquet(log, columns=columns)
    pandas_sessions(events, aggregates=aggregates).to_parquet(out, index=False)


def pandas_sessions(events: pd.DataFrame, *, aggregates: bool = False) -> pd.DataFrame:
    """Return the sessions of the needed columns of a frame."""
    import pandas as pd

    events = events.sort_values(NEEDED)
    user, time = events["user_id"], events["timestamp"]
    opens = (user != user.shift()) | (time.diff() > pd.Timedelta(microseconds=TIMEOUT_US))
    found = {
        "user_id": ("user_id", "first"),
        "start_time": ("timestamp", "first"),
        "end_time": ("timestamp", "last"),
        "event_count": ("timestamp", "size"),
    }
    if aggregates:
        events = events.assign(is_purchase=events["event"] == "purchase")
        found |= {"landing": ("page", "first"), "exit": ("page", "last"), "purchases": ("is_purchase", "sum")}
    return events.groupby(opens.cumsum()).agg(**found)


def _pattern(log: Path) -> str:
    return str(log / "*.parquet") if log.is_dir() else str(log)


PEERS: dict[str, Callable[..., None]] = {
    "duckdb": duckdb,
    "polars": polars,
    "polars_window": polars_window,
    "pandas": pandas,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("log", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--aggregates", action="store_true")
    chosen = parser.parse_args()
    PEERS[chosen.peer](chosen.log, chosen.out, aggregates=chosen.aggregates)
