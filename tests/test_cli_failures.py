"""Each kind of failure has its exit code and its words."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable

import click
import pyarrow as pa
import pytest

from sessionize.cli.console import Console
from sessionize.cli.failures import Terminated, exit_code
from sessionize.errors import (
    InputError,
    MissingColumnError,
    OutputError,
    RejectedRowsError,
    SessionizeError,
    StoreBusyError,
    StoreError,
    StoreMismatchError,
    UnreadableFileError,
)

BUG_HINT = "This is a bug in sessionize; run again with --verbose and report it."


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        pytest.param(InputError("a.csv: no"), 3, "Error: a.csv: no", id="input"),
        pytest.param(MissingColumnError("no"), 3, "Error: no", id="missing column"),
        pytest.param(RejectedRowsError("2 rows", pa.table({})), 3, "Error: 2 rows", id="rejected rows"),
        pytest.param(UnreadableFileError("no"), 3, "Error: no", id="unreadable file"),
        pytest.param(OutputError("no space"), 1, "Error: no space", id="output"),
        pytest.param(StoreBusyError("busy"), 4, "Error: busy", id="busy"),
        pytest.param(StoreMismatchError("other"), 5, "Error: other", id="mismatch"),
        pytest.param(StoreError("broken"), 1, "Error: broken", id="store"),
        pytest.param(SessionizeError("broken"), 1, "Error: broken", id="any of ours"),
        pytest.param(click.UsageError("so not"), 2, "Error: so not", id="usage"),
        pytest.param(KeyboardInterrupt(), 130, "Interrupted.", id="SIGINT"),
        pytest.param(Terminated(15), 143, "Terminated.", id="SIGTERM"),
        pytest.param(
            MemoryError(), 1, "Error: out of memory. Give the run more, or fewer files at once.", id="memory"
        ),
        pytest.param(
            OSError(errno.ENOSPC, "x", "/tmp/y"), 1, "Error: /tmp/y: No space left on device.", id="disk"
        ),
        pytest.param(OSError(errno.EIO, "x"), 1, "Error: Input/output error.", id="disk without a name"),
        pytest.param(OSError("odd"), 1, f"Unexpected: OSError: odd\n{BUG_HINT}", id="OSError without number"),
        pytest.param(
            TypeError("no len()\nmore"), 1, f"Unexpected: TypeError: no len()\n{BUG_HINT}", id="unexpected"
        ),
    ],
)
def test_failure_has_its_exit_code_and_message(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = exit_code(failing(error), Console())

    assert ended == code
    assert capsys.readouterr().err == message + "\n"


def test_broken_pipe_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    ended = exit_code(failing(BrokenPipeError(errno.EPIPE, "Broken pipe")), Console())

    assert ended == 141
    assert capsys.readouterr().err == ""


def test_success_is_0() -> None:
    assert exit_code(lambda: None, Console()) == 0


def test_click_may_end_early_with_its_own_code() -> None:
    assert exit_code(failing(click.exceptions.Exit(2)), Console()) == 2


def test_verbose_adds_the_traceback_of_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.verbose = True

    exit_code(failing(TypeError("no len()")), console)

    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_verbose_adds_no_traceback_to_refused_input(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.verbose = True

    exit_code(failing(InputError("a.csv: no")), console)

    assert "Traceback" not in capsys.readouterr().err


def test_sigterm_unwinds_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    steps = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            steps.append("cleaned up")

    ended = exit_code(work, Console())

    assert ended == 143
    assert steps == ["cleaned up"]


def test_handler_of_sigterm_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    exit_code(lambda: None, Console())

    assert signal.getsignal(signal.SIGTERM) is before
