"""Run the command line before somebody's eyes: on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

from tests.command_line import PROGRAM, Outcome, environment

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def call_watched(*arguments: str | Path, cwd: Path, columns: int = 100, stdin: str | None = None) -> Outcome:
    """Run `sessionize` on a terminal; standard input is the terminal, too, unless a text is given.

    Returns:
        The exit code, and everything that was ever on the screen, in order and without its
        colours, as `stdout`; what a line shows after another stands behind it.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    running = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=environment(TERM="xterm", COLUMNS="", PYTHONIOENCODING="utf-8"),
        stdin=theirs if stdin is None else subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    if running.stdin is not None and stdin is not None:
        running.stdin.write(stdin.encode())
        running.stdin.close()
    screen = b"".join(_read(ours)).decode()
    os.close(ours)
    return Outcome(running.wait(), _ESCAPE.sub("", screen).replace("\r\n", "\n"), "")


def _read(terminal: int) -> Iterator[bytes]:
    """Read what is written on a terminal, up to the end of the last process that has it."""
    while True:
        try:
            read = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that nobody has the other end any more
            return
        if not read:
            return
        yield read
