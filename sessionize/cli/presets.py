"""`sessionize presets`: the session definitions of known systems, as a table, and one of them in words."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command, Option, section
from sessionize.cli.rules_options import checked_as_preset, preset_names

if TYPE_CHECKING:
    from rich.table import Table

    from sessionize.presets import Preset

EXAMPLES = """\b
Examples:
  sessionize presets
  sessionize presets braze-web
  sessionize presets --json
  sessionize run logs/ -o sessions.parquet --preset braze-web --timeout 15m
"""

WIDTH = 100
_TOLD_OF_ONE = ("system", "source")
"""Columns for which a narrow terminal has no room; `sessionize presets NAME` tells them."""
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


def cells(preset: Preset) -> dict[str, str]:
    """Return what the table shows of a preset, by the title of the column."""
    from sessionize.in_words import identity

    rules = preset.rules.as_dict()
    return {
        "preset": preset.name,
        "system": preset.system,
        "identity": identity(preset.rules),
        "boundary": rules["boundary"],
        "timeout": rules["timeout"],
        "extra splits": shlex.join(preset.extra_splits) or "none",
        "source": preset.source,
    }


def _print_table(presets: Iterable[Preset]) -> None:
    from sessionize.cli.paper import paper

    rows, screen = [cells(each) for each in presets], paper()
    table = _table(rows, rows[0])
    if not screen.has_room_for(table):
        table = _table(rows, [title for title in rows[0] if title not in _TOLD_OF_ONE])
    screen.print(table)


def _table(rows: Iterable[Mapping[str, str]], titles: Collection[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=title != "extra splits")
    for row in rows:
        table.add_row(*(row[title] for title in titles))
    return table


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
