"""Data frames as logs, and results as the kind of frame that the caller gave."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import pyarrow as pa
import pyarrow.types as pt

from sessionize.errors import InputError
from sessionize.reading.log import Log, Task, log_of
from sessionize.reading.options import ReadOptions
from sessionize.reading.rows import NAMED_BY_NOBODY, Needed
from sessionize.reading.tables import tasks_of
from sessionize.reading.types import ColumnTypes

if TYPE_CHECKING:
    import pandas as pd

EVENTS = "<events>"
"""What messages and rejected rows call a frame, which has no file name."""


class FrameLog:
    """A frame as the one file of a log."""

    name = EVENTS
    size = None
    is_indexed = True

    def __init__(self, names: Sequence[str], table: pa.Table) -> None:
        """Hold the needed columns, and the names of all."""
        self.names = names
        self.types = dict(zip(table.column_names, table.schema.types, strict=True))
        self._table = table

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for about every million rows."""
        yield from tasks_of(self._table.to_batches(), needed.options)


def open_frame(
    events: object,
    rules_columns: Sequence[str],
    identity: Sequence[str],
    options: ReadOptions,
    named_by: Mapping[str, str] = NAMED_BY_NOBODY,
) -> Log:
    """Take a frame as a log, without changing it, and without copying what Arrow can share.

    Args:
        events: A pandas or Polars data frame, a PyArrow table, record batch or reader, or anything
            with `__arrow_c_stream__`. A reader is read to its end.
        rules_columns: The columns that become part of the events.
        identity: The identity columns.
        options: How to read.
        named_by: Which options name a column of the rules, in sentences, for the error about events
            that lack it.

    Returns:
        The log. Its rejected rows are those of the file `<events>`, records counted from 1.

    Raises:
        MissingColumnError: For a needed column that the frame lacks.
        InputError: For a column of mixed objects, or of a type that does not serve.
        TypeError: For anything that is no frame.
    """
    needed = Needed.of(rules_columns, identity, options, named_by)
    return log_of([(_opened(events, needed.columns), {})], needed)


def restore(table: pa.Table, like: object, kept: Mapping[str, str]) -> Any:
    """Return a result as the kind of frame that the events came in.

    Args:
        table: The result.
        like: The events, as `open_frame` was given them.
        kept: Column of the result → column of the events whose type it keeps (categories, nullable
            and Arrow-backed types, units of time).

    Returns:
        A pandas or Polars data frame, a record batch or a reader where the events were one, else a
        PyArrow table. Integers with nulls are nullable integers, never floats; instants are
        UTC in microseconds.
    """
    if _is_pandas(like):
        from sessionize.reading.pandas_frames import to_pandas

        return to_pandas(table, like, kept)
    if _is_polars(like):
        return _to_polars(table, like, kept)
    schema = like.schema if isinstance(like, pa.Table | pa.RecordBatch | pa.RecordBatchReader) else None
    if schema is not None:
        table = _cast(table, schema, kept)
    if isinstance(like, pa.RecordBatch):
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
    return table.to_reader() if isinstance(like, pa.RecordBatchReader) else table


def held(events: Any) -> Any:
    """Return a frame that can be read more than once: itself, or the table that a stream holds.

    Raises:
        TypeError: For anything that is no frame.
    """
    if _is_pandas(events) or _is_polars(events) or isinstance(events, pa.Table | pa.RecordBatch):
        return events
    return _reader(events).read_all()


def extended(events: Any, columns: pa.Table) -> Any:
    """Return a frame with more columns behind its own, which stay as they are; it is not changed.

    Args:
        events: A frame of n rows, as `held` gives it.
        columns: n rows, in the same order; no dictionaries.
    """
    if _is_pandas(events):
        from sessionize.reading.pandas_frames import to_pandas

        more = to_pandas(columns, events, {})
        return events.assign(**{str(name): more[name].array for name in more.columns})
    if _is_polars(events):
        return events.hstack(_to_polars(columns, events, {}).get_columns())
    is_batch = isinstance(events, pa.RecordBatch)
    table = pa.Table.from_batches([events]) if is_batch else events
    for name, column in zip(columns.column_names, columns.columns, strict=True):
        table = table.append_column(name, column)
    return restore(table, events, {}) if is_batch else table


def column_names(events: Any) -> list[str]:
    """Name the columns of a frame, as `held` gives it."""
    return [str(name) for name in (events.columns if _is_pandas(events) else _opened(events, ()).names)]


def _opened(events: Any, wanted: Sequence[str]) -> FrameLog:
    if _is_pandas(events):
        from sessionize.reading.pandas_frames import from_pandas

        return FrameLog([str(name) for name in events.columns], from_pandas(events, wanted))
    if _is_polars(events):
        names = events.columns
        return FrameLog(names, _from_polars(events.select([name for name in names if name in wanted])))
    if isinstance(events, pa.RecordBatch):
        events = pa.Table.from_batches([events])
    if isinstance(events, pa.Table):
        return FrameLog(events.schema.names, _select(events, wanted))
    reader = _reader(events)
    batches = [_select(batch, wanted) for batch in reader]
    schema = _select(reader.schema.empty_table(), wanted).schema
    return FrameLog(reader.schema.names, pa.Table.from_batches(batches, schema))


def _from_polars(frame: Any) -> pa.Table:
    try:
        return frame.to_arrow()
    except pa.ArrowException as error:
        raise InputError(f"<events>: Arrow has no such type: {error}. Columns: {frame.schema}.") from error


def _reader(events: Any) -> pa.RecordBatchReader:
    if hasattr(events, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(events)
    kind = type(events).__name__
    if hasattr(events, "collect"):
        raise TypeError(f"{kind} has no rows yet. Pass events.collect().")
    raise TypeError(
        f"events are a pandas, Polars or PyArrow table, not {kind}. Files are for sessionize.run()."
    )


def _select(table: Any, wanted: Sequence[str]) -> Any:
    return table.select([index for index, name in enumerate(table.schema.names) if name in wanted])


def _is_pandas(events: object) -> TypeGuard[pd.DataFrame]:
    return _is_frame_of("pandas", events)


def _is_polars(events: object) -> bool:
    return _is_frame_of("polars", events)


def _is_frame_of(library: str, events: object) -> bool:
    """Say whether this is the library's data frame; if it is, then somebody has imported the library."""
    module = sys.modules.get(library)
    return module is not None and isinstance(events, module.DataFrame)


def _cast(table: pa.Table, schema: pa.Schema, kept: Mapping[str, str]) -> pa.Table:
    for output, column in kept.items():
        index = table.schema.get_field_index(output)
        restored = _as_type(table.column(index), schema.field(column).type)
        table = table.set_column(index, output, restored)
    return table


def _as_type(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pt.is_null(type_):
        return column
    if not pt.is_dictionary(type_):
        return column.cast(type_)
    encoded = column.cast(type_.value_type).dictionary_encode()
    return encoded.cast(pa.dictionary(type_.index_type, type_.value_type))


def _to_polars(table: pa.Table, like: Any, kept: Mapping[str, str]) -> Any:
    import polars as pl

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(pl.col(output).cast(like.schema[column]) for output, column in kept.items())
