"""The ledger: which files a store contains, and the rules by which it was made.

A ledger is a snapshot that never changes; every update writes another, before the commit of the
table that names it. So an update that dies leaves a ledger that nothing refers to, and the table and
its ledger can never disagree. It is one Parquet file: a row for each input file, and the definition
as JSON in the metadata.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from sessionize.errors import StoreMismatchError
from sessionize.events import Tally
from sessionize.reading.folders import place_of
from sessionize.reading.streams import shorten
from sessionize.store.definition import StoreDefinition
from sessionize.store.durable import write_parquet
from sessionize.store.fingerprint import Fingerprint
from sessionize.store.ledger_file import LedgerFile, from_table, to_table

FOLDER = "_sessionize/ledger"
FORMAT = 1
"""Raised by whatever an older sessionize would misread."""

_METADATA_KEY = b"sessionize_ledger"
_PATH = re.compile(rf"{FOLDER}/(\d{{10}})-([0-9a-f]{{6}})\.parquet")
_TOKEN_BITS = 22  # so that a version stays below 2**53, which every reader of JSON keeps exact
_ID_DIGITS = 32
_REMEDY = "Restore it from a backup, or build the store anew from its logs."


@frozen(kw_only=True)
class Ledger:
    """The files of a store at one moment.

    Attributes:
        version: A number that no other ledger of the store has, larger than that of the one before.
        definition: The rules and reading options.
        files: The files by canonical path, in its order.
        types: The type of each column of the rules, by which every file is read; None before the
            first file.
    """

    version: int
    definition: StoreDefinition
    files: Mapping[str, LedgerFile]
    types: dict[str, pa.DataType] | None = None

    @classmethod
    def empty(cls, definition: StoreDefinition) -> Ledger:
        """Begin the ledger of a new store."""
        return cls(version=_version_after(0), definition=definition, files={})

    @classmethod
    def read(cls, location: str, version: int) -> Ledger:
        """Read a ledger.

        Args:
            location: The store: a folder or a URI.
            version: The version that the table names.

        Raises:
            StoreMismatchError: For a ledger that is missing, damaged, or of a later format.
        """
        name = f"{location.rstrip('/')}/{ledger_path(version)}"
        metadata, table = _read(name)
        try:
            definition = StoreDefinition.from_dict(metadata["definition"])
            types = _types_from_text(metadata["types"])
            files = {file.path: file for file in from_table(table)}
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(name, error) from error
        return cls(version=version, definition=definition, files=files, types=types)

    def write(self, location: str) -> None:
        """Write the ledger where `read` finds it; it is on disk when this returns.

        Args:
            location: The store: a folder or a URI.

        Raises:
            OutputError: Where it cannot be written.
        """
        metadata = {
            "format": FORMAT,
            "definition": self.definition.as_dict(),
            "types": _types_to_text(self.types),
        }
        table = to_table(self.files.values()).replace_schema_metadata({_METADATA_KEY: json.dumps(metadata)})
        write_parquet(table, location, ledger_path(self.version))

    def next(
        self,
        *,
        removed: Iterable[LedgerFile] = (),
        added: Iterable[LedgerFile] = (),
        definition: StoreDefinition | None = None,
        types: dict[str, pa.DataType] | None = None,
    ) -> Ledger:
        """Return the ledger after an update; a file that changed or moved is both removed and added.

        Args:
            removed: Files of this ledger.
            added: Files that take their places or come in.
            definition: That of the update, where it is another (the time zone database may be newer).
            types: The column types, where they have become known.

        Raises:
            ValueError: For a file that is removed and not there, or added and there already.
        """
        files = dict(self.files)
        for file in removed:
            if files.pop(file.path, None) is None:
                raise ValueError(f"{file.path}: not in the ledger.")
        ids = {file.id for file in files.values()}
        for file in added:
            if file.path in files or file.id in ids:
                raise ValueError(f"{file.path}: in the ledger already.")
            files[file.path] = file
            ids.add(file.id)
        in_order = {path: files[path] for path in sorted(files)}
        return Ledger(
            version=_version_after(self.version),
            definition=definition or self.definition,
            files=in_order,
            types=types or self.types,
        )

    def new_ids(self, fingerprints: Iterable[Fingerprint]) -> list[str]:
        """Return ids for files that come in, in their order: no file of this ledger has them.

        They are made from path and content, so that an update that is tried again finds its own; and
        from this ledger, so that two first updates by other rules, at once, write other files.
        """
        taken = {file.id for file in self.files.values()}
        return [_free_id((self.version, each.path, each.content), taken) for each in fingerprints]

    @property
    def tally(self) -> Tally:
        """Where the rows of all files went."""
        return reduce(Tally.__add__, (file.tally for file in self.files.values()), Tally())

    @property
    def first_us(self) -> int | None:
        """The earliest event, microseconds since the epoch, UTC; None without events."""
        return min((file.first_us for file in self.files.values() if file.first_us is not None), default=None)

    @property
    def last_us(self) -> int | None:
        """The latest event: the watermark of the store; None without events."""
        return max((file.last_us for file in self.files.values() if file.last_us is not None), default=None)


def ledger_path(version: int) -> str:
    """Return where a ledger stands in its store.

    Example:
        >>> ledger_path((7 << 22) + 5)
        '_sessionize/ledger/0000000007-000005.parquet'
    """
    return f"{FOLDER}/{version >> _TOKEN_BITS:010}-{version % (1 << _TOKEN_BITS):06x}.parquet"


def ids_in(location: str, version: int) -> list[str]:
    """Read only the ids of a ledger's files.

    Raises:
        StoreMismatchError: As `Ledger.read`.
    """
    _, table = _read(f"{location.rstrip('/')}/{ledger_path(version)}", ["id"])
    ids: list[str] = table["id"].to_pylist()
    return ids


def version_at(path: str) -> int | None:
    """Return which ledger stands at a path of a store; None where none does.

    Example:
        >>> version_at("_sessionize/ledger/0000000007-000005.parquet") == (7 << 22) + 5
        True
    """
    found = _PATH.fullmatch(path)
    return None if found is None else (int(found[1]) << _TOKEN_BITS) + int(found[2], 16)


def _version_after(version: int) -> int:
    """Count on, with a random end: two writers of an object store, without a lock, write two files."""
    return (((version >> _TOKEN_BITS) + 1) << _TOKEN_BITS) + secrets.randbits(_TOKEN_BITS)


def _types_to_text(types: Mapping[str, pa.DataType] | None) -> str | None:
    return None if types is None else b64encode(pa.schema(list(types.items())).serialize()).decode()


def _types_from_text(text: str | None) -> dict[str, pa.DataType] | None:
    if text is None:
        return None
    schema = pa.ipc.read_schema(pa.py_buffer(b64decode(text)))
    return dict(zip(schema.names, schema.types, strict=True))


def _free_id(known_by: tuple[int, str, str], taken: set[str]) -> str:
    # A file that moved keeps its id; its old name may come back with the same content.
    texts = (repr((*known_by, attempt)) for attempt in count())
    ids = (hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS] for text in texts)
    return next(id_ for id_ in ids if id_ not in taken)


def _read(name: str, columns: list[str] | None = None) -> tuple[dict[str, Any], pa.Table]:
    """Read the metadata of a ledger, and its rows or some of their columns."""
    place = place_of(name)
    try:
        with place.filesystem.open_input_file(place.path) as file:
            table = pq.ParquetFile(file).read(columns)
        metadata = json.loads(table.schema.metadata[_METADATA_KEY])
        later = metadata["format"] > FORMAT
    except FileNotFoundError:
        raise StoreMismatchError(
            f"{name}: no such file, but the store's table names it as its ledger. {_REMEDY}"
        ) from None
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise _damaged(name, error) from error
    if later:
        raise StoreMismatchError(
            f"{name}: written by a later sessionize, in ledger format {metadata['format']}; "
            f"this one knows {FORMAT}. Update sessionize."
        )
    return metadata, table


def _damaged(name: str, error: Exception) -> StoreMismatchError:
    return StoreMismatchError(f"{name}: the store's ledger cannot be read: {shorten(error)}. {_REMEDY}")
