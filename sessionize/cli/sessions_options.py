"""The options of commands that read a sessions table instead of a log."""

from __future__ import annotations

from typing import Any

import click

from sessionize.cli.commands import Option
from sessionize.cli.given import checked
from sessionize.cli.options import WORKING

SESSIONS = click.Argument(["sessions"], metavar="SESSIONS", type=click.Path())


def checked_as_zone(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `Zone` judge the name of a zone."""
    from sessionize.zones import Zone

    return checked(value, lambda: Zone.named(value))


def by_option(help: str) -> Option:
    """Make the option that names the user's columns."""
    return Option("--by", multiple=True, metavar="COL", shown_default="the identity", help=help)


def timezone_option() -> Option:
    """Make the option that says whose days count."""
    return Option(
        "--timezone",
        metavar="ZONE",
        callback=checked_as_zone,
        shown_default="that of the table's rules, else UTC",
        help="IANA zone of local days and times.",
    )


def working_options(*names: str) -> list[click.Parameter]:
    """Pick some of the options that say how to work."""
    return [option for option in WORKING if option.name in names]
