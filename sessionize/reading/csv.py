"""CSV and TSV: blocks of whole records, each parsed by `pyarrow.csv` as a task of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from sessionize.errors import UnreadableFileError
from sessionize.reading.blocks import Block, RecordFile
from sessionize.reading.grammars import QuotedRecords
from sessionize.reading.log import Task
from sessionize.reading.records import Records, TextRecords
from sessionize.reading.rows import Needed
from sessionize.reading.sources import EMPTY_FILE, Source
from sessionize.reading.streams import BOM
from sessionize.reading.text_times import plain_type
from sessionize.reading.types import ColumnTypes

_HEADER_BYTES = 65_536
_ENCODED_TEXT = pa.dictionary(pa.int32(), pa.string())

Parsed = tuple[pa.Table, NDArray[np.int64]]
"""Rows, and the positions (from 0, ascending) of the records that gave none."""


class CsvLog:
    """One CSV or TSV file of a log."""

    is_indexed = False

    def __init__(self, source: Source) -> None:
        """Read the header.

        Raises:
            UnreadableFileError: For a file without one.
        """
        self.name = source.name
        self.size = source.size
        self._source = source
        self._grammar = QuotedRecords(source.delimiter)
        self._skip = 0
        self._first_row: list[str] = []
        self.names = self._header()
        self.types = dict.fromkeys(self.names, pa.string())

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for each block."""
        columns = [column for column in needed.columns if column in self.types] or self.names[:1]
        column_types = {name: _ENCODED_TEXT if name in needed.identity else pa.string() for name in columns}
        parser = Parser(self.names, column_types, self._source.delimiter, needed.options.null_value)
        times = PlainTimes(needed.time, self._plain_type(needed))
        reopens = self._source.once is None
        records = RecordFile(self.name, self._grammar, self._source.open_text, self._skip, reopens=reopens)
        for block in records.blocks():
            yield Task(Rows(parser, times, block).load, position=block.position)

    def _header(self) -> list[str]:
        """Read the names, and the first row to see what its time looks like."""
        size = _HEADER_BYTES
        while True:
            head = self._source.peek(size)
            mark = len(head) - len(head.removeprefix(BOM))
            starts, ends = self._grammar.spans(head[mark:])
            if len(starts) > 1 or len(head) < size:
                break
            size *= 4
        if not len(starts):
            if self._source.may_be_empty:
                return []
            raise UnreadableFileError(f"{self.name}: {EMPTY_FILE}")
        self._skip = mark + int(ends[0])
        header, *rows = (head[mark + start : mark + end] for start, end in zip(starts, ends, strict=True))
        with suppress(csv.Error):  # a field of more than 128 KiB
            self._first_row = self._fields(b"".join(rows[:1]).decode(errors="replace"))
        return self._fields(header.decode())

    def _fields(self, record: str) -> list[str]:
        """Take a record apart; there are no fields in none."""
        fields = csv.reader(io.StringIO(record, newline=""), delimiter=self._source.delimiter)
        return next(fields, [])

    def _plain_type(self, needed: Needed) -> pa.DataType | None:
        """Return the type to parse times as, unless they are wanted as text or are of another format."""
        has_row = needed.time in self.types and len(self._first_row) == len(self.names)
        if not has_row or needed.time in needed.valued or needed.options.time_format:
            return None
        return plain_type(self._first_row[self.names.index(needed.time)].encode())


@dataclass
class PlainTimes:
    """How a file's times are parsed together with its rows, while that goes well.

    A block that it does not suit is parsed twice, so later ones are parsed as text at once.

    Attributes:
        column: The time column.
        type: A timestamp, with a zone where its text has an offset; None for text.
    """

    column: str
    type: pa.DataType | None


@dataclass(frozen=True)
class Parser:
    """How one file's blocks are parsed.

    Attributes:
        names: The file's columns.
        types: The columns to read, text with a dictionary or without.
        delimiter: One character.
        null_values: What an unquoted field says for null, beside nothing.
    """

    names: list[str]
    types: dict[str, pa.DataType]
    delimiter: str
    null_values: tuple[str, ...]

    def parse(self, data: bytes) -> Parsed:
        """Parse whole records; those with a wrong number of fields give no row.

        Raises:
            pa.ArrowInvalid: For a value that is not of its column's type.
        """
        bad: list[int] = []

        def skip(row: pacsv.InvalidRow) -> str:
            bad.append(row.number - 1)
            return "skip"

        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(
                use_threads=False, column_names=self.names, block_size=min(len(data) + 1, 2**31 - 1)
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(self.types),
                column_types=self.types,
                check_utf8=False,  # it was checked as a whole, and is UTF-8 by construction otherwise
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=["", *self.null_values],
            ),
        )
        return table, np.array(bad, np.int64)


@dataclass(frozen=True)
class Rows:
    """One block and how to parse it."""

    parser: Parser
    times: PlainTimes
    block: Block

    def load(self) -> Iterator[tuple[pa.Table, Records]]:
        """Parse the block; records with bytes that are no UTF-8 in a needed field are malformed."""
        if _is_utf8(self.block.data):
            table, bad = self._parse_plain() or self.parser.parse(self.block.data)
        else:
            table, bad = self._parse_bytes()
        yield table, TextRecords(self.block, bad)

    def _parse_plain(self) -> Parsed | None:
        """Parse times together with the rest; None where that is not possible, or known not to be."""
        type_ = self.times.type  # another thread may take it away
        if type_ is None:
            return None
        types = {**self.parser.types, self.times.column: type_}
        try:
            return replace(self.parser, types=types).parse(self.block.data)
        except pa.ArrowInvalid:
            self.times.type = None
            return None

    def _parse_bytes(self) -> Parsed:
        """Parse byte for byte (as Latin-1, which has a character for each), then decode what is not ASCII."""
        table, bad = self.parser.parse(self.block.data.decode("latin-1").encode())
        invalid = np.zeros(table.num_rows, np.bool_)
        columns = {}
        for name in table.column_names:
            columns[name], undecoded = _decoded(table[name].cast(pa.string()).combine_chunks())
            invalid |= undecoded
        kept = np.flatnonzero(~invalid)
        good = np.delete(np.arange(table.num_rows + len(bad)), bad)
        return pa.table(columns).take(kept), np.union1d(bad, good[invalid])


def _decoded(texts: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    invalid = np.zeros(len(texts), np.bool_)
    values = texts.to_pylist()
    odd = pc.fill_null(pc.invert(pc.string_is_ascii(texts)), False)
    for row in np.flatnonzero(odd.to_numpy(zero_copy_only=False)):
        try:
            values[row] = values[row].encode("latin-1").decode()
        except UnicodeDecodeError:
            values[row], invalid[row] = None, True
    return pa.array(values, pa.string()), invalid


def _is_utf8(data: bytes) -> bool:
    ends = pa.py_buffer(np.array([0, len(data)]))
    try:
        pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
