"""`sessionize user`: the app usage of one user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command, section
from sessionize.cli.console import Console
from sessionize.cli.sessions_options import SESSIONS, by_option, timezone_option, working_options

if TYPE_CHECKING:
    from rich.table import Table

    from sessionize.usage import Usage

EXAMPLES = """\b
Examples:
  sessionize user sessions.parquet 000037
  sessionize user sessions/ ada --by user_id
  sessionize user sessions.parquet acme 42
  sessionize user sessions.parquet 000037 --json
"""

_VALUES = click.Argument(["values"], metavar="VALUE...", nargs=-1, required=True)
_WHO = section(
    "Who it is",
    by_option("Column that VALUE is of, where it is not the identity; repeatable, with a VALUE each."),
    timezone_option(),
)


@click.command(
    "user",
    cls=Command,
    params=[SESSIONS, _VALUES, *_WHO, *working_options("config", "json", "quiet", "verbose")],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="One user's app usage.",
)
@click.make_pass_decorator(Console, ensure=True)
def user(console: Console, /, sessions: str, values: tuple[str, ...], json: bool, **options: Any) -> None:
    """Show one user's app usage: how often, how long, since when, and the last sessions.

    SESSIONS is a file that sessionize has written (Parquet, CSV, JSON lines, Arrow), a folder by date, or a
    store.
    VALUE is the user, exactly as in the table; with an identity of several columns, a VALUE for each.
    """
    from sessionize import usage

    with console.progress():
        try:
            found = usage.user(sessions, values, by=options["by"], timezone=options["timezone"])
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    if json:
        click.echo(_json(found))
    else:
        _print(found)


def _json(found: Usage) -> str:
    return json.dumps(found.as_dict(), ensure_ascii=False)


def _print(found: Usage) -> None:
    from sessionize.cli.paper import paper

    terminal = paper()
    terminal.print(
        " ".join(f"{column} {value}" for column, value in found.user.items()), style="bold", markup=False
    )
    terminal.print(_numbers(found))
    terminal.print(f"\nLast sessions, clocks of {found.timezone}")
    terminal.print(_visits(found))


def _numbers(found: Usage) -> Table:
    from rich.table import Table

    from sessionize.dashboard.clock import shown
    from sessionize.dashboard.spelled import duration, number
    from sessionize.zones import Zone

    zone = Zone.named(found.timezone)
    table = Table.grid(padding=(0, 2))
    for label, value in (
        ("sessions", number(found.sessions)),
        ("first used", shown(found.first_used, zone)),
        ("last used", shown(found.last_used, zone)),
        ("active days", f"{number(found.active_days)}, {found.sessions_per_active_day:.2f} sessions on each"),
        ("total time", duration(found.total_seconds)),
        ("median session", duration(found.median_seconds)),
        ("events", number(found.events)),
    ):
        table.add_row(label, value)
    return table


def _visits(found: Usage) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from sessionize.dashboard.clock import shown
    from sessionize.dashboard.spelled import duration, number
    from sessionize.zones import Zone

    zone = Zone.named(found.timezone)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("start", "end", "duration", "events", "opened by"):
        table.add_column(title, justify="right" if title in ("duration", "events") else "left")
    for visit in found.last_sessions:
        table.add_row(
            shown(visit.start_time, zone),
            shown(visit.end_time, zone),
            duration(visit.duration_seconds),
            number(visit.event_count),
            Text(str(visit.start_reason)),
        )
    return table
