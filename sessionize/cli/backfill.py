"""`sessionize backfill`: history into a sessions table, in steps that can be resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command, Option, section
from sessionize.cli.console import Console
from sessionize.cli.given import checked
from sessionize.cli.options import ENGINE, RULES, refuse_what_the_engine_lacks
from sessionize.cli.startup import import_arrow_without_pandas
from sessionize.cli.stopping import stopping
from sessionize.cli.store_options import (
    DRY_RUN,
    JOB_NAMES,
    LOCK_TIMEOUT,
    LOG_INPUTS,
    METRICS,
    READING_STORE,
    STORE,
    WORKING,
    agreed,
    check_places,
    checked_as_duration,
    definition_options,
    kept_rejects,
    tell_metrics,
)

if TYPE_CHECKING:
    from sessionize.store.backfill import BackfillStep

EXAMPLES = """\b
Examples:
  sessionize backfill sessions/ logs/ --from 2024-01-01 --to 2026-10-31
  sessionize backfill sessions/ logs/ --from 2026-01-01 --to 2026-12-31 --step 31d --backwards
  sessionize backfill sessions/ logs/ --from 2026-11-01 --to 2026-11-07 --replace
  sessionize backfill sessions/ logs/ --from 2026-11-01 --to 2026-11-30 --date-pattern 'shop_%d.%m.%Y'
"""


def checked_as_day(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let the library judge a date."""
    from sessionize.store.backfill import as_day

    return checked(value, lambda: as_day(value))


def checked_as_pattern(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let the library judge where the date is."""
    from sessionize.store.periods import DatePattern

    return checked(value, lambda: DatePattern(value))


def _day(*flags: str, help: str) -> Option:
    return Option(
        *flags,
        required=True,
        metavar="DATE",
        callback=checked_as_day,
        file_types=(str, date),
        help=help,
    )


_PERIOD = section(
    "Which files, and how many at once",
    _day("--from", help="First local day, in the store's time zone."),
    _day("--to", help="Last local day, inclusive."),
    Option(
        "--step",
        metavar="DURATION",
        callback=checked_as_duration,
        shown_default="7d",
        help="How many days one commit brings in.",
    ),
    Option(
        "--date-pattern",
        metavar="PATTERN",
        callback=checked_as_pattern,
        shown_default="folders, file names, statistics",
        help="Where the date is in a file's path, such as events-%Y%m%d.",
    ),
    Option("--backwards", is_flag=True, help="Begin with the latest step."),
    Option(
        "--replace",
        is_flag=True,
        help="Make the period what its files say now: read each of them anew, and take out those that are "
        "gone where another of the same folder and day is there.",
    ),
    DRY_RUN,
    LOCK_TIMEOUT,
    METRICS,
)
_NAMES = (*JOB_NAMES, "step", "date_pattern", "backwards", "replace")


@click.command(
    cls=Command,
    params=[STORE, LOG_INPUTS, *_PERIOD, *RULES, *READING_STORE, *ENGINE, *WORKING],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="History into a table, in resumable steps.",
)
@click.make_pass_decorator(Console, ensure=True)
def backfill(console: Console, /, store: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Bring history into a table of sessions, some days at a time.

    Of the INPUTs those files are read that are of the period: by their folders (dt=2026-11-23/), the date in
    their names, or the statistics of a Parquet file. Each step is one commit. Run it again to go on after an
    interruption: what is in is skipped. SIGINT and SIGTERM let the current step finish.
    """
    if not inputs:
        raise click.UsageError("name at least one INPUT.", click.get_current_context())
    refuse_what_the_engine_lacks(options)
    check_places(options)
    import_arrow_without_pandas()
    _check_period(options)
    from sessionize.store.store import SessionStore
    from sessionize.writing.rejects import keeping_rejected

    kept, definition = SessionStore(store), definition_options(options)
    with (
        agreed(kept, definition, console),
        console.progress() as watch,
        stopping(console) as wanted,
        keeping_rejected(kept_rejects(options)) as keep,
    ):

        def stepped(step: BackfillStep) -> None:
            _say(console, step)
            if watch:
                watch.step(step.number, step.of)

        summary = kept.backfill(
            inputs,
            options["from"],
            options["to"],
            notify=console.notice,
            # Steps tell how much is done, so it follows the log of none.
            progress=(lambda rows: watch(rows)) if watch else None,
            stop=wanted.is_wanted,
            stepped=stepped,
            **{name: options[name] for name in _NAMES if options[name] is not None},
            **definition,
        )
        keep(summary.rejected)
    console.end_notices()
    if summary.steps:
        tell_metrics(kept, options, summary.seconds)
    if options["json"]:
        click.echo(json.dumps(summary.as_dict()))
    else:
        from sessionize.cli.store_report import describe_backfill

        console.say(describe_backfill(summary, options["rejects"]))
    wanted.end()


def _check_period(options: Mapping[str, Any]) -> None:
    """Let the library judge what no option says alone.

    Raises:
        click.UsageError: For a period that ends before it begins, or steps that are not whole days.
    """
    from sessionize.durations import parse_duration
    from sessionize.reading.options import ReadOptions
    from sessionize.store.backfill import as_day
    from sessionize.store.defaults import STEP
    from sessionize.store.periods import Days, steps

    length = STEP if options["step"] is None else parse_duration(options["step"])
    try:
        steps((), Days(as_day(options["from"]), as_day(options["to"])), reading=ReadOptions(), length=length)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def _say(console: Console, step: BackfillStep) -> None:
    from sessionize.cli.store_report import describe_step

    console.say(describe_step(step))
