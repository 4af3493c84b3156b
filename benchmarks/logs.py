"""Makes the logs that the benchmarks read, and keeps them.

Run `python -m benchmarks.logs NAME ROWS FOLDER`; it prints where the log is. `traffic.py` says what the
events are like. A log has five columns, of which a sessionizer needs two; `shuffled` has only
those two, `devices` one more. Memory holds one row group at a time, except for `shuffled`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import traffic
from benchmarks.traffic import SEED, Events
from sessionize.writing.output import open_output
from sessionize.writing.target import output_target

VERSION = 2
"""Part of every file's name: raise it when a generator changes."""

ROW_GROUP_ROWS = 1_000_000
FILES = 20_000
EVENTS = ["view", "click", "search", "add_to_cart", "purchase"]
PURCHASE = EVENTS.index("purchase")

Days = Iterable[Events]


def tables(parts: Days, *, text_ids: bool = True) -> Iterator[pa.Table]:
    """Give each part as a table with its payload: `user_id`, `timestamp`, `event`, `page`, `amount`."""
    random = np.random.default_rng(SEED + 3)
    for part in parts:
        yield _table(part, random, text_ids)


def _table(part: Events, random: np.random.Generator, text_ids: bool) -> pa.Table:
    rows = len(part)
    event = random.choice(len(EVENTS), rows, p=[0.55, 0.25, 0.12, 0.06, 0.02])
    page = np.minimum(random.zipf(1.3, rows), 500)
    amount = pa.array(random.gamma(2, 20, rows).round(2), mask=event != PURCHASE)
    ids = pa.array(part.user)
    return pa.table(
        {
            "user_id": _text("user_", ids) if text_ids else ids,
            "timestamp": pa.array(part.time_us).cast(pa.timestamp("us", "UTC")),
            "event": pa.array(EVENTS).take(pa.array(event)),
            "page": _text("/page/", pa.array(page)),
            "amount": amount,
        }
    )


def with_devices(parts: Days) -> Iterator[pa.Table]:
    """Give each part with a `device_id` for each user.

    One event in a hundred is another user's of the device, and one in five nobody's: `user_id` is
    null before somebody logs in.
    """
    random = np.random.default_rng(SEED + 4)
    for part in parts:
        user = part.user + (random.random(len(part)) < 0.01)
        named = _text("user_", pa.array(user, mask=random.random(len(part)) < 0.2))
        table = next(tables([part]))
        devices = _text("device_", pa.array(part.user))
        yield table.set_column(0, "user_id", named).append_column("device_id", devices)


def _text(prefix: str, numbers: pa.Array) -> pa.Array:
    digits = pc.utf8_lpad(numbers.cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def write_parquet(
    days: Days,
    path: Path,
    *,
    group_rows: int = ROW_GROUP_ROWS,
    columns: list[str] | None = None,
    made: Callable[[Days], Iterator[pa.Table]] = tables,
) -> None:
    """Write one Parquet file with row groups of so many rows, all columns unless they are named."""
    whole = made(traffic.pieces(days, max(group_rows, ROW_GROUP_ROWS)))
    parts = (table.select(columns or table.column_names) for table in whole)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, row_group_size=group_rows)
        for part in parts:
            writer.write_table(part, row_group_size=group_rows)


def write_text(days: Days, path: Path, *, output_format: str) -> None:
    """Write one text file with ISO 8601 times."""
    parts = tables(traffic.pieces(days, ROW_GROUP_ROWS))
    first = next(parts)
    with open_output(output_target(path, output_format=output_format), first.schema, metadata={}) as writer:
        writer.write(first)
        for part in parts:
            writer.write(part)


def write_daily(days: Days, folder: Path) -> None:
    """Write a folder with a Parquet file for each day of 24 hours, with int64 ids."""
    folder.mkdir()
    for number, table in enumerate(tables(days, text_ids=False), start=1):
        pq.write_table(table, folder / f"day-{number:02}.parquet", row_group_size=ROW_GROUP_ROWS)


def write_tiny(rows: int, days: Days, folder: Path) -> None:
    """Write a folder of 20,000 Parquet files, all of the same few rows; the last holds what is left."""
    folder.mkdir()
    for number, table in enumerate(tables(traffic.pieces(days, max(rows // FILES, 1)))):
        pq.write_table(table, folder / f"part-{number:05}.parquet")


@dataclass(frozen=True)
class Kind:
    """A kind of log.

    Attributes:
        events: Makes the events of a log of so many rows.
        write: Writes them.
        suffix: Of the file's name; empty for a folder.
    """

    events: Callable[[int], Days]
    write: Callable[[Days, Path], None] = write_parquet
    suffix: str = ".parquet"


def kind(name: str, rows: int) -> Kind:
    """Return what a log of that name and size is."""
    kinds = {
        "ordered": Kind(traffic.ordered),
        "long": Kind(traffic.long),
        "shuffled": Kind(traffic.shuffled, partial(write_parquet, columns=["user_id", "timestamp"])),
        "giant": Kind(traffic.giant),
        "heavy": Kind(partial(traffic.giant, share=0.4)),
        "bot": Kind(traffic.bot),
        "devices": Kind(traffic.ordered, partial(write_parquet, made=with_devices)),
        "daily": Kind(traffic.ordered, write_daily, suffix=""),
        "csv": Kind(traffic.ordered, partial(write_text, output_format="csv"), suffix=".csv"),
        "jsonl": Kind(traffic.ordered, partial(write_text, output_format="jsonl"), suffix=".jsonl"),
        "tiny": Kind(traffic.ordered, partial(write_tiny, rows), suffix=""),
        "narrow": Kind(traffic.ordered, partial(write_parquet, group_rows=10)),
        "wide": Kind(traffic.ordered, partial(write_parquet, group_rows=rows)),
    }
    return kinds[name]


def log_path(name: str, rows: int, folder: Path) -> Path:
    """Return where in a folder a log is kept, making both first if they aren't there."""
    made = kind(name, rows)
    path = folder / f"{name}-{rows}-v{VERSION}{made.suffix}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"unfinished-{path.name}")
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        made.write(made.events(rows), unfinished)
        unfinished.rename(path)
    return path


if __name__ == "__main__":
    print(log_path(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
