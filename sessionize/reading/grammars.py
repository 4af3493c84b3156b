"""Where records end: in JSON lines at every line feed, in CSV at line breaks outside quotes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

_LF, _CR, _QUOTE = b'\n\r"'
_WORD = np.dtype("<u8")

# Numpy's intermediate arrays stay in the processor's cache, and cost no new pages of memory.
_SLICE_BYTES = 1 << 18

_TOP = np.uint64(63)

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
        inside, content = self._inside(data), _bytes(data)
        return _last_outside(content, _LF, inside) or _last_outside(content, _CR, inside)

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
        inside = self._inside_alternate(_bytes(data))
        if inside is None:
            borders = np.zeros(len(data), np.uint8)
            borders[self._walk(data)] = 1
            inside = _odd(_marks(borders, 1), np.uint64(0))
        return inside

    def _inside_alternate(self, content: NDArray[np.uint8]) -> Bits | None:
        """Mark them as if all quotes opened and closed in turn; None where one opens in a field.

        A quote after the one that closes opens again: together they are a doubled quote.
        """
        inside = np.zeros(_words(len(content)), _WORD)
        is_open, is_begin = np.uint64(0), np.uint64(1)
        for part, words in _slices(content):
            quotes = _marks(part, _QUOTE)
            inside[words] = odd = _odd(quotes, is_open)
            before_field = _marks(part, ord(self.delimiter)) | _marks(part, _LF) | _marks(part, _CR) | quotes
            begins = before_field << np.uint64(1)
            begins[1:] |= before_field[:-1] >> _TOP
            begins[0] |= is_begin
            if (quotes & odd & ~begins).any():
                return None
            is_open, is_begin = odd[-1] >> _TOP, before_field[-1] >> _TOP
        return inside

    def _walk(self, data: bytes) -> list[int]:
        """Find the quotes that open and close, in turn: for text with quotes inside unquoted fields."""
        delimiter = re.escape(self.delimiter.encode())
        stretch = re.compile(rb"(?:\A|(?<=[\r\n]|" + delimiter + rb'))"[^"]*(?:""[^"]*)*("?)')
        borders: list[int] = []
        for match in stretch.finditer(data):
            borders += [match.start(), match.end() - 1] if match[1] else [match.start()]
        return borders


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


def _words(size: int) -> int:
    return -(-size // 64)


def _slices(content: NDArray[np.uint8]) -> list[tuple[NDArray[np.uint8], slice]]:
    """Give slices of the content, and which words mark their bytes."""
    starts = range(0, len(content), _SLICE_BYTES)
    parts = [content[start : start + _SLICE_BYTES] for start in starts]
    first_words = [start // 64 for start in starts]
    return [
        (part, slice(word, word + _words(len(part)))) for part, word in zip(parts, first_words, strict=True)
    ]


def _marks(content: NDArray[np.uint8], value: int) -> Bits:
    """Mark the bytes of a value."""
    words = np.zeros(_words(len(content)), _WORD)
    packed = np.packbits(content == value, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    return words


def _odd(bits: Bits, is_odd: np.uint64) -> Bits:
    """Mark each byte up to and including which an odd number of bytes is marked.

    Args:
        bits: The marks.
        is_odd: 1 where an odd number came before.
    """
    odd = bits.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(shift)
    ends = odd >> _TOP
    before = np.bitwise_xor.accumulate(ends) ^ ends ^ is_odd
    odd ^= np.uint64(0) - before
    return odd


def _last_outside(content: NDArray[np.uint8], value: int, inside: Bits) -> int:
    """Return the offset after the last byte of a value that is outside quotes, 0 where none is."""
    for part, words in reversed(_slices(content)):
        if last := _last(_marks(part, value) & ~inside[words]):
            return words.start * 64 + last
    return 0


def _marked(bits: Bits, places: Offsets) -> NDArray[np.bool_]:
    return (bits.view(np.uint8)[places >> 3] >> (places & 7) & 1).astype(np.bool_)


def _last(bits: Bits) -> int:
    """Return the offset after the last marked byte, 0 where none is."""
    words = np.flatnonzero(bits)
    return int(words[-1]) * 64 + int(bits[words[-1]]).bit_length() if len(words) else 0
