"""The data files of one version of the table: what the log says of them, and their rows."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen
from deltalake import DeltaTable

from sessionize.core.columns import column
from sessionize.errors import StoreMismatchError
from sessionize.reading.folders import place_of
from sessionize.reading.streams import shorten
from sessionize.store.delta_types import from_stored
from sessionize.writing.atomic import DATE

_UNKNOWN = np.iinfo(np.int64)


@frozen
class StoredFile:
    """One data file of the table.

    Attributes:
        path: From the table's folder on, with `/`.
        session_date: Its partition: the local day of its sessions' starts.
        rows: Its sessions.
        size_bytes: Its size.
        first_start_us: Not after its earliest `start_time`, microseconds since the epoch, UTC; less
            than 1 ms before it. The least int64 where the statistics don't tell.
        last_start_us: Not before its latest `start_time`, and less than 1 ms after it; the largest
            int64 where the statistics don't tell.
        first_end_us: The same for `end_time`.
        last_end_us: The same for `end_time`.
    """

    path: str
    session_date: date
    rows: int
    size_bytes: int
    first_start_us: int
    last_start_us: int
    first_end_us: int
    last_end_us: int


def data_files(delta: DeltaTable, times: tuple[str, str]) -> list[StoredFile]:
    """List the data files of an open table, by date, within a date as their rows stand.

    Args:
        delta: The table.
        times: The columns of start and end, whose range every file states.
    """
    actions = pa.table(delta.get_add_actions(flatten=True))
    names = ("path", f"partition.{DATE}", "num_records", "size_bytes")
    columns = [actions[name].to_pylist() for name in names]
    for name in times:
        columns.append(_microseconds(actions, f"min.{name}", _UNKNOWN.min))
        columns.append(_microseconds(actions, f"max.{name}", _UNKNOWN.max))
    files = (StoredFile(*values) for values in zip(*columns, strict=True))
    return sorted(files, key=lambda file: (file.session_date, file.path))


def read_file(location: str, file: StoredFile, schema: pa.Schema) -> pa.Table:
    """Read sessions of one data file, in their order.

    Args:
        location: The store's folder or URI.
        file: The file.
        schema: The columns, in our types; `session_date` may be among them.

    Raises:
        StoreMismatchError: Where the file is gone or damaged.
    """
    place = place_of(location).child(file.path)
    names = [name for name in schema.names if name != DATE]
    try:
        with place.filesystem.open_input_file(place.path) as opened:
            stored = pq.ParquetFile(opened).read(names)
    except (OSError, pa.ArrowException) as error:
        raise StoreMismatchError(
            f"{place.name}: a data file of the store cannot be read: {shorten(error)}. "
            "Bring it back, or build the store anew beside this one."
        ) from error
    if DATE in schema.names:
        stored = stored.append_column(DATE, pa.repeat(pa.scalar(file.session_date), len(stored)))
    return from_stored(stored, schema)


def _microseconds(actions: pa.Table, name: str, unknown: int) -> list[int]:
    """Read instants that statistics tell; nothing tells those of a table without rows, or far from today."""
    if name not in actions.column_names:
        return [unknown] * len(actions)
    instants = column(actions, name).cast(pa.timestamp("us", "UTC")).view(pa.int64())
    known: list[int] = instants.fill_null(unknown).to_pylist()
    return known
