"""Compressed text, with nothing in it that depends on time or machine."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Literal, cast

import pyarrow as pa

Compression = Literal["gzip", "zstd"]

_GZIP_LEVEL = 6
"""What the gzip command uses; Arrow's own 9 takes longer for hardly less."""


@contextmanager
def compressed(sink: BinaryIO, compression: Compression | None) -> Iterator[BinaryIO]:
    """Compress what the body writes into `sink`, which stays open.

    Args:
        sink: An open binary file.
        compression: `gzip`, `zstd`, or None to leave the bytes as they are.

    Yields:
        The file to write to.
    """
    if compression is None:
        yield sink
        return
    stream = _stream(sink, compression)
    try:
        yield stream
        stream.close()
    except BaseException:
        # Arrow complains on stderr when it collects a stream that is not closed, and one whose
        # close failed is closed only by another.
        for _ in range(2):
            with suppress(Exception):
                stream.close()
        raise


def _stream(sink: BinaryIO, compression: Compression) -> BinaryIO:
    if compression == "zstd":
        return cast("BinaryIO", pa.CompressedOutputStream(_KeptOpen(sink), "zstd"))
    # Without name and time, which the format would otherwise keep.
    return cast("BinaryIO", gzip.GzipFile("", "wb", _GZIP_LEVEL, sink, mtime=0))


class _KeptOpen:
    """A file that Arrow writes to but does not close."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write
        self.flush = file.flush

    def close(self) -> None:
        """Leave the file to its owner."""
