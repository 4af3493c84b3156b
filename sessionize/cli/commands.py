"""Click's classes, told our habits: options in sections, each also from the environment and a file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import click

from sessionize.spelling import closest

HELP = {"help_option_names": ["-h", "--help"]}
ENVIRONMENT_SEPARATOR = ";"


class Text(click.types.StringParamType):
    """A text as it is; in the environment several are separated by `;`, because they may hold blanks."""

    envvar_list_splitter = ENVIRONMENT_SEPARATOR


class Option(click.Option):
    """An option that may also be set as `SESSIONIZE_<NAME>` and, in a configuration file, as `<name>`.

    Attributes:
        section: The heading of the help under which it stands.
        file_types: The types that its value may have in a configuration file; for a repeatable option,
            those of each item of its list.
    """

    def __init__(
        self,
        *flags: str,
        help: str,
        shown_default: str = "",
        file_types: Sequence[type] = (str,),
        **attributes: Any,
    ) -> None:
        """Take click's own attributes and ours; `shown_default` is only shown, the library decides it."""
        if attributes.get("multiple"):
            attributes["type"] = Text()
        if shown_default:
            help = f"{help}  [default: {shown_default}]"
        super().__init__(flags, help=help, **attributes)
        self.section = ""
        self.file_types = (bool,) if self.is_flag else tuple(file_types)
        self.envvar = f"SESSIONIZE_{str(self.name).upper()}"


def section(title: str, *options: Option) -> list[click.Parameter]:
    """Put options under one heading of the help."""
    for option in options:
        option.section = title
    return list(options)


def without(options: Sequence[click.Parameter], *names: str) -> list[click.Parameter]:
    """Leave options out that say nothing to a command."""
    return [option for option in options if option.name not in names]


class Command(click.Command):
    """A command whose help shows its options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section in the order in which its options were declared; click's own come last."""
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        for title, members in groupby(options, lambda option: getattr(option, "section", "About")):
            records = (option.get_help_record(ctx) for option in members)
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])


class Commands(click.Group):
    """The group: without a command it shows its help, and it knows what a misspelt command meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"no command {name!r}{closest(name, self.commands)}", ctx)
        return super().resolve_command(ctx, args)
