"""What the person at the terminal sees beside the data: messages on stderr, as many as were asked for."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sessionize.cli.progress import Bar, StepBar

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

    def say(self, message: str) -> None:
        """Print one message to stderr, unless quiet."""
        if not self.quiet:
            click.echo(message, err=True)

    def error(self, message: str) -> None:
        """Print one error to stderr, quiet or not."""
        click.echo(message, err=True)

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

    def progress(self) -> AbstractContextManager[Bar | None]:
        """Show rows, rate and elapsed time while the context lasts; nothing where nobody watches.

        Returns:
            A context that gives the function to call with each further number of rows, or None where
            stderr is no terminal or the console is quiet.
        """
        if self.quiet or not sys.stderr.isatty():
            return nullcontext(None)
        from sessionize.cli.progress import bar

        return bar()

    def steps(self) -> AbstractContextManager[StepBar | None]:
        """Show how many steps are done and the remaining time, besides rows and rate; as `progress`."""
        if self.quiet or not sys.stderr.isatty():
            return nullcontext(None)
        from sessionize.cli.progress import step_bar

        return step_bar()
