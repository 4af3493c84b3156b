"""CSV: RFC 4180, quoted only where needed, line ends of one line feed, a header."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from sessionize.writing.jsonl import json_text, one_chunk, write_lines
from sessionize.writing.text import TEXT, has_text, joined, output_text, used_bytes

_SPECIAL = ',"\r\n'


class CsvEncoder:
    """Writes batches as lines of comma-separated fields.

    A null is an empty field, the empty string is `""`, lists are JSON text.
    """

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        """Write the header."""
        self._sink = sink
        names = _quoted(pa.array(schema.names, TEXT)).to_pylist()
        sink.write((",".join(names) + "\n").encode())

    def encode(self, batch: pa.Table) -> None:
        """Write one batch, a line a row."""
        parts: list[pa.Array | str] = []
        for column in one_chunk(batch):
            parts += [",", _field(column)]
        write_lines(self._sink, [*parts[1:], "\n"], null="")

    def finish(self) -> None:
        """Do nothing; the format has no end."""

    def discard(self) -> None:
        """Do nothing; there is nothing to let go of."""


def _field(column: pa.Array) -> pa.Array:
    return _quoted(output_text(column) if has_text(column.type) else json_text(column))


def _quoted(text: pa.Array) -> pa.Array:
    is_empty = pc.equal(text, "")
    if _has_special(text):
        needs_quotes = pc.or_(pc.match_substring_regex(text, f"[{_SPECIAL}]"), is_empty)
    elif pc.any(is_empty).as_py():
        needs_quotes = is_empty
    else:
        return text
    return pc.if_else(needs_quotes, joined('"', pc.replace_substring(text, '"', '""'), '"'), text)


def _has_special(text: pa.Array) -> bool:
    """Say whether any value has a special character, by a look at all bytes at once."""
    found = used_bytes(text)
    return any(bool((found == character).any()) for character in _SPECIAL.encode())
