"""The progress of a command, as one line. It imports rich, so only a run on a terminal imports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from sessionize.durations import about
from sessionize.engine.resources import peak_memory_bytes
from sessionize.progress import Share

_BAR_WIDTH = 10


class Watch:
    """What a command tells while it works: rows, and how much there is to do."""

    def __init__(self, shown: Progress) -> None:
        """Show it as one line."""
        self._shown = shown
        self._task = shown.add_task("", total=None, rows=0)
        self._rows = 0
        self._share: Share = lambda rows: None

    def __call__(self, rows: int) -> None:
        """Take the rows that were read since the last call."""
        self._rows += rows
        share = self._share(self._rows)
        total = None if share is None else 1.0
        self._shown.update(self._task, total=total, completed=share or 0.0, rows=self._rows)

    def follow(self, share: Share) -> None:
        """Learn how to tell the share that is done."""
        self._share = share
        self(0)

    def print(self, message: str) -> None:
        """Print a message above the line."""
        self._shown.console.print(Text.from_ansi(message), soft_wrap=True)

    def step(self, number: int, of: int) -> None:
        """Take so many steps of the work as done; from now on they tell the share."""
        self._shown.update(self._task, description=f"{number:,} of {of:,} steps")
        self.follow(lambda rows: number / of)
        self._shown.refresh()


@contextmanager
def watch() -> Iterator[Watch]:
    """Show a line on stderr with the share that is done, rows, rate, remaining time and memory.

    It is removed at the end. Nothing is there before it is known: `changes` reads no log, so it
    shows no rows.
    """
    parts = (TextColumn("{task.description}"), BarColumn(_BAR_WIDTH), _Share(), _Rows(), _Time(), _Memory())
    columns = (SpinnerColumn(), *parts)
    with Progress(*columns, console=Terminal(stderr=True), transient=True) as shown:
        yield Watch(shown)


class _Fact(ProgressColumn):
    """Something on the line, which stays one line."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True)


class _Share(_Fact):
    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0%}" if task.total else "")


class _Rows(_Fact):
    """Rows, and how many for each second since the beginning."""

    def render(self, task: Task) -> Text:
        rows = task.fields["rows"]
        if not rows or not task.elapsed:
            return Text("")
        return Text(f"{rows:,} row{'' if rows == 1 else 's'}, {rows / task.elapsed:,.0f}/s")


class _Time(_Fact):
    """The time that remains, by what has passed; that alone where the share is unknown."""

    def render(self, task: Task) -> Text:
        elapsed = task.elapsed or 0.0
        if not task.completed:
            return Text(f"{_seconds(elapsed)} so far")
        remaining = elapsed * (1 - task.completed) / task.completed
        return Text(f"{_seconds(remaining)} left" if task.completed < 1 else "finishing", style="cyan")


class _Memory(_Fact):
    def render(self, task: Task) -> Text:
        return Text(f"{peak_memory_bytes() / 1e6:,.0f} MB", style="dim")


def _seconds(seconds: float) -> str:
    return about(round(seconds) * 1_000_000)
