"""Makes the store that `benchmarks.store` measures, and keeps it; each step is a program of its own.

* `python -m benchmarks.stored make DAYS EVENTS FOLDER`: daily files, the store of them, the next day's file,
  once without and once with late events, and a corrected file.
* `python -m benchmarks.stored write STORE DATE...`: write partitions anew, and print what it took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks import traffic
from benchmarks.logs import tables
from benchmarks.traffic import DAY_US, SEED, Events
from sessionize.store.store import SessionStore
from sessionize.store.table import SessionsTable

FILES_A_STEP = 30
LATE_SHARE, LATE_DAYS = 0.005, 14


def make(days: int, events_a_day: int, folder: Path) -> None:
    """Make what is not there yet."""
    raw = folder / "raw"
    if not (folder / "late.parquet").exists():
        raw.mkdir(parents=True, exist_ok=True)
        _write_days(days, events_a_day, folder)
    files = sorted(raw.iterdir())
    for start in range(0, days, FILES_A_STEP):
        summary = SessionStore(folder / "table").update(files[start : start + FILES_A_STEP])
        if not summary.changed_nothing:
            print(f"store: day {start} of {days}, {summary.seconds:.1f} s", file=sys.stderr, flush=True)


def _write_days(days: int, events_a_day: int, folder: Path) -> None:
    """Write the files, that of the late events last: then all are there."""
    log = traffic.ordered((days + 1) * events_a_day, users=events_a_day, days=days + 1)
    for day, events in enumerate(log):
        if day < days:
            _write(events, folder / "raw" / f"{day:04}.parquet")
        if day == days // 2:
            kept = np.random.default_rng(SEED).random(len(events)) >= LATE_SHARE
            _write(events[np.flatnonzero(kept)], folder / "corrected.parquet")
    _write(events, folder / "next.parquet")
    _write(_with_late_events(events), folder / "late.parquet")


def _with_late_events(events: Events) -> Events:
    """Let some events be older than they are, where they stand."""
    random = np.random.default_rng(SEED)
    late_us = (random.random(len(events)) * LATE_DAYS * DAY_US).astype(np.int64)
    is_late = random.random(len(events)) < LATE_SHARE
    return replace(events, time_us=np.where(is_late, events.time_us - late_us, events.time_us))


def _write(events: Events, path: Path) -> None:
    pq.write_table(next(tables([events])), path)


def write_again(location: str, days: Sequence[str]) -> None:
    """Write partitions as they are, and print what the writing took."""
    table, dates = SessionsTable.open(location), [date.fromisoformat(day) for day in days]
    files = [file for file in table.files() if file.session_date in dates]
    rows = table.read(files, [*table.schema.names, "session_date"])
    started, cpu = time.perf_counter(), time.process_time()
    table.replace(dates, rows, ledger=table.ledger or 0)
    print(json.dumps({"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        write_again(sys.argv[2], sys.argv[3:])
