"""The Python API and the peers on one table that is in memory already.

Run `python -m benchmarks.frames CONTENDER LOG OUT`. It loads the log, all columns, times only the
work, prints the seconds of wall time and CPU as JSON, and writes what was found to OUT, untimed.
`sessionize_file` is the same call for a file: it reads the log and writes the table, all timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import peers
from sessionize import run, sessionize

Work = Callable[[], Any]


def sessionize_pandas(log: Path, out: Path) -> Work:
    """A pandas frame in, a pandas frame out."""
    import pandas as pd

    events = pd.read_parquet(log)
    return lambda: sessionize(events)


def sessionize_polars(log: Path, out: Path) -> Work:
    """A Polars frame in, a Polars frame out."""
    import polars as pl

    events = pl.read_parquet(log)
    return lambda: sessionize(events)


def sessionize_arrow(log: Path, out: Path) -> Work:
    """A PyArrow table in, a PyArrow table out."""
    events = pq.read_table(log)
    return lambda: sessionize(events)


def sessionize_file(log: Path, out: Path) -> Work:
    """A file in, a file out."""
    return lambda: run(log, out)


def pandas(log: Path, out: Path) -> Work:
    """The pandas idiom, given only the columns that it needs."""
    import pandas as pd

    events = pd.read_parquet(log)
    return lambda: peers.pandas_sessions(events[peers.NEEDED])


def polars(log: Path, out: Path) -> Work:
    """The fastest Polars form, on the streaming engine as for files."""
    import polars as pl

    events = pl.read_parquet(log)
    return lambda: peers.polars_sessions(events.lazy()).collect(engine="streaming")


def timed(work: Work) -> tuple[Any, dict[str, float]]:
    """Do the work; return what it found, and the seconds that it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def as_arrow(found: Any) -> pa.Table:
    """Return a table of any kind as PyArrow's."""
    return found.to_arrow() if hasattr(found, "to_arrow") else pa.table(found)


CONTENDERS: dict[str, Callable[[Path, Path], Work]] = {
    "sessionize_pandas": sessionize_pandas,
    "sessionize_polars": sessionize_polars,
    "sessionize_arrow": sessionize_arrow,
    "sessionize_file": sessionize_file,
    "pandas": pandas,
    "polars": polars,
}

if __name__ == "__main__":
    name, log, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    found, seconds = timed(CONTENDERS[name](log, out))
    print(json.dumps(seconds))
    if not out.exists():
        pq.write_table(as_arrow(found), out)
