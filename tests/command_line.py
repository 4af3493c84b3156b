"""Ways to call the command line: as a process, and inside this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from sessionize.cli.main import main

PROGRAM = (sys.executable, "-m", "sessionize")
ROOT = Path(__file__).parent.parent


class Outcome(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without options in it, at the width of a plain terminal."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SESSIONIZE_")}
    return plain | {"COLUMNS": "80", "PYTHONPATH": str(ROOT)} | variables


def call(
    *arguments: str | Path, cwd: Path, stdin: str = "", variables: Mapping[str, str] | None = None
) -> Outcome:
    """Run `sessionize` as a process of its own."""
    ended = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=environment(**(variables or {})),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def call_here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Outcome:
    """Run `sessionize` inside this process."""
    with pytest.raises(SystemExit) as ending:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    code = ending.value.code
    return Outcome(code if isinstance(code, int) else 1, out, err)
