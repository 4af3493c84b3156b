"""Text files cut into blocks of whole records, so that blocks can be parsed apart and in parallel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sessionize.errors import UnreadableFileError
from sessionize.reading.streams import BOM, ByteStream

BLOCK_BYTES = 16 << 20
LARGEST_RECORD_BYTES = 256 << 20

_LF, _CR, _QUOTE = b'\n\r"'

Offsets = NDArray[np.int64]


class Grammar(Protocol):
    """Where records end in a text format."""

    def ends(self, data: bytes) -> Offsets:
        """Return the offset after each line break that ends a record, ascending."""

    def blank(self, data: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
        """Mark the stretches that hold nothing and count as no record."""

    def unclosed(self, data: bytes) -> int | None:
        """Return the offset of what is still open where the file ends, or None."""


@dataclass(frozen=True)
class Lines:
    """Every line is a record (JSON lines)."""

    def ends(self, data: bytes) -> Offsets:
        """Return the offset after each line feed."""
        return np.flatnonzero(_bytes(data) == _LF) + 1

    def blank(self, data: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
        """Mark the lines of nothing but blanks."""
        blank = _bytes(data)[starts] <= ord(" ")
        for index in np.flatnonzero(blank):
            blank[index] = not data[starts[index] : ends[index]].strip()
        return blank

    def unclosed(self, data: bytes) -> int | None:
        """Return None: a line is closed by its end."""
        return None


@dataclass(frozen=True)
class QuotedRecords:
    """Records end at line breaks outside quotes (CSV, as RFC 4180 and `pyarrow.csv` read it).

    A quote opens only at the beginning of a field, so `5" screen` holds no quoted part; inside
    quotes a doubled quote stands for one; LF, CRLF and a lone CR end a line.
    """

    delimiter: str

    def ends(self, data: bytes) -> Offsets:
        """Return the offset after each line break outside quotes."""
        ends = _line_ends(data)
        if b'"' not in data:
            return ends
        return ends[np.searchsorted(self._borders(data), ends) % 2 == 0]

    def blank(self, data: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
        """Mark the stretches that are only a line break."""
        first = _bytes(data)[starts]
        return (ends - starts <= 2) & ((first == _LF) | (first == _CR))

    def unclosed(self, data: bytes) -> int | None:
        """Return the offset of the quote that is never closed."""
        borders = self._borders(data)
        return int(borders[-1]) if len(borders) % 2 else None

    def _borders(self, data: bytes) -> Offsets:
        """Return where quoted stretches begin and end, in turn."""
        content = _bytes(data)
        quotes = np.flatnonzero(content == _QUOTE)
        opens = self._before_a_field[content[quotes[::2] - 1]]
        opens[:1] |= quotes[:1] == 0
        return quotes if opens.all() else self._walk(data)

    @cached_property
    def _before_a_field(self) -> NDArray[np.bool_]:
        """Mark the bytes after which a quote opens, or (after a quote) opens again at once."""
        marks = np.zeros(256, np.bool_)
        marks[[_LF, _CR, _QUOTE, *self.delimiter.encode()]] = True
        return marks

    def _walk(self, data: bytes) -> Offsets:
        """Find quoted stretches one by one: for text with quotes inside unquoted fields."""
        delimiter = re.escape(self.delimiter.encode())
        stretch = re.compile(rb"(?:\A|(?<=[\r\n]|" + delimiter + rb'))"[^"]*(?:""[^"]*)*("?)')
        borders: list[int] = []
        for match in stretch.finditer(data):
            borders += [match.start(), match.end() - 1] if match[1] else [match.start()]
        return np.array(borders, np.int64)


@dataclass(frozen=True)
class Block:
    """Whole records of one text file.

    Attributes:
        data: Their bytes, UTF-8 without a byte-order mark; the last line break may be missing.
        first_record: Number of the first one in the file.
        records: How many there are, blank ones not counted.
        grammar: Where they end.
    """

    data: bytes
    first_record: int
    records: int
    grammar: Grammar

    def spans(self) -> tuple[Offsets, Offsets]:
        """Return begin and end of every record that is not blank."""
        return _spans(self.grammar, self.data, self.grammar.ends(self.data))


def split(
    stream: ByteStream,
    grammar: Grammar,
    name: str,
    *,
    first_record: int = 1,
    block_bytes: int | None = None,
) -> Iterator[Block]:
    """Cut a text file into blocks of whole records, in order.

    Args:
        stream: The file from its beginning, as UTF-8.
        grammar: Where records end.
        name: The file, for errors.
        first_record: The first record's number.
        block_bytes: How much to read at a time (`BLOCK_BYTES` unless given); a longer record makes
            a longer block.

    Yields:
        Blocks that hold at least one record.

    Raises:
        UnreadableFileError: For a record longer than 256 MiB, which is a quote that nothing closes.
    """
    rest, record = b"", first_record
    while True:
        more = _read(stream, wanted := max(block_bytes or BLOCK_BYTES, len(rest)))
        is_last = len(more) < wanted
        data = (rest + more).removeprefix(BOM) if record == first_record else rest + more
        ends = grammar.ends(data)
        if is_last:
            _check_closed(grammar, data, name, record)
        cut = int(ends[-1:].sum()) if not is_last else len(data)
        rest = data[cut:]
        if len(rest) > LARGEST_RECORD_BYTES:
            raise UnreadableFileError(
                f"{name}: record {record} is longer than 256 MiB. Is a quote open there?"
            )
        if records := len(_spans(grammar, data[:cut], ends)[0]):
            yield Block(data[:cut], record, records, grammar)
        record += records
        if is_last:
            return


def _read(stream: ByteStream, size: int) -> bytes:
    """Read that much, less only at the end: a pipe gives what it has."""
    parts, missing = [], size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _spans(grammar: Grammar, data: bytes, ends: Offsets) -> tuple[Offsets, Offsets]:
    if data and (not len(ends) or ends[-1] < len(data)):
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
    kept = ~grammar.blank(data, starts, ends)
    return starts[kept], ends[kept]


def _check_closed(grammar: Grammar, data: bytes, name: str, record: int) -> None:
    offset = grammar.unclosed(data)
    if offset is not None:
        ends = grammar.ends(data[:offset])
        record += len(_spans(grammar, data[: int(ends[-1:].sum())], ends)[0])
        quoted = data[offset : offset + 40].decode(errors="replace").splitlines()[0]
        raise UnreadableFileError(
            f"{name}: a quote opens at {quoted!r}, in record {record}, and is never closed. Mend that record."
        )


def _line_ends(data: bytes) -> Offsets:
    content = _bytes(data)
    ends = content == _LF
    if b"\r" in data:
        lone = content == _CR
        lone[:-1] &= content[1:] != _LF
        ends |= lone
    return np.flatnonzero(ends) + 1


def _bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)
