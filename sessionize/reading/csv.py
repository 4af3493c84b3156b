"""CSV and TSV: blocks of whole records, each parsed by `pyarrow.csv` as a task of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from sessionize.errors import UnreadableFileError
from sessionize.reading.blocks import Block, QuotedRecords, split
from sessionize.reading.log import Task
from sessionize.reading.records import Records, TextRecords
from sessionize.reading.rows import Needed
from sessionize.reading.sources import EMPTY_FILE, Source
from sessionize.reading.streams import BOM
from sessionize.reading.types import ColumnTypes

_HEADER_BYTES = 65_536
_ENCODED_TEXT = pa.dictionary(pa.int32(), pa.string())


class CsvLog:
    """One CSV or TSV file of a log."""

    is_indexed = False

    def __init__(self, source: Source) -> None:
        """Read the header.

        Raises:
            UnreadableFileError: For a file without one.
        """
        self.name = source.name
        self._source = source
        self._grammar = QuotedRecords(source.delimiter)
        self.names = self._header()
        self.types = dict.fromkeys(self.names, pa.string())

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for each block."""
        columns = [column for column in needed.columns if column in self.types] or self.names[:1]
        column_types = {name: _ENCODED_TEXT if name in needed.identity else pa.string() for name in columns}
        parser = Parser(self.names, column_types, self._source.delimiter, needed.options.null_value)
        blocks = split(self._source.open_text(), self._grammar, self.name, first_record=0)
        for block in _without_header(blocks):
            yield Task(Rows(parser, block).load)

    def _header(self) -> list[str]:
        size = _HEADER_BYTES
        while True:
            head = self._source.peek(size).removeprefix(BOM)
            starts, ends = Block(head, 1, 0, self._grammar).spans()
            if len(starts) > 1 or len(head) + len(BOM) < size:
                break
            size *= 4
        if not len(starts):
            if self._source.may_be_empty:
                return []
            raise UnreadableFileError(f"{self.name}: {EMPTY_FILE}")
        header = io.StringIO(head[starts[0] : ends[0]].decode(), newline="")
        return next(csv.reader(header, delimiter=self._source.delimiter))


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

    def parse(self, data: bytes) -> tuple[pa.Table, NDArray[np.int64]]:
        """Parse whole records; also return the positions (from 0) of those with a wrong number of fields."""
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
    block: Block

    def load(self) -> Iterator[tuple[pa.Table, Records]]:
        """Parse the block; records with bytes that are no UTF-8 in a needed field are malformed."""
        if _is_utf8(self.block.data):
            table, bad = self.parser.parse(self.block.data)
        else:
            table, bad = self._parse_bytes()
        yield table, TextRecords(self.block, bad)

    def _parse_bytes(self) -> tuple[pa.Table, NDArray[np.int64]]:
        """Parse byte for byte (as Latin-1, which has a character for each), then decode what is not ASCII."""
        table, bad = self.parser.parse(self.block.data.decode("latin-1").encode())
        invalid = np.zeros(table.num_rows, np.bool_)
        columns = {}
        for name in table.column_names:
            columns[name], undecoded = _decoded(table[name].cast(pa.string()).combine_chunks())
            invalid |= undecoded
        kept = np.flatnonzero(~invalid)
        good = np.delete(np.arange(self.block.records), bad)
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
    try:
        pa.array([data], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _without_header(blocks: Iterator[Block]) -> Iterator[Block]:
    """Drop record 0."""
    for block in blocks:
        if block.first_record:
            yield block
        elif block.records > 1:
            end_of_header = block.spans()[1][0]
            data = block.data[end_of_header:]
            yield replace(block, data=data, first_record=1, records=block.records - 1)
