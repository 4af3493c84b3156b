"""How a store knows a file again: where it is, what the filesystem says of it, and what it holds.

Size and modification time are asked first, because that costs no reading. Where they don't vouch for
a file, its whole content does, as a hash over everything that a run reads of it:

* text: all bytes, decompressed, so that `day.csv` and `day.csv.gz` hold the same;
* Parquet: the footer and the needed columns, byte for byte, so that a wide file costs what a run reads;
* Arrow: all bytes.

A hash over head and tail would be cheaper, but blind to a correction in the middle that keeps the
size, and a correction that goes unseen is a wrong table. Beyond the bytes the hash holds what else
says how they are read: the format, the delimiter, and the needed columns that Hive folders name. The
same rows written anew (other order, other compression of Parquet) are other content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from sessionize.errors import InputError, UnreadableFileError
from sessionize.reading.folders import Place
from sessionize.reading.ours import open_ipc
from sessionize.reading.sources import Source
from sessionize.reading.streams import BOM, readable
from sessionize.reading.suffixes import TEXT_FORMATS

NO_ROWS = ""
"""The content of a file without rows: quiet nights are no copies of each other."""

_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16
_BREAK = re.compile(rb"[\r\n]")
_HASH_DIGITS = 32
_TRAILER_BYTES = 8  # of Parquet: the footer's length and the magic


@frozen
class Stamp:
    """What the filesystem says of a file without reading it.

    Attributes:
        size: Bytes.
        modified: When it was last written (nanoseconds since the epoch), or the ETag of an object store.
    """

    size: int
    modified: str


@frozen
class Fingerprint:
    """A file at one moment.

    Attributes:
        path: The canonical path, see `canonical_path`.
        stamp: Size and modification time.
        content: Hash of what a run reads of it, in hex; `NO_ROWS` for a file without rows.
    """

    path: str
    stamp: Stamp
    content: str


def canonical_path(place: Place) -> str:
    """Return what is equal for all spellings of a path: absolute, links resolved; a URI without its query.

    A query may hold endpoints and keys, which are no part of where a file is.

    Example:
        >>> from sessionize.reading.folders import place_of
        >>> canonical_path(place_of("/logs/../logs/./a.csv"))
        '/logs/a.csv'
    """
    return place.key if place.is_local else f"{place.filesystem.type_name}://{place.path}"


def stamp_of(source: Source) -> Stamp:
    """Ask the filesystem for size and modification time.

    Raises:
        InputError: For standard input and pipes, which can't be read again.
        UnreadableFileError: For a file that is gone.
    """
    if source.once:
        raise InputError(
            f"{source.name}: a store keeps track of files, and this is a stream. Write it to a file first."
        )
    place = source.place
    if not place.is_local:
        return _remote_stamp(source)
    with readable(source.name):
        status = Path(place.path).stat()
    return Stamp(status.st_size, str(status.st_mtime_ns))


def fingerprint(source: Source, columns: Collection[str]) -> Fingerprint:
    """Read a file for its fingerprint.

    Args:
        source: The file.
        columns: The columns that the store's rules and reading options need, in any order.

    Raises:
        InputError: For standard input and pipes.
        UnreadableFileError: For a file that is gone, damaged, or that changes meanwhile.
    """
    stamp = stamp_of(source)
    with readable(source.name):
        content = _content(source, columns)
    check_unchanged(source, stamp)
    return Fingerprint(canonical_path(source.place), stamp, content)


def check_unchanged(source: Source, stamp: Stamp) -> None:
    """Refuse a file that was written to since `stamp` was taken; call it when the file has been read.

    Raises:
        UnreadableFileError: For such a file, which may be half of what it will be.
    """
    if stamp_of(source) != stamp:
        raise UnreadableFileError(
            f"{source.name}: changed while it was read. Nothing was written; run again when it is complete."
        )


def _remote_stamp(source: Source) -> Stamp:
    with readable(source.name), source.open_file() as file:
        tag = (file.metadata() or {}).get(b"ETag")
        size = file.size()
    modified = tag.decode() if tag else str(source.place.info().mtime_ns)
    return Stamp(size, modified)


def _content(source: Source, columns: Collection[str]) -> str:
    partition = {name: value for name, value in sorted(source.partition.items()) if name in columns}
    read_as = (source.format, source.delimiter if source.format in TEXT_FORMATS else None, partition)
    digest = hashlib.sha256(repr(read_as).encode())
    if source.format in TEXT_FORMATS:
        has_rows = _hash_text(source, digest)
    elif source.format == "parquet":
        has_rows = source.footer.num_rows > 0
        _hash_parquet(source, columns, digest)
    else:
        has_rows = _hash_arrow(source, digest)
    return digest.hexdigest()[:_HASH_DIGITS] if has_rows else NO_ROWS


def _hash_text(source: Source, digest: Any) -> bool:
    """Take in the decompressed text; say whether there are more lines than a header."""
    stream, head = source.open_text(), b""
    for block in iter(lambda: stream.read(_BLOCK_BYTES), b""):
        digest.update(block)
        if len(head) < _HEAD_BYTES:
            head += block
    lines = head.removeprefix(BOM).strip()
    return bool(lines) if source.format == "jsonl" else len(head) >= _HEAD_BYTES or bool(_BREAK.search(lines))


def _hash_parquet(source: Source, columns: Collection[str], digest: Any) -> None:
    with source.open_file() as file:
        size = file.size()
        length = int.from_bytes(file.read_at(_TRAILER_BYTES, size - _TRAILER_BYTES)[:4], "little")
        digest.update(file.read_at(length, size - _TRAILER_BYTES - length))
        for offset, length in _column_chunks(source.footer, columns):
            for start in range(0, length, _BLOCK_BYTES):
                digest.update(file.read_at(min(_BLOCK_BYTES, length - start), offset + start))


def _column_chunks(footer: pq.FileMetaData, columns: Collection[str]) -> Iterator[tuple[int, int]]:
    """Give offset and length, in bytes, of what the file holds of the needed columns."""
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            if chunk.path_in_schema in columns:
                # A chunk without a dictionary has no such page; some writers say it is at 0.
                first = chunk.dictionary_page_offset or chunk.data_page_offset
                yield min(first, chunk.data_page_offset), chunk.total_compressed_size


def _hash_arrow(source: Source, digest: Any) -> bool:
    """Take in all bytes; say whether there are rows."""
    with source.open_file() as file:
        for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
            digest.update(block)
    with source.open_file() as file:
        return any(batch.num_rows for batch in _batches(open_ipc(file)))


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchStreamReader):
        return iter(reader)
    return map(reader.get_batch, range(reader.num_record_batches))
