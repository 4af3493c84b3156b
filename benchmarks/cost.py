"""What a process takes: seconds of wall time and of CPU, peak resident memory.

This module imports nothing large: on Linux a child's peak memory is never below that of the
process that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, cast

ROOT = Path(__file__).parent.parent
LOGS = ROOT / "build" / "benchmarks"
"""Where logs are kept, unless the command line says otherwise."""


class BenchmarkError(Exception):
    """A process failed, or did not find what the others did; the message says which and how."""


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        wall: Seconds of wall time.
        cpu: Seconds of CPU, user and system.
        memory: Peak resident bytes.
        shuffled: Bytes that Spark has shuffled.
    """

    wall: float
    cpu: float
    memory: float
    shuffled: float = 0

    @classmethod
    def middle(cls, runs: Sequence[Cost]) -> Cost:
        """Return the medians, each on its own."""
        return cls(
            median(run.wall for run in runs),
            median(run.cpu for run in runs),
            median(run.memory for run in runs),
            median(run.shuffled for run in runs),
        )


def measured(arguments: Sequence[str], *, times_itself: bool = False) -> Cost:
    """Run a Python program to its end and say what it took.

    Args:
        arguments: What follows `python`.
        times_itself: Whether it prints its `wall` and `cpu` as JSON; the memory is that of the
            whole process all the same.

    Raises:
        BenchmarkError: When it fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment(), stdout=subprocess.PIPE, text=True
    )
    with cast(IO[str], process.stdout) as output:
        printed = output.read()
    # Not `Popen.wait`, which keeps what the process used to itself.
    _, status, usage = os.wait4(process.pid, 0)
    wall, cpu = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchmarkError(f"exit {process.returncode}: python {' '.join(arguments)}")
    if times_itself:
        wall, cpu = (json.loads(printed)[name] for name in ("wall", "cpu"))
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, cpu, usage.ru_maxrss * unit)


def said(arguments: Sequence[str]) -> str:
    """Run a Python program and return what it prints, without the last line's end.

    Raises:
        BenchmarkError: When it fails.
    """
    ended = subprocess.run(
        [sys.executable, *arguments], env=environment(), check=False, stdout=subprocess.PIPE, text=True
    )
    if ended.returncode:
        raise BenchmarkError(f"exit {ended.returncode}: python {' '.join(arguments)}")
    return ended.stdout.strip()


def environment() -> dict[str, str]:
    """Return this process's environment, with this checkout as the first place to import from.

    Programs that are installed are compiled; so are these, whatever the environment says, from the
    second run on.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "bytecode")}
