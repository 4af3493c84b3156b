"""Times sessionize on Spark beside Spark's own idioms, and counts what each of them shuffles.

Run `python -m benchmarks.spark [--rows N] [--rounds N]`. Each contender runs in a Spark of its own, with two
workers, warmed up on a smaller log; all find the same sessions, or it fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.contest import agree, progress, read, turns
from benchmarks.cost import LOGS, Cost, said
from benchmarks.goals import Goal
from benchmarks.machine import machine

CONTENDERS = ("sessionize", "sessionize_frame", "session_window", "lag")
IDIOMS = CONTENDERS[2:]
WARMUP_ROWS = 2_500_000


def shuffled(share: float) -> Iterator[Goal]:
    """Give the goals of what may be shuffled, for both ways of ours."""
    for contender in CONTENDERS[:2]:
        yield Goal("shuffled", share, ("lag",), contender)


GOALS = {
    "ordered": (Goal("wall", 1, IDIOMS), *shuffled(1)),
    "heavy": (Goal("wall", 1 / 2, IDIOMS), *shuffled(1 / 3)),
}
TITLES = {"ordered": "an even log", "heavy": "one user with 40 % of the events"}


def contest(kind: str, rows: int, rounds: int, folder: Path) -> dict[str, Cost]:
    """Let all of them sessionize a log of a kind, several times in turn; return what each took."""
    log, warmup = (
        Path(said(["-m", "benchmarks.logs", kind, str(number), str(folder)]))
        for number in (rows, min(rows, WARMUP_ROWS))
    )
    read(log)
    runs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        outs = {name: Path(kept, name) for name in CONTENDERS}
        for number, name in turns(CONTENDERS, rounds):
            shutil.rmtree(outs[name], ignore_errors=True)
            command = ["-m", "benchmarks.on_spark", name, str(log), str(outs[name]), str(warmup)]
            runs[name].append(Cost(**json.loads(said(command))))
            progress(f"{kind}, round {number + 1}: {name} {runs[name][-1].wall:.2f} s")
        digests = {
            name: json.loads(said(["-m", "benchmarks.digest", str(outs[name])])) for name in CONTENDERS
        }
        agree(digests, "sessions")
    return {name: Cost.middle(its) for name, its in runs.items()}


def show(kind: str, rows: int, took: Mapping[str, Cost]) -> None:
    """Print the table of a log, and its goals."""
    print(f"\n**{TITLES[kind]}, {rows:,} events**\n")
    print("| | wall | CPU | peak memory | shuffled |\n|---|---|---|---|---|")
    for name, its in took.items():
        print(
            f"| {name} | {its.wall:.2f} s | {its.cpu:.2f} s | {its.memory / 1e6:,.0f} MB"
            f" | {its.shuffled / 1e6:,.1f} MB |"
        )
    print("", *(f"* {_verdict(goal, took)}" for goal in GOALS[kind]), sep="\n", flush=True)


def _verdict(goal: Goal, took: Mapping[str, Cost]) -> str:
    figure = goal.reached(took)
    assert figure is not None  # all of them run
    return f"{goal}: {goal.shown(figure)}, {'reached' if figure <= goal.at_most else 'missed'}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000, help="events of each log")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender")
    parser.add_argument("--folder", type=Path, default=LOGS, help="where logs are made and kept")
    return parser.parse_args()


def main() -> None:
    """Measure both logs, and print what was reached."""
    arguments = _arguments()
    for kind in GOALS:
        show(kind, arguments.rows, contest(kind, arguments.rows, arguments.rounds, arguments.folder))
    print(f"\n({machine()})")


if __name__ == "__main__":
    main()
