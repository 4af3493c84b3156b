"""The group of commands, and the entry that never shows a traceback unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from sessionize.cli import failures, store_commands
from sessionize.cli.backfill import backfill
from sessionize.cli.commands import HELP, Commands
from sessionize.cli.console import Console
from sessionize.cli.dashboard import report
from sessionize.cli.explain import explain
from sessionize.cli.gaps import gaps
from sessionize.cli.label import label
from sessionize.cli.presets import presets
from sessionize.cli.run import run
from sessionize.cli.update import update
from sessionize.cli.usage import user
from sessionize.spelling import closest
from sessionize.version import __version__

NAME = "sessionize"

EXAMPLES = """\b
Examples:
  sessionize run events.parquet -o sessions.parquet
  sessionize run logs/ -o sessions.csv --by device_id --timeout 15m
  sessionize presets
  sessionize run --help
"""


@click.group(
    NAME,
    cls=Commands,
    context_settings=HELP,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",  # releases of click differ in this
    epilog=EXAMPLES,
)
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn event logs into tables of sessions."""
    _refuse_unknown_environment()
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(failures.USAGE)


cli.add_command(run)
cli.add_command(explain)
cli.add_command(gaps)
cli.add_command(label)
cli.add_command(update)
cli.add_command(backfill)
cli.add_command(store_commands.status)
cli.add_command(store_commands.verify)
cli.add_command(store_commands.changes)
cli.add_command(store_commands.compact)
cli.add_command(report)
cli.add_command(user)
cli.add_command(presets)


def _refuse_unknown_environment() -> None:
    """Refuse a variable that looks like an option and is none: it would be ignored in silence."""
    known = {
        str(option.envvar) for command in cli.commands.values() for option in command.params if option.envvar
    }
    for name in os.environ:
        if name.startswith(f"{NAME.upper()}_") and name not in known:
            raise click.UsageError(f"{name} in the environment is no option{closest(name, known)}")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code.

    Args:
        arguments: Everything after the program's name; None takes those of the process.
    """
    if f"_{NAME.upper()}_COMPLETE" in os.environ:
        cli.main(arguments, prog_name=NAME)
    console = Console()
    words = list(sys.argv[1:] if arguments is None else arguments)

    def work() -> None:
        with cli.make_context(NAME, words, obj=console) as context:
            cli.invoke(context)

    sys.exit(failures.exit_code(work, console))
