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
SHELL_EXAMPLES = [
    line
    for language, block in FENCE.findall(README)
    if language == "sh"
    for line in block.splitlines()
    if re.match(r"(cat .*\| )?sessionize (?!\w+ --help)", line)
]


def test_help_is_what_the_command_prints(tmp_path: Path) -> None:
    shown = re.search(r"<!-- help:run -->\n```(?:text)?\n(.*?)```\n<!-- /help -->", README, re.DOTALL)

    outcome = call("run", "--help", cwd=tmp_path)

    assert shown is not None
    assert shown[1] == outcome.stdout


@pytest.mark.parametrize("example", SHELL_EXAMPLES)
def test_shell_example_works(example: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    program = f'sessionize() {{ {sys.executable} -m sessionize "$@"; }}'

    ended = subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{program}\n{example}"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr


def test_shell_examples_are_found() -> None:
    assert len(SHELL_EXAMPLES) >= 3
