"""Tables on stdout: as wide as the terminal, and no line broken where nobody watches.

It imports rich, so only a command that shows a table imports it.
"""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType

UNWATCHED = 1000
"""A table that goes into a file or a pipe is as wide as its rows, so that each stays on one line."""


class Paper(Console):
    """Rich's console, which leaves a reader that went away to us instead of ending the process by itself."""

    def on_broken_pipe(self) -> None:
        """Let the error through, of which `sessionize.cli.failures` knows what it means."""
        raise  # the BrokenPipeError that rich handles here

    def has_room_for(self, table: RenderableType) -> bool:
        """Say whether a table's longest cells fit beside each other."""
        unbounded = self.options.update(width=UNWATCHED)
        return self.measure(table, options=unbounded).maximum <= self.width


def paper(unwatched: int = UNWATCHED) -> Paper:
    """Return stdout as something to print tables on.

    Args:
        unwatched: How many columns wide it is where stdout is no terminal.
    """
    return Paper(width=None if sys.stdout.isatty() else unwatched, highlight=False)
