"""The progress bar. It imports rich, so only a run on a terminal imports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console as Terminal
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Bar = Callable[[int], None]


class RateColumn(ProgressColumn):
    """Rows for each second, over the last seconds."""

    def render(self, task: Task) -> Text:
        """Write the rate, or nothing before there is one."""
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "", style="dim")


@contextmanager
def bar(terminal: Terminal | None = None) -> Iterator[Bar]:
    """Show a line with rows, rate and elapsed time on stderr, and remove it at the end.

    Yields:
        The function to call with the number of rows read since the last call.
    """
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), RateColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal or Terminal(stderr=True), transient=True) as progress:
        task = progress.add_task("read", total=None)
        yield lambda rows: progress.advance(task, rows)


@dataclass(frozen=True)
class StepBar:
    """A line for work in steps, of which only the first tells how many there are.

    Attributes:
        rows: The function to call with the number of rows read since the last call.
        step: The function to call with the number of the step that is done, and how many there are.
    """

    rows: Bar
    step: Callable[[int, int], None]


@contextmanager
def step_bar(terminal: Terminal | None = None) -> Iterator[StepBar]:
    """Show lines with rows, steps, and the remaining time on stderr, and remove them at the end."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=terminal or Terminal(stderr=True), transient=True) as progress:
        rows, steps = progress.add_task("rows", total=None), progress.add_task("steps", total=None)
        yield StepBar(
            lambda read: progress.advance(rows, read),
            lambda number, of: progress.update(steps, completed=number, total=of),
        )
