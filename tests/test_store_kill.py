"""Updates that are killed, as processes: the old table or the new one, and equality afterwards."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from tests.command_line import environment
from tests.nights import write_later

EVENTS_A_DAY, USERS = 2000, 200
OLD_DAYS, ALL_DAYS = range(20), range(30)
CORRECTED = 7
FOREVER = 600.0

UPDATE = """
import sys
from sessionize.store.store import SessionStore
print(flush=True)
SessionStore(sys.argv[1]).update(sys.argv[2])
"""


class Folder:
    """Daily files, the store of the first of them, and what the store is before and after an update."""

    def __init__(self, folder: Path) -> None:
        self.store, self.kept, self.raw = folder / "store", folder / "kept", folder / "raw"
        self.raw.mkdir()
        old = [write_later(self.raw / f"{day:02}.parquet", events_of(day)) for day in OLD_DAYS]
        sz.SessionStore(self.kept).update(old)
        self.old = sz.SessionStore(self.kept).sessions()
        write_later(old[CORRECTED], events_of(CORRECTED, seed=1))
        for day in ALL_DAYS[len(OLD_DAYS) :]:
            write_later(self.raw / f"{day:02}.parquet", events_of(day))
        sz.run(self.raw, folder / "run.parquet")
        self.new = pq.read_table(folder / "run.parquet").replace_schema_metadata()

    def restore(self) -> None:
        shutil.rmtree(self.store, ignore_errors=True)
        shutil.copytree(self.kept, self.store)

    def begin_update(self) -> subprocess.Popen[str]:
        """Start an update in a process; it has imported everything and begins right now."""
        process = subprocess.Popen(
            [sys.executable, "-c", UPDATE, str(self.store), str(self.raw)],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def sessions(self) -> pa.Table:
        return sz.SessionStore(self.store).sessions()


def events_of(day: int, seed: int = 0) -> pa.Table:
    """A day's events: times over the day and half an hour into the next one."""
    numbers = np.random.default_rng([day, seed])
    start = int(datetime.fromisoformat("2026-01-01T00:00Z").timestamp() + day * 86_400)
    seconds = numbers.integers(start, start + 88_200, EVENTS_A_DAY)
    times = pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC"))
    return pa.table({"user_id": numbers.integers(0, USERS, EVENTS_A_DAY), "timestamp": times})


def kill_at(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill a process after so many seconds; say whether it was still there."""
    with process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode < 0


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_an_update_killed_at_any_moment_leaves_the_old_table_or_the_new_one(
    tmp_path: Path, kills: int
) -> None:
    folder, moments, killed = Folder(tmp_path), random.Random(kills), 0
    folder.restore()
    update, started = folder.begin_update(), time.perf_counter()
    assert not kill_at(update, FOREVER)
    usual_seconds = time.perf_counter() - started

    for _ in range(kills):
        folder.restore()
        killed += kill_at(folder.begin_update(), moments.random() * usual_seconds)
        assert folder.sessions() in (folder.old, folder.new)

        sz.SessionStore(folder.store).update(folder.raw)

        assert folder.sessions().equals(folder.new)

    assert killed
