"""Bytes of text files as they are decompressed and decoded, and one-line errors where they break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import pyarrow as pa

from sessionize.errors import InputError, UnreadableFileError

BOM = b"\xef\xbb\xbf"


class ByteStream(Protocol):
    """Anything that gives bytes until there are no more."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class FileStream:
    """A text file as it is decompressed and decoded, and how far that has come."""

    def __init__(self, raw: pa.NativeFile, stream: ByteStream) -> None:
        """Read `stream`, which takes its bytes from `raw`, the file as it lies on disk."""
        self._raw = raw
        self.read = stream.read

    def position(self) -> int:
        """Return how many bytes of the file have been read."""
        return int(self._raw.tell())


def position_of(stream: ByteStream) -> int:
    """Return how many bytes of a file have been read; 0 where that cannot be known."""
    return stream.position() if isinstance(stream, FileStream) else 0


class OnceStream:
    """A stream that cannot be opened again (standard input, a pipe), whose beginning can be seen first."""

    def __init__(self, stream: ByteStream, at_end: Callable[[], None] = lambda: None) -> None:
        """Hold the stream; nothing is read yet, and `at_end` is called when all is."""
        # `read` of a buffered stream waits for all it was asked for and sees no signal while data comes.
        self._read = getattr(stream, "read1", stream.read)
        self._at_end = at_end
        self._seen = b""
        self._ended = False

    def peek(self, size: int) -> bytes:
        """Return the first bytes that `read` has not given yet: `size` of them unless the end is nearer."""
        while len(self._seen) < size and (more := self._next(size - len(self._seen))):
            self._seen += more
        return self._seen[:size]

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, those that were peeked at first."""
        if not self._seen:
            return self._next(size)
        given, self._seen = self._seen[:size], self._seen[size:]
        return given

    def _next(self, size: int) -> bytes:
        if self._ended:
            return b""
        more = self._read(size)
        if not more:
            self._ended = True
            self._at_end()
        return more

    def peek_all(self) -> bytes:
        """Return everything, all of which is still to be read."""
        self._seen += b"".join(iter(lambda: self._next(1 << 20), b""))
        return self._seen


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn whatever breaks while a file is read into one line that names the file.

    Raises:
        UnreadableFileError: For damaged, truncated or wrongly encoded content, and for a failing disk.
    """
    try:
        yield
    except InputError:
        raise
    except UnicodeError as error:
        hint = "Name its encoding with --encoding, such as latin-1."
        raise UnreadableFileError(f"{name}: {shorten(error)}. {hint}") from error
    except (pa.ArrowException, OSError, EOFError) as error:
        raise UnreadableFileError(f"{name}: cannot be read: {shorten(error)}") from error


def shorten(error: BaseException) -> str:
    """Return the first sentence of an error's message, without its line breaks, at most 200 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"


def decoded(stream: ByteStream, encoding: str) -> ByteStream:
    """Return the stream as UTF-8."""
    if encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}:
        return stream
    return pa.transcoding_input_stream(_arrow(stream), encoding, "utf-8")


def _arrow(stream: ByteStream) -> pa.NativeFile:
    return stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="r")
