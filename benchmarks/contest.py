"""Runs a row: every contender once a round, each round begun by another one, and compares their answers."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from benchmarks.contenders import Contender
from benchmarks.cost import BenchmarkError, Cost, measured, said
from benchmarks.report import Runs
from benchmarks.rows import Row

T = TypeVar("T")

BLOCK = 1 << 24


def contest(row: Row, rounds: int, folder: Path) -> Runs:
    """Return what each contender of a row took, run by run.

    Args:
        row: The row.
        rounds: How often each runs.
        folder: Where logs are kept; the outputs stand there, too, until all are compared.

    Raises:
        BenchmarkError: Where one fails, or they do not find the same.
    """
    logs = {contender.name: _log(row, contender, folder) for contender in row.contenders}
    for log in set(logs.values()):
        read(log)
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        outs = {contender.name: Path(kept, f"{contender.name}.parquet") for contender in row.contenders}
        if "floor" in outs:
            _finish(row.contenders[0], logs["floor"], Path(kept, "finished.arrow"))
        costs: dict[str, list[Cost]] = {contender.name: [] for contender in row.contenders}
        for number, contender in turns(row.contenders, rounds):
            name = contender.name
            outs[name].unlink(missing_ok=True)
            command = contender.command(logs[name], outs[name])
            costs[name].append(measured(command, times_itself=contender.times_itself))
            progress(f"{row.name}, round {number + 1}: {name} {costs[name][-1].wall:.2f} s")
        _compare(row, outs)
    return costs


def turns(contenders: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Give each round's contenders, with its number from 0; each round is begun by another one."""
    for number in range(rounds):
        first = number % len(contenders)
        for contender in [*contenders[first:], *contenders[:first]]:
            yield number, contender


def progress(message: str) -> None:
    """Say on standard error what is done."""
    print(message, file=sys.stderr, flush=True)


def _log(row: Row, contender: Contender, folder: Path) -> Path:
    kind, events = contender.log or row.log, row.events * contender.times
    return Path(said(["-m", "benchmarks.logs", kind, str(events), str(folder)]))


def read(log: Path) -> None:
    """Read a log, so that everyone finds it in the page cache."""
    for file in sorted(log.iterdir()) if log.is_dir() else [log]:
        with file.open("rb") as source:
            while source.read(BLOCK):
                pass


def _finish(contender: Contender, log: Path, finished: Path) -> None:
    """Make the finished table that the floor writes."""
    measured(contender.command(log, finished))


def _compare(row: Row, outs: Mapping[str, Path]) -> None:
    answers = {contender.name: contender.answer for contender in row.contenders}
    agree(
        {
            name: json.loads(said(["-m", "benchmarks.digest", str(outs[name])]))
            for name, answer in answers.items()
            if answer != "alone"
        },
        "sessions",
    )
    agree({name: _bytes(outs[name]) for name, answer in answers.items() if answer == "bytes"}, "bytes")


def _bytes(out: Path) -> str:
    with out.open("rb") as source:
        return file_digest(source, "sha256").hexdigest()


def agree(found: Mapping[str, object], what: str) -> None:
    """Insist that all have found the same.

    Raises:
        BenchmarkError: Where they have not.
    """
    if any(answer != next(iter(found.values())) for answer in found.values()):
        raise BenchmarkError(f"not the same {what}: {found}")
    if len(found) > 1:
        progress(f"the same {what}: {', '.join(found)}")
