"""The Delta log on a disk: synced after each commit, and mended after a power loss.

delta-rs writes an entry under another name and links it, so an entry is whole for every process;
but it syncs nothing, and a power loss can leave an entry empty or cut that was not synced. That is
the newest one at most, and it never was a version: before a commit of ours begins, every entry is on
disk that it follows, also where the run that made it died before it could sync it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.reading.folders import place_of
from sessionize.store.durable import sync_file, sync_folder
from sessionize.store.lock import locked
from sessionize.writing.atomic import explained

LOG = "_delta_log"

_HINT = "_last_checkpoint"
_ENTRIES = "[0-9]" * 20 + ".json"
_CHECKPOINTS = "[0-9]" * 20 + ".checkpoint.parquet"
_PATIENCE = timedelta(minutes=1)


def log_folder(location: str) -> Path | None:
    """Return the folder of a store's log, or None where it is not on a local file system."""
    place = place_of(location).child(LOG)
    return Path(place.path) if place.is_local else None


def repair(location: str) -> None:
    """Remove what a power loss has left half written: the newest entry, the newest checkpoint, its hint.

    Each repeats or follows what is whole, so the table is the one before the lost commit. Looks
    without a lock, and removes under it.

    Args:
        location: The store's folder or URI; object stores, which keep no half of a file, are left alone.

    Raises:
        StoreBusyError: Where something is torn, and another process holds the store.
        OutputError: Where something is torn, and this user may not remove it.
    """
    log = log_folder(location)
    if log is None or not any(_torn(log)):
        return
    with locked(location, _PATIENCE), explained(location):
        for path in _torn(log):
            path.unlink()
        sync_folder(log)


def sync_entries(location: str, versions: Iterable[int]) -> None:
    """Bring commits to disk: their entries, then the entries' names.

    An entry that has expired is passed over: a checkpoint on disk stands for it.

    Args:
        location: The store's folder or URI.
        versions: What the commits made.
    """
    log = log_folder(location)
    if log is not None:
        for version in versions:
            with suppress(FileNotFoundError):
                sync_file(log / f"{version:020}.json")
        sync_folder(log)


def sync_checkpoints(location: str) -> None:
    """Bring the newest checkpoint to disk, and what points to it."""
    log = log_folder(location)
    if log is not None:
        for path in [*sorted(log.glob(_CHECKPOINTS))[-1:], *log.glob(_HINT)]:
            sync_file(path)
        sync_folder(log)


def _torn(log: Path) -> Iterator[Path]:
    checks = ((_ENTRIES, _is_entry), (_CHECKPOINTS, _is_checkpoint), (_HINT, _is_hint))
    for pattern, is_whole in checks:
        for path in sorted(log.glob(pattern))[-1:]:
            if not is_whole(path):
                yield path


def _is_entry(path: Path) -> bool:
    try:
        lines = path.read_bytes().splitlines()
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _is_checkpoint(path: Path) -> bool:
    try:
        pq.read_metadata(path)
    except pa.ArrowInvalid:
        return False
    return True


def _is_hint(path: Path) -> bool:
    """Say whether the hint can be read, and leads to a checkpoint: delta-rs gives up on one that doesn't."""
    try:
        version = json.loads(path.read_bytes())["version"]
    except (ValueError, TypeError, KeyError):
        return False
    # Other programs write checkpoints of several parts.
    checkpoints = list(path.parent.glob(f"{version:020}.checkpoint.*parquet"))
    return bool(checkpoints) and all(map(_is_checkpoint, checkpoints))
