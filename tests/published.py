"""Sessions that others have published: test suites of other systems, and real logs with their figures."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as csv_writer
import pyarrow.parquet as pq

VECTORS = Path(__file__).parent / "vectors"
DATA = Path(__file__).parent / "data"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Boundary = Literal["exceeds", "reaches"]
Bounds = tuple[str, int, int, int]
"""A session as the sources give it: identity, start and end in µs, number of events."""


@dataclass(frozen=True)
class EngineCase:
    """One test of another engine: events in the order given there, and the sessions it expects."""

    name: str
    timeout_seconds: int
    boundary: Boundary
    events: list[tuple[str, int]]
    sessions: list[Bounds]


@dataclass(frozen=True)
class RealLog:
    """A log that this project did not write, with the figures that its README states."""

    name: str
    by: str
    time: str
    rows: int
    users: int
    rejected: int
    sessions: int
    total_seconds: float

    @property
    def events_file(self) -> Path:
        """The log, as gzipped CSV."""
        return DATA / self.name / "events.csv.gz"

    @property
    def expected_file(self) -> Path:
        """Its sessions, computed by two independent methods."""
        return DATA / self.name / "expected_sessions.parquet"


REAL_LOGS = [
    RealLog("retentioneering_ecom", "user_id", "timestamp", 31106, 600, 0, 3605, 3747594.0),
    RealLog("kafka_gitlog", "author", "authored_at", 14054, 1492, 0, 13526, 304411.0),
    RealLog("snowplow_web", "domain_userid", "collector_tstamp", 160, 42, 1, 57, 6858.390),
]


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Rows of a CSV file as text; an empty field is None, as it is nowhere quoted in these files."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = io.StringIO(content.decode(), newline="")
    return [{name: text or None for name, text in row.items()} for row in csv.DictReader(lines)]


def engine_cases() -> list[EngineCase]:
    """Every case of `engines.json`.

    Five of them have a timeout below our minimum of one second; there time itself is stretched
    until the timeout is a second, which changes no comparison of a gap with the timeout.
    """
    return [_engine_case(case) for case in json.loads((VECTORS / "engines.json").read_text())]


def _engine_case(case: dict[str, Any]) -> EngineCase:
    timeout = case["timeout_seconds"]
    stretch = 1 if timeout >= 1 else round(1 / timeout)
    return EngineCase(
        name=_short_name(case["source"]),
        timeout_seconds=round(timeout * stretch),
        boundary=case["boundary"],
        events=[(identity, time_us(time) * stretch) for identity, time in case["events"]],
        sessions=[
            (identity, time_us(start) * stretch, time_us(end) * stretch, count)
            for identity, start, end, count in case["expected_sessions"]
        ],
    )


def _short_name(source: str) -> str:
    path, _, test = source.partition(" :: ")
    return f"{path.rpartition('/')[2].partition('.')[0]}: {test}"


def time_us(value: int | str) -> int:
    """An instant in µs: epoch seconds, or ISO 8601 text that is UTC unless it says otherwise."""
    if isinstance(value, int):
        return value * 1_000_000
    moment = datetime.fromisoformat(value)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a Parquet or CSV file."""
    return pq.read_table(path).to_pylist() if path.suffix == ".parquet" else read_csv(path)


def read_bounds(path: Path, identity: str) -> list[Bounds]:
    """Identity, start, end and count of every session in a Parquet or CSV sessions table, sorted."""
    rows = read_rows(path)
    return sorted(
        (str(row[identity]), _any_us(row["start_time"]), _any_us(row["end_time"]), int(row["event_count"]))
        for row in rows
    )


def _any_us(value: datetime | str) -> int:
    return time_us(value) if isinstance(value, str) else (value - EPOCH) // MICROSECOND


def write_log(path: Path, columns: Mapping[str, Sequence[object]]) -> Path:
    """Write a log of plain columns as Parquet or CSV, by the file's suffix."""
    table = pa.table(dict(columns))
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        csv_writer.write_csv(table, path)
    return path
