"""One writer at a time: a lock on the store's folder that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sessionize.errors import StoreBusyError, StoreError
from sessionize.reading.folders import place_of
from sessionize.store.durable import make_folder
from sessionize.writing.atomic import explained

LOCK = "_sessionize/lock"
"""The locked file, in the store's folder. It stays there: only the lock on it says that somebody writes."""

_POLL_SECONDS = 0.05


class _Held(threading.local):
    """The lock files that this thread holds."""

    def __init__(self) -> None:
        self.paths: set[str] = set()


_HELD = _Held()


@contextmanager
def locked(location: str, timeout: timedelta | None) -> Iterator[None]:
    """Hold the store for the length of the body.

    The operating system lets go of the lock when the process ends, however it ends. A thread that
    holds the store already passes at once. On object stores, which have no locks, this does
    nothing: there the commit itself finds out who came first.

    Args:
        location: The store's folder or URI; the folder is created where it is missing.
        timeout: How long to wait for another writer, or None to wait as long as it takes.

    Yields:
        Nothing.

    Raises:
        StoreBusyError: Where another writer still holds the store after the timeout; the message
            says which process on which machine, and since when.
        StoreError: Where the file system has no locks.
        OutputError: Where the lock file cannot be written.
    """
    place = place_of(location).child(LOCK)
    key = place.key
    if not place.is_local or key in _HELD.paths:
        yield
        return
    descriptor = _opened(Path(place.path), location)
    try:
        _wait(descriptor, location, timeout)
        _HELD.paths.add(key)
        _sign(descriptor)
        yield
    finally:
        _HELD.paths.discard(key)
        os.close(descriptor)


def _opened(path: Path, location: str) -> int:
    with explained(location):
        make_folder(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _wait(descriptor: int, location: str, timeout: timedelta | None) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
    while not _taken(descriptor, location):
        if deadline is not None and time.monotonic() >= deadline:
            raise StoreBusyError(
                f"{location}: {_holder(descriptor)}. Try later, or wait longer with --lock-timeout."
            )
        time.sleep(_POLL_SECONDS)


def _taken(descriptor: int, location: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(
            f"{location}: cannot be locked: {error.strerror}. Put the store on a file system that has locks."
        ) from error
    return True


def _sign(descriptor: int) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    # For messages only, so a full disk is no reason to stop here.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 1024, 0))
        return f"process {holder['pid']} on {holder['host']} has been writing to it since {holder['since']}"
    except (ValueError, KeyError, TypeError):  # the holder has not signed yet
        return "another process is writing to it"
