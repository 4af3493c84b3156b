"""A log: many files, one set of columns, one type for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from sessionize.errors import InputError, MissingColumnError
from sessionize.events import Chunk
from sessionize.reading.declared import declared_type
from sessionize.reading.extent import Extent
from sessionize.reading.options import ReadOptions
from sessionize.reading.ranges import Promise, TimeRange, joint_range
from sessionize.reading.records import Records
from sessionize.reading.rows import NAMED_BY_NOBODY, Needed, judge
from sessionize.reading.sources import Source
from sessionize.reading.streams import readable
from sessionize.reading.times import check_time_type
from sessionize.reading.types import ColumnTypes, Unification, check_flat, check_identity
from sessionize.spelling import closest

if TYPE_CHECKING:
    from sessionize.reading.parquet import RowGroups

T = TypeVar("T")

Load = Callable[[], Iterator[tuple[pa.Table, Records]]]
"""Reads one task's rows: tables of the needed columns as they stand, and where they came from."""

_MOST_NAMES = 20
_DELIMITERS = (";", "\t", "|", ",")
_LIKELY_TIMES = ("timestamp", "tstamp", "time", "ts", "datetime", "date", "at", "when")
_LIKELY_IDENTITIES = ("user", "userid", "visitor", "device", "customer", "client", "author", "uid", "id")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True)
class Task:
    """How to read some rows of one file, and what is known of their times beforehand.

    Attributes:
        load: Reads them.
        promise: The bounds of their times, or None.
        row_groups: What `load` reads, where that can be read in parts.
        position: How much of the file, as it lies on disk, has been read with it; 0 where unknown.
    """

    load: Load
    promise: Promise | None = None
    row_groups: RowGroups | None = None
    position: int = 0


class Piece(Protocol):
    """What one task reads."""

    @property
    def time_range(self) -> TimeRange | None:
        """The earliest and latest time that its events may have, by statistics; None if unknown."""

    def read(self) -> Iterator[Chunk]:
        """Read it, in chunks of about a million rows at most; may be called in a worker thread."""


class OpenFile(Protocol):
    """One file of a log whose columns are known and whose rows are not read yet."""

    @property
    def name(self) -> str:
        """The file as named, for messages and rejected rows."""

    @property
    def size(self) -> int | None:
        """Its bytes on disk; None for a stream or a frame."""

    @property
    def names(self) -> Sequence[str]:
        """Its columns, all of them, in order."""

    @property
    def types(self) -> Mapping[str, pa.DataType]:
        """The types of its columns."""

    @property
    def is_indexed(self) -> bool:
        """Whether all tasks can be listed before anything is read."""

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give the tasks that read the rows, in their order."""


PlacedFile = tuple[OpenFile, Mapping[str, str | None]]
"""A file of a log, and the columns that its Hive folders name, as text."""


@dataclass(frozen=True)
class Log:
    """What a run reads.

    Attributes:
        types: The type of each column of the rules and filters, the same in every chunk but that
            text may be dictionary-encoded there; null where no file knows it.
        pieces: The tasks, in input order: a list where every file has an index, else an iterator
            that reads on as it is asked.
        unseen: Columns of which only nulls have been seen so far, and which are read as text.
        extent: How much there is to read, and how much has been.
    """

    types: ColumnTypes
    pieces: Iterable[FilePiece]
    unseen: frozenset[str] = frozenset()
    extent: Extent = field(default_factory=Extent)


@dataclass(frozen=True)
class FilePiece:
    """One task's rows of one file (the file's place in the log, its name), and how to judge them."""

    place: int
    file: str
    partition: Mapping[str, str | None]
    needed: Needed
    types: ColumnTypes
    task: Task

    @cached_property
    def time_range(self) -> TimeRange | None:
        """The range of times that the file's statistics promise."""
        return joint_range([self.task.promise])

    @property
    def rows(self) -> float:
        """How many rows it has; infinite where that is not known beforehand."""
        return inf if self.task.row_groups is None else self.task.row_groups.rows

    def read(self) -> Iterator[Chunk]:
        """Read and judge the rows."""
        yield from (self.judged(table, records) for table, records in self.tables())

    def tables(self) -> Iterator[tuple[pa.Table, Records]]:
        """Read the rows: tables of the needed columns as they stand, and where they came from."""
        for table, records in guarded(self.file, self.task.load()):
            yield self.with_partition(table), records

    def judged(self, table: pa.Table, records: Records) -> Chunk:
        """Judge rows that were read."""
        chunk = judge(self.file, table, records, self.needed, self.types)
        return replace(chunk, records={self.place: chunk.tally.input_rows})

    def with_partition(self, table: pa.Table) -> pa.Table:
        """Add the needed columns that the file's folders name."""
        for column, value in self.partition.items():
            if column in self.needed.columns and column not in table.column_names:
                table = table.append_column(column, _constant(value, table.num_rows))
        return table


def open_log(
    sources: Sequence[Source],
    rules_columns: Sequence[str],
    identity: Sequence[str],
    options: ReadOptions,
    named_by: Mapping[str, str] = NAMED_BY_NOBODY,
) -> Log:
    """Open files as one log: check that the columns are there and that their types agree.

    Args:
        sources: The files.
        rules_columns: The columns that become part of the events (the identity may be among them).
        identity: The identity columns.
        options: How to read.
        named_by: Which options name a column of the rules, in sentences, for the error about a log
            that lacks it.

    Returns:
        The log; nothing but headers, footers and the first block of JSON lines is read yet.

    Raises:
        MissingColumnError: For a file without a needed column.
        InputError: For types that disagree, or that an identity, a time or an order cannot have.
        UnreadableFileError: For a file that is damaged, or is not what its name says.
    """
    needed = Needed.of(rules_columns, identity, options, named_by)
    return log_of(open_files(sources, needed), needed)


def open_files(sources: Sequence[Source], needed: Needed) -> list[PlacedFile]:
    """Read the headers, footers and first lines of files.

    Raises:
        UnreadableFileError: For a file that is damaged, or is not what its name says.
    """
    return [(_open(source, needed), source.partition) for source in sources]


def log_of(files: Sequence[PlacedFile], needed: Needed) -> Log:
    """Make one log of opened files, each with the columns that its Hive folders name."""
    types = _unified(files, needed)
    is_indexed = all(file.is_indexed for file, _ in files)
    extent = Extent(sizes=[file.size for file, _ in files])
    if is_indexed:
        listed = list(_pieces(files, needed, types, extent))
        rows = sum(piece.rows for piece in listed)
        return Log(types, listed, extent=Extent(rows=int(rows)) if rows < inf else Extent())
    # Values may still come where only nulls were seen so far.
    unseen = frozenset(name for name, type_ in types.items() if pt.is_null(type_))
    types = {**types, **dict.fromkeys(unseen, pa.string())}
    return Log(types, _pieces(files, needed, types, extent), unseen, extent)


def guarded(file: str, items: Iterator[T]) -> Iterator[T]:
    """Iterate, and name the file in whatever breaks."""
    while True:
        with readable(file):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def pieces_of(place: int, placed: PlacedFile, needed: Needed, types: ColumnTypes) -> Iterator[FilePiece]:
    """Give the pieces of the file that stands at a place, from 0, in its log."""
    file, partition = placed
    for task in guarded(file.name, file.tasks(needed, types)):
        yield FilePiece(place, file.name, partition, needed, types, task)


def _pieces(
    files: Sequence[PlacedFile], needed: Needed, types: ColumnTypes, extent: Extent
) -> Iterator[FilePiece]:
    for place, placed in enumerate(files):
        for piece in pieces_of(place, placed, needed, types):
            extent.reach(place, piece.task.position)
            yield piece


def _open(source: Source, needed: Needed) -> OpenFile:
    with readable(source.name):
        match source.format:
            case "parquet":
                from sessionize.reading.parquet import ParquetLog

                return ParquetLog(source)
            case "arrow":
                from sessionize.reading.arrow import ArrowLog

                return ArrowLog(source)
            case "jsonl":
                from sessionize.reading.jsonl import JsonLog

                return JsonLog(source, needed)
            case _:
                from sessionize.reading.csv import CsvLog

                return CsvLog(source)


def _unified(files: Sequence[PlacedFile], needed: Needed) -> ColumnTypes:
    unification = Unification()
    for column in needed.valued:
        unification.add(column, pa.null(), "")
    seen = set()
    for file, partition in files:
        types = _types(file, partition, needed)
        if (alike := tuple(map(types.__getitem__, needed.columns))) in seen:
            continue
        seen.add(alike)
        for column in needed.valued:
            type_ = declared_type(column, types[column], needed.options, file.name)
            check_flat(column, type_, file.name)
            if column in needed.identity:
                check_identity(column, type_, file.name)
            unification.add(column, type_, file.name)
        check_time_type(types[needed.time], needed.options, file.name)
    _check_declared(files, needed.options)
    return unification.types()


def _check_declared(files: Sequence[PlacedFile], options: ReadOptions) -> None:
    """Refuse a type for a column that no file has: it would be ignored in silence."""
    names = {name for file, partition in files for name in (*file.names, *partition)}
    for column in options.types:
        if files and column not in names:
            raise MissingColumnError(f"--type {column}: no file has such a column{closest(column, names)}")


def _types(file: OpenFile, partition: Mapping[str, str | None], needed: Needed) -> dict[str, pa.DataType]:
    """Return the types of the needed columns in one file."""
    names = [*file.names, *(column for column in partition if column not in file.names)]
    for column in needed.columns:
        if column not in names:
            raise MissingColumnError(_missing(file.name, column, names, needed))
        if names.count(column) > 1:
            raise InputError(
                f"{file.name}: {names.count(column)} columns are named {column!r}. Rename all but one."
            )
    return {**dict.fromkeys(partition, pa.string()), **file.types}


def _missing(file: str, column: str, names: Sequence[str], needed: Needed) -> str:
    found = ", ".join(names[:_MOST_NAMES]) or "none"
    if len(names) > _MOST_NAMES:
        found += f" and {len(names) - _MOST_NAMES} more"
    if len(names) == 1 and (mark := next((mark for mark in _DELIMITERS if mark in names[0]), None)):
        found += f". Is the delimiter {mark!r}? Say so with --csv-delimiter {mark!r}"
        return f"{file}: no column {column!r}. Found: {found}."
    remedy = _remedy(column, names, needed)
    return f"{file}: no column {column!r}{closest(column, names)} Found: {found}. {remedy}"


def _remedy(column: str, names: Sequence[str], needed: Needed) -> str:
    if column == needed.time:
        return f"Name it with --time {_likely(names, _LIKELY_TIMES)}."
    if column in needed.identity:
        said = f"{needed.named_by[column]} " if column in needed.named_by else ""
        return f"{said}Name it with --by {_likely(names, _LIKELY_IDENTITIES)}."
    if column in needed.rules:
        return needed.named_by.get(column, "It is named by the rules.")
    return "It is named by --include or --exclude."


def _likely(names: Sequence[str], marks: Sequence[str]) -> str:
    """Guess which column was meant, by the words that such names have."""
    words = {name: [word.lower() for word in _WORD.findall(name)] for name in names}
    return next((name for mark in marks for name, found in words.items() if mark in found), "COL")


def _constant(value: str | None, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value], pa.string()))
