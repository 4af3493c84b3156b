"""Text files cut into blocks of whole records, so that blocks can be parsed apart and in parallel.

One thread cuts, so it does as little as it can: it looks for the last line break that ends a
record, and no further. Records are counted where they are parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from sessionize.errors import UnreadableFileError
from sessionize.reading.grammars import Grammar, Offsets
from sessionize.reading.streams import ByteStream, position_of

BLOCK_BYTES = 4 << 20
"""A few of them are little memory, and calls for each of them are little time."""

LARGEST_RECORD_BYTES = 256 << 20


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
        position: How much of the file, as it lies on disk, had been read when they were cut.
    """

    grammar: Grammar
    offset: int
    head: bytes
    body: bytes
    end: int
    position: int = 0

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
                yield Block(self.grammar, offset, rest, more, end, position_of(stream)), is_last
                offset, rest = offset + len(rest) + end, b""
            rest += more[end:]
            if len(rest) > LARGEST_RECORD_BYTES:
                raise UnreadableFileError(
                    f"{self.name}: {self.where(offset)} is longer than 256 MiB. Is a quote open there?"
                )

    def _check_closed(self, block: Block) -> None:
        offset = self.grammar.unclosed(block.data)
        if offset is not None:
            begin = int(self.grammar.ends(block.data[:offset])[-1:].sum())
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
