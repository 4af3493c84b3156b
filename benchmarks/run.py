"""Times sessionize beside DuckDB, Polars and pandas, and prints Markdown tables.

Every contender runs in a process of its own, all of them once a round, each round begun by
another one. A warm-up reads the log once, so that all find it in the page cache. A row fails where
they do not find the same sessions; the other rows go on, and the command fails at the end.

Example: `python -m benchmarks.run ordered --rows 10000000 --rounds 3`
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.contest import contest, progress
from benchmarks.cost import LOGS, BenchmarkError
from benchmarks.machine import machine
from benchmarks.report import Result, contenders, goals
from benchmarks.rows import ALL, ROWS, Row

CONTENDERS = sorted({contender.name for row in ROWS.values() for contender in row.contenders})


def chosen(names: Sequence[str], events: int | None, only: Sequence[str] | None) -> list[Row]:
    """Return the rows of these names, with another number of events and fewer contenders if asked for."""
    rows = ALL if "all" in names else [ROWS[name] for name in names]
    return [
        replace(
            row,
            events=events or row.events,
            contenders=tuple(
                contender
                for number, contender in enumerate(row.contenders)
                if number == 0 or not only or contender.name in only
            ),
        )
        for row in rows
    ]


def result_of(row: Row, rounds: int, folder: Path) -> Result:
    """Run a row and print its table, or say why there is none."""
    try:
        result = Result(row, contest(row, rounds, folder))
    except BenchmarkError as failure:
        progress(f"{row.name}: {failure}")
        return Result(row, {}, str(failure))
    print(f"\n**{row.name}: {row.title}; {row.events:,} events**, medians of {rounds}\n")
    print(*contenders(result), sep="\n", flush=True)
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "row", nargs="+", choices=["all", *ROWS], help="which rows; all is every one with a goal"
    )
    parser.add_argument("--rows", type=int, help="events of each log, instead of each row's own number")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender")
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, metavar="NAME", help="who runs beside each row's first"
    )
    parser.add_argument("--folder", type=Path, default=LOGS, help="where logs are made and kept")
    return parser.parse_args()


def main() -> None:
    """Run the rows, and print their tables and what was reached."""
    arguments = _arguments()
    rows = chosen(arguments.row, arguments.rows, arguments.contenders)
    results = [result_of(row, arguments.rounds, arguments.folder) for row in rows]
    if any(row.goals for row in rows):
        print("\n**Goals**\n", *goals(results), sep="\n")
    print(f"\n({machine()})")
    failures = [f"{result.row.name}: {result.failure}" for result in results if result.failure]
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
