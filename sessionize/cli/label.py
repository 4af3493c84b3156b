"""`sessionize label`: every event, with the session it belongs to."""

from __future__ import annotations

from typing import Any

import click

from sessionize.cli.commands import HELP, Command, Option, section, without
from sessionize.cli.console import Console
from sessionize.cli.options import INPUTS, OUTPUT, READING, RULES, WORKING
from sessionize.cli.run import carry_out, refuse_two_things_in_one_place, target_of
from sessionize.cli.startup import import_arrow_without_pandas

EXAMPLES = """\b
Examples:
  sessionize label events.parquet -o labelled.parquet
  sessionize label logs/ -o labelled.csv --by device_id --timeout 15m
  sessionize label events.csv -o labelled.csv --prefix s_ --max-rejected 0.5%
  cat events.csv | sessionize label - -o - | head

Every option can also be set as SESSIONIZE_<OPTION> in the environment (several values separated by ;)
or in a TOML file given with --config. The command line comes first, then the environment, then the file.
"""

JOB_NAMES = ("output_format", "max_rejected", "rejects", "allow_empty", "threads", "memory_limit", "temp_dir")
_OF_SESSIONS = ("agg", "as_of")
"""Options that mean something for a table of sessions only."""

_OUTPUT = section(
    "What to write",
    Option(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        type=click.Path(),
        help="The rows with their labels: a .parquet, .csv, .jsonl or .arrow file (text also .gz, .zst), "
        "or - for CSV on stdout.",
    ),
    *(option for option in OUTPUT if isinstance(option, Option) and option.name == "output_format"),
)


@click.command(
    cls=Command,
    params=[INPUTS, *without([*RULES, *READING], *_OF_SESSIONS), *_OUTPUT, *WORKING],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="Every event, with the session it belongs to.",
)
@click.make_pass_decorator(Console, ensure=True)
def label(console: Console, /, inputs: tuple[str, ...], output: str, **options: Any) -> None:
    """Write every row of a log, with the session that it belongs to.

    Rows keep their order and all their columns. Behind them come session_id, session_number,
    event_index, gap_seconds and start_reason; they are null on rows that are no events of a session.

    The log is read twice. One in time order streams through; of any other, and of standard input,
    labels or rows wait in the temporary folder where memory does not hold them.
    """
    options |= {"agg": (), "partition_by": None, "keep_dates": False}
    refuse_two_things_in_one_place(output, options)
    target = target_of(output, options)

    import_arrow_without_pandas()
    from sessionize.labelling.job import label_files

    carry_out(label_files, console, inputs, output, options, JOB_NAMES, target)
