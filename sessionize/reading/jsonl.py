"""JSON lines: blocks of whole lines, each parsed by `pyarrow.json` as a task of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson
import pyarrow.types as pt

from sessionize.errors import UnreadableFileError
from sessionize.reading.blocks import Block, RecordFile
from sessionize.reading.grammars import Lines
from sessionize.reading.json_values import infer_exactly, is_number, read_lines
from sessionize.reading.log import Task
from sessionize.reading.records import Records, TextRecords
from sessionize.reading.rows import Needed
from sessionize.reading.sources import EMPTY_FILE, Source
from sessionize.reading.streams import BOM
from sessionize.reading.types import ColumnTypes

_SAMPLE_BYTES = 1 << 20
_BEYOND_INT64 = 2.0**63


class JsonLog:
    """One file of JSON lines of a log.

    Columns and their types come from the file's beginning: text stays text, also where it looks
    like a time, and a number has the type that `--type` declares at once, so that no digit is lost.
    """

    is_indexed = False

    def __init__(self, source: Source, needed: Needed) -> None:
        """Read the file's first lines.

        Raises:
            UnreadableFileError: For a file without a byte.
            InputError: For integers beyond 64 bits.
        """
        self.name = source.name
        self.size = source.size
        self._source = source
        self._skip = 0
        self.types = _inferred(self._sample(), self.name)
        self.names = list(self.types) or list(needed.columns)
        if not self.types:
            self.types = dict.fromkeys(needed.columns, pa.null())
        for column in needed.valued:
            declared = needed.options.arrow_type(column)
            if declared is not None and is_number(declared) and is_number(self.types.get(column, pa.null())):
                self.types[column] = declared

    def tasks(self, needed: Needed, types: ColumnTypes) -> Iterator[Task]:
        """Give a task for each block."""
        for rows in self.blocks(needed, types):
            yield Task(rows.load, position=rows.block.position)

    def blocks(self, needed: Needed, types: ColumnTypes) -> Iterator[Rows]:
        """Give the blocks, and how to parse the needed columns of each."""
        schema = pa.schema(
            [(column, self._type(column, types)) for column in needed.columns if column in self.types]
        )
        declared = frozenset(needed.options.types)
        reopens = self._source.once is None
        records = RecordFile(self.name, Lines(), self._source.open_text, self._skip, reopens=reopens)
        for block in records.blocks():
            yield Rows(records, schema, declared, block)

    def _type(self, column: str, types: ColumnTypes) -> pa.DataType:
        """Return the type to parse a column as; one that began with nulls has the log's type, or is text."""
        known = self.types[column]
        if not pt.is_null(known):
            return known
        elsewhere = types.get(column, pa.null())
        return elsewhere if is_number(elsewhere) or pt.is_boolean(elsewhere) else pa.string()

    def _sample(self) -> bytes:
        """Return the whole lines of the first MiB, or the first line where that is longer."""
        size = _SAMPLE_BYTES
        while b"\n" not in (head := self._source.peek(size)).strip() and len(head) == size:
            size *= 4
        if not head and not self._source.may_be_empty:
            raise UnreadableFileError(f"{self.name}: {EMPTY_FILE}")
        self._skip = len(BOM) if head.startswith(BOM) else 0
        whole = head if len(head) < size else head[: head.rfind(b"\n") + 1]
        return whole[self._skip :]


@dataclass(frozen=True)
class Rows:
    """One block and how to parse it.

    Attributes:
        file: Where the block is from, for errors.
        schema: The columns to read; what else an object holds is ignored.
        declared: The columns whose type was declared: a number of another type is malformed there.
        block: The lines.
    """

    file: RecordFile
    schema: pa.Schema
    declared: frozenset[str]
    block: Block

    def load(self) -> Iterator[tuple[pa.Table, Records]]:
        """Parse the block at once, or line by line where that fails, to find the malformed lines."""
        table = self.parse()
        if table is not None:
            yield table, TextRecords(self.block, np.array([], np.int64))
            return
        table, bad = read_lines(self.block, self.schema, self.declared, self.file)
        yield table, TextRecords(self.block, bad)

    def parse(self) -> pa.Table | None:
        """Parse the block at once; None where a line of it may be malformed, or a number lose a digit."""
        try:
            table = read_block(self.block.data, self.schema).select(self.schema.names)
            table.validate(full=True)  # pyarrow.json does not look whether text is UTF-8
        except (pa.ArrowException, UnicodeDecodeError, KeyError):
            return None
        whole = table.num_rows == len(self.block.spans()[0])
        return table if whole and not any(map(was_integer, table.columns)) else None


def read_block(data: bytes, schema: pa.Schema | None) -> pa.Table:
    """Parse whole lines: the columns of the schema, or all with the types that Arrow infers.

    Raises:
        pa.ArrowInvalid: For what is no JSON object, and a value of another type than its column's.
    """
    return pajson.read_json(
        pa.BufferReader(data),
        read_options=pajson.ReadOptions(use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)),
        parse_options=pajson.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "ignore"
        ),
    )


def was_integer(column: pa.ChunkedArray) -> bool:
    """Suspect a float column of integers that no int64, and so perhaps no float, holds exactly."""
    largest = pc.max(pc.abs(column)).as_py() if pt.is_floating(column.type) else None
    return largest is not None and largest >= _BEYOND_INT64


def _inferred(sample: bytes, file: str) -> dict[str, pa.DataType]:
    """Infer columns and types; by Arrow where it can, else line by line."""
    if not sample.strip():
        return {}
    try:
        table = read_block(sample, None)
    except (pa.ArrowException, UnicodeDecodeError):
        return infer_exactly(sample, file)
    if any(map(was_integer, table.columns)):
        return infer_exactly(sample, file)
    types = zip(table.column_names, table.schema.types, strict=True)
    return {name: pa.string() if pt.is_timestamp(type_) else type_ for name, type_ in types}
