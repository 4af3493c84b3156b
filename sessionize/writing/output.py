"""`open_output`: write a table to wherever and as whatever a `Target` says, whole or not at all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Protocol, cast

import pyarrow as pa

from sessionize.errors import OutputError
from sessionize.writing.arrow import ArrowEncoder
from sessionize.writing.atomic import explained, replaced_file, replaced_folder
from sessionize.writing.batches import Batches, plain_schema
from sessionize.writing.compression import compressed
from sessionize.writing.csv import CsvEncoder
from sessionize.writing.encoder import Encoder
from sessionize.writing.folder import FolderEncoder
from sessionize.writing.jsonl import JsonLinesEncoder, has_json
from sessionize.writing.parquet import ParquetEncoder
from sessionize.writing.target import TEXT_FORMATS, Format, Target

SPOOLED_BYTES = 16 << 20
"""What is held back for standard output in memory; more goes to a temporary file."""

Dates = Callable[[pa.Table], pa.Array]

_ENCODERS: dict[Format, Callable[[BinaryIO, pa.Schema, Mapping[str, str]], Encoder]] = {
    "parquet": ParquetEncoder,
    "arrow": ArrowEncoder,
    "csv": lambda sink, schema, _: CsvEncoder(sink, schema),
    "jsonl": lambda sink, schema, _: JsonLinesEncoder(sink, schema),
}


class Writer(Protocol):
    """Takes a table in pieces."""

    def write(self, table: pa.Table) -> None:
        """Append rows.

        Args:
            table: Any number of rows, of the schema that the output was opened with, in final order.

        Raises:
            OutputError: When they cannot be written.
            BrokenPipeError: When nobody reads standard output any more.
        """


@contextmanager
def open_output(
    target: Target, schema: pa.Schema, *, metadata: Mapping[str, str], dates: Dates | None = None
) -> Iterator[Writer]:
    r"""Write a table whose rows come in pieces; it appears when the body ends, and only then.

    The bytes depend on schema, metadata and the sequence of rows, never on how the rows were cut
    into pieces. When the body raises, the old output stands untouched and nothing else is left.
    Standard output is held back until then, in memory or a temporary file.

    Args:
        target: Where to, and as what.
        schema: The table's columns; dictionaries are written as their values.
        metadata: How the table was made: goes into Parquet and Arrow files as key-value metadata,
            into the marker of a folder, and nowhere in text.
        dates: For a folder: gives a table's dates, date32, one a row, without nulls.

    Yields:
        The writer.

    Raises:
        OutputError: When the output cannot be written, or a text format cannot hold a column.
        ValueError: For a folder without `dates`.
        BrokenPipeError: When nobody reads standard output any more.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sessionize.writing.target import output_target
        >>> table = pa.table({"user_id": ["a", "b"], "event_count": [3, 1]})
        >>> file = Path(tempfile.mkdtemp(), "sessions.csv")
        >>> with open_output(output_target(file), table.schema, metadata={}) as writer:
        ...     writer.write(table)
        >>> file.read_text()
        'user_id,event_count\na,3\nb,1\n'
    """
    _check_types(target, schema)
    with ExitStack() as stack:
        with explained(target.name):
            encoder = stack.enter_context(_encoding(target, plain_schema(schema), metadata, dates))
        writer = _BatchWriter(encoder, target.name)
        yield writer
        writer.finish()
        with explained(target.name):
            stack.close()


class _BatchWriter:
    """Regroups what it is given and hands it to the format."""

    def __init__(self, encoder: Encoder, name: str) -> None:
        self._encoder, self._name, self._batches = encoder, name, Batches()

    def write(self, table: pa.Table) -> None:
        self._encode(self._batches.add(table))

    def finish(self) -> None:
        self._encode(self._batches.rest())

    def _encode(self, batches: Iterator[pa.Table]) -> None:
        with explained(self._name):
            for batch in batches:
                self._encoder.encode(batch)


@contextmanager
def _encoding(
    target: Target, schema: pa.Schema, metadata: Mapping[str, str], dates: Dates | None
) -> Iterator[Encoder]:
    with ExitStack() as stack:
        encoder = _encoder(target, schema, metadata, dates, stack)
        try:
            yield encoder
            encoder.finish()
        except BaseException:
            encoder.discard()
            raise


def _encoder(
    target: Target, schema: pa.Schema, metadata: Mapping[str, str], dates: Dates | None, stack: ExitStack
) -> Encoder:
    """Open the place that the target names, for as long as the stack lasts, and its format on it."""
    if target.path is None:
        sink = stack.enter_context(_standard_output())
    elif target.partition_by is None:
        file = stack.enter_context(replaced_file(target.path))
        sink = stack.enter_context(compressed(file, target.compression))
    elif dates is None:
        raise ValueError("partition by date needs the rows' dates.")
    else:
        folder = stack.enter_context(replaced_folder(target.path, target.name))
        return FolderEncoder(folder, schema, metadata, dates, target.kept)
    return _ENCODERS[target.format](sink, schema, metadata)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    """Hold everything back until the run has succeeded: what was printed cannot be taken back."""
    with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as spool:
        yield cast(BinaryIO, spool)
        spool.seek(0)
        shutil.copyfileobj(spool, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _check_types(target: Target, schema: pa.Schema) -> None:
    for field in plain_schema(schema):
        if target.format in TEXT_FORMATS and not has_json(field.type):
            raise OutputError(
                f"{target.name}: {target.format} has no form for column {field.name!r} of type {field.type}."
                " Write .parquet or .arrow."
            )
