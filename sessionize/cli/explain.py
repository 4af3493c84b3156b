"""`sessionize explain`: one identity's timeline, with the reason of every split."""

from __future__ import annotations

import json
from typing import Any

import click

from sessionize.cli.commands import HELP, Command, Option, section, without
from sessionize.cli.console import Console
from sessionize.cli.options import (
    INPUTS,
    INSTANT,
    READING,
    RULES,
    WORKING,
    checked_as_instant,
    reading_options,
    rules_options,
)
from sessionize.cli.startup import import_arrow_without_pandas

EXAMPLES = """\b
Examples:
  sessionize explain logs/ --id ada
  sessionize explain logs/ --by device_id --split-on user_id --id d-42 --last 3
  sessionize explain logs/ --preset matomo --timezone Europe/Paris --id ada --from 2026-03-28
  sessionize explain logs/ --by user_id --by site --id ada --id shop.example --json
"""

SESSIONS_SHOWN = 20

_SHOW = section(
    "What to show",
    Option(
        "--id",
        multiple=True,
        required=True,
        metavar="VALUE",
        help="Whose events: the identity's value; of several columns one for each, in the order of --by.",
    ),
    Option(
        "--from",
        metavar="TIME",
        callback=checked_as_instant,
        file_types=INSTANT,
        help="Only sessions that end then or later: a date, or a time.",
    ),
    Option(
        "--to",
        metavar="TIME",
        callback=checked_as_instant,
        file_types=INSTANT,
        help="Only sessions that begin then or earlier; a date is meant to its end.",
    ),
    Option(
        "--last",
        metavar="N",
        type=click.IntRange(min=1),
        file_types=(int,),
        shown_default=f"{SESSIONS_SHOWN}, without --from and --to",
        help="Only so many sessions, the last ones.",
    ),
    Option("--all", is_flag=True, help="Every session, and a line for every event."),
    Option("--json", is_flag=True, help="Print one JSON object: every event, unless the options say less."),
)


@click.command(
    cls=Command,
    params=[
        INPUTS,
        *_SHOW,
        *without(RULES, "agg"),
        *without(READING, "max_rejected", "rejects", "as_of"),
        *without(WORKING, "json", "memory_limit", "temp_dir"),
    ],
    context_settings=HELP,
    epilog=EXAMPLES,
    short_help="One identity's timeline: each gap, each split and its reason.",
)
@click.make_pass_decorator(Console, ensure=True)
def explain(console: Console, /, inputs: tuple[str, ...], id: tuple[str, ...], **options: Any) -> None:
    """Explain one identity's sessions, event by event.

    Shows when each event was, how long after the one before, in which session, and why a session begins
    there. Long runs of events that nothing happens between are one line, unless --all is given. The sessions
    are those of 'sessionize run' with the same options.
    """
    rules = rules_options(options)
    if len(id) != len(rules.by):
        raise click.UsageError(
            f"--id is given {len(id)} times, but the identity is {' and '.join(rules.by)}. "
            "Give a value for each, in that order.",
            click.get_current_context(),
        )
    import_arrow_without_pandas()
    from sessionize.explaining.timeline import explain as explained

    with console.progress() as progress:
        whole = explained(
            list(inputs),
            list(id),
            rules=rules,
            timezone=rules.timezone,  # the console has said what is to say of it
            reading=reading_options(options),
            allow_empty=options["allow_empty"],
            threads=options["threads"],
            notify=console.notice,
            progress=progress,
        )
    console.end_notices()
    asked = {"since": options["from"], "until": options["to"], "last": options["last"]}
    if options["json"]:
        click.echo(json.dumps(whole.part(**asked).as_dict(), ensure_ascii=False))
        return
    if not options["all"] and not any(asked.values()):
        asked["last"] = SESSIONS_SHOWN
    from sessionize.cli.timeline import show

    show(whole, whole.part(**asked), every_event=options["all"])
