"""`sessionize run`: one pass, logs in, sessions out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command
from sessionize.cli.console import Console
from sessionize.cli.options import (
    ENGINE,
    INPUTS,
    OUTPUT,
    READING,
    RULES,
    WORKING,
    reading_options,
    refuse_what_the_engine_lacks,
    rules_options,
)
from sessionize.cli.startup import import_arrow_without_pandas

if TYPE_CHECKING:
    from sessionize.summary import Summary
    from sessionize.writing.target import Target

EXAMPLES = """\b
Examples:
  sessionize run events.parquet -o sessions.parquet
  sessionize run logs/ -o sessions.csv --by device_id --timeout 15m
  sessionize run 'logs/*.csv.gz' -o - --time ts --time-unit ms | head
  sessionize run logs/ -o sessions/ --partition-by date --timezone Europe/Paris
  sessionize run logs/ -o s.parquet --agg landing=first:page --max-rejected 0.5%
  sessionize run logs/ -o sessions/ --partition-by date --engine spark --spark-conf spark.master=yarn

Every option can also be set as SESSIONIZE_<OPTION> in the environment (several values separated by ;)
or in a TOML file given with --config. The command line comes first, then the environment, then the file.
"""

JOB_NAMES = (
    "emit",
    "output_format",
    "partition_by",
    "keep_dates",
    "max_rejected",
    "rejects",
    "as_of",
    "allow_empty",
    "engine",
    "spark_conf",
    "threads",
    "memory_limit",
    "temp_dir",
)


@click.command(
    cls=Command,
    params=[INPUTS, *RULES, *READING, *OUTPUT, *ENGINE, *WORKING],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="One pass: logs in, sessions out.",
)
@click.make_pass_decorator(Console, ensure=True)
def run(console: Console, /, inputs: tuple[str, ...], output: str, **options: Any) -> None:
    """Group the events of a log into sessions.

    An INPUT is a file, a directory, a glob, a URI, or - for standard input: Parquet, CSV, TSV, JSON lines
    (text also .gz, .zst) or Arrow IPC. A session ends when its user does nothing for longer than the timeout.
    """
    refuse_two_things_in_one_place(output, options)
    refuse_what_the_engine_lacks(options)
    target = target_of(output, options)

    import_arrow_without_pandas()
    from sessionize import job

    carry_out(job.run, console, inputs, output, options, JOB_NAMES, target)


def carry_out(
    work: Callable[..., Summary],
    console: Console,
    inputs: tuple[str, ...],
    output: str,
    options: Mapping[str, Any],
    names: Sequence[str],
    target: Target,
) -> None:
    """Let a job turn inputs into an output, and say what it did; `names` are the options that it takes."""
    rules = rules_options(options)
    with console.progress() as progress:
        summary = work(
            inputs,
            output,
            rules=rules,
            timezone=rules.timezone,  # the console has said what is to say of it
            reading=reading_options(options),
            notify=console.notice,
            progress=progress,
            **{name: options[name] for name in names if options[name] is not None},
        )
    console.end_notices()
    if options["json"]:
        click.echo(json.dumps(summary.as_dict()))
    else:
        from sessionize.cli.report import describe

        console.say(describe(summary, options["rejects"] or target.default_rejects))


def refuse_two_things_in_one_place(output: str, options: Mapping[str, Any]) -> None:
    """Refuse a table, rejected rows or a summary in the place of another.

    Raises:
        click.UsageError: See there.
    """
    rejects = options["rejects"]
    if rejects is not None and Path(rejects).resolve() == Path(output).resolve():
        raise click.UsageError(
            f"{output} cannot hold both the table and the rejected rows. Name another file."
        )
    if output != "-":
        return
    if options["json"]:
        raise click.UsageError("'-o -' and '--json' both write to stdout. Name a file with -o.")
    if options["max_rejected"] is not None and rejects is None:
        raise click.UsageError("'-o -' has no place for rejected rows. Name a file with --rejects.")


def target_of(output: str, options: Mapping[str, Any]) -> Target:
    """Judge the output before the log is read, where a complaint can still name the option."""
    from sessionize.writing.target import output_target

    try:
        return output_target(
            output,
            output_format=options["output_format"],
            partition_by=options["partition_by"],
            keep_dates=options["keep_dates"],
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--output'") from None
