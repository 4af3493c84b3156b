"""Tables in Markdown: a row's contenders, and the goals of all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cost import Cost
from benchmarks.goals import PEERS
from benchmarks.rows import Row

Runs = Mapping[str, Sequence[Cost]]
"""What each contender took, run by run."""


@dataclass(frozen=True)
class Result:
    """What came of a row.

    Attributes:
        row: The row, with the events that it really had.
        runs: What each contender took; empty where the row failed.
        failure: Why it failed; empty where it did not.
    """

    row: Row
    runs: Runs
    failure: str = ""

    def costs(self) -> dict[str, Cost]:
        """Return each contender's medians."""
        return {name: Cost.middle(runs) for name, runs in self.runs.items()}


def contenders(result: Result) -> Iterator[str]:
    """Give the lines of one row's table: medians, the range of wall times, the first relative to each."""
    ours = result.row.contenders[0].name
    yield f"| | wall (range) | CPU | peak memory | {ours}: wall | CPU | memory |"
    yield "|---|---|---|---|---|---|---|"
    costs = result.costs()
    for name, its in costs.items():
        walls = [run.wall for run in result.runs[name]]
        yield (
            f"| {name} | {its.wall:.2f} s ({min(walls):.2f} to {max(walls):.2f}) | {its.cpu:.2f} s"
            f" | {_megabytes(its.memory)} | {_over(costs[ours].wall, its.wall)}"
            f" | {_over(costs[ours].cpu, its.cpu)} | {_over(costs[ours].memory, its.memory)} |"
        )


def goals(results: Sequence[Result]) -> Iterator[str]:
    """Give the lines of the table of all rows: what the first contender took, and each goal."""
    yield (
        "| log | events | wall | CPU | peak memory | wall: to duckdb | to best polars | to floor"
        " | goal | reached | |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for result in results:
        head = _head(result)
        for aims in _aims(result):
            yield f"| {' | '.join([*head, *aims])} |"
            head = [""] * len(head)


def _head(result: Result) -> list[str]:
    name = [f"{result.row.name}: {result.row.title}", f"{result.row.events:,}"]
    if result.failure:
        return [*name, *[""] * 6]
    costs = result.costs()
    ours = costs[result.row.contenders[0].name]
    against = [PEERS[:1], PEERS[1:], ("floor",)]
    return [
        *name,
        f"{ours.wall:.2f} s",
        f"{ours.cpu:.2f} s",
        _megabytes(ours.memory),
        *(_lowest(ours, [costs[one] for one in names if one in costs]) for names in against),
    ]


def _lowest(ours: Cost, others: Sequence[Cost]) -> str:
    return _over(ours.wall, min(cost.wall for cost in others)) if others else "–"


def _aims(result: Result) -> list[list[str]]:
    """Return goal, figure and verdict of each goal; one line of nothing where a row has none."""
    if result.failure:
        return [[str(goal), "failed", "no"] for goal in result.row.goals] or [["–", "failed", ""]]
    lines, costs = [], result.costs()
    for goal in result.row.goals:
        figure = goal.reached(costs)
        verdict = "" if figure is None else "yes" if figure <= goal.at_most else "no"
        lines.append([str(goal), "–" if figure is None else goal.shown(figure), verdict])
    return lines or [["–", "", ""]]


def _over(ours: float, its: float) -> str:
    return f"{ours / its:.2f} ×"


def _megabytes(memory: float) -> str:
    return f"{memory / 1e6:,.0f} MB"
