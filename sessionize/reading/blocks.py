"""Text files cut into blocks of whole records, so that blocks can be parsed apart and in parallel.

The cut is made by one thread, so it does as little as it can: it looks for the last line break that
ends a record, and no further. Records are counted where they are parsed.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sessionize.errors import UnreadableFileError
from sessionize.reading.streams import ByteStream

BLOCK_BYTES = 4 << 20
"""Small enough for few threads' blocks to be little memory, large enough for calls to cost nothing."""

LARGEST_RECORD_BYTES = 256 << 20

_LF, _CR, _QUOTE = b'\n\r"'
_WORD = np.dtype("<u8")

Offsets = NDArray[np.int64]
Bits = NDArray[np.uint64]
"""A mark for each byte: byte i is bit i % 64 of word i // 64."""


class Grammar(ABC):
    """Where records end in a text format.

    Attributes:
        nothing: Matches what holds no record.
    """

    nothing: ClassVar[re.Pattern[bytes]]

    @abstractmethod
    def is_plain(self, data: bytes) -> bool:
        """Say whether every line is a record, if the data begin outside quotes."""

    @abstractmethod
    def last_line_end(self, data: bytes) -> int:
        """Return an offset after a line break, the last where lines end alike; 0 where there is none."""

    def last_end(self, data: bytes) -> int:
        """Return an offset after a line break that ends a record, likewise."""
        return self.last_line_end(data)

    @abstractmethod
    def ends(self, data: bytes) -> Offsets:
        """Return the offset after each line break that ends a record, ascending."""

    @abstractmethod
    def blank(self, data: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
        """Mark the stretches that hold nothing and count as no record."""

    def unclosed(self, data: bytes) -> int | None:
        """Return the offset of what is still open where the file ends; None where nothing is."""
        return None

    def spans(self, data: bytes) -> tuple[Offsets, Offsets]:
        """Return begin and end of every record that is not blank; the last one may lack its line break."""
        ends = self.ends(data)
        if data and (not len(ends) or ends[-1] < len(data)):
            ends = np.append(ends, len(data))
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
        kept = ~self.blank(data, starts, ends)
        return starts[kept], ends[kept]


@dataclass(frozen=True)
class Lines(Grammar):
    """Every line is a record (JSON lines)."""

    nothing = re.compile(rb"\s*")

    def is_plain(self, data: bytes) -> bool:
        """Return True."""
        return True

    def last_line_end(self, data: bytes) -> int:
        """Return the offset after the last line feed."""
        return data.rfind(b"\n") + 1

    def ends(self, data: bytes) -> Offsets:
        """Return the offset after each line feed."""
        return np.flatnonzero(_bytes(data) == _LF) + 1

    def blank(self, data: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
        """Mark the lines of nothing but blanks."""
        blank = _bytes(data)[starts] <= ord(" ")
        for index in np.flatnonzero(blank):
            blank[index] = not data[starts[index] : ends[index]].strip()
        return blank


@dataclass(frozen=True)
class QuotedRecords(Grammar):
    """Records end at line breaks outside quotes (CSV, as RFC 4180 and `pyarrow.csv` read it).

    A quote opens only at the beginning of a field, so `5" screen` holds no quoted part; inside
    quotes a doubled quote stands for one; LF, CRLF and a lone CR end a line.
    """

    delimiter: str
    nothing = re.compile(rb"[\r\n]*")

    def is_plain(self, data: bytes) -> bool:
        """Say whether there is no quote."""
        return b'"' not in data

    def last_line_end(self, data: bytes) -> int:
        """Return the offset after the last line feed, or after the last CR where there is none."""
        return data.rfind(b"\n") + 1 or data.rfind(b"\r") + 1

    def last_end(self, data: bytes) -> int:
        """Return the offset after the last line feed outside quotes, or the last CR likewise."""
        outside, content = ~self._inside(data), _bytes(data)
        return _last(_packed(content == _LF) & outside) or _last(_packed(content == _CR) & outside)

    def ends(self, data: bytes) -> Offsets:
        """Return the offset after each line break outside quotes."""
        ends = _line_ends(data)
        return ends if self.is_plain(data) else ends[~_marked(self._inside(data), ends - 1)]

    def blank(self, data: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
        """Mark the stretches that are only a line break."""
        first = _bytes(data)[starts]
        return (ends - starts <= 2) & ((first == _LF) | (first == _CR))

    def unclosed(self, data: bytes) -> int | None:
        """Return the offset of the quote that is never closed."""
        inside = self._inside(data)
        return _last(~inside) if len(inside) and inside[-1] >> 63 else None

    def _inside(self, data: bytes) -> Bits:
        """Mark the bytes inside quotes, the opening quote among them and the closing one not."""
        content = _bytes(data)
        quotes = content == _QUOTE
        packed = _packed(quotes)
        inside = _odd(packed)
        # A quote that opens where no field begins is text; then they must be told apart one by one.
        if (packed & inside & ~self._borders(content, quotes)).any():
            quotes = np.zeros(len(data), np.bool_)
            quotes[self._walk(data)] = True
            inside = _odd(_packed(quotes))
        return inside

    def _borders(self, content: NDArray[np.uint8], quotes: NDArray[np.bool_]) -> Bits:
        """Mark the bytes where a quote opens, or (after a quote) opens again at once."""
        marks = np.ones(len(content), np.bool_)
        before, after = content[:-1], marks[1:]
        np.equal(before, ord(self.delimiter), out=after)
        after |= (before == _LF) | (before == _CR) | quotes[:-1]
        return _packed(marks)

    def _walk(self, data: bytes) -> list[int]:
        """Find the quotes that open and close, in turn: for text with quotes inside unquoted fields."""
        delimiter = re.escape(self.delimiter.encode())
        stretch = re.compile(rb"(?:\A|(?<=[\r\n]|" + delimiter + rb'))"[^"]*(?:""[^"]*)*("?)')
        borders: list[int] = []
        for match in stretch.finditer(data):
            borders += [match.start(), match.end() - 1] if match[1] else [match.start()]
        return borders


@dataclass(frozen=True)
class Block:
    """Whole records of one text file.

    Attributes:
        grammar: Where they end.
        offset: Where they begin in the file.
        head: How their bytes begin.
        body: How they go on, up to and without `end`. The task puts both together, or the one
            thread that cuts would copy the whole file.
        end: See `body`.
    """

    grammar: Grammar
    offset: int
    head: bytes
    body: bytes
    end: int

    @cached_property
    def data(self) -> bytes:
        """Their bytes, UTF-8; the last line break may be missing."""
        if not self.head and self.end == len(self.body):
            return self.body
        return b"".join([self.head, memoryview(self.body)[: self.end]])

    @property
    def is_blank(self) -> bool:
        """Whether they are no records at all."""
        nothing = self.grammar.nothing
        return bool(nothing.fullmatch(self.head) and nothing.fullmatch(self.body, 0, self.end))

    def spans(self) -> tuple[Offsets, Offsets]:
        """Return begin and end of every record that is not blank."""
        return self.grammar.spans(self.data)


@dataclass(frozen=True)
class RecordFile:
    """A text file of records.

    Attributes:
        name: The file, for errors.
        grammar: Where records end.
        open: Opens it from its beginning, as UTF-8.
        skip: How many bytes come before the first record: a byte-order mark, a header.
        reopens: Whether it can be opened more than once.
    """

    name: str
    grammar: Grammar
    open: Callable[[], ByteStream]
    skip: int = 0
    reopens: bool = True

    def blocks(self, block_bytes: int | None = None) -> Iterator[Block]:
        """Cut the file into blocks of whole records, in order.

        Args:
            block_bytes: How much to read at a time (`BLOCK_BYTES` unless given); a longer record
                makes a longer block.

        Yields:
            Blocks that hold at least one record.

        Raises:
            UnreadableFileError: For a quote that nothing closes, and for a record longer than
                256 MiB, which is one.
        """
        for block, is_last in self._cut(self.open(), block_bytes or BLOCK_BYTES):
            if is_last:
                self._check_closed(block)
            if not block.is_blank:
                yield block

    def where(self, offset: int) -> str:
        """Name the record that begins at an offset of the file; its number is counted now."""
        if not self.reopens:
            return f"the record at byte {offset}"
        before = self._cut(_Beginning(self.open(), offset), BLOCK_BYTES)
        return f"record {1 + sum(len(block.spans()[0]) for block, _ in before)}"

    def _cut(self, stream: ByteStream, block_bytes: int) -> Iterator[tuple[Block, bool]]:
        """Give blocks, blank ones too, and whether each is the last."""
        _read(stream, self.skip)
        rest, offset, is_last = b"", self.skip, False
        while not is_last:
            more = _read(stream, wanted := max(block_bytes, len(rest)))
            is_last = len(more) < wanted
            is_plain = self.grammar.is_plain(rest) and self.grammar.is_plain(more)
            if not is_plain:
                rest, more = b"", rest + more
            if is_last:
                end = len(more)
            else:
                end = self.grammar.last_line_end(more) if is_plain else self.grammar.last_end(more)
            if end or is_last:
                yield Block(self.grammar, offset, rest, more, end), is_last
                offset, rest = offset + len(rest) + end, b""
            rest += more[end:]
            if len(rest) > LARGEST_RECORD_BYTES:
                raise UnreadableFileError(
                    f"{self.name}: {self.where(offset)} is longer than 256 MiB. Is a quote open there?"
                )

    def _check_closed(self, block: Block) -> None:
        offset = self.grammar.unclosed(block.data)
        if offset is not None:
            begin = self.grammar.last_end(block.data[:offset])
            quoted = block.data[offset : offset + 40].decode(errors="replace").splitlines()[0]
            raise UnreadableFileError(
                f"{self.name}: a quote opens at {quoted!r}, in {self.where(block.offset + begin)}, "
                "and is never closed. Mend that record."
            )


class _Beginning:
    """The first bytes of a stream."""

    def __init__(self, stream: ByteStream, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        more = self._stream.read(min(size, self._left))
        self._left -= len(more)
        return more


def _read(stream: ByteStream, size: int) -> bytes:
    """Read that much, less only at the end: a pipe gives what it has."""
    parts, missing = [], size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


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


def _packed(marks: NDArray[np.bool_]) -> Bits:
    words = np.zeros(-(-len(marks) // 64), _WORD)
    packed = np.packbits(marks, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    return words


def _odd(bits: Bits) -> Bits:
    """Mark each byte up to and including which an odd number of bytes is marked."""
    odd = bits.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(shift)
    before = np.bitwise_xor.accumulate(odd >> np.uint64(63))[:-1]
    odd[1:] ^= np.uint64(0) - before
    return odd


def _marked(bits: Bits, places: Offsets) -> NDArray[np.bool_]:
    return (bits.view(np.uint8)[places >> 3] >> (places & 7) & 1).astype(np.bool_)


def _last(bits: Bits) -> int:
    """Return the offset after the last marked byte, 0 where none is."""
    words = np.flatnonzero(bits)
    return int(words[-1]) * 64 + int(bits[words[-1]]).bit_length() if len(words) else 0
