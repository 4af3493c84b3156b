"""Replacing a file or a folder at one moment: before it the old content stands, after it the new."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

from sessionize.errors import OutputError

MARKER = "_sessionize.json"
"""The file that says that a folder was written by sessionize."""

DATE = "session_date"
"""The column by which a table by date is divided."""

PARTITION = f"{DATE}="
"""How the subfolders of a table by date begin."""

_ADVICE = {
    errno.ENOSPC: "no space left. Free some, or choose another output",
    errno.EDQUOT: "the disk quota is used up. Free some space, or choose another output",
    errno.EFBIG: "the file system holds no file this large. Choose another output",
    errno.EACCES: "permission denied. Choose a folder that you may write to",
    errno.EPERM: "permission denied. Choose a folder that you may write to",
    errno.EROFS: "the file system is read-only. Choose another output",
    errno.ENOENT: "its folder is gone. Create it, or choose another output",
    errno.ENOTDIR: "its folder is a file. Choose another output",
    errno.EISDIR: "a folder stands there. Choose another output",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one",
    errno.EBUSY: "in use as a mount point. Choose a folder inside it",
    errno.EIO: "the disk failed. Choose another output",
}
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what the operating system says about an output into one clear line.

    A broken pipe passes: whoever read standard output has seen enough, which is no fault.

    Raises:
        OutputError: For every other `OSError` of the body, pyarrow's among them.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = _ADVICE.get(_error_number(error)) or f"{error.strerror or error}. Choose another output"
        raise OutputError(f"{name}: cannot be written: {reason}.") from error


def _error_number(error: OSError) -> int:
    # Arrow's own file systems put the number into the text only.
    in_text = re.search(r"\[errno (\d+)\]", str(error), re.IGNORECASE)
    return error.errno or (int(in_text[1]) if in_text else 0)


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes the place of `path` when the body ends, and leaves no trace when it fails.

    The bytes are on disk before the name changes. Permissions are those of the old file, or the
    umask's. What a symbolic link points to is replaced, not the link. A device or pipe, which has
    no old content, is written to directly.

    Args:
        path: The file to replace or create.

    Yields:
        The open temporary file, in the same folder and hidden.
    """
    final = path.resolve()
    if final.exists() and not final.is_file():
        with _opened(final, "wb") as device:
            yield device
        return
    temporary = _temporary_name(final)
    try:
        with _opened(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _keep_permissions(final, temporary)
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(final.parent)


@contextmanager
def replaced_folder(path: Path, name: str) -> Iterator[Path]:
    """Fill a folder that takes the place of `path` when the body ends, and leaves no trace when it fails.

    Args:
        path: The folder to replace or create; what stands there must be ours or empty.
        name: The output as named, for messages.

    Yields:
        The temporary folder, beside the final one and hidden.

    Raises:
        OutputError: Where files of others have appeared in `path`.
    """
    final = path.resolve()
    temporary = _temporary_name(final)
    temporary.mkdir()
    try:
        yield temporary
        _sync_tree(temporary)
        check_folder_is_ours(final, name)
        _put_in_place(temporary, final)
    except BaseException:
        _remove(temporary)
        raise
    _sync_folder(final.parent)


def check_folder_is_ours(path: Path, name: str) -> None:
    """Refuse a folder whose replacement would delete what sessionize did not write.

    Raises:
        OutputError: Where `path` is a file, or holds anything that is not ours.
    """
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError(f"{name}: a file, but partitions need a folder. Choose another output.")
    entries = sorted(entry.name for entry in path.iterdir())
    foreign = [entry for entry in entries if entry != MARKER and not entry.startswith(PARTITION)]
    if entries and MARKER not in entries:
        foreign = foreign or entries
    if foreign:
        raise OutputError(
            f"{name}: holds files that sessionize did not write ({foreign[0]}). Name an empty or new folder."
        )


@contextmanager
def _opened(path: Path, mode: Literal["wb", "xb"]) -> Iterator[BinaryIO]:
    file = path.open(mode)
    try:
        yield file
    except BaseException:
        # Closing writes what is left, which on a full disk fails once more and would hide why.
        with suppress(OSError):
            file.close()
        raise
    file.close()


def _temporary_name(final: Path) -> Path:
    # The start of the name tells whose it is; all of it could pass the limit on name lengths.
    return final.with_name(f".{final.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def _keep_permissions(old: Path, new: Path) -> None:
    if old.exists():
        new.chmod(stat.S_IMODE(old.stat().st_mode))


def _put_in_place(temporary: Path, final: Path) -> None:
    if not final.exists():
        temporary.rename(final)
        return
    _keep_permissions(final, temporary)
    if not _exchanged(temporary, final):
        _rename_in_turn(temporary, final)
    shutil.rmtree(temporary, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a folder, also one that what is being cancelled still writes into."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _exchanged(temporary: Path, final: Path) -> bool:
    """Swap two folders in one step; False where this system or file system has no such step."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = os.fsencode(temporary), os.fsencode(final)
    return bool(renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _rename_in_turn(temporary: Path, final: Path) -> None:
    """Swap two folders in steps; a reader may find neither for an instant, but no step loses one."""
    aside = _temporary_name(final)
    final.rename(aside)
    try:
        temporary.rename(final)
    except BaseException:
        aside.rename(final)
        raise
    aside.rename(temporary)


def _sync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        for file in files:
            _sync(Path(parent, file))
        _sync_folder(Path(parent))


def _sync_folder(folder: Path) -> None:
    # Some network file systems refuse to sync a folder; the rename has happened all the same.
    with suppress(OSError):
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
