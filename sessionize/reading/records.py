"""The records that rows came from: their numbers, and how they stood in the file.

A record's number is that within its chunk; where chunks come together in their order, what was read
before is added (`sessionize.engine.outcome`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from sessionize.reading.blocks import Block
from sessionize.reading.types import flatten, take_rows


class Records(Protocol):
    """The records that rows came from."""

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number (from 1) of each of the given rows (from 0) among the chunk's records."""

    def raw(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the given rows as they stood."""

    def malformed(self) -> list[tuple[int, str]]:
        """Return number and text of the records that gave no row."""


@dataclass(frozen=True)
class TableRecords:
    """Records of a columnar format: its rows."""

    table: pa.Table

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the record number of each of the given rows."""
        return rows + 1

    def raw(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the given rows as JSON objects of the columns that were read."""
        taken = take_rows(self.table, rows)
        columns = {name: _plain(taken[name]) for name in taken.column_names}
        return [
            json.dumps(dict(zip(columns, values, strict=True)), ensure_ascii=False, default=_jsonable)
            for values in zip(*columns.values(), strict=True)
        ]

    def malformed(self) -> list[tuple[int, str]]:
        """Return nothing: a columnar format holds rows only."""
        return []


@dataclass(frozen=True)
class TextRecords:
    """Records of a text format.

    Attributes:
        block: Their text.
        bad: Positions (from 0, ascending) of the records that gave no row.
    """

    block: Block
    bad: NDArray[np.int64]

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the record number of each of the given rows."""
        return self._positions(rows) + 1

    def raw(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the given rows' own text, without line breaks."""
        return self._texts(self._positions(rows))

    def malformed(self) -> list[tuple[int, str]]:
        """Return number and text of the records that gave no row."""
        numbers = self.bad + 1
        return list(zip(numbers.tolist(), self._texts(self.bad), strict=True)) if len(self.bad) else []

    def _positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        skipped = self.bad - np.arange(len(self.bad))  # the row before which each one is missing
        return rows + np.searchsorted(skipped, rows, side="right")

    def _texts(self, positions: NDArray[np.int64]) -> list[str]:
        starts, ends = self.block.spans()
        spans = zip(starts[positions].tolist(), ends[positions].tolist(), strict=True)
        texts = (self.block.data[start:end].rstrip(b"\r\n") for start, end in spans)
        return [text.decode(errors="backslashreplace") for text in texts]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Return values as JSON has them; times as ISO 8601, also those that Python's datetime cannot hold."""
    array = flatten(column)
    if pt.is_timestamp(array.type):
        suffix = "Z" if array.type.tz else ""
        texts = array.cast(pa.timestamp(array.type.unit)).cast(pa.string())
        return [text if text is None else text.replace(" ", "T") + suffix for text in texts.to_pylist()]
    return list(array.to_pylist())


def _jsonable(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
