"""What a run may use of the machine: threads, memory, disk. None of it changes a byte of the output."""

from __future__ import annotations

import os
import re
import resource
import sys
from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b", re.IGNORECASE)
_CGROUP = Path("/sys/fs/cgroup")
SMALLEST_LIMIT = 100 * 10**6
"""A run needs about as much before it reads anything."""


def _threads(value: int | None) -> int:
    return cores() if value is None else value


def _limit(value: str | int | None) -> int:
    return default_limit() if value is None else parse_size(value) if isinstance(value, str) else value


def _enough(instance: object, attribute: Attribute[Any], limit: int) -> None:
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"memory_limit of {limit:,} bytes: at least 100MB are needed.")


def _at_least_one(instance: object, attribute: Attribute[Any], threads: int) -> None:
    if threads < 1:
        raise ValueError(f"threads {threads}: at least one is needed.")


@frozen
class Resources:
    """What a run may use.

    Attributes:
        threads: Worker threads; one for each core that the process may use unless given.
        memory_limit: Bytes that the run aims to stay below, or text such as `2GB`; half of what
            the machine, or its container, has free unless given. What does not fit goes to disk.
        temp_dir: The folder for it; the system's place for temporary files unless given.

    Raises:
        ValueError: For a value outside its domain.

    Example:
        >>> Resources(threads=2, memory_limit="2GB").memory_limit
        2000000000
    """

    threads: int = field(default=None, converter=_threads, validator=_at_least_one)
    memory_limit: int = field(default=None, converter=_limit, validator=_enough)
    temp_dir: str | Path | None = None


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_size(text: str) -> int:
    """Read a size such as `2GB`, `500MB` or `1.5GiB`.

    Returns:
        Bytes.

    Raises:
        ValueError: For text without a unit, and text that is no size.

    Example:
        >>> parse_size("2GB"), parse_size("1GiB")
        (2000000000, 1073741824)
    """
    size = _SIZE.fullmatch(text.strip())
    if not size:
        raise ValueError(f"memory_limit {text!r}: write a size with its unit, such as 2GB or 500MB.")
    return int(float(size[1]) * _UNITS[(size[2] or "").lower()])


def default_limit() -> int:
    """Return half of the memory that the machine, or its container, has free; in bytes."""
    return max(min(_free_on_machine(), _free_in_container()) // 2, SMALLEST_LIMIT)


def _free_on_machine() -> int:
    try:
        available = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        available = None
    if available:
        return int(available[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _free_in_container() -> int:
    """Read what cgroup v2 leaves; without a limit there is no end of it."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        return max(limit - int((_CGROUP / "memory.current").read_text()), 0)
    except (OSError, ValueError):
        return 1 << 62


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held so far."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
