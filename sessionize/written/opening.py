"""Opening a sessions table by its path, or from a data frame, as a stream of tables of even size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.types as pt

from sessionize.core.sessions import INSTANT
from sessionize.errors import InputError, UnreadableFileError
from sessionize.reading.ranges import column_statistics
from sessionize.reading.streams import readable
from sessionize.reading.suffixes import format_of
from sessionize.writing.atomic import DATE, MARKER
from sessionize.written.layout import OWN_TYPES, Layout, Origin, types_of
from sessionize.written.text import CsvTable, JsonTable

TABLE_ROWS = 1 << 18
FRAME = "<sessions>"
"""What messages call a data frame, which has no file name."""


class Batches(Protocol):
    """One format: a schema, and the rows as often as they are asked for."""

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""

    @property
    def rows(self) -> int | None:
        """How many rows there are; None where nobody knows before they are read."""

    def latest_us(self, column: str) -> int | None:
        """Return the latest time in a column, in µs since the epoch; None where only reading all tells."""

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of the rows that fit; `where` reads only named columns."""


@dataclass(frozen=True)
class Written:
    """A sessions table that can be read as often as needed, never whole.

    Attributes:
        layout: Its columns.
        origin: How it was made, where its metadata says so.
    """

    layout: Layout
    origin: Origin
    _source: Batches

    @property
    def rows(self) -> int | None:
        """How many sessions there are; None where nobody knows before they are read."""
        return self._source.rows

    def latest_end_us(self) -> int | None:
        """Return when the last session ended, in µs since the epoch; None where only reading all tells."""
        names = [self.layout.own(name) for name in ("start_time", "end_time")]
        if not all(pt.is_timestamp(self.layout.types[name]) for name in names):
            return None  # as reading will say
        return self._source.latest_us(names[1])

    def begun_before(self, time_us: int) -> pc.Expression:
        """Return which rows are of sessions that began before a time, or nobody knows when."""
        name = self.layout.own("start_time")
        start, limit = pc.field(name), pa.scalar(time_us, INSTANT).cast(self.layout.types[name])
        return (start < limit) | start.is_null()

    def tables(self, columns: Sequence[str], where: pc.Expression | None = None) -> Iterator[pa.Table]:
        """Read some columns of the rows that fit.

        Args:
            columns: Names of columns; each at most once.
            where: Which rows; it may read only these columns. Parquet skips the row groups and folders
                whose statistics rule them out.

        Yields:
            Tables of about a quarter of a million rows, in the table's order; none where no row fits.

        Raises:
            UnreadableFileError: For a damaged file.
        """
        waiting: list[pa.RecordBatch] = []
        with readable(self.layout.name):
            for batch in self._source.batches(columns, where):
                if waiting and sum(map(len, waiting)) + len(batch) > TABLE_ROWS:
                    yield pa.Table.from_batches(waiting)
                    waiting = []
                if len(batch):
                    waiting.append(batch)
        if waiting:
            yield pa.Table.from_batches(waiting)


def open_written(sessions: Any) -> Written:
    """Open a sessions table.

    Args:
        sessions: A path: a `.parquet`, `.csv`, `.jsonl` or `.arrow` file (text also `.gz`, `.zst`), a
            folder of Parquet files by `session_date=`, or a store. Or a pandas, Polars or PyArrow table, or
            anything with `__arrow_c_stream__`.

    Returns:
        The table; of a file only the beginning or the footer has been read.

    Raises:
        MissingColumnError: For a table that holds no sessions.
        UnreadableFileError: For a file that is missing, damaged, or of no known format.
        StoreError: For a Delta table that is no store of ours.
        TypeError: For anything that is neither path nor table.
    """
    name = str(sessions) if isinstance(sessions, str | Path) else FRAME
    with readable(name):
        source = _file(Path(sessions)) if isinstance(sessions, str | Path) else _Frame(sessions)
    origin = Origin.of(source.schema)
    return Written(Layout.of(name, types_of(source.schema), origin.rules), origin, source)


def _file(path: Path) -> Batches:
    if not path.exists():
        raise UnreadableFileError(f"{path}: no such file or folder. Name a sessions table.")
    if path.is_dir():
        return _folder(path)
    match format_of(path.name):
        case "parquet", _:
            return _ParquetFiles(ds.dataset(str(path), format="parquet"))
        case "arrow", _:
            return _ArrowFile(ds.dataset(str(path), format="arrow"))
        case "csv", _:
            return CsvTable(path)
        case "jsonl", _:
            return JsonTable(path)
    raise UnreadableFileError(
        f"{path}: the name says no format. A sessions table ends in .parquet, .csv, .jsonl or .arrow "
        "(text also .gz, .zst), or is a folder by session_date=."
    )


def _folder(path: Path) -> Batches:
    if (path / "_delta_log").is_dir():
        from sessionize.written.store import StoredSessions

        return StoredSessions(path)
    hive = ds.partitioning(pa.schema([(DATE, pa.string())]), flavor="hive")
    dataset = ds.dataset(str(path), format="parquet", partitioning=hive)
    if dataset.files:
        return _ParquetFiles(dataset)
    if not (path / MARKER).is_file():
        raise UnreadableFileError(f"{path}: a folder without Parquet files. Name a sessions table.")
    return _Frame(_empty(json.loads((path / MARKER).read_text(encoding="utf-8"))))


def _empty(marker: dict[str, Any]) -> pa.Table:
    """Return the table without rows that a marker describes; what is not ours counts as text."""
    prefix = json.loads(marker["metadata"]["sessionize"])["rules"]["prefix"]
    types = {name: OWN_TYPES.get(name.removeprefix(prefix), pa.string()) for name in marker["columns"]}
    return pa.schema(types).with_metadata(marker["metadata"]).empty_table()


class _ParquetFiles:
    """Parquet files, one row group at a time, because Arrow's own scanner runs far ahead of its reader."""

    def __init__(self, dataset: ds.Dataset) -> None:
        self._dataset = dataset
        self.schema = dataset.schema

    @property
    def rows(self) -> int:
        return int(self._dataset.count_rows())

    def latest_us(self, column: str) -> int | None:
        footers = (file.metadata for file in self._dataset.get_fragments())
        groups = (footer.row_group(index) for footer in footers for index in range(footer.num_row_groups))
        known = [column_statistics(group, column) for group in groups if group.num_rows]
        latest = [each.max for each in known if each is not None and each.has_min_max]
        if len(latest) < len(known) or not latest:
            return None
        return int(pa.scalar(max(latest)).cast(INSTANT).value)

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        for file in self._dataset.get_fragments(filter=where):
            for group in file.split_by_row_group(filter=where, schema=self.schema):
                table = group.to_table(schema=self.schema, columns=list(columns), filter=where)
                yield from table.to_batches(TABLE_ROWS)


class _ArrowFile:
    """An Arrow file, by Arrow's own scanner."""

    def __init__(self, dataset: ds.Dataset) -> None:
        self._dataset = dataset
        self.schema = dataset.schema

    @property
    def rows(self) -> int:
        return int(self._dataset.count_rows())

    def latest_us(self, column: str) -> None:
        return None

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        yield from self._dataset.scanner(columns=list(columns), filter=where, batch_readahead=2).to_batches()


class _Frame:
    """A data frame, shared where Arrow can, its dictionaries decoded."""

    def __init__(self, frame: Any) -> None:
        if not isinstance(frame, pa.Table):
            frame = _as_table(frame)
        self._table = frame.cast(pa.schema(map(_plain, frame.schema), frame.schema.metadata))
        self.schema = self._table.schema
        self.rows = len(self._table)

    def latest_us(self, column: str) -> None:
        return None

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        table = self._table.select(list(columns))
        yield from (table if where is None else table.filter(where)).to_batches(TABLE_ROWS)


def _as_table(frame: Any) -> pa.Table:
    if not hasattr(frame, "__arrow_c_stream__") and not hasattr(frame, "__arrow_c_array__"):
        raise TypeError(
            f"sessions are a path or a pandas, Polars or PyArrow table, not {type(frame).__name__}."
        )
    try:
        return pa.table(frame)
    except pa.ArrowException as error:
        raise InputError(f"{FRAME}: Arrow has no form for these columns: {error}") from error


def _plain(field: pa.Field) -> pa.Field:
    type_ = field.type
    if pt.is_dictionary(type_):
        type_ = type_.value_type
    if pt.is_string_view(type_) or pt.is_large_string(type_):
        type_ = pa.string()
    return field.with_type(type_)
