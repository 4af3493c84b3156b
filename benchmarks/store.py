"""What a night costs in a store of two years: a day, a day with late events, the correction of a day.

Run `python -m benchmarks.store`; it makes the store first, which takes minutes, and keeps it. Each night is
taken back after it was measured, so that all find the same store. It is held against one `run` over
the night's file plus the writing of the partitions that the night changes.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost import LOGS, Cost, measured, said
from benchmarks.machine import machine

VERSION = 3
"""Part of the folder's name: raise it when the store becomes another."""

AT_MOST = 1.5
"""Times the wall time of `run` and of writing the partitions."""


@dataclass(frozen=True)
class Costs:
    """What a night cost, and what it is held against.

    Attributes:
        update: The update.
        run: One run over the night's file.
        writing: The writing of the partitions.
        partitions: How many the night changed.
    """

    update: Cost
    run: Cost
    writing: Cost
    partitions: int

    @property
    def times(self) -> float:
        return self.update.wall / (self.run.wall + self.writing.wall)


class Store:
    """The store, and the files of the nights."""

    def __init__(self, days: int, events_a_day: int, folder: Path) -> None:
        """Make it, unless it is there."""
        self.folder = folder.resolve() / f"store-{days}x{events_a_day}-v{VERSION}"
        self.table, self.raw = self.folder / "table", self.folder / "raw"
        self.corrected_file = self.raw / f"{days // 2:04}.parquet"
        said(["-m", "benchmarks.stored", "make", str(days), str(events_a_day), str(self.folder)])

    @contextmanager
    def corrected(self) -> Iterator[None]:
        """Let one raw file be another, and all others be gone."""
        away = self.folder / "away"
        self.raw.rename(away)
        self.raw.mkdir()
        shutil.copy(self.folder / "corrected.parquet", self.corrected_file)
        try:
            yield
        finally:
            shutil.rmtree(self.raw)
            away.rename(self.raw)

    @contextmanager
    def as_it_was(self) -> Iterator[None]:
        """Take back what is written into the store: an update adds files, and changes only the lock."""
        hint = self.table / "_delta_log" / "_last_checkpoint"
        before, hinted = {*self.table.rglob("*")}, hint.read_bytes() if hint.exists() else None
        try:
            yield
        finally:
            for path in sorted({*self.table.rglob("*")} - before, reverse=True):
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
            if hinted is not None:
                hint.write_bytes(hinted)

    def costs_of(self, path: Path, rounds: int) -> Costs:
        """Measure the night of a file several times, in turn with what it is held against."""
        update = ["-m", "sessionize", "update", "--quiet", str(self.table), str(path)]
        run = ["-m", "sessionize", "run", "--quiet", str(path), "-o", str(self.folder / "run.parquet")]
        with self.as_it_was():
            partitions = json.loads(said([*update, "--json"]))["partitions"]
        updates, runs, writings = [], [], []
        for _ in range(rounds):
            with self.as_it_was():
                updates.append(measured(update))
            runs.append(measured(run))
            with self.as_it_was():
                write = ["-m", "benchmarks.stored", "write", str(self.table), *partitions]
                writings.append(measured(write, times_itself=True))
        return Costs(Cost.middle(updates), Cost.middle(runs), Cost.middle(writings), len(partitions))


def show(title: str, costs: Costs) -> None:
    print(f"\n**{title}** (partitions changed: {costs.partitions})\n")
    print("| | wall | CPU | peak memory |\n|---|---|---|---|")
    for name in ("update", "run", "writing"):
        cost: Cost = getattr(costs, name)
        print(f"| {name} | {cost.wall:.2f} s | {cost.cpu:.2f} s | {cost.memory / 1e6:,.0f} MB |")
    word = "reached" if costs.times <= AT_MOST else "missed"
    print(f"\nupdate = {costs.times:.2f} × (run + writing); at most {AT_MOST} ×: {word}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=730, help="days in the store")
    parser.add_argument("--events", type=int, default=100_000, help="events of each day")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each night")
    parser.add_argument("--folder", type=Path, default=LOGS, help="where the store is made and kept")
    return parser.parse_args()


def main() -> None:
    """Make the store, measure the nights, and print what was reached."""
    arguments = _arguments()
    store = Store(arguments.days, arguments.events, arguments.folder)
    nights = {
        "a day without late events": store.folder / "next.parquet",
        "a day with 0.5 % of its events up to 14 days late": store.folder / "late.parquet",
    }
    for title, path in nights.items():
        show(title, store.costs_of(path, arguments.rounds))
    with store.corrected():
        title = "the correction of one daily file, with no other raw file there"
        show(title, store.costs_of(store.corrected_file, arguments.rounds))
    print(f"\n({machine()})")


if __name__ == "__main__":
    main()
