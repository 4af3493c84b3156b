"""`sessionize update`: bring new, changed and late files into a sessions table."""

from __future__ import annotations

import json
from typing import Any

import click

from sessionize.cli.commands import HELP, Command, Option, section
from sessionize.cli.console import Console
from sessionize.cli.options import ENGINE, RULES, refuse_what_the_engine_lacks
from sessionize.cli.startup import import_arrow_without_pandas
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
    definition_options,
    kept_rejects,
    tell_metrics,
)

EXAMPLES = """\b
Examples:
  sessionize update sessions/ logs/ --by device_id --timeout 30m
  sessionize update sessions/ logs/
  sessionize update sessions/ logs/ --dry-run
  sessionize update sessions/ --forget logs/2026-11-23.csv
  sessionize update sessions/ logs/ --max-rejected 0.5% --metrics-file sessions.prom
"""

_CHANGES = section(
    "What to change",
    Option(
        "--forget",
        multiple=True,
        metavar="FILE",
        help="Take this file's events out again; the file itself may be gone. Repeatable.",
    ),
    DRY_RUN,
    LOCK_TIMEOUT,
    METRICS,
)


@click.command(
    cls=Command,
    params=[STORE, LOG_INPUTS, *RULES, *READING_STORE, *_CHANGES, *ENGINE, *WORKING],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="Nightly: new, changed and late files into a table.",
)
@click.make_pass_decorator(Console, ensure=True)
def update(console: Console, /, store: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Bring new, changed and late files into a table of sessions.

    STORE is a folder (or URI) with a Delta Lake table. The first update makes it, and its rules and reading
    options belong to it from then on: later they need not be given, and another one is refused. An INPUT is
    a file, a folder, a glob or a URI. Files that are in already are skipped, so name the whole folder every
    night. One commit is the only moment at which anything changes.
    """
    if not inputs and not options["forget"]:
        raise click.UsageError("name an INPUT, or a file to --forget.", click.get_current_context())
    refuse_what_the_engine_lacks(options)
    check_places(options)
    import_arrow_without_pandas()
    from sessionize.store.store import SessionStore
    from sessionize.writing.rejects import keeping_rejected

    kept, definition = SessionStore(store), definition_options(options)
    with (
        agreed(kept, definition, console),
        console.progress() as progress,
        keeping_rejected(kept_rejects(options)) as keep,
    ):
        summary = kept.update(
            inputs,
            forget=options["forget"],
            notify=console.notice,
            progress=progress,
            **{name: options[name] for name in JOB_NAMES if options[name] is not None},
            **definition,
        )
        keep(summary.rejected)
    tell_metrics(kept, options, summary.seconds)
    console.end_notices()
    if options["json"]:
        click.echo(json.dumps(summary.as_dict()))
    else:
        from sessionize.cli.store_report import describe_update

        console.say(describe_update(summary, options["rejects"]))
