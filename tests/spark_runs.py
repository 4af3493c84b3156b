"""Comparing runs on two engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sessionize as sz

ROOT = Path(__file__).parent.parent
_OF_THE_RUN = ("seconds", "peak_memory_bytes", "output")


def summary_of(summary: sz.Summary) -> dict[str, Any]:
    """What a summary says of the log, and nothing of the run."""
    return {name: value for name, value in summary.as_dict().items() if name not in _OF_THE_RUN}


def files_below(folder: Path) -> list[Path]:
    """The files and folders below a folder, from there on."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def same_files(found: Path, expected: Path) -> None:
    """Insist on the same names and bytes below two folders."""
    assert files_below(found) == files_below(expected)
    for path in files_below(expected):
        if (expected / path).is_file():
            assert (found / path).read_bytes() == (expected / path).read_bytes(), path
