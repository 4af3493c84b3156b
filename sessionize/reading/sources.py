"""From what the caller names (files, folders, globs, URIs, `-`) to the files that a run reads."""

from __future__ import annotations

import io
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from sessionize.errors import InputError, UnreadableFileError
from sessionize.reading.folders import Place, expand_glob, is_glob, list_folder, place_of
from sessionize.reading.options import InputFormat, ReadOptions
from sessionize.reading.ours import MARKER, REJECTS_SUFFIX, made_by_sessionize
from sessionize.reading.streams import BOM, ByteStream, FileStream, OnceStream, decoded, readable
from sessionize.reading.suffixes import FORMATS, format_of, hive_columns
from sessionize.spelling import closest

STANDARD_INPUT = "-"

EMPTY_FILE = "empty file (0 bytes). --allow-empty reads it as no rows."

_SNIFF_BYTES = 4096


@dataclass(frozen=True, eq=False)
class Source:
    """One file to read.

    Attributes:
        place: Where it is.
        format: `parquet`, `csv`, `tsv`, `jsonl` or `arrow`.
        compression: `gzip`, `zstd`, `bz2`, `lz4`, or None.
        encoding: Of text formats.
        delimiter: Of CSV and TSV, one character.
        partition: Columns that its Hive folders name, as text; None is null.
        size: Its bytes as it lies there; None for a stream.
        once: The stream itself, where it cannot be opened again.
        may_be_empty: Whether a file that holds nothing at all is a log without rows.
    """

    place: Place
    format: InputFormat
    compression: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    partition: dict[str, str | None] = field(default_factory=dict)
    size: int | None = None
    once: OnceStream | None = None
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        """The file as the caller named it; what messages and rejected rows show."""
        return self.place.name

    def open_file(self) -> pa.NativeFile:
        """Open a file that is read by position (Parquet, Arrow)."""
        if self.once:
            content = self.once.peek_all()  # a footer is read first, then again with the rows
            return pa.BufferReader(content)
        return self.place.filesystem.open_input_file(self.place.path)

    def open_text(self) -> ByteStream:
        """Open a text file from its beginning, decompressed and as UTF-8."""
        if self.once:
            return self.once
        raw = self.place.filesystem.open_input_file(self.place.path)  # a stream does not tell its position
        stream = pa.CompressedInputStream(raw, self.compression) if self.compression else raw
        return FileStream(raw, decoded(stream, self.encoding))

    def peek(self, size: int) -> bytes:
        """Return up to `size` first bytes of a text file, all of which are still to be read."""
        return (self.once or OnceStream(self.open_text())).peek(size)

    @cached_property
    def footer(self) -> pq.FileMetaData:
        """A Parquet file's footer, read once."""
        with self.open_file() as file:
            return pq.ParquetFile(file).metadata


def listed(inputs: str | Path | Sequence[str | Path]) -> list[str | Path]:
    """Return inputs as a list, where one may be named alone."""
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)


def find_sources(
    inputs: Sequence[str | Path],
    options: ReadOptions,
    *,
    own: Sequence[str] = (),
    notify: Callable[[str], None] = lambda message: None,
    allow_empty: bool = False,
    empty: Callable[[Place], None] = lambda place: None,
) -> list[Source]:
    """Find the files that a run reads.

    A file that is named is read; in a folder or a glob everything that is no log is left out:
    hidden files and folders (`.` and `_` first), our own outputs and rejected rows, and files of
    unknown format. A file that is reached twice is read once.

    Args:
        inputs: Files, folders, globs (`**` too), URIs, and `-` for standard input.
        options: Of which `input_format`, `csv_delimiter` and `encoding` are read here.
        own: What this run writes; neither these files nor anything below these folders is read.
        notify: Is told what was left out, one message for each reason.
        allow_empty: Whether files of 0 bytes and inputs without any file are a log without rows.
        empty: Is told of each file of 0 bytes that was left out.

    Returns:
        The files: inputs in the order given, the files of a folder or glob sorted by path.

    Raises:
        InputError: For a path that is not there, a named file of unknown format, an input that is
            also an output, and where nothing is left to read.
        UnreadableFileError: For a file of 0 bytes.
    """
    if not inputs:
        raise ValueError("name at least one input.")
    own_keys = [place_of(path).key for path in own if path != STANDARD_INPUT]
    search = _Search(options, own_keys, allow_empty, empty)
    found: dict[str, Source] = {}
    for text in map(str, inputs):
        for source in search.sources(text):
            if found.setdefault(source.place.key, source) is not source:
                search.skip("named already", source.name)
    for message in search.messages():
        notify(message)
    if not found and not allow_empty:
        named = ", ".join(map(str, inputs))
        raise InputError(f"{named}: no file to read. --allow-empty makes that a log without rows.")
    return list(found.values())


class _Search:
    """One look around, and the memory of what it left out."""

    def __init__(
        self, options: ReadOptions, own: list[str], allow_empty: bool, empty: Callable[[Place], None]
    ) -> None:
        self._options = options
        self._own = own
        self._allow_empty, self._empty = allow_empty, empty
        self._skipped: defaultdict[str, list[str]] = defaultdict(list)

    def sources(self, text: str) -> Iterator[Source]:
        """Find the files of one input."""
        if text == STANDARD_INPUT:
            yield from self._once(Place("-", "-", pafs.LocalFileSystem()), sys.stdin.buffer)
            return
        place = place_of(text)
        info = place.info()
        if info.type == pafs.FileType.NotFound and is_glob(text):
            yield from self._glob(place)
        elif info.type == pafs.FileType.NotFound:
            raise InputError(_not_found(place))
        elif self._is_own(place):
            raise InputError(f"{text} is both an input and an output of this run. Write to another place.")
        elif info.type == pafs.FileType.Directory:
            yield from self._folder(place)
        elif info.type == pafs.FileType.File:
            yield from self._nonempty(self._source(place, info.size), info.size)
        else:
            pipe = io.FileIO(place.path)
            yield from self._once(place, pipe, pipe.close)

    def messages(self) -> Iterator[str]:
        """Say what was left out, reason by reason."""
        for reason, names in self._skipped.items():
            if len(names) == 1:
                yield f"skipped {names[0]} ({reason})"
            else:
                yield f"skipped {len(names)} files ({reason}), such as {names[0]}"

    def _glob(self, pattern: Place) -> Iterator[Source]:
        places = expand_glob(pattern)
        if not places and not self._allow_empty:
            raise InputError(f"{pattern.name}: no file matches.")
        named = _fixed_parts(pattern.path)
        asks_for_hidden = any(map(_is_hidden, pattern.path.split("/")[named:]))
        for place in places:
            if not asks_for_hidden and any(map(_is_hidden, place.path.split("/")[named:])):
                self.skip("hidden", place.name)
            elif self._is_own(place):
                self.skip("an output of this run", place.name)
            elif (info := place.info()).type == pafs.FileType.Directory:
                yield from self._folder(place)
            else:
                yield from self._candidate(place, info.size)

    def _folder(self, folder: Place) -> Iterator[Source]:
        if folder.child(MARKER).info().type == pafs.FileType.File:
            self.skip("made by sessionize", folder.name)
            return
        for relative, size in list_folder(folder, lambda below: self._enters(folder.child(below))):
            place = folder.child(relative)
            if _is_hidden(relative):
                self.skip("hidden", place.name)
            else:
                yield from self._candidate(place, size)

    def _enters(self, folder: Place) -> bool:
        if _is_hidden(folder.path):
            self.skip("hidden", folder.name)
        elif self._is_own(folder):
            self.skip("an output of this run", folder.name)
        elif folder.is_local and Path(folder.path, MARKER).exists():
            self.skip("made by sessionize", folder.name)
        else:
            return True
        return False

    def _candidate(self, place: Place, size: int) -> Iterator[Source]:
        """Judge a file that was found rather than named."""
        if self._is_own(place):
            self.skip("an output of this run", place.name)
        elif place.path.endswith(REJECTS_SUFFIX):
            self.skip("rejected rows", place.name)
        elif not (self._options.input_format or format_of(place.path)[0]):
            self.skip("unknown format", place.name)
        elif made_by_sessionize(source := self._source(place, size)):
            self.skip("made by sessionize", place.name)
        else:
            yield from self._nonempty(source, size)

    def _nonempty(self, source: Source, size: int) -> Iterator[Source]:
        if size:
            yield source
        elif self._allow_empty:
            self.skip("empty", source.name)
            self._empty(source.place)
        else:
            raise UnreadableFileError(f"{source.name}: {EMPTY_FILE}")

    def _source(self, place: Place, size: int | None, once: OnceStream | None = None) -> Source:
        suffix_format, compression = format_of(place.path)
        format_ = self._options.input_format or suffix_format or (_sniff(once) if once else None)
        if not format_:
            raise InputError(
                f"{place.name}: unknown format. Known: {', '.join(FORMATS)}. Name it with --input-format csv."
            )
        return Source(
            place,
            format_,
            compression=compression,
            encoding=self._options.encoding,
            delimiter=self._options.csv_delimiter or ("\t" if format_ == "tsv" else ","),
            partition=hive_columns(place.name),
            size=size,
            once=once,
            may_be_empty=self._allow_empty,
        )

    def _once(
        self, place: Place, stream: ByteStream, at_end: Callable[[], None] = lambda: None
    ) -> Iterator[Source]:
        with readable(place.name):
            once = OnceStream(decoded(stream, self._options.encoding), at_end)
            size = len(once.peek(1))
        yield from self._nonempty(self._source(place, None, once), size)

    def _is_own(self, place: Place) -> bool:
        key = place.key
        return any(key == own or key.startswith(f"{own.rstrip('/')}/") for own in self._own)

    def skip(self, reason: str, name: str) -> None:
        """Remember what was left out."""
        self._skipped[reason].append(name)


def _sniff(stream: OnceStream) -> InputFormat:
    """Tell JSON lines from CSV by the first byte that is no blank."""
    size = _SNIFF_BYTES
    while not (text := (head := stream.peek(size)).removeprefix(BOM).lstrip()) and len(head) == size:
        size *= 2
    return "jsonl" if text.startswith(b"{") else "csv"


def _is_hidden(path: str) -> bool:
    return path.rstrip("/").rpartition("/")[2].startswith((".", "_"))


def _fixed_parts(pattern: str) -> int:
    """Count the folders of a glob that are named: what is hidden above the first wildcard was meant."""
    parts = pattern.split("/")
    return next(index for index, part in enumerate(parts) if is_glob(part))


def _not_found(place: Place) -> str:
    path = Path(place.path)
    beside = (
        [found.name for found in path.parent.iterdir()] if place.is_local and path.parent.is_dir() else []
    )
    return f"{place.name}: no such file or folder{closest(path.name, beside)}"
