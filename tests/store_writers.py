"""Processes that update one store at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from tests.command_line import environment
from tests.nights import Nights
from tests.small_logs import column

WRITER = """
import sys
from contextlib import nullcontext
from sessionize.store import store
if sys.argv[2:] == ["without lock"]:
    store.locked = lambda location, timeout: nullcontext()
for line in sys.stdin:
    store.SessionStore(sys.argv[1]).update(line.rstrip())
    print(flush=True)
"""


class Writer:
    """A process that updates a store when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, path: Path) -> None:
        print(path, file=_there(self._process.stdin), flush=True)

    def end(self) -> None:
        assert _there(self._process.stdout).readline(), "the update failed"


@contextmanager
def two_writers(location: str, *options: str) -> Iterator[list[Writer]]:
    """Start two processes that write to one store; `without lock` is how it is on an object store."""
    program = [sys.executable, "-c", WRITER, location, *options]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    program, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(2)
        ]
        yield [Writer(process) for process in processes]


def race(nights: Nights, writers: Sequence[Writer], rounds: int) -> None:
    """Let both bring a file at once, again and again, and insist that all files are in."""
    for minute in range(rounds):
        times = [f"09:{minute:02}", f"{minute:02}:30"]
        files = [nights.write(f"{minute}-{who}", *times, who=["both", who]) for who in "ab"]
        for writer, path in zip(writers, files, strict=True):
            writer.begin(path)
        for writer in writers:
            writer.end()
    assert len(nights.files()) == 2 * rounds
    assert sum(column("event_count", nights.rows())) == 4 * rounds


def _there(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
