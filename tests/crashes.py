"""Writing that goes wrong: a process that dies, or a disk that is full, at the n-th step.

Every step counts that makes, renames, removes or syncs a file or folder, and Delta's commits twice:
before they are made and after. A dead process does nothing from then on, so no clean-up runs either,
and what was written until then stays as it is, as after `kill -9`. A full disk fails one step.
"""

from __future__ import annotations

import errno
import io
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from deltalake import DeltaTable

from sessionize.store.durable import NewFile

READING = "r", "rb"


class Died(BaseException):
    """The process is dead."""


class Disk:
    """Knows which files of a folder a power loss would tear: those not synced since they were written."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._synced = folder, set[tuple[int, int]]()

    @contextmanager
    def watched(self) -> Iterator[None]:
        sync = os.fsync

        def noting(descriptor: int) -> None:
            sync(descriptor)
            self._synced.add(_state(os.stat(descriptor)))

        with patch.object(os, "fsync", noting):
            yield

    def lose_power(self) -> None:
        for path in self._folder.rglob("*"):
            if path.is_file() and _state(path.stat()) not in self._synced:
                path.write_bytes(b"")


def _state(status: os.stat_result) -> tuple[int, int]:
    """What a file keeps when it is renamed or linked, and loses when it is written to."""
    return status.st_ino, status.st_mtime_ns


class Steps:
    """Counts steps on the disk, and lets one of them go wrong.

    Attributes:
        taken: The steps that went well.
        has_failed: Whether there was such a step; a failure to sync a folder goes unseen.
    """

    def __init__(self, fatal: int, *, is_death: bool) -> None:
        self._fatal, self._is_death = fatal, is_death
        self._numbers, self.taken, self.has_failed = itertools.count(), 0, False

    def take(self) -> None:
        # One call, so that threads count right.
        number = next(self._numbers)
        self.has_failed |= number >= self._fatal
        if self._is_death and number >= self._fatal:
            raise Died
        if number == self._fatal:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.taken += 1

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let a function count as a step."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.take()
            return function(*args, **kwargs)

        return counted

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let a function count as a step, and its return as another."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.take()
            result = function(*args, **kwargs)
            self.take()
            return result

        return counted

    def discarding(self, function: Callable[[NewFile], None]) -> Callable[[NewFile], None]:
        """Let the dead only close their files, as the operating system does."""

        def counted(file: NewFile) -> None:
            try:
                self.take()
            except (Died, OSError):
                file.sink.close()
            else:
                function(file)

        return counted

    def opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let the opening of a file count where it is written to."""
        writing = self.before(function)

        def counted(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            return (function if mode in READING else writing)(file, mode, *args, **kwargs)

        return counted


def dying_at(fatal: int) -> AbstractContextManager[Steps]:
    """Let the process die at a step, counted from 0; it lives where there are not so many."""
    return _counted(Steps(fatal, is_death=True))


def full_at(fatal: int) -> AbstractContextManager[Steps]:
    """Let the disk be full at a step, counted from 0; all goes well where there are not so many."""
    return _counted(Steps(fatal, is_death=False))


@contextmanager
def _counted(steps: Steps) -> Iterator[Steps]:
    with ExitStack() as stack:
        stack.enter_context(patch.object(io, "open", steps.opening(io.open)))
        for name in ("mkdir", "rename", "replace", "unlink", "fsync"):
            stack.enter_context(patch.object(os, name, steps.before(getattr(os, name))))
        for name in ("create", "create_write_transaction", "create_checkpoint"):
            function = getattr(DeltaTable, name)
            counted = steps.around(function)
            stack.enter_context(
                patch.object(DeltaTable, name, staticmethod(counted) if name == "create" else counted)
            )
        stack.enter_context(patch.object(NewFile, "discard", steps.discarding(NewFile.discard)))
        yield steps
