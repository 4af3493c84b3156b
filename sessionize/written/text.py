"""Sessions tables in CSV and JSON lines, as streams of batches of the right types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.types as pt

from sessionize.core.sessions import session_schema
from sessionize.reading.suffixes import format_of
from sessionize.rules import SessionRules
from sessionize.written.layout import OWN_TYPES, find_prefix, types_of

_WHOLE_RECORDS = pyarrow.csv.ParseOptions(newlines_in_values=True)


class CsvTable:
    """One CSV file of ours, maybe compressed: its own columns typed, every other one text."""

    rows = None

    def latest_us(self, column: str) -> None:
        """Return nothing: the text would have to be read."""

    def __init__(self, path: Path) -> None:
        """Read the header."""
        self._path = path
        names = pyarrow.csv.open_csv(_opened(path), parse_options=_WHOLE_RECORDS).schema.names
        self.schema = pa.schema(_typed(dict.fromkeys(names, pa.string())))

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of the rows that fit `where`, a block of the file at a time."""
        convert = pyarrow.csv.ConvertOptions(
            column_types=types_of(self.schema),
            include_columns=list(columns),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        reader = pyarrow.csv.open_csv(
            _opened(self._path), parse_options=_WHOLE_RECORDS, convert_options=convert
        )
        yield from _fitting(reader, where)


class JsonTable:
    """One JSON lines file of ours, maybe compressed. A file without lines is a table without rows."""

    rows = None

    def latest_us(self, column: str) -> None:
        """Return nothing: the text would have to be read."""

    def __init__(self, path: Path) -> None:
        """Read the first block for the columns that are not ours."""
        self._path = path
        self._is_empty = not _opened(path).read(1)
        if self._is_empty:
            self.schema = session_schema(SessionRules(), {"user_id": pa.string()}, [])
            return
        found = types_of(pyarrow.json.open_json(_opened(path)).schema)
        # Arrow takes text that looks like a time for one; only our columns hold times.
        self.schema = pa.schema(_typed({name: _untimed(type_) for name, type_ in found.items()}))

    def batches(self, columns: Sequence[str], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        """Yield the named columns of the rows that fit `where`, a block of the file at a time."""
        if self._is_empty:
            return
        parse = pyarrow.json.ParseOptions(explicit_schema=self.schema, unexpected_field_behavior="ignore")
        reader = pyarrow.json.open_json(_opened(self._path), parse_options=parse)
        yield from (batch.select(list(columns)) for batch in _fitting(reader, where))


def _fitting(reader: Iterator[pa.RecordBatch], where: pc.Expression | None) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        yield batch if where is None else batch.filter(where)


def _opened(path: Path) -> pa.NativeFile:
    _, compression = format_of(path.name)
    return pa.input_stream(str(path), compression=compression)


def _typed(types: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
    """Give our columns their own types."""
    prefix = find_prefix(list(types)) or ""
    own = {prefix + name: type_ for name, type_ in OWN_TYPES.items()}
    return {name: own.get(name, type_) for name, type_ in types.items()}


def _untimed(type_: pa.DataType) -> pa.DataType:
    return pa.string() if pt.is_temporal(type_) else type_
