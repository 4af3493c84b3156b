"""pandas columns as Arrow columns and back, without a digit or a dtype lost on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as pt

from sessionize.errors import InputError


def from_pandas(frame: pd.DataFrame, wanted: Sequence[str]) -> pa.Table:
    """Take the wanted columns as Arrow columns, sharing memory where the two allow it.

    NaN, None, NaT and NA are null.

    Raises:
        InputError: For a column of mixed objects, or of objects that Arrow doesn't know.
    """
    columns = [(str(name), index) for index, name in enumerate(frame.columns) if str(name) in wanted]
    arrays = [_arrow(frame.iloc[:, index], name) for name, index in columns]
    return pa.table(arrays, names=[name for name, _ in columns])


def to_pandas(table: pa.Table, like: pd.DataFrame, kept: Mapping[str, str]) -> pd.DataFrame:
    """Return an Arrow table as a pandas frame.

    Args:
        table: The result.
        like: The frame whose dtypes are kept.
        kept: Column of the result → column of `like` whose dtype it keeps.
    """
    dtypes = {str(name): dtype for name, dtype in zip(like.columns, like.dtypes, strict=True)}
    series = {
        name: _series(table[name], dtypes[kept[name]] if name in kept else None)
        for name in table.column_names
    }
    return pd.DataFrame(series, columns=table.column_names)


def _arrow(series: pd.Series, name: str) -> pa.Array | pa.ChunkedArray:
    if series.empty and series.dtype in (np.dtype(object), np.dtype(np.float64)):
        return pa.nulls(0)  # what pandas makes of an empty list says nothing about a type
    if series.dtype == object and pd.api.types.infer_dtype(series).startswith("mixed"):
        kinds = sorted({type(value).__name__ for value in series[series.notna()]})
        if len(kinds) > 1:
            raise InputError(
                f"<events>: column {name!r} mixes {' and '.join(kinds)}. "
                f"Give it one type, such as events[{name!r}].astype(str)."
            )
    try:
        return pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise InputError(f"<events>: column {name!r} ({series.dtype}) is no Arrow column: {error}") from error


def _series(column: pa.ChunkedArray, dtype: Any) -> pd.Series:
    """Return a column in a given dtype, or in the one that holds its values exactly."""
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical(_exact(column), dtype=dtype))
    if isinstance(dtype, pd.ArrowDtype):
        return pd.Series(pd.arrays.ArrowExtensionArray(column.cast(dtype.pyarrow_dtype)))
    if hasattr(dtype, "__from_arrow__"):
        return pd.Series(dtype.__from_arrow__(_flat(column)))
    if dtype == np.dtype(object):
        return pd.Series(np.array([*column.to_pylist(), None], object)[:-1], dtype=object)
    exact = _exact(column)
    has_nulls = column.null_count and (pt.is_integer(column.type) or pt.is_boolean(column.type))
    return exact if dtype is None or has_nulls else exact.astype(dtype)


def _exact(column: pa.ChunkedArray) -> pd.Series:
    """Return a column in its natural dtype; integers and bools with nulls in a nullable one."""
    nullable = {
        pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(), pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype(),
    }  # fmt: skip
    flat = _flat(column)
    if flat.null_count and flat.type in nullable:
        return flat.to_pandas(types_mapper=nullable.get)
    return flat.to_pandas()


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pt.is_dictionary(column.type) else column
