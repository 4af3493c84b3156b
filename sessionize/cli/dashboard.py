"""`sessionize report`: the dashboard, as one page."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command, Option, section
from sessionize.cli.console import Console
from sessionize.cli.given import checked
from sessionize.cli.sessions_options import SESSIONS, by_option, timezone_option, working_options

if TYPE_CHECKING:
    from sessionize.dashboard.report import Report

EXAMPLES = """\b
Examples:
  sessionize report sessions.parquet -o report.html
  sessionize report sessions/ -o november.html --from 2026-11-01 --to 2026-11-30
  sessionize report sessions.parquet -o report.html --by user_id --timezone Europe/Paris

Needs the extra: pip install 'sessionize[report]'
"""


def checked_as_day(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `read_day` judge a date."""
    from sessionize.dashboard.period import read_day

    return checked(value, lambda: read_day(str(option.name), value))


_PAGE = section(
    "What to write",
    Option(
        "-o",
        "--output",
        required=True,
        metavar="FILE.html",
        type=click.Path(),
        help="The page; an existing one is replaced.",
    ),
    Option("--title", metavar="TEXT", shown_default="Sessions", help="The heading of the page."),
)
_WHAT = section(
    "What to show",
    by_option("Column that tells users apart, where it is not the identity; repeatable."),
    timezone_option(),
    Option(
        "--from",
        metavar="DATE",
        callback=checked_as_day,
        file_types=(str, date),
        shown_default="the table's first day",
        help="First local day; sessions before it still say who is new.",
    ),
    Option(
        "--to",
        metavar="DATE",
        callback=checked_as_day,
        file_types=(str, date),
        shown_default="the table's last day",
        help="Last local day, inclusive.",
    ),
)


@click.command(
    "report",
    cls=Command,
    params=[SESSIONS, *_PAGE, *_WHAT, *working_options("config", "json", "quiet", "verbose")],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="The dashboard: sessions, users, durations over time.",
)
@click.make_pass_decorator(Console, ensure=True)
def report(console: Console, /, sessions: str, output: str, **options: Any) -> None:
    """Write one web page about a sessions table.

    SESSIONS is a file that sessionize has written (Parquet, CSV, JSON lines, Arrow), a folder by date, or a
    store.
    The page holds its charts and numbers itself: it needs no network, and can be mailed or archived.
    """
    from sessionize.dashboard import report as dashboard

    with console.progress() as progress:
        try:
            made = dashboard.report(
                sessions,
                output,
                by=options["by"],
                timezone=options["timezone"],
                title=options["title"],
                from_date=options["from"],
                to_date=options["to"],
                progress=progress,
            )
        except (ValueError, ModuleNotFoundError) as error:
            raise click.UsageError(str(error)) from None
    if options["json"]:
        click.echo(json.dumps(made.as_dict()))
    else:
        console.say(describe(made))


def describe(made: Report) -> str:
    """Write what the page is about, for a person: lines without a final newline."""
    if made.totals is None:
        return f"sessions  none\noutput    {made.output}"
    return (
        f"sessions  {made.totals.sessions:,} of {made.totals.users:,} users, "
        f"from {made.first_day} to {made.last_day} ({made.timezone})\n"
        f"output    {made.output}"
    )
