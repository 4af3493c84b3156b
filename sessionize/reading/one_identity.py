"""One identity's rows out of a log; the others are dropped as early as their format lets them be.

Row groups of Parquet whose statistics rule the identity out are not read at all, and of the others
the identity columns come first. Rows of other formats are dropped as they stream, before anything
but the identity is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sessionize.core.identity import identity_text
from sessionize.core.matching import matches, read_value
from sessionize.core.texts import as_text
from sessionize.events import Chunk
from sessionize.reading.log import FilePiece, Load, guarded
from sessionize.reading.options import ReadOptions
from sessionize.reading.parquet import RowGroups
from sessionize.reading.ranges import column_statistics
from sessionize.reading.records import Records
from sessionize.reading.rows import judge, typed
from sessionize.reading.types import ColumnTypes, flatten, take_rows

SAMPLED_ROWS = 1_000
"""So many rows of a table are asked whose they are, to have names for who is not found."""


@dataclass(frozen=True)
class OneIdentity:
    """Whose rows are wanted.

    Attributes:
        values: The value of each identity column, as text.
        types: The types of the log's columns.
        options: How text is read as a type.
    """

    values: Mapping[str, str]
    types: ColumnTypes
    options: ReadOptions

    def check(self) -> None:
        """Refuse text that is no value of its column.

        Raises:
            InputError: It names the column's type.
        """
        for column, text in self.values.items():
            if not pa.types.is_null(self.types[column]):
                read_value(text, self.types[column], column)

    def marks(self, table: pa.Table) -> NDArray[np.bool_]:
        """Mark the rows of a table, as read, that are the identity's; bool, shape (n,)."""
        marked = np.ones(table.num_rows, np.bool_)
        for column, text in self.values.items():
            marked &= np.asarray(matches(self._typed(table, column), column, text))
        return marked

    def names(self, table: pa.Table) -> list[str]:
        """Name some identities that a table's first rows have, as session ids do."""
        first = table.slice(0, SAMPLED_ROWS)
        parts = [as_text(self._typed(first, column)) for column in self.values]
        return list(identity_text(parts, as_text).drop_null().unique().to_pylist())

    def is_ruled_out(self, group: pq.RowGroupMetaData) -> bool:
        """Say whether a row group's statistics tell that it holds no row of the identity."""
        return any(self._is_outside(column_statistics(group, column), column) for column in self.values)

    def _is_outside(self, statistics: pq.Statistics | None, column: str) -> bool:
        if statistics is None or not statistics.has_min_max:
            return False
        value = read_value(self.values[column], self.types[column], column)
        try:
            return not statistics.min <= value.as_py() <= statistics.max
        except (TypeError, ValueError, OverflowError):  # of another type, or beyond what Python's has
            return False

    def _typed(self, table: pa.Table, column: str) -> pa.Array:
        return typed(flatten(table[column]), self.types[column], self.options)[0]


@dataclass(frozen=True)
class Looked:
    """What some records of a log hold of one identity.

    Attributes:
        file: The place of their file in the log.
        records: How many records there are.
        names: Some identities that they have.
        chunk: The identity's rows among them, judged; None where there are none.
        malformed: Records that gave no row, so that nobody can tell whose they are.
    """

    file: int
    records: int
    names: list[str]
    chunk: Chunk | None = None
    malformed: int = 0


@dataclass(frozen=True)
class ChosenRecords:
    """The records of some rows of a table (int64, from 0, ascending)."""

    records: Records
    rows: NDArray[np.int64]

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the record number of each of the given rows among all records."""
        return self.records.numbers(self.rows[rows])

    def raw(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the given rows as they stood."""
        return self.records.raw(self.rows[rows])

    def malformed(self) -> list[tuple[int, str]]:
        """Return nothing: what gave no row is nobody's."""
        return []


def look(piece: FilePiece, wanted: OneIdentity) -> Iterator[Looked]:
    """Look for one identity's rows in a piece of a log.

    Args:
        piece: The piece; may be read in a worker thread.
        wanted: Whose rows.

    Yields:
        What is found, in input order. All records of the piece are counted, read or not.

    Raises:
        InputError: Where the piece cannot be read.
    """
    row_groups = piece.task.row_groups
    if row_groups is None:
        yield from _judged(piece, wanted, piece.task.load)
        return
    footer = row_groups.source.footer

    def is_ruled_out(group: int) -> bool:
        return wanted.is_ruled_out(footer.row_group(group))

    for is_out, groups in groupby(row_groups.groups, is_ruled_out):
        run = replace(row_groups, groups=list(groups))
        holds, names = (False, []) if is_out else _holds(piece, wanted, run)
        if holds:
            yield from _judged(piece, wanted, run.load)
        else:
            yield Looked(piece.place, sum(footer.row_group(group).num_rows for group in run.groups), names)


def _holds(piece: FilePiece, wanted: OneIdentity, run: RowGroups) -> tuple[bool, list[str]]:
    """Say, by the identity columns alone, whether row groups hold the identity, and name others."""
    columns = [column for column in run.columns if column in wanted.values]
    if not columns:  # folders name it
        return True, []
    names: list[str] = []
    for table, _ in guarded(piece.file, replace(run, columns=columns).load()):
        table = piece.with_partition(table)
        if wanted.marks(table).any():
            return True, []
        names = names or wanted.names(table)
    return False, names


def _judged(piece: FilePiece, wanted: OneIdentity, load: Load) -> Iterator[Looked]:
    for table, records in guarded(piece.file, load()):
        table = piece.with_partition(table)
        rows = np.flatnonzero(wanted.marks(table))
        malformed = len(records.malformed())
        looked = Looked(piece.place, table.num_rows + malformed, wanted.names(table), malformed=malformed)
        if len(rows):
            own = take_rows(table, rows)
            chunk = judge(piece.file, own, ChosenRecords(records, rows), piece.needed, piece.types)
            looked = replace(looked, chunk=replace(chunk, records={piece.place: chunk.tally.input_rows}))
        yield looked
