"""Ranges of time that are known before anything is read.

A range is a promise that the engine checks. Times in text promise nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.reading.options import ReadOptions
from sessionize.reading.times import parse_times

TimeRange = tuple[int, int]
"""The earliest and the latest time that there may be, µs since the epoch, UTC, both included."""

# Local times are not in the order of their instants around a clock change. Hardly any change was
# larger; a piece that breaks its promise for one costs a second reading, never a wrong session.
_LARGEST_CLOCK_CHANGE_US = 3 * 3_600_000_000


@dataclass(frozen=True)
class Promise:
    """What is known of the times of some rows, as they are stored; which instants they are is another step.

    Attributes:
        earliest: The earliest time, as the integer that is stored.
        latest: The latest time.
        type: The Arrow type of both.
        options: How they are read; all files of a log are read alike.
    """

    earliest: int
    latest: int
    type: pa.DataType
    options: ReadOptions


def joint_range(promises: Iterable[Promise | None]) -> TimeRange | None:
    """Return the range of all times that are promised something of; None where one promises nothing."""
    stored: dict[pa.DataType, list[int]] = {}
    for promise in promises:
        if promise is None:
            return None
        stored.setdefault(promise.type, []).extend((promise.earliest, promise.latest))
        options = promise.options
    ranges = [_range_of(_times(bounds, type_), options) for type_, bounds in stored.items()]
    known = [each for each in ranges if each is not None]
    if not known or len(known) < len(ranges):
        return None
    return min(earliest for earliest, _ in known), max(latest for _, latest in known)


def parquet_promise(
    footer: pq.FileMetaData, groups: Iterable[int], type_: pa.DataType, options: ReadOptions
) -> Promise | None:
    """Return what the statistics of some row groups promise of their times; None where they don't say.

    Args:
        footer: The file's footer.
        groups: Indices of row groups.
        type_: The Arrow type of the time column.
        options: Which column holds the time, and how it is read.
    """
    bounds: list[Any] = []
    for group in groups:
        statistics = column_statistics(footer.row_group(group), options.time)
        if statistics is None or not statistics.has_min_max:
            return None
        bounds += [statistics.min_raw, statistics.max_raw]
    if not bounds or not _is_orderly(type_, options) or not all(isinstance(bound, int) for bound in bounds):
        return None
    return Promise(min(bounds), max(bounds), type_, options)


def table_promise(times: pa.ChunkedArray, options: ReadOptions) -> Promise | None:
    """Return the bounds of a column of times in memory, or None where it takes reading them."""
    if not _is_orderly(times.type, options):
        return None
    import pyarrow.compute as pc

    bounds = pc.min_max(times)
    if not bounds["min"].is_valid:
        return None
    stored = pa.array([bounds["min"], bounds["max"]], times.type).view(_stored_type(times.type))
    earliest, latest = stored.to_pylist()
    return Promise(earliest, latest, times.type, options)


def column_statistics(row_group: pq.RowGroupMetaData, column: str) -> pq.Statistics | None:
    """Return what a row group says of a column; None where it says nothing."""
    chunk = column_chunk(row_group, column)
    return None if chunk is None else chunk.statistics


def column_chunk(row_group: pq.RowGroupMetaData, column: str) -> pq.ColumnChunkMetaData | None:
    """Return what a row group knows of a column; None where it has no such flat column."""
    chunks = map(row_group.column, range(row_group.num_columns))
    return next((chunk for chunk in chunks if chunk.path_in_schema == column), None)


def _is_orderly(type_: pa.DataType, options: ReadOptions) -> bool:
    """Say whether the stored integers are in the order of the times: those that a format reads are not."""
    is_epoch = pa.types.is_int64(type_) and not options.time_format
    return pa.types.is_timestamp(type_) or pa.types.is_date32(type_) or is_epoch


def _times(stored: list[int], type_: pa.DataType) -> pa.Array:
    return pa.array(stored, _stored_type(type_)).view(type_)


def _stored_type(type_: pa.DataType) -> pa.DataType:
    return pa.int32() if type_.bit_width == 32 else pa.int64()


def _range_of(bounds: pa.Array, options: ReadOptions) -> TimeRange | None:
    instants = parse_times(bounds, options.evolve(not_before=None, not_after=None, dst_policy="earlier"))
    if instants.problem.any():
        return None
    earliest_us, latest_us = int(instants.time_us.min()), int(instants.time_us.max())
    is_local = pa.types.is_date(bounds.type) or getattr(bounds.type, "tz", "UTC") is None
    slack_us = _LARGEST_CLOCK_CHANGE_US if is_local and options.timezone != "UTC" else 0
    return earliest_us - slack_us, latest_us + slack_us
