"""What we ask of delta-rs, in one place: opening, creating, committing, and what its errors mean."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from sessionize.errors import StoreBusyError, StoreError, StoreMismatchError
from sessionize.reading.folders import Place, place_of
from sessionize.reading.streams import shorten
from sessionize.store.history import COMMIT_ID, LEDGER_MARK, LOCK_MARK, NOTE, entry_of
from sessionize.store.log import LOG, repair, sync_checkpoints, sync_entries
from sessionize.writing.atomic import DATE, explained

_OWN_FOLDERS = {LOG, "_sessionize"}
_READER_VERSION = 1
_CHANGED = re.compile(r"[%\\#?\x00-\x1f]")
# A hook would write its checkpoint and delete older entries before either is on disk.
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def create_delta(location: str, schema: pa.Schema, properties: Mapping[str, str]) -> None:
    """Make an empty table, partitioned by date, at version 0; it is on disk when this returns.

    Args:
        location: The store's folder or URI.
        schema: The columns, the partition among them, in types that Delta has.
        properties: The table's properties.

    Raises:
        StoreBusyError: Where another process made a table there in this moment.
        StoreMismatchError: Where something is there already, or cannot be.
        OutputError: Where the folder cannot be written.
    """
    address = _address(location)
    repair(location)
    _check_is_free(place_of(location))
    with _delta_errors(location):
        DeltaTable.create(
            address,
            schema,
            partition_by=[DATE],
            configuration=dict(properties),
            raise_if_key_not_exists=False,
            commit_properties=CommitProperties(max_commit_retries=0),
            post_commithook_properties=_NO_HOOKS,
        )
        sync_entries(location, [0])


def renew_delta(delta: DeltaTable, location: str, schema: pa.Schema, properties: Mapping[str, str]) -> int:
    """Give a table without rows other columns, in two commits that follow the version it was opened at.

    Args:
        delta: The open table. It stays at its version.
        location: The store's folder or URI.
        schema: The columns, the partition among them, in types that Delta has.
        properties: Properties of the table that change.

    Returns:
        The new version; it is on disk when this returns.

    Raises:
        StoreBusyError: Where another writer has committed since.
        StoreError: Where the log cannot be written.
    """
    version = delta.version()
    alone = CommitProperties(max_commit_retries=0)
    with _delta_errors(location):
        sync_entries(location, range(version + 1))
        renewed = DeltaTable(_address(location), version=version)
        renewed.alter.set_table_properties(
            dict(properties),
            raise_if_not_exists=False,
            commit_properties=alone,
            post_commithook_properties=_NO_HOOKS,
        )
        sync_entries(location, [version + 1])
        renewed.create_write_transaction(
            [],
            "overwrite",
            Schema.from_arrow(schema),
            [DATE],
            commit_properties=alone,
            post_commithook_properties=_NO_HOOKS,
        )
        sync_entries(location, [version + 2])
    return version + 2


def open_delta(location: str, version: int | None = None) -> DeltaTable:
    """Open a table, after mending what a power loss may have torn.

    Args:
        location: The store's folder or URI.
        version: Which version, or None for the newest.

    Raises:
        StoreError: For an object store that does not answer.
        StoreMismatchError: Where there is no table, or no such version; where the log is damaged, or
            another program has given the table features that change what its files mean, such as
            deletion vectors.
        StoreBusyError: Where something must be mended, and another process holds the store.
    """
    address = _address(location)
    repair(location)
    with _delta_errors(location):
        try:
            delta = DeltaTable(address, version=version)
        except DeltaError as error:
            if isinstance(error, TableNotFoundError) or not place_of(location).is_local:
                raise
            raise StoreMismatchError(
                f"{location}: the log of its table cannot be read: {shorten(error)}. "
                "Restore it from a backup, or build the store anew from its logs."
            ) from error
    if delta.protocol().min_reader_version > _READER_VERSION:
        raise StoreMismatchError(
            f"{location}: another program has given this table features that sessionize does not read "
            f"({', '.join(delta.protocol().reader_features or ['column mapping'])}). Build the store anew."
        )
    return delta


def commit(
    delta: DeltaTable,
    location: str,
    actions: Sequence[AddAction | RemoveAction],
    columns: pa.Schema | None = None,
    *,
    ledger: int,
    note: Mapping[str, str],
) -> int:
    """Make the version after the one that `delta` was opened at.

    Args:
        delta: The open table. It stays at its version.
        location: The store's folder or URI.
        actions: The files that come and go; with none only the ledger's mark moves.
        columns: The columns of the table from now on, the partition among them, and then `actions` are
            files that come, in the place of all others; None where they stay what they are.
        ledger: The version of the ledger that the new version belongs to.
        note: What to write beside it.

    Returns:
        The new version.

    Raises:
        StoreBusyError: Where another writer has made that version first.
        StoreError: Where the log cannot be written. On an object store whose answer was lost, the
            version may come to light all the same.
        OutputError: Where the operating system says why.
    """
    version, commit_id = delta.version() + 1, secrets.token_hex(16)
    properties = CommitProperties(
        custom_metadata={NOTE: {**note, COMMIT_ID: commit_id}},
        max_commit_retries=0,
        app_transactions=[Transaction(LOCK_MARK, version), Transaction(LEDGER_MARK, ledger)],
    )
    with _delta_errors(location):
        # No entry follows one that a power loss can tear: what others have committed since ours, and what
        # a run of ours that died did not come to sync.
        sync_entries(location, range(delta.transaction_version(LOCK_MARK) or 0, version))
        try:
            delta.create_write_transaction(
                list(actions),
                "append" if columns is None else "overwrite",
                delta.schema() if columns is None else Schema.from_arrow(columns),
                [DATE],
                commit_properties=properties,
                post_commithook_properties=_NO_HOOKS,
            )
        except (DeltaError, OSError) as error:
            _judge(error, location, version, commit_id)
    return version


def write_checkpoint(delta: DeltaTable, location: str) -> None:
    """Write a version into one file, from which it and later ones are opened fast.

    Raises:
        StoreError: Where that fails; the table is what it was.
        OutputError: Where the operating system says why.
    """
    with _delta_errors(location):
        delta.create_checkpoint()
        sync_checkpoints(location)


def forget_old_entries(delta: DeltaTable, location: str) -> None:
    """Remove entries of the log that are past Delta's retention and that a checkpoint stands for."""
    with _delta_errors(location):
        delta.cleanup_metadata()


def expired_files(delta: DeltaTable, location: str, hours: int) -> list[str]:
    """Return the paths of files that no version of the last hours refers to.

    Files of killed writers are among them. Delta's own sweep would commit twice, which would make
    another writer lose a race for nothing.

    Args:
        delta: The open table, at its newest version.
        location: The store's folder or URI.
        hours: How long ago a file must have been taken out of the table, or have been written.
    """
    with _delta_errors(location):
        return delta.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)


@contextmanager
def _delta_errors(location: str) -> Iterator[None]:
    """Turn what delta-rs says into our errors.

    Raises:
        StoreError: Of the kind that fits.
        OutputError: For what the operating system says.
    """
    try:
        with explained(location):
            yield
    except TableNotFoundError as error:
        raise StoreMismatchError(f"{location}: no sessions store. `sessionize update` makes one.") from error
    except CommitFailedError as error:
        raise StoreBusyError(f"{location}: another process has changed it meanwhile. Run again.") from error
    except DeltaError as error:
        raise StoreError(f"{location}: {shorten(error)}") from error


def _judge(error: Exception, location: str, version: int, commit_id: str) -> None:
    """Tell a lost race from other failures, and both from success.

    An object store may lose its answer but not our entry; then the second try has found the first.
    """
    entry = entry_of(location, version)
    if entry is None and isinstance(error, CommitFailedError):
        raise StoreError(f"{location}: cannot be committed to: {shorten(error)}") from error
    if entry is None or commit_id.encode() not in entry:
        raise error


def _address(location: str) -> str:
    """Write a location as delta-rs takes it.

    Raises:
        StoreMismatchError: For a local path with characters that delta-rs would change, and so write
            elsewhere.
    """
    place = place_of(location)
    if not place.is_local:
        return location
    path = str(Path(place.path).resolve())
    if found := _CHANGED.search(path):
        raise StoreMismatchError(
            f"{location}: a store's path cannot hold {found[0]!r}, as {path} does. Name another folder."
        )
    return path


def _check_is_free(root: Place) -> None:
    """Refuse a folder that holds more than a creation that was killed has left.

    The folder is swept now and then, and what the table does not know is removed.
    """
    infos = root.filesystem.get_file_info(pafs.FileSelector(root.path, allow_not_found=True))
    for info in infos:
        if info.base_name not in _OWN_FOLDERS:
            raise StoreMismatchError(
                f"{root.name}: holds other files ({info.base_name}). Name an empty or new folder."
            )
