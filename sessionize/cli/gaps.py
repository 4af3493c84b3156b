"""`sessionize gaps`: the gaps between events, and the timeout that they suggest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import HELP, Command, Option, section, without
from sessionize.cli.console import Console
from sessionize.cli.given import checked, given
from sessionize.cli.options import INPUTS, READING, RULES, WORKING, reading_options
from sessionize.cli.startup import import_arrow_without_pandas

if TYPE_CHECKING:
    from sessionize.gap.gaps import Gaps

EXAMPLES = """\b
Examples:
  sessionize gaps events.parquet
  sessionize gaps logs/ --by device_id --exclude event=heartbeat
  sessionize gaps 'logs/*.csv.gz' --timeouts 10m,25m,1h --boundary reaches
  sessionize gaps events.parquet --json | jq .suggestion
"""

_JOB_NAMES = ("max_rejected", "allow_empty", "threads", "memory_limit", "temp_dir")
_RULES = ("by", "boundary")
_WIDTH = 80
"""What goes into a file or a pipe is as wide as a plain terminal."""


def checked_as_timeouts(
    context: click.Context, option: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Take lists apart, and let the library judge each timeout."""
    from sessionize.gap.scale import Scale

    timeouts = tuple(timeout for text in value for timeout in text.split(","))
    return tuple(checked(timeouts, lambda: Scale.of(timeouts, "exceeds")))


_TIMEOUTS = Option(
    "--timeouts",
    multiple=True,
    metavar="DURATION,...",
    callback=checked_as_timeouts,
    shown_default="1m,5m,10m,15m,20m,30m,45m,1h,2h",
    help="The timeouts to compare; repeatable.",
)
_COMPARED = [
    *(option for option in RULES if option.name in (*_RULES, "timezone")),
    *section("What to compare", _TIMEOUTS),
]


@click.command(
    cls=Command,
    params=[
        INPUTS,
        *_COMPARED,
        *without(READING, "as_of", "rejects"),
        *WORKING,
    ],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="The gaps between events: which timeout fits?",
)
@click.make_pass_decorator(Console, ensure=True)
def gaps(console: Console, /, inputs: tuple[str, ...], **options: Any) -> None:
    """Show the gaps between each identity's events: which timeout fits this log?

    Prints a histogram on a log scale, what sessions would be under several timeouts, and a suggestion: the
    valley between the gaps within sessions and those between them, if there is a clear one.
    """
    import_arrow_without_pandas()
    from sessionize.gap.api import gap_files

    with console.progress() as progress:
        counted = gap_files(
            inputs,
            timeouts=options["timeouts"] or None,
            reading=reading_options(options),
            notify=console.notice,
            progress=progress,
            **{name: options[name] for name in _JOB_NAMES if options[name] is not None},
            **given(options, _RULES),
        )
    console.end_notices()
    if options["json"]:
        click.echo(json.dumps(counted.as_dict(), ensure_ascii=False))
    else:
        _print(counted)
        console.say(_read(counted))


def _print(counted: Gaps) -> None:
    from sessionize.cli.paper import paper
    from sessionize.gap.drawing import drawn, in_ascii

    terminal = paper(_WIDTH)
    if terminal.options.ascii_only:
        click.echo(in_ascii(str(counted)))
    else:
        terminal.print(drawn(counted))


def _read(counted: Gaps) -> str:
    """Say in a line what was read."""
    tally, summary = counted.tally, counted.summary
    parts = [f"{tally.events:,} events"]
    parts += [f"{tally.filtered:,} filtered"] if tally.filtered else []
    parts += [f"{tally.rejected:,} rejected"] if tally.rejected else []
    return (
        f"{', '.join(parts)}; {summary.seconds:,.1f} s, peak memory {summary.peak_memory_bytes / 1e6:,.0f} MB"
    )
