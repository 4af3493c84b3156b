"""Streams that come once (standard input, pipes), kept for a second reading."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow.fs as pafs

from sessionize.engine.spill import explained
from sessionize.reading.folders import Place
from sessionize.reading.sources import Source
from sessionize.reading.streams import ByteStream, readable

_COPIED_BYTES = 1 << 20


@contextmanager
def spooled(sources: Sequence[Source], folder: str | Path | None) -> Iterator[list[Source]]:
    """Copy the sources that can be read only once into temporary files, for as long as the context lasts.

    Args:
        sources: The files of a log.
        folder: Where to put the temporary folder; None for the system's place.

    Yields:
        The sources, each of which can be read any number of times; they keep their names.

    Raises:
        OutputError: Where there is no room for the copies.
    """
    with ExitStack() as stack:
        copies: list[Source] = []
        for source in sources:
            if source.once is not None:
                with explained(folder):
                    own = stack.enter_context(tempfile.TemporaryDirectory(prefix="sessionize-", dir=folder))
                source = _copied(source, source.once, Path(own) / "log")
            copies.append(source)
        yield copies


def _copied(source: Source, stream: ByteStream, path: Path) -> Source:
    with path.open("wb") as file:
        while more := _read(source, stream):
            with explained(path.parent):
                file.write(more)
    place = Place(source.name, str(path), pafs.LocalFileSystem())
    # What came through the stream has been decoded.
    size = path.stat().st_size
    return replace(source, place=place, size=size, once=None, encoding="utf-8", compression=None)


def _read(source: Source, stream: ByteStream) -> bytes:
    with readable(source.name):
        return stream.read(_COPIED_BYTES)
