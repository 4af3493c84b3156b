"""Where files are: local paths, URIs of any filesystem that Arrow knows, folders, and globs."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs

from sessionize.errors import InputError
from sessionize.reading.streams import shorten

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_WILDCARD = re.compile(r"[*?\[]")
_URI_WILDCARD = re.compile(r"[*\[]")  # there a ? begins the query


@dataclass(frozen=True, eq=False)
class Place:
    """One path on one filesystem.

    Attributes:
        name: As the caller wrote it; a file in a folder is named from that folder on.
        path: As the filesystem knows it.
        filesystem: Arrow's filesystem.
    """

    name: str
    path: str
    filesystem: pafs.FileSystem

    @property
    def is_local(self) -> bool:
        """Whether the path is one of the operating system."""
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    @cached_property
    def key(self) -> str:
        """What is equal for all spellings of one path: the real path, links resolved."""
        return os.path.realpath(self.path) if self.is_local else f"{self.filesystem.type_name}:{self.path}"

    def info(self) -> pafs.FileInfo:
        """Look the path up: kind and size."""
        try:
            return self.filesystem.get_file_info(self.path)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{self.name}: cannot be looked up: {shorten(error)}") from error

    def child(self, relative: str) -> Place:
        """Return a path below this folder."""
        join = os.path.join if self.is_local else _join
        return Place(join(self.name, relative), join(self.path, relative), self.filesystem)


def place_of(text: str) -> Place:
    """Find the filesystem of a path or URI.

    Raises:
        InputError: For a URI that no filesystem understands.
    """
    if not _URI.match(text):
        return Place(
            text, str(Path(text).expanduser()) if text.startswith("~") else text, pafs.LocalFileSystem()
        )
    base, rest = _split_glob(text)
    try:
        filesystem, path = pafs.FileSystem.from_uri(base)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{text}: {shorten(error)}") from error
    return Place(text, _join(path, rest) if rest else path, filesystem)


def list_folder(folder: Place, enter: Callable[[str], bool]) -> Iterator[tuple[str, int]]:
    """List the files below a folder, sorted by path.

    Args:
        folder: The folder.
        enter: Is asked for each folder's path relative to `folder`; what is below one that it
            refuses is left out.

    Yields:
        Each file's path relative to `folder` (with `/`) and its size in bytes.
    """
    listing = _list_local if folder.is_local else _list_remote
    yield from sorted(listing(folder, enter), key=lambda found: found[0].split("/"))


def is_glob(text: str) -> bool:
    """Say whether a path has wildcards."""
    return bool(_WILDCARD.search(text))


def expand_glob(pattern: Place) -> list[Place]:
    """Find the files and folders that a pattern (`*`, `?`, `[…]`, `**`) matches, sorted by path."""
    if pattern.is_local:
        paths = sorted(glob.glob(pattern.path, recursive=True))  # noqa: PTH207 (Path globs no absolute patterns)
        return [Place(path, path, pattern.filesystem) for path in paths]
    base, _ = _split_glob(pattern.path)
    selector = pafs.FileSelector(base, recursive=True, allow_not_found=True)
    wanted = re.compile(_regex(pattern.path))
    infos = pattern.filesystem.get_file_info(selector)
    scheme = pattern.name.removesuffix(pattern.path)
    found = sorted(info.path for info in infos if wanted.fullmatch(info.path))
    return [Place(scheme + path, path, pattern.filesystem) for path in found]


def _list_local(folder: Place, enter: Callable[[str], bool]) -> Iterator[tuple[str, int]]:
    seen = set()
    for root, folders, files in os.walk(folder.path, followlinks=True):
        relative = os.path.relpath(root, folder.path).replace(os.sep, "/")
        prefix = "" if relative == "." else relative + "/"
        real = os.path.realpath(root)
        if real in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if enter(prefix + name)]
        for name in files:
            path = Path(root, name)
            if path.is_file():
                yield prefix + name, path.stat().st_size


def _list_remote(folder: Place, enter: Callable[[str], bool]) -> Iterator[tuple[str, int]]:
    base = folder.path.rstrip("/")
    infos = folder.filesystem.get_file_info(pafs.FileSelector(folder.path, recursive=True))
    files = [(info.path[len(base) + 1 :], info.size) for info in infos if info.type == pafs.FileType.File]
    parents = {parent for path, _ in files for parent in _parents(path)}
    refused: set[str] = set()
    for parent in sorted(parents, key=lambda path: (path.count("/"), path)):
        if not refused.isdisjoint(_parents(parent)) or not enter(parent):
            refused.add(parent)
    yield from (found for found in files if refused.isdisjoint(_parents(found[0])))


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _split_glob(path: str) -> tuple[str, str]:
    """Split a URI or its path before the first name with a wildcard."""
    wildcard = _URI_WILDCARD.search(path)
    if not wildcard:
        return path, ""
    cut = path.rfind("/", 0, wildcard.start()) + 1
    return path[:cut].rstrip("/") or "/", path[cut:]


def _regex(pattern: str) -> str:
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\[[^]]+\]|[^*\[]+|\[", pattern)
    return "".join(parts.get(token) or _literal_or_set(token) for token in tokens)


def _literal_or_set(token: str) -> str:
    return token.replace("[!", "[^") if re.fullmatch(r"\[.+\]", token) else re.escape(token)


def _join(folder: str, relative: str) -> str:
    return f"{folder.rstrip('/')}/{relative}"
