"""What README.md shows is what the program prints and does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, call, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL_BLOCKS = [
    block for language, block in FENCE.findall(README) if language == "sh" and "sessionize " in block
]


def test_help_is_what_the_command_prints(tmp_path: Path) -> None:
    shown = re.search(r"<!-- help -->\n```(?:text)?\n(.*?)```\n<!-- /help -->", README, re.DOTALL)

    outcome = call("--help", cwd=tmp_path)

    assert shown is not None
    assert shown[1] == outcome.stdout


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=range(len(SHELL_BLOCKS)))
def test_shell_examples_work(block: str, tmp_path: Path) -> None:
    """The lines of a block follow each other, in a folder that holds sample_data/."""
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    program = f'sessionize() {{ {sys.executable} -m sessionize "$@"; }}'

    ended = subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{program}\n{block}"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr


def test_shell_examples_are_found() -> None:
    assert len(SHELL_BLOCKS) == 3
