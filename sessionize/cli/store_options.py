"""What the commands on a store have in common: their options, and what is judged before they work."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import Option, section, without
from sessionize.cli.console import Console
from sessionize.cli.given import checked, given
from sessionize.cli.options import FIELDS, READING, READING_NAMES, RULES, check_bounds
from sessionize.cli.rules_options import WITHOUT_TIMEOUT
from sessionize.cli.sessions_options import working_options

if TYPE_CHECKING:
    from sessionize.store.store import SessionStore

STORE = click.Argument(["store"], metavar="STORE", type=click.Path())
LOG_INPUTS = click.Argument(["inputs"], metavar="INPUT...", nargs=-1, type=click.Path())

_NONE = ("none",)
_DEFINITION_NAMES = (*(str(option.name) for option in RULES), *READING_NAMES)


def checked_as_duration(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let the library judge a duration."""
    from sessionize.durations import parse_duration

    return checked(value, lambda: parse_duration(value))


DRY_RUN = Option("--dry-run", is_flag=True, help="Write nothing; say what would change.")
LOCK_TIMEOUT = Option(
    "--lock-timeout",
    metavar="DURATION",
    callback=checked_as_duration,
    shown_default="10m",
    help="How long to wait while another process writes to the store; after that, exit 4.",
)
METRICS = Option(
    "--metrics-file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="On success, write the store's numbers there in the text format of Prometheus.",
)
READING_STORE = [
    *without(READING, "rejects", "as_of"),
    *section(
        "How to read the log",
        Option(
            "--allow-same-content",
            is_flag=True,
            help="Take in a file that holds the same as another one; its events count twice.",
        ),
        Option(
            "--rejects",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Also write the rows that were rejected now, as JSON lines; the store keeps them anyway.",
        ),
    ),
]
"""How a log is read into a store."""

WORKING = working_options("threads", "config", "json", "quiet", "verbose")
JOB_NAMES = (
    *("max_rejected", "allow_same_content", "allow_empty", "dry_run"),
    *("engine", "spark_conf", "threads", "lock_timeout"),
)


def definition_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the rules and reading options that were given, as keywords of `SessionStore.update`.

    Raises:
        click.UsageError: For a boundary of no timeout, and bounds between which no time lies.
    """
    check_bounds(options)
    picked = given(options, _DEFINITION_NAMES)
    if "boundary" in picked and picked.get("timeout") == "none":
        raise click.UsageError(WITHOUT_TIMEOUT, click.get_current_context())
    return {FIELDS.get(name, name): () if value == _NONE else value for name, value in picked.items()}


@contextmanager
def agreed(store: SessionStore, definition: Mapping[str, Any], console: Console) -> Iterator[None]:
    """Judge the options that were given against the store, before work that uses them.

    What the library warns of becomes a notice, once.

    Raises:
        click.UsageError: For options that contradict each other.
        StoreMismatchError: For one that is not the store's.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        _judge(store, definition)
    with warnings.catch_warnings():
        for warning in warned:
            console.notice(str(warning.message))
            warnings.filterwarnings("ignore", re.escape(str(warning.message)), UserWarning)
        yield


def _judge(store: SessionStore, definition: Mapping[str, Any]) -> None:
    if definition:
        try:
            store.check(definition)
        except (ValueError, TypeError) as error:
            raise click.UsageError(str(error), click.get_current_context()) from None


def check_places(options: Mapping[str, Any]) -> None:
    """Refuse a file that could not be written, before hours of reading.

    Raises:
        OutputError: For a folder that is missing or not writable.
        click.UsageError: For what is no local file.
    """
    from sessionize.writing.target import output_target

    for name in ("rejects", "metrics_file"):
        if options[name] is not None:
            try:
                output_target(options[name], output_format="jsonl")
            except ValueError as error:
                raise click.UsageError(str(error), click.get_current_context()) from None


def kept_rejects(options: Mapping[str, Any]) -> str | None:
    """Return where this run writes rejected rows; a dry run writes nothing."""
    return None if options["dry_run"] else options["rejects"]


def tell_metrics(store: SessionStore, options: Mapping[str, Any], seconds: float) -> None:
    """Write the metrics file of an update that has succeeded just now, if one is wanted."""
    if options["metrics_file"] is None or options["dry_run"]:
        return
    from sessionize.store.metrics import write_metrics

    write_metrics(options["metrics_file"], store.status(), success=datetime.now(UTC), seconds=seconds)
