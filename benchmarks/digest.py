"""Says what a table of sessions holds, so that two can be compared whatever wrote them in whatever order.

Run `python -m benchmarks.digest SESSIONS`; it prints the number of sessions and of events, and a
sum over the sessions modulo 2^64 that ties each identity to its times, count and aggregates.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

COLUMNS = ["device_id", "user_id", "start_time", "end_time", "event_count", "landing", "exit", "purchases"]
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def digest(sessions: pa.Table) -> dict[str, int]:
    """Return the number of sessions and events, and the sum over all sessions."""
    tied = np.zeros(len(sessions), np.uint64)
    for name in (name for name in COLUMNS if name in sessions.column_names):
        tied = (tied ^ _numbers(sessions[name])) * MULTIPLIER
        tied ^= tied >> np.uint64(32)
    events = pc.sum(sessions["event_count"]).as_py() or 0
    return {"sessions": len(sessions), "events": events, "sum": int(tied.sum(dtype=np.uint64))}


def _numbers(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return 64 bits for each value: microseconds of a time, a hash of a text."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz))
    elif not pa.types.is_integer(column.type):
        return _hashes(column.combine_chunks().dictionary_encode())
    return column.cast(pa.int64()).to_numpy().view(np.uint64)


def _hashes(texts: pa.DictionaryArray) -> NDArray[np.uint64]:
    distinct = texts.dictionary.to_numpy(zero_copy_only=False).astype(object)
    return pd.util.hash_array(distinct, categorize=False)[texts.indices.to_numpy()]


if __name__ == "__main__":
    print(json.dumps(digest(pq.read_table(Path(sys.argv[1])))))
