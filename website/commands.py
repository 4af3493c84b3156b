"""Pages about the commands, written from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from itertools import groupby

import click

from sessionize.cli.main import NAME, cli

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|])")
_VERBATIM = "\b\n"
"""How click marks a paragraph whose lines stay as they are."""


def command_names() -> list[str]:
    """Return the names of all commands, in alphabetical order."""
    return sorted(cli.commands)


def overview() -> str:
    """Write the page that lists the commands, as Markdown."""
    rows = [
        f"| [`{name}`]({name}.md) | {_plain(cli.commands[name].short_help)} |" for name in command_names()
    ]
    return "\n".join(
        [
            "# Commands\n",
            f"`{NAME} COMMAND --help` shows the same in a terminal. Every option can also be set in the",
            "environment or in a file ([Configuration](../../configuration.md)).\n",
            "| command | |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def page(name: str) -> str:
    """Write the page of one command, as Markdown: what it does, every option by section, examples.

    Args:
        name: Its name, such as `run`.
    """
    command = cli.commands[name]
    context = click.Context(command, info_name=f"{NAME} {name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"# `{NAME} {name}`", _paragraphs(command.help), f"```text\n{usage}\n```"]
    return "\n\n".join([*parts, *_sections(command, context), *_epilog(command)]) + "\n"


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """Write a table for each section of the options, in the order of the help."""
    options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    for title, members in groupby(options, lambda option: getattr(option, "section", "About")):
        records = [record for option in members if (record := option.get_help_record(context))]
        rows = [f"| {_code(flags)} | {_plain(text)} |" for flags, text in records]
        yield "\n".join([f"## {title}", "", "| option | |", "|---|---|", *rows])


def _epilog(command: click.Command) -> Iterator[str]:
    """Write the examples as a block of code, and what follows them as text."""
    examples, _, rest = inspect.cleandoc(command.epilog or "").partition("\n\n")
    title, _, lines = examples.removeprefix(_VERBATIM).partition("\n")
    yield f"## {title.rstrip(':')}\n\n```sh\n{inspect.cleandoc(lines)}\n```"
    if rest:
        yield _paragraphs(rest)


def _paragraphs(text: str | None) -> str:
    """Write paragraphs; the lines of a verbatim one stay as they are."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(
        f"```text\n{paragraph.removeprefix(_VERBATIM)}\n```"
        if paragraph.startswith(_VERBATIM)
        else _plain(paragraph)
        for paragraph in paragraphs
    )


def _plain(text: str | None) -> str:
    """Write text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join((text or "").split())).replace("<", "&lt;")


def _code(text: str) -> str:
    """Write code for a cell of a table."""
    escaped = text.replace("|", "&#124;").replace("<", "&lt;")
    return f"<code>{escaped}</code>"
