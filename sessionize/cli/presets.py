"""`sessionize presets`: the session definitions of known systems, as a table, and one of them in words."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command, Option, section
from sessionize.cli.rules_options import checked_as_preset, preset_names

if TYPE_CHECKING:
    from sessionize.presets import Preset

EXAMPLES = """\b
Examples:
  sessionize presets
  sessionize presets braze-web
  sessionize presets --json
  sessionize run logs/ -o sessions.parquet --preset braze-web --timeout 15m
"""

WIDTH = 100
UNWATCHED = 1000
"""A table that goes into a file or a pipe is as wide as its rows, so that each stays on one line."""

ZONE = "Its days are those of the time zone in its settings: name that with --timezone."

_NAME = click.Argument(
    ["name"],
    metavar="[NAME]",
    required=False,
    callback=checked_as_preset,
    shell_complete=preset_names,
)
_SHOW = section(
    "What to show", Option("--json", is_flag=True, help="Print JSON: a list, or one object for NAME.")
)


@click.command(
    cls=Command,
    params=[_NAME, *_SHOW],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="The session definitions of known systems.",
)
def presets(name: str | None, json: bool) -> None:
    """Show the session definitions of known systems, for --preset.

    With a NAME, explain that one in words: when a session opens, when it closes, and what the system does
    that a log can't show.
    """
    from sessionize.presets import PRESETS, preset

    if json:
        click.echo(_json([as_dict(each) for each in PRESETS] if name is None else as_dict(preset(name))))
    elif name is None:
        _print_table(PRESETS)
    else:
        click.echo(explain(preset(name)))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def as_dict(preset: Preset) -> dict[str, Any]:
    """Return everything that is known of a preset as plain values."""
    from sessionize import in_words

    return {
        "preset": preset.name,
        "system": preset.system,
        "rules": preset.rules.as_dict(),
        "opens": in_words.opens(preset.rules),
        "closes": in_words.closes(preset.rules),
        "differs": list(preset.differs),
        "options": preset.options,
        "source": preset.source,
        "url": preset.url,
    }


def cells(preset: Preset) -> tuple[str, ...]:
    """Return what the table shows of a preset: name, system, identity, boundary, timeout, splits, source."""
    from sessionize.in_words import identity

    rules = preset.rules.as_dict()
    extra = shlex.join(preset.extra_splits) or "none"
    return (
        preset.name,
        preset.system,
        identity(preset.rules),
        rules["boundary"],
        rules["timeout"],
        extra,
        preset.source,
    )


def _print_table(presets: Iterable[Preset]) -> None:
    from rich import box
    from rich.console import Console as Terminal
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("preset", "system", "identity", "boundary", "timeout", "extra splits", "source"):
        table.add_column(title, no_wrap=title in ("preset", "boundary", "timeout"))
    for preset in presets:
        table.add_row(*cells(preset))
    Terminal(width=None if sys.stdout.isatty() else UNWATCHED).print(table)


def explain(preset: Preset) -> str:
    """Write a preset in words.

    Returns:
        Lines without a final newline, with ANSI colour that `click.echo` takes out where nobody watches.
    """
    from sessionize import in_words

    zone = [ZONE] if preset.rules.split_daily else []
    parts = [
        click.style(f"{preset.name}: {preset.system}", bold=True),
        _listed("An event opens a session when", in_words.opens(preset.rules)),
        _listed("The end of a session", in_words.closes(preset.rules)),
        _listed("What the system does otherwise", [*preset.differs, *zone]),
        _listed("The same in options", [shlex.join(preset.options) or "none: these are the defaults"]),
        _listed("Source", [preset.source, preset.url]),
    ]
    return "\n\n".join(parts)


def _listed(title: str, items: Sequence[str]) -> str:
    lines = [
        textwrap.fill(
            item,
            WIDTH,
            initial_indent="  * ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    ]
    return "\n".join([click.style(title, bold=True), *lines])
