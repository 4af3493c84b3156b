"""What the person at the terminal sees beside the data: messages on stderr, as many as were asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sessionize.cli.progress import Watch

NOTICES_SHOWN = 3


class Console:
    """Where messages go, and how many of them.

    One console is made for each process, before anything is parsed, so that even a failure while
    parsing knows how to report itself.

    Attributes:
        quiet: Whether everything but errors is kept back.
        verbose: Whether every notice is shown, and the traceback of an unexpected error.
    """

    def __init__(self) -> None:
        """Start neither quiet nor verbose."""
        self.quiet = False
        self.verbose = False
        self._kept_back = 0
        self._noticed = 0
        self._print = _to_stderr

    def say(self, message: str) -> None:
        """Print one message to stderr, unless quiet."""
        if not self.quiet:
            self._print(message)

    def error(self, message: str) -> None:
        """Print one error to stderr, quiet or not."""
        self._print(message)

    def notice(self, message: str) -> None:
        """Print something worth knowing, such as a skipped file; after a few, only count unless verbose."""
        if self.verbose or self._noticed < NOTICES_SHOWN:
            self.say(message)
        else:
            self._kept_back += 1
        self._noticed += 1

    def end_notices(self) -> None:
        """Say how many notices were kept back."""
        if self._kept_back:
            self.say(f"… and {self._kept_back:,} more such messages; --verbose shows them all.")
            self._kept_back = 0

    @contextmanager
    def progress(self) -> Iterator[Watch | None]:
        """Show rows, rate, remaining time and memory while the context lasts; nothing where nobody watches.

        Yields:
            What to call with each further number of rows; None where stderr is no terminal or the
            console is quiet.
        """
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        from sessionize.cli.progress import watch

        with watch() as shown:
            self._print = shown.print
            try:
                yield shown
            finally:
                self._print = _to_stderr


def _to_stderr(message: str) -> None:
    click.echo(message, err=True)
