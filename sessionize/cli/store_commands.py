"""The commands that look at a store or tidy it: `status`, `verify`, `changes`, `compact`."""

from __future__ import annotations

import json
from typing import Any

import click

from sessionize.cli.commands import HELP, Command, Option, section
from sessionize.cli.console import Console
from sessionize.cli.failures import MISMATCH
from sessionize.cli.given import checked, given
from sessionize.cli.options import INSTANT, OUTPUT, checked_as_instant
from sessionize.cli.run import target_of
from sessionize.cli.sessions_options import working_options
from sessionize.cli.startup import import_arrow_without_pandas
from sessionize.cli.store_options import (
    DRY_RUN,
    LOCK_TIMEOUT,
    METRICS,
    STORE,
    check_places,
    checked_as_duration,
)

_LOOKING = working_options("config", "json", "quiet", "verbose")


def checked_as_sample(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let the library judge a share."""
    from sessionize.store.sample import Sample

    return checked(value, lambda: Sample.parse(value))


@click.command(
    cls=Command,
    params=[
        STORE,
        *section(
            "What to look at",
            Option(
                "--as-of",
                metavar="TIME",
                callback=checked_as_instant,
                file_types=INSTANT,
                shown_default="the latest event",
                help="Count sessions as open that an event from then on could still join.",
            ),
            Option(
                "--rejects",
                metavar="FILE",
                type=click.Path(dir_okay=False),
                help="Write the rejected rows of every file that the store contains, as JSON lines.",
            ),
            METRICS,
        ),
        *_LOOKING,
    ],
    context_settings=HELP,
    epilog="""\b
Examples:
  sessionize status sessions/
  sessionize status sessions/ --json | jq .freshness_seconds
  sessionize status sessions/ --metrics-file /var/lib/node_exporter/sessions.prom
  sessionize status sessions/ --rejects rejected.jsonl
""",
    short_help="What a table contains, up to when, what is open.",
)
@click.make_pass_decorator(Console, ensure=True)
def status(console: Console, /, store: str, **options: Any) -> None:
    """Say what a store contains, up to when, and what is still open."""
    check_places(options)
    import_arrow_without_pandas()
    from sessionize.store.metrics import write_metrics
    from sessionize.store.store import SessionStore
    from sessionize.writing.rejects import keeping_rejected

    kept = SessionStore(store)
    found = kept.status(as_of=options["as_of"])
    if options["metrics_file"] is not None:
        write_metrics(options["metrics_file"], found)
    if options["rejects"] is not None:
        with keeping_rejected(options["rejects"]) as keep:
            keep(kept.rejected())
    if options["json"]:
        click.echo(json.dumps(found.as_dict()))
    elif not console.quiet:
        from sessionize.cli.status_report import print_status

        print_status(found)


@click.command(
    cls=Command,
    params=[
        STORE,
        *section(
            "What to compare",
            Option(
                "--sample",
                metavar="N%",
                callback=checked_as_sample,
                shown_default="100%",
                help="Look at this share of the identities, always the same ones.",
            ),
        ),
        *working_options("threads", "memory_limit", "temp_dir"),
        *_LOOKING,
    ],
    context_settings=HELP,
    epilog="""\b
Examples:
  sessionize verify sessions/
  sessionize verify sessions/ --sample 1%
  sessionize verify sessions/ --json | jq .differences
""",
    short_help="Recompute from the files, and compare row by row.",
)
@click.make_pass_decorator(Console, ensure=True)
def verify(console: Console, /, store: str, **options: Any) -> None:
    """Read the files of a store anew, and compare its sessions row by row with what one run makes of them.

    The store stays as it is. Exit code 5 where a session differs, or where a file is gone or has changed so
    that its sessions cannot be checked.
    """
    import_arrow_without_pandas()
    from sessionize.store.store import SessionStore

    names = ("sample", "threads", "memory_limit", "temp_dir")
    with console.progress() as progress:
        found = SessionStore(store).verify(progress=progress, **given(options, names))
    if options["json"]:
        click.echo(json.dumps(found.as_dict()))
    else:
        from sessionize.cli.store_report import describe_verification

        # What is wrong is an error, which a quiet run tells, too: cron sends mail only where there is text.
        (console.say if found.agrees else console.error)(describe_verification(found))
    if not found.agrees:
        raise click.exceptions.Exit(MISMATCH)


@click.command(
    cls=Command,
    params=[
        STORE,
        *section(
            "What to write",
            Option(
                "--since",
                required=True,
                metavar="VERSION",
                type=click.IntRange(min=0),
                file_types=(int,),
                help="The version of the table with which to compare the newest; 0 is the empty table.",
            ),
            Option(
                "-o",
                "--output",
                metavar="OUTPUT",
                type=click.Path(),
                default="-",
                shown_default="-",
                help="The sessions: a .parquet, .csv, .jsonl or .arrow file (text also .gz, .zst), or - for "
                "CSV on stdout.",
            ),
            *(option for option in OUTPUT if isinstance(option, Option) and option.name == "output_format"),
        ),
        *_LOOKING,
    ],
    context_settings=HELP,
    epilog="""\b
Examples:
  sessionize changes sessions/ --since 41
  sessionize changes sessions/ --since 41 -o changes.parquet --json | jq .version
""",
    short_help="Sessions added, changed, removed since a version.",
)
@click.make_pass_decorator(Console, ensure=True)
def changes(console: Console, /, store: str, since: int, output: str, **options: Any) -> None:
    """Write the sessions that were added, changed or removed since a version of the table.

    The column change says which; a changed session is as it is now, a removed one as it was. Where a late
    event has joined two sessions, one is removed and the other has changed. A table that follows: delete
    every session_id that is here, then insert those that were added or changed.
    """
    if output == "-" and options["json"]:
        raise click.UsageError("'-o -' and '--json' both write to stdout. Name a file with -o.")
    target = target_of(output, {**options, "partition_by": None, "keep_dates": False})
    import_arrow_without_pandas()
    from sessionize.store.store import SessionStore
    from sessionize.writing.output import open_output

    with console.progress():
        found = SessionStore(store).changes(since)
        with open_output(target, found.sessions.schema, metadata={}) as writer:
            writer.write(found.sessions)
    if options["json"]:
        click.echo(json.dumps(found.as_dict()))
    else:
        from sessionize.cli.store_report import describe_changes

        console.say(describe_changes(found))


@click.command(
    cls=Command,
    params=[
        STORE,
        *section(
            "What to remove",
            Option(
                "--keep",
                metavar="DURATION",
                callback=checked_as_duration,
                shown_default="7d",
                help="How old a file that nothing needs any more must be to go.",
            ),
            DRY_RUN,
            LOCK_TIMEOUT,
        ),
        *_LOOKING,
    ],
    context_settings=HELP,
    epilog="""\b
Examples:
  sessionize compact sessions/
  sessionize compact sessions/ --keep 30d --dry-run
""",
    short_help="Vacuum, checkpoint, leftovers.",
)
@click.make_pass_decorator(Console, ensure=True)
def compact(console: Console, /, store: str, **options: Any) -> None:
    """Remove what old versions of a table and killed runs have left behind, and let it open faster.

    The sessions stay as they are. Versions older than --keep can no longer be read, nor given to
    'sessionize changes --since'.
    """
    import_arrow_without_pandas()
    from sessionize.store.store import SessionStore

    with console.progress():
        found = SessionStore(store).compact(
            dry_run=options["dry_run"], **given(options, ("keep", "lock_timeout"))
        )
    if options["json"]:
        told = {"store": store, "table_version": found.version, "dry_run": options["dry_run"]}
        click.echo(json.dumps({**told, "removed": found.files, "size_bytes": found.size_bytes}))
    else:
        from sessionize.cli.store_report import describe_compacted

        console.say(describe_compacted(found, options["dry_run"]))
