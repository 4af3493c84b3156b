"""Run the command line as its users do: as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run_command(*arguments: str | Path, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `python -m sessionize ARGUMENTS` and insist on its exit code."""
    command = [sys.executable, "-m", "sessionize", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, done.stderr
    return done
