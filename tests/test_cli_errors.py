"""What a person sees when something is wrong: exit code, a message of few lines, the old output untouched."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command_line import PROGRAM, call, environment

LOG = "user_id,timestamp\nanna,2026-01-01T09:00:00Z\nanna,2026-01-01T09:10:00Z\n"
OLD = "what was there before\n"


class Refusal(NamedTuple):
    """A log (made in the working folder), more arguments, and what must come of them."""

    make: Callable[[Path], Path]
    arguments: tuple[str, ...]
    exit_code: int
    says: str


def log(text: str, name: str = "events.csv") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_text(text)
        return path

    return make


def empty_folder(folder: Path) -> Path:
    path = folder / "logs"
    path.mkdir()
    return path


def truncated_parquet(folder: Path) -> Path:
    path = folder / "events.parquet"
    pq.write_table(pa.table({"user_id": ["anna"], "timestamp": ["2026-01-01"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    return path


def epoch_parquet(folder: Path) -> Path:
    path = folder / "events.parquet"
    pq.write_table(pa.table({"user_id": ["anna"], "timestamp": [1_767_225_600]}), path)
    return path


REFUSALS = {
    "no time column": Refusal(log("user_id,ts,url\na,2026-01-01,/\n"), (), 3, "--time"),
    "misspelt time column": Refusal(log("user_id,timestmp\na,2026-01-01\n"), (), 3, "'timestmp'"),
    "misspelt column": Refusal(log(LOG), ("--by", "user_ids"), 3, "'user_id'"),
    "0-byte file": Refusal(log(""), (), 3, "events.csv"),
    "folder without files": Refusal(empty_folder, (), 3, "logs"),
    "no such file": Refusal(lambda folder: folder / "absent.csv", (), 3, "absent.csv"),
    "truncated Parquet": Refusal(truncated_parquet, (), 3, "events.parquet"),
    "epoch numbers without unit": Refusal(epoch_parquet, (), 3, "--time-unit"),
    "epoch text without unit": Refusal(log("user_id,timestamp\na,1767225600\n"), (), 3, "--time-unit"),
    "timeout without unit": Refusal(
        log(LOG),
        ("--timeout", "900"),
        2,
        "Error: Invalid value for '--timeout': duration '900' has no unit. Write 900s for seconds.\n",
    ),
    "timeout below 1s": Refusal(
        log(LOG), ("--timeout", "0.5s"), 2, "'--timeout': timeout 500ms: the minimum"
    ),
    "unknown zone": Refusal(log(LOG), ("--timezone", "Europe/Pari"), 2, "'Europe/Paris'"),
    "unknown option": Refusal(log(LOG), ("--windows", "3"), 2, "no option '--windows'"),
    "misspelt option": Refusal(log(LOG), ("--timeuot", "30m"), 2, "did you mean '--timeout'?"),
    "unknown aggregate": Refusal(log(LOG), ("--agg", "n=frist:page"), 2, "did you mean 'first'?"),
    "negative limit": Refusal(log(LOG), ("--max-rejected", "-1"), 2, "'--max-rejected'"),
    "no instant": Refusal(log(LOG), ("--as-of", "tomorrow"), 2, "'--as-of'"),
}


@pytest.mark.parametrize("refusal", [pytest.param(case, id=name) for name, case in REFUSALS.items()])
def test_refusal_is_a_short_message_and_leaves_the_old_output(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text(OLD)
    source = refusal.make(tmp_path)

    outcome = call("run", source, "-o", "out.csv", *refusal.arguments, cwd=tmp_path)

    assert outcome.exit_code == refusal.exit_code, outcome.stderr
    assert refusal.says in outcome.stderr
    assert outcome.stderr.startswith("Error: ")
    assert len(outcome.stderr.splitlines()) <= 3
    assert outcome.stdout == ""
    assert (tmp_path / "out.csv").read_text() == OLD
    assert {path.name for path in tmp_path.iterdir()} <= {source.name, "out.csv"}


def test_rejected_row_fails_the_run_and_names_the_record(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text(OLD)
    (tmp_path / "events.csv").write_text(LOG + "berta,yesterday\n")

    outcome = call("run", "events.csv", "-o", "out.csv", cwd=tmp_path)

    assert outcome.exit_code == 3
    assert "unparseable_time" in outcome.stderr
    assert "events.csv" in outcome.stderr
    assert "--max-rejected" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (tmp_path / "out.csv").read_text() == OLD


@pytest.mark.parametrize(
    ("output", "exit_code"),
    [
        pytest.param("absent/out.csv", 1, id="missing folder"),
        pytest.param("events.csv/out.csv", 1, id="file for a folder"),
        pytest.param("/dev/full", 2, id="no suffix"),
        pytest.param("out.xlsx", 2, id="unknown suffix"),
        pytest.param("folder.csv", 1, id="a folder stands there"),
    ],
)
def test_output_that_cannot_be_written_is_one_line(output: str, exit_code: int, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(LOG)
    (tmp_path / "folder.csv").mkdir()

    outcome = call("run", "events.csv", "-o", output, cwd=tmp_path)

    assert outcome.exit_code == exit_code, outcome.stderr
    assert outcome.stderr.startswith("Error: ")
    assert Path(output).name in outcome.stderr
    assert len(outcome.stderr.splitlines()) <= 2


def test_header_without_rows_gives_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,timestamp\n")

    outcome = call("run", "events.csv", "-o", "out.csv", cwd=tmp_path)

    assert outcome.exit_code == 0, outcome.stderr
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "session_id,user_id,start_time,end_time,duration_seconds,event_count,start_reason"
    ]


def test_allow_empty_accepts_a_file_of_0_bytes(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("")

    outcome = call("run", "events.csv", "-o", "out.csv", "--allow-empty", cwd=tmp_path)

    assert outcome.exit_code == 0, outcome.stderr


def wait_until_it_waits(process: subprocess.Popen[bytes], pipe: BinaryIO) -> None:
    """Return when the process has taken everything from the pipe and sleeps: then it waits for more."""
    state, unread = Path(f"/proc/{process.pid}/stat"), array("i", [1])
    while process.poll() is None and (unread[0] or state.read_text().rpartition(")")[2].split()[0] != "S"):
        fcntl.ioctl(pipe, termios.FIONREAD, unread)
        os.sched_yield()


@pytest.mark.parametrize(
    ("text", "options", "advice"),
    [
        pytest.param(
            "user_id;timestamp\nada;2026-01-01\n", (), "--csv-delimiter ';'", id="another delimiter"
        ),
        pytest.param(
            "user_id,timestamp\nada,1767225600\nbob,soon\n", (), "--time-unit", id="numbers among the times"
        ),
        pytest.param(LOG, ("--type", "user=int64"), "did you mean 'user_id'?", id="a type for no column"),
    ],
)
def test_the_message_says_what_helps(
    text: str, options: tuple[str, ...], advice: str, tmp_path: Path
) -> None:
    (tmp_path / "events.csv").write_text(text)

    outcome = call("run", "events.csv", "-o", "out.csv", *options, cwd=tmp_path)

    assert outcome.exit_code == 3
    assert advice in outcome.stderr
    assert len(outcome.stderr.splitlines()) <= 3


def test_rejected_rows_in_the_place_of_the_sessions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,timestamp\n")

    outcome = call("run", "events.csv", "-o", "o.csv", "--rejects", "./o.csv", cwd=tmp_path)

    assert outcome.exit_code == 2
    assert "cannot hold both" in outcome.stderr


def test_a_misspelt_variable_is_refused(tmp_path: Path) -> None:
    outcome = call("run", "a.csv", "-o", "o.csv", cwd=tmp_path, variables={"SESSIONIZE_TIMEOT": "2h"})

    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(
        "Error: SESSIONIZE_TIMEOT in the environment is no option; did you mean 'SESSIONIZE_TIMEOUT'?"
    )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see a process wait")
@pytest.mark.parametrize(
    ("number", "exit_code", "says"),
    [
        pytest.param(signal.SIGTERM, 143, "Terminated.\n", id="SIGTERM"),
        pytest.param(signal.SIGINT, 130, "Interrupted.\n", id="SIGINT"),
        pytest.param(signal.SIGHUP, 129, "Terminated.\n", id="SIGHUP"),
    ],
)
def test_signal_in_the_middle_leaves_the_old_output_and_nothing_else(
    number: signal.Signals, exit_code: int, says: str, tmp_path: Path
) -> None:
    """The log on stdin never ends, so the run is in its middle."""
    (tmp_path / "out.csv").write_text(OLD)
    process = subprocess.Popen(
        [*PROGRAM, "run", "-", "-o", "out.csv"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(b"user_id,timestamp\n" + b"anna,2026-01-01T09:00:00Z\n" * 20_000)
    process.stdin.flush()
    wait_until_it_waits(process, cast("BinaryIO", process.stdin))

    process.send_signal(number)

    assert process.wait(timeout=60) == exit_code
    assert process.communicate()[1].decode() == says
    assert (tmp_path / "out.csv").read_text() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_reader_that_leaves_ends_the_run_in_silence(tmp_path: Path) -> None:
    rows = "".join(f"user{n},2026-01-01T09:00:00Z\n" for n in range(50_000))
    (tmp_path / "events.csv").write_text("user_id,timestamp\n" + rows)
    process = subprocess.Popen(
        [*PROGRAM, "run", "events.csv", "-o", "-", "--quiet"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None

    first = process.stdout.readline()
    process.stdout.close()

    assert first.startswith(b"session_id,")
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


def test_full_disk_behind_stdout_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(LOG)

    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, "run", "events.csv", "-o", "-", "--quiet"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "no space left" in ended.stderr


def test_rejected_rows_are_shown_cut_short_and_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(f"user_id,timestamp\nanna,\x1b[2J31.12.2026\nanna,{'9' * 90}x\n")

    outcome = call("run", "log.csv", "-o", "out.csv", cwd=tmp_path)

    assert outcome.exit_code == 3
    assert outcome.stderr.splitlines()[1:] == [
        r"First: log.csv record 1 (unparseable_time): 'anna,\x1b[2J31.12.2026'; "
        f"log.csv record 2 (unparseable_time): 'anna,{'9' * 54}…'",
        "Mend them, say how their times are written with --time-format, "
        "or allow and keep them with --max-rejected 2.",
    ]
