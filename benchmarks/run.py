"""Times sessionize beside DuckDB, Polars and pandas, and prints a Markdown table.

Every contender runs in a process of its own, all of them once a round, each round begun by
another one. A warm-up reads the log once, so that all find it in the page cache. The command
fails where they do not find the same sessions.

This process imports nothing large: on Linux a child's peak memory is never below that of the
process that started it.

Example: `python benchmarks/run.py --log ordered --rows 10000000 --rounds 3`
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
CONTENDERS = ["sessionize", "duckdb", "polars", "polars_window", "pandas", "floor"]
UNCHECKED = "floor"
BLOCK = 1 << 24


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall time, seconds of CPU (user and system), peak resident bytes."""

    wall: float
    cpu: float
    memory: float


def command(contender: str, log: Path, out: Path) -> list[str]:
    """Return the command that sessionizes `log` into `out`."""
    if contender == "sessionize":
        return [sys.executable, "-m", "sessionize", "run", str(log), "-o", str(out), "--quiet"]
    return [sys.executable, str(HERE / "peers.py"), contender, str(log), str(out)]


def measured(arguments: list[str]) -> Cost:
    """Run a command to its end and say what it took."""
    started = time.perf_counter()
    process = subprocess.Popen(arguments, env=_environment())
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(arguments)}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def said(arguments: list[str]) -> str:
    """Run a command and return what it prints."""
    return subprocess.run(
        [sys.executable, *arguments], env=_environment(), check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE.parent)}


def rounds(contenders: list[str], log: Path, folder: Path, count: int) -> dict[str, list[Cost]]:
    """Run every contender `count` times, and check that they agree."""
    costs: dict[str, list[Cost]] = {contender: [] for contender in contenders}
    outs = {contender: folder / f"{contender}.parquet" for contender in contenders}
    for number in range(count):
        first = number % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            outs[contender].unlink(missing_ok=True)
            costs[contender].append(measured(command(contender, log, outs[contender])))
            _progress(f"round {number + 1}: {contender} {costs[contender][-1].wall:.2f} s")
    _check_agreement(outs)
    return costs


def _check_agreement(outs: dict[str, Path]) -> None:
    digests = {
        contender: json.loads(said([str(HERE / "peers.py"), "digest", str(out)]))
        for contender, out in outs.items()
        if contender != UNCHECKED
    }
    if any(found != digests["sessionize"] for found in digests.values()):
        raise SystemExit(f"the contenders found different sessions: {digests}")
    _progress(f"all found the same {digests['sessionize']['sessions']:,} sessions")


def _prepare(log: Path, folder: Path) -> None:
    """Make the finished table that the floor writes, and read the log into the page cache."""
    out = folder / "floor.parquet"
    measured(command("sessionize", log, out))
    said([str(HERE / "peers.py"), "digest", str(out), str(folder / "finished.arrow")])
    for file in sorted(log.iterdir()) if log.is_dir() else [log]:
        with file.open("rb") as source:
            while source.read(BLOCK):
                pass


def table(costs: dict[str, list[Cost]]) -> Iterator[str]:
    """Give the lines of the Markdown table: medians, the range of wall times, sessionize relative to each."""
    yield "| | wall (range) | CPU | peak memory | sessionize: wall | CPU | memory |"
    yield "|---|---|---|---|---|---|---|"
    ours = _medians(costs["sessionize"])
    for contender, runs in costs.items():
        its, walls = _medians(runs), [cost.wall for cost in runs]
        ratios = [ours.wall / its.wall, ours.cpu / its.cpu, ours.memory / its.memory]
        yield (
            f"| {contender} | {its.wall:.2f} s ({min(walls):.2f} to {max(walls):.2f}) | {its.cpu:.2f} s"
            f" | {its.memory / 1e6:,.0f} MB | " + " | ".join(f"{ratio:.2f} ×" for ratio in ratios) + " |"
        )


def _medians(runs: list[Cost]) -> Cost:
    return Cost(
        median(cost.wall for cost in runs),
        median(cost.cpu for cost in runs),
        median(cost.memory for cost in runs),
    )


def machine() -> str:
    """Name the versions and the machine."""
    names = ["sessionize", "duckdb", "polars", "pandas", "pyarrow", "numpy"]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{versions}, Python {platform.python_version()}; {_processor()}, {os.cpu_count()} cores,"
        f" {memory:.0f} GB, {platform.system()} {platform.release()}"
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _progress(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--log", nargs="+", default=["ordered"], help="ordered, shuffled, giant, bot, daily, csv"
    )
    parser.add_argument("--rows", type=int, default=10_000_000, help="events of each log")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender")
    parser.add_argument(
        "--contenders", nargs="+", default=CONTENDERS, choices=CONTENDERS, help="sessionize always runs"
    )
    return parser.parse_args()


def main() -> None:
    """Run the benchmark of each log and print its table."""
    arguments = _arguments()
    contenders = list(dict.fromkeys(["sessionize", *arguments.contenders]))
    for name in arguments.log:
        _progress(f"making the log {name}, unless it is there")
        log = Path(said([str(HERE / "logs.py"), name, str(arguments.rows)]))
        with tempfile.TemporaryDirectory(dir=log.parent) as folder:
            _prepare(log, Path(folder))
            costs = rounds(contenders, log, Path(folder), arguments.rounds)
        print(f"\n**{name}, {arguments.rows:,} events**, medians of {arguments.rounds}\n")
        print(*table(costs), sep="\n")
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
