"""Makes the logs that the benchmarks read: seeded, and kept in `build/benchmarks/`.

Run `python benchmarks/logs.py NAME ROWS`; it prints where the log is.

About 25 events a user, few users with very many and many with few; sessions of 8 events on
average, seconds to minutes apart, spread over 30 days with more in the evening than at night; five
columns, of which a sessionizer needs two.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sessionize.writing.output import open_output
from sessionize.writing.target import output_target

FOLDER = Path(__file__).parent.parent / "build" / "benchmarks"
VERSION = 1
"""Part of every file's name: raise it when a generator changes."""

SEED = 20260101
ROW_GROUP_ROWS = 1_000_000
EVENTS_PER_USER = 25
EVENTS_PER_SESSION = 8
DAYS = 30
DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
BOT_GAP_US = 600_000_000
EVENTS = ["view", "click", "search", "add_to_cart", "purchase"]
PURCHASE = EVENTS.index("purchase")


@dataclass(frozen=True)
class Log:
    """Events, in the order in which they are written.

    Attributes:
        time_us: int64, shape (n,): microseconds since the epoch.
        user: int64, shape (n,): the user's number.
    """

    time_us: NDArray[np.int64]
    user: NDArray[np.int64]

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Log:
        return Log(self.time_us[rows], self.user[rows])


def ordered(rows: int) -> Log:
    """Make a log in time order."""
    random = np.random.default_rng(SEED)
    opens = random.random(rows) < 1 / EVENTS_PER_SESSION
    opens[0] = True
    session = np.cumsum(opens) - 1
    gaps_us = (random.lognormal(3.5, 1.2, rows) * 1e6).astype(np.int64)
    since_us = np.cumsum(gaps_us)
    since_us -= since_us[opens][session]
    time_us = _session_starts(random, int(opens.sum()))[session] + since_us
    user = _session_users(random, int(opens.sum()), rows)[session]
    return Log(time_us, user)[np.argsort(time_us, kind="stable")]


def shuffled(rows: int) -> Log:
    """Make the same log with its rows in no order."""
    return ordered(rows)[np.random.default_rng(SEED + 1).permutation(rows)]


def giant(rows: int) -> Log:
    """Make a log in time order in which one user has 30 % of the events."""
    log = ordered(rows)
    is_giant = np.random.default_rng(SEED + 2).random(rows) < 0.3
    return replace(log, user=np.where(is_giant, 0, log.user))


def bot(rows: int) -> Log:
    """Make the ordered log plus one user with an event every ten minutes from beginning to end."""
    log = ordered(rows)
    visits_us = np.arange(log.time_us[0], log.time_us[-1], BOT_GAP_US)
    time_us = np.concatenate([log.time_us, visits_us])
    user = np.concatenate([log.user, np.full(len(visits_us), log.user.max() + 1)])
    return Log(time_us, user)[np.argsort(time_us, kind="stable")]


def _session_starts(random: np.random.Generator, sessions: int) -> NDArray[np.int64]:
    day = random.integers(0, DAYS, sessions)
    in_day = random.triangular(0, 0.8, 1, sessions)
    return START_US + ((day + in_day) * DAY_US).astype(np.int64)


def _session_users(random: np.random.Generator, sessions: int, rows: int) -> NDArray[np.int64]:
    users = max(rows // EVENTS_PER_USER, 1)
    activity = np.cumsum(random.lognormal(0, 1.2, users))
    return np.searchsorted(activity, random.random(sessions) * activity[-1]).astype(np.int64)


def tables(log: Log, *, text_ids: bool = True) -> Iterator[pa.Table]:
    """Give the log as tables of at most a row group each, with its payload."""
    random = np.random.default_rng(SEED + 3)
    for begin in range(0, len(log.time_us), ROW_GROUP_ROWS):
        yield _table(log[begin : begin + ROW_GROUP_ROWS], random, text_ids)


def _table(log: Log, random: np.random.Generator, text_ids: bool) -> pa.Table:
    rows = len(log.time_us)
    event = random.choice(len(EVENTS), rows, p=[0.55, 0.25, 0.12, 0.06, 0.02])
    page = np.minimum(random.zipf(1.3, rows), 500)
    amount = pa.array(random.gamma(2, 20, rows).round(2), mask=event != PURCHASE)
    ids = pa.array(log.user)
    return pa.table(
        {
            "user_id": _text("user_", ids) if text_ids else ids,
            "timestamp": pa.array(log.time_us).cast(pa.timestamp("us", "UTC")),
            "event": pa.array(EVENTS).take(pa.array(event)),
            "page": _text("/page/", pa.array(page)),
            "amount": amount,
        }
    )


def _text(prefix: str, numbers: pa.Array) -> pa.Array:
    digits = pc.utf8_lpad(numbers.cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def write_parquet(log: Log, path: Path) -> None:
    """Write one Parquet file with row groups of a million rows."""
    pieces = tables(log)
    first = next(pieces)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece)


def write_csv(log: Log, path: Path) -> None:
    """Write one CSV file with ISO 8601 times."""
    pieces = tables(log)
    first = next(pieces)
    with open_output(output_target(path, output_format="csv"), first.schema, metadata={}) as writer:
        writer.write(first)
        for piece in pieces:
            writer.write(piece)


def write_daily(log: Log, folder: Path) -> None:
    """Write a folder of 30 Parquet files, one a day of 24 hours, with int64 ids."""
    folder.mkdir()
    edges_us = START_US + np.arange(1, DAYS) * DAY_US
    edges = [0, *np.searchsorted(log.time_us, edges_us), len(log.time_us)]
    for day in range(DAYS):
        pieces = list(tables(log[edges[day] : edges[day + 1]], text_ids=False))
        pq.write_table(
            pa.concat_tables(pieces), folder / f"day-{day + 1:02}.parquet", row_group_size=ROW_GROUP_ROWS
        )


LOGS: dict[str, tuple[Callable[[int], Log], Callable[[Log, Path], None], str]] = {
    "ordered": (ordered, write_parquet, ".parquet"),
    "shuffled": (shuffled, write_parquet, ".parquet"),
    "giant": (giant, write_parquet, ".parquet"),
    "bot": (bot, write_parquet, ".parquet"),
    "daily": (ordered, write_daily, ""),
    "csv": (ordered, write_csv, ".csv"),
}


def log_path(name: str, rows: int) -> Path:
    """Return where a log is kept, making it first if it isn't there."""
    make, write, suffix = LOGS[name]
    path = FOLDER / f"{name}-{rows}-v{VERSION}{suffix}"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"unfinished-{path.name}")
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        write(make(rows), unfinished)
        unfinished.rename(path)
    return path


if __name__ == "__main__":
    print(log_path(sys.argv[1], int(sys.argv[2])))
