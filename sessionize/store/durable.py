"""What must be on disk before anything may refer to it: files that appear whole, synced with their folders.

Delta's writers sync nothing, so after a power loss an entry of the log can name files that were
never written. Here every file is on disk before the log names it, on local file systems; an object
store keeps what it has accepted, and shows a file only when all of it has arrived.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.reading.folders import Place, place_of
from sessionize.writing.atomic import explained, replaced_file
from sessionize.writing.batches import BATCH_ROWS

_SYNCS_AT_ONCE = 8


class NewFile:
    """A file under its final name, written from beginning to end by one owner.

    Nothing may refer to it before it is closed and, on a local file system, `sync_new` has returned.

    Attributes:
        sink: What to write to: a binary file, or Arrow's output stream.
    """

    def __init__(self, place: Place) -> None:
        """Create the file, and its folder where that is missing.

        Args:
            place: Where; no file may be there.

        Raises:
            FileExistsError: On local file systems, where a file is there already.
            OSError: Where it cannot be created.
        """
        self._place = place
        self.sink: Any
        if place.is_local:
            Path(place.path).parent.mkdir(exist_ok=True)
            self.sink = Path(place.path).open("xb")  # noqa: SIM115 (closed by `close` or `discard`)
        else:
            self.sink = place.filesystem.open_output_stream(place.path)

    def close(self) -> None:
        """Hand the content over to the file system."""
        self.sink.close()

    def discard(self) -> None:
        """Remove the file, closed or not, without raising: nothing refers to it."""
        with suppress(OSError):
            self.sink.close()
        with suppress(OSError):
            self._place.filesystem.delete_file(self._place.path)


def write_parquet(table: pa.Table, location: str, relative_path: str) -> None:
    """Write a file of a store whole or not at all; it is on disk when this returns.

    A file that is there is replaced: readers find the old content or the new one.

    Args:
        table: Any table that Parquet holds; columns, types, order and nulls come back as they are.
        location: The store's folder or URI.
        relative_path: The file's path in it, with `/`; folders are created.

    Raises:
        OutputError: Where the file cannot be written.
    """
    place = place_of(location).child(relative_path)
    with explained(place.name):
        if place.is_local:
            make_folder(Path(place.path).parent)
            with replaced_file(Path(place.path)) as file:
                _write(table, file)
        else:
            _upload(table, place)


def make_folder(path: Path) -> None:
    """Create a folder and what is missing above it, each on disk when this returns."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_new(root: Path, files: Collection[Path]) -> None:
    """Bring new files to disk, and after them their names and those of their folders.

    Many at once: a file system writes its journal for all that wait in one go, so that 500 small
    files take a tenth of the time.

    Args:
        root: The folder whose subfolders hold the files.
        files: The files.

    Raises:
        OSError: Where the disk failed.
    """
    with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
        list(pool.map(sync_file, files))
        list(pool.map(sync_folder, {file.parent for file in files}))
    sync_folder(root)


def sync_file(path: Path) -> None:
    """Bring a file's content to disk.

    Raises:
        OSError: Where the file is gone, or the disk failed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Bring a folder's names to disk; some network file systems refuse to, and keep them all the same."""
    with suppress(OSError):
        sync_file(path)


def _write(table: pa.Table, sink: Any) -> None:
    pq.write_table(table, sink, row_group_size=BATCH_ROWS, compression="zstd")


def _upload(table: pa.Table, place: Place) -> None:
    # Encoded first: closing a stream after a failure would publish the half of a file.
    sink = pa.BufferOutputStream()
    _write(table, sink)
    with place.filesystem.open_output_stream(place.path) as stream:
        stream.write(sink.getvalue())
