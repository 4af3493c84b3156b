"""Says where the CPU seconds of one run go: by module, by function, in all threads.

Run `python -m benchmarks.profile LOG --rows N`; other options go to `sessionize run`. Two hundred
times a second it looks at every thread and books the CPU time since the last look to the innermost
function of sessionize that the thread is in. So time inside Arrow and NumPy, also where they have
released the interpreter's lock, counts for the function that called them; a thread that waits costs
nothing. Linux only: the kernel says in `/proc` what each thread has used.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import sessionize
from benchmarks.cost import LOGS
from benchmarks.logs import log_path
from sessionize.cli.main import main as command_line

PACKAGE = f"{Path(sessionize.__file__).parent}/"
TASKS = Path("/proc/self/task")
INTERVAL_SECONDS = 0.005
UNSEEN = ("(threads of libraries)", "")
ELSEWHERE = ("(outside sessionize)", "")

Place = tuple[str, str]
"""A module of sessionize and a function in it."""


class Sampler(threading.Thread):
    """Books CPU time while it is entered.

    Attributes:
        nanoseconds: CPU time of each place.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.nanoseconds: Counter[Place] = Counter()
        self._used_ns = dict(_used_ns())
        self._ended = threading.Event()

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Look again and again until the body has ended."""
        while not self._ended.wait(INTERVAL_SECONDS):
            self._look()

    def _look(self) -> None:
        frames = sys._current_frames()
        places = {thread.native_id: _place(frames.get(thread.ident or 0)) for thread in threading.enumerate()}
        for task, used_ns in _used_ns():
            since_ns = used_ns - self._used_ns.get(task, 0)
            self._used_ns[task] = used_ns
            if task != self.native_id:
                self.nanoseconds[places.get(task, UNSEEN)] += since_ns


def _used_ns() -> Iterator[tuple[int, int]]:
    """Give every thread of this process, Python's or not, and the nanoseconds of CPU that it has used."""
    for task in TASKS.iterdir():
        try:
            yield int(task.name), int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue  # The thread has ended meanwhile.


def _place(frame: FrameType | None) -> Place:
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            return frame.f_code.co_filename.removeprefix(PACKAGE), frame.f_code.co_qualname
        frame = frame.f_back
    return ELSEWHERE


def table(nanoseconds: Counter[str], places: int) -> Iterator[str]:
    """Give the lines of a Markdown table of the costliest, with their share of the CPU time."""
    yield "| where | CPU | share |"
    yield "|---|---:|---:|"
    for place, cpu_ns in nanoseconds.most_common(places):
        yield f"| {place} | {cpu_ns / 1e9:.2f} s | {100 * cpu_ns / nanoseconds.total():.0f} % |"


def profiled(arguments: Sequence[str]) -> Sampler:
    """Run the command line inside this process; return where its CPU time went."""
    with Sampler() as sampler, suppress(SystemExit):
        command_line(list(arguments))
    return sampler


def main() -> None:
    """Make the log, profile a run, print what each module and each function took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", help="a kind of log of logs.py")
    parser.add_argument("--rows", type=int, default=10_000_000, help="events of the log")
    parser.add_argument("--folder", type=Path, default=LOGS, help="where logs are made and kept")
    arguments, options = parser.parse_known_args()
    log = log_path(arguments.log, arguments.rows, arguments.folder)
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        started = time.perf_counter()
        sampler = profiled(["run", str(log), "-o", f"{folder}/sessions.parquet", "--quiet", *options])
        wall = time.perf_counter() - started
    modules, functions = Counter[str](), Counter[str]()
    for (module, function), cpu_ns in sampler.nanoseconds.items():
        modules[module] += cpu_ns
        functions[f"{module} {function}"] += cpu_ns
    print(f"{wall:.2f} s, CPU {modules.total() / 1e9:.2f} s\n", *table(modules, 15), sep="\n")
    print("", *table(functions, 25), sep="\n")


if __name__ == "__main__":
    main()
