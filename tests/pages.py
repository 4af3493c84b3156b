"""What stands in a page of the documentation: its examples, and the files that they read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

_FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Block(NamedTuple):
    language: str
    title: str
    text: str


class Command(NamedTuple):
    line: str
    shown: str


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of code in one language."""
    return [block.text for block in _blocks(page) if block.language == language]


def commands(page: Path) -> list[Command]:
    """The commands that a page shows with what they print, in their order."""
    found = [_COMMAND.findall(text) for text in blocks(page, "console")]
    return [Command(line, shown) for commands in found for line, shown in commands]


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page shows: blocks of code with a name above them."""
    for block in _blocks(page):
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def _blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(page.read_text(encoding="utf-8"))]
