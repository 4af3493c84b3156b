"""The one place where exceptions become messages and exit codes.

| code | means |
|---|---|
| 0 | done |
| 1 | the run failed: the output cannot be written, no memory, or a bug |
| 2 | wrong usage |
| 3 | the input was refused |
| 4 | the store is busy |
| 5 | the store and the request disagree |
| 129, 130, 143 | ended by SIGHUP, SIGINT, SIGTERM |
| 141 | the reader of stdout went away, as `head` does: what a shell reports of any tool that SIGPIPE ends |
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

import click
from click.core import ParameterSource

from sessionize.cli.console import Console
from sessionize.errors import InputError, SessionizeError, StoreBusyError, StoreMismatchError
from sessionize.spelling import closest

DONE, FAILED, USAGE, REFUSED, BUSY, MISMATCH = range(6)
INTERRUPTED = 128 + signal.SIGINT
CLOSED_PIPE = 128 + signal.SIGPIPE

_DATA_EXIT_CODES = ((InputError, REFUSED), (StoreBusyError, BUSY), (StoreMismatchError, MISMATCH))


class Terminated(BaseException):
    """A signal told us to end: every context manager on the way out removes its temporary files.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        """Remember the signal."""
        self.number = number


class Answer(NamedTuple):
    """What a failure comes to: the exit code, the message (empty: silence), and whether we are to blame."""

    exit_code: int
    message: str = ""
    is_bug: bool = False


def exit_code(work: Callable[[], None], console: Console) -> int:
    """Do the work and say how it ended; a failure becomes one message on stderr.

    Args:
        work: What to do; its exceptions are this function's business.
        console: Where to report; its `verbose` adds the traceback of an unexpected error.

    Returns:
        The exit code for the process.
    """
    previous = {number: signal.signal(number, _terminate) for number in _endings()}
    try:
        work()
        sys.stdout.flush()
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except (Exception, KeyboardInterrupt, Terminated) as error:
        return _report(error, console)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return DONE


def _endings() -> list[signal.Signals]:
    """List the signals that end a run; a hang-up does not where `nohup` has the process ignore it."""
    hang_up = signal.getsignal(signal.SIGHUP)
    return [signal.SIGTERM] if hang_up is signal.SIG_IGN else [signal.SIGTERM, signal.SIGHUP]


def _terminate(number: int, frame: FrameType | None) -> None:
    """Unwind once; a second signal of the kind ends the process at once."""
    signal.signal(number, signal.SIG_DFL)
    raise Terminated(number)


def _report(error: BaseException, console: Console) -> int:
    answer = _answer(error)
    if isinstance(error, OSError):
        _discard_stdout()
    if answer.message:
        console.error(answer.message)
    if answer.is_bug and console.verbose:
        console.error("".join(traceback.format_exception(error)).rstrip())
    return answer.exit_code


def _answer(error: BaseException) -> Answer:
    match error:
        case KeyboardInterrupt():
            return Answer(INTERRUPTED, "Interrupted.")
        case Terminated():
            return Answer(128 + error.number, "Terminated.")
        case click.UsageError():
            return Answer(USAGE, _usage_message(error))
        case SessionizeError():
            code = next((code for kind, code in _DATA_EXIT_CODES if isinstance(error, kind)), FAILED)
            return Answer(code, f"Error: {error}")
        case BrokenPipeError():
            return Answer(CLOSED_PIPE)
        case MemoryError():
            return Answer(FAILED, "Error: out of memory. Give the run more, or fewer files at once.")
        case OSError() if error.errno:
            where = f"{error.filename}: " if error.filename else ""
            return Answer(FAILED, f"Error: {where}{os.strerror(error.errno)}.")
        case _:
            return Answer(FAILED, _unexpected_message(error), is_bug=True)


def _usage_message(error: click.UsageError) -> str:
    hint = f"\nTry '{error.ctx.command_path} --help'." if error.ctx else ""
    if isinstance(error, click.NoSuchOption) and error.ctx:
        flags = [flag for option in error.ctx.command.params for flag in option.opts + option.secondary_opts]
        return f"Error: no option {error.option_name!r}{closest(error.option_name, flags)}{hint}"
    return f"Error: {error.format_message()}{_source(error)}{hint}"


def _source(error: click.UsageError) -> str:
    """Where the refused value came from, unless from the command line."""
    if error.ctx is None or not isinstance(error, click.BadParameter) or error.param is None:
        return ""
    option, context = error.param, error.ctx
    match context.get_parameter_source(option.name or ""):
        case ParameterSource.ENVIRONMENT:
            return f" (from {option.envvar})"
        case ParameterSource.DEFAULT_MAP:
            return f" (from {context.meta['sessionize.config']})"
    return ""


def _unexpected_message(error: BaseException) -> str:
    first_line = str(error).partition("\n")[0]
    return (
        f"Unexpected: {type(error).__name__}: {first_line}\n"
        "This is a bug in sessionize; run again with --verbose and report it."
    )


def _discard_stdout() -> None:
    """Let what is still buffered for a stdout that fails go nowhere, so that Python's own exit is silent."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
