"""Commands that a page shows with their output print exactly that."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import environment
from tests.pages import DOCS, ROOT, commands, write_files

PAGES = [page for page in sorted(DOCS.rglob("*.md")) if commands(page)]
PROGRAM = f'sessionize() {{ {sys.executable} -m sessionize "$@"; }}'
LIKENESS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS)) for page in PAGES])
def test_commands_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    """In a folder that holds sample_data/ and the files that the page shows; `...` stands for anything."""
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    write_files(page, tmp_path)

    printed = [(command, _printed(command.line, tmp_path)) for command in commands(page)]

    checker = doctest.OutputChecker()
    wrong = [
        (command.line, text)
        for command, text in printed
        if not checker.check_output(command.shown, text, LIKENESS)
    ]
    assert wrong == []


def test_recipes_show_commands() -> None:
    recipes = {page.name for page in PAGES if page.parent.name == "recipes"}

    assert recipes >= {"apache.md", "ga4.md", "matomo.md", "segment.md", "snowplow.md"}


def _printed(line: str, folder: Path) -> str:
    ended = subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{PROGRAM}\n{line}"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
