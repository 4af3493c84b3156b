"""Tidying a store: what killed runs left and what old versions alone still need goes, opening gets faster."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pyarrow.fs as pafs
from attrs import frozen

from sessionize.reading.folders import Place, place_of
from sessionize.store.defaults import KEEP
from sessionize.store.delta import expired_files, forget_old_entries, open_delta, write_checkpoint
from sessionize.store.partitions import OWN_FILE
from sessionize.store.retained import Retained
from sessionize.writing.atomic import DATE, explained

_LEFTOVERS = (
    re.compile(r"_delta_log/.+\.(json|parquet)#\d+"),  # delta-rs, killed in the middle of a commit
    re.compile(rf"{DATE}=[^/]+/.+\.parquet#\d+"),  # delta-rs in the hands of another program
    re.compile(r"_sessionize/(.+/)?\.[^/]+\.tmp"),  # a ledger or contribution that was never finished
)  # fmt: skip


@frozen
class Compacted:
    """What `compact` did, or would do.

    Attributes:
        version: The version that the table has, before and after.
        files: Paths of the files that went, from the store's folder on, sorted.
        size_bytes: Their size.
    """

    version: int
    files: tuple[str, ...]
    size_bytes: int


def compact(
    location: str, *, keep: timedelta = KEEP, now: datetime | None = None, dry_run: bool = False
) -> Compacted:
    """Remove what nothing needs any more, and write a checkpoint.

    The caller holds the store's lock. No version is added. Only files of ours go: data files, ledgers,
    contributions and rejected rows that no version of the last `keep` refers to, and what killed runs
    have left for longer than that. What others have put into the folder stays.

    Args:
        location: The store's folder or URI.
        keep: How old a file must be to go: what is younger may belong to a reader, or on an object
            store to a writer that has not committed yet.
        now: By which moment ages count, save those of data files; the clock's unless given.
        dry_run: Whether to change nothing, and only say what would go.

    Returns:
        What went.

    Raises:
        ValueError: For a negative `keep`.
        StoreMismatchError: Where there is no store; for a ledger that is missing or damaged: what it
            needs, nobody knows.
        OutputError: Where a file cannot be removed.
    """
    if keep < timedelta():
        raise ValueError(f"keep={keep} is negative; use timedelta(0) to keep nothing old.")
    delta, root = open_delta(location), place_of(location)
    before = (now or datetime.now(UTC)) - keep
    retained = Retained.since(before, delta, location)
    if not dry_run:
        write_checkpoint(delta, location)
        forget_old_entries(delta, location)
    hours = math.ceil(keep / timedelta(hours=1))
    unneeded = {path for path in expired_files(delta, location, hours) if OWN_FILE.fullmatch(path)}
    gone = sorted({*_sizes(root, unneeded), *_leftovers(root, before, retained)})
    if not dry_run:
        _remove(root, [path for path, _ in gone])
    return Compacted(delta.version(), tuple(path for path, _ in gone), sum(size for _, size in gone))


def _sizes(root: Place, paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    for path in paths:
        # What an earlier sweep has removed, the log still remembers for a while.
        if (info := root.child(path).info()).type == pafs.FileType.File:
            yield path, info.size


def _leftovers(root: Place, before: datetime, retained: Retained) -> Iterator[tuple[str, int]]:
    """Find what is beside the data files and goes, with its size."""
    infos = root.filesystem.get_file_info(pafs.FileSelector(root.path, recursive=True))
    for info in (info for info in infos if info.is_file):
        path = info.path[len(root.path.rstrip("/")) + 1 :]
        is_unfinished = any(pattern.fullmatch(path) for pattern in _LEFTOVERS)
        if info.mtime <= before and (is_unfinished or not retained.needs(path)):
            yield path, info.size


def _remove(root: Place, paths: Iterable[str]) -> None:
    with explained(root.name):
        for path in paths:
            root.filesystem.delete_file(root.child(path).path)
