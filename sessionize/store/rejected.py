"""The rejected rows of a store's files: kept with each file, for as long as the store contains it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.errors import StoreMismatchError
from sessionize.events import REJECTED
from sessionize.reading.folders import place_of
from sessionize.reading.streams import shorten
from sessionize.store.durable import write_parquet
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile

FOLDER = "_sessionize/rejected"


def write_rejected(store: str, file_id: str, rejected: pa.Table) -> None:
    """Keep the rejected rows of one file; they are on disk when this returns.

    Args:
        store: The store: a folder or a URI.
        file_id: What the ledger calls the file.
        rejected: Table of schema `REJECTED`, in the order of the file.

    Raises:
        OutputError: Where they cannot be written.
    """
    write_parquet(rejected, store, _path(file_id))


def read_rejected(store: str, ledger: Ledger) -> pa.Table:
    """Read the rejected rows of every file that a store contains.

    Args:
        store: The store: a folder or a URI.
        ledger: Its files.

    Returns:
        Table of schema `REJECTED`: by the canonical path of the file, then in its order.

    Raises:
        StoreMismatchError: Where they are missing or damaged.
    """
    kept = [_read(store, entry) for entry in ledger.files.values() if entry.tally.rejected]
    return pa.concat_tables([REJECTED.empty_table(), *kept])


def _read(store: str, entry: LedgerFile) -> pa.Table:
    place = place_of(store).child(_path(entry.id))
    try:
        with place.filesystem.open_input_file(place.path) as file:
            rows = pq.ParquetFile(file).read()
    except (OSError, pa.ArrowException) as error:
        raise StoreMismatchError(
            f"{place.name}: the rejected rows of {entry.path} cannot be read: {shorten(error)}. "
            "Restore the file from a backup, or build the store anew from its logs."
        ) from error
    # The file may have moved since, or have been named in another way.
    return pa.table([pa.repeat(entry.path, len(rows)), *rows.columns[1:]], schema=REJECTED)


def _path(file_id: str) -> str:
    return f"{FOLDER}/{file_id}.parquet"
