"""The options, in the groups in which commands take them.

Each group is a list for click's `params=`; those that say what a session is have a file of their own,
`rules_options.py`. A default that is shown here is decided by the library
(`SessionRules`, `ReadOptions`); an option that is not given is not passed on. Choices are written out,
because importing the library to list them would slow every `--help` down; tests hold them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import Option, section
from sessionize.cli.config import load_config
from sessionize.cli.console import Console
from sessionize.cli.given import checked, given
from sessionize.cli.rules_options import RULES as RULES
from sessionize.cli.rules_options import rules_options as rules_options

if TYPE_CHECKING:
    from sessionize.reading.options import ReadOptions

READING_NAMES = (
    *("time", "time_format", "time_unit", "timezone", "dst_policy", "type", "null_value"),
    *("include", "exclude", "not_before", "not_after", "input_format", "csv_delimiter", "encoding"),
)
FIELDS = {"type": "types"}
"""Options whose name in the library is another."""
INSTANT = (str, date, datetime)


def checked_by_resources(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `Resources` judge the memory limit."""
    from sessionize.engine.resources import Resources

    return checked(value, lambda: Resources(memory_limit=value))


def checked_by_reading(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `ReadOptions` judge one option alone, so that its complaint names the option."""
    from sessionize.reading.options import ReadOptions

    name = str(option.name)
    return checked(value, lambda: ReadOptions(**{FIELDS.get(name, name): value}))


def checked_as_instant(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `ReadOptions` judge a time that is none of its own."""
    from sessionize.reading.options import ReadOptions

    return checked(value, lambda: ReadOptions().instant_us(value))


def checked_as_limit(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `RejectLimit` judge a number of rows, or a share of them."""
    from sessionize.rejects import RejectLimit

    return checked(value, lambda: RejectLimit.parse(value))


def checked_as_settings(context: click.Context, option: click.Parameter, values: Any) -> dict[str, str]:
    """Split settings into names and values."""
    pairs = [value.partition("=") for value in values]
    for name, mark, value in pairs:
        if not (name and mark):
            raise click.BadParameter(f"{name + mark + value!r} is no setting. Write KEY=VALUE.")
    return {name: value for name, _, value in pairs}


def _reading(*flags: str, **attributes: Any) -> Option:
    return Option(*flags, callback=checked_by_reading, **attributes)


INPUTS = click.Argument(["inputs"], metavar="INPUT...", nargs=-1, required=True, type=click.Path())

READING = section(
    "How to read the log",
    _reading(
        "--time", metavar="COL", shown_default="timestamp", help="The column that holds each event's time."
    ),
    _reading(
        "--time-format",
        multiple=True,
        metavar="FORMAT",
        shown_default="ISO 8601",
        help="strptime format of text times; repeatable: the first that fits a value wins.",
    ),
    Option(
        "--time-unit",
        type=click.Choice(["s", "ms", "us", "ns"]),
        help="What epoch numbers count; never guessed.",
    ),
    Option(
        "--dst-policy",
        type=click.Choice(["earlier", "later", "reject"]),
        shown_default="earlier",
        help="The offset of a local time that a clock change makes ambiguous or skips.",
    ),
    _reading(
        "--type",
        multiple=True,
        metavar="COL=TYPE",
        help="Type of a text column: int64, float64, decimal(p,s), bool, date or timestamp; repeatable.",
    ),
    _reading(
        "--null-value",
        multiple=True,
        metavar="TEXT",
        help="CSV text that is null, beside the unquoted empty field; repeatable.",
    ),
    _reading(
        "--include",
        multiple=True,
        metavar="COL=VALUE",
        help="Keep only rows with this value; repeatable: one column's values are alternatives.",
    ),
    _reading(
        "--exclude", multiple=True, metavar="COL=VALUE", help="Leave rows with this value out; repeatable."
    ),
    _reading(
        "--not-before",
        metavar="TIME",
        file_types=INSTANT,
        help="Reject rows of an earlier time as implausible.",
    ),
    _reading(
        "--not-after",
        metavar="TIME",
        file_types=INSTANT,
        help="Reject rows of a later time as implausible.",
    ),
    Option(
        "--input-format",
        type=click.Choice(["parquet", "csv", "tsv", "jsonl", "arrow"]),
        shown_default="by file name",
        help="Format of every input.",
    ),
    _reading(
        "--csv-delimiter", metavar="CHAR", shown_default="comma", help="What separates the fields of a CSV."
    ),
    _reading("--encoding", metavar="NAME", shown_default="utf-8", help="Encoding of CSV and JSON lines."),
    Option(
        "--max-rejected",
        metavar="N|N%",
        callback=checked_as_limit,
        file_types=(str, int),
        shown_default="0",
        help="Reject up to that many input rows, or that share of them, and go on.",
    ),
    Option(
        "--rejects",
        metavar="FILE",
        type=click.Path(),
        shown_default="OUTPUT.rejected.jsonl",
        help="Where rejected rows are kept, with file, record number and reason.",
    ),
    Option("--allow-empty", is_flag=True, help="Accept 0-byte files and folders without files."),
    Option(
        "--as-of",
        metavar="TIME",
        callback=checked_as_instant,
        file_types=INSTANT,
        shown_default="the last event",
        help="Count sessions as open that an event from then on could still join.",
    ),
)

OUTPUT = section(
    "What to write",
    Option(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        type=click.Path(),
        help="Sessions: a .parquet, .csv, .jsonl or .arrow file (text also .gz, .zst), - for CSV on "
        "stdout, or a directory with --partition-by.",
    ),
    Option(
        "--emit",
        type=click.Choice(["sessions", "datapoints"]),
        shown_default="sessions",
        help="A row for each session, or its data points: session_start and, once closed, session_end.",
    ),
    Option(
        "--output-format",
        type=click.Choice(["parquet", "csv", "jsonl", "arrow"]),
        shown_default="by file name",
        help="Format of the output.",
    ),
    Option(
        "--partition-by",
        type=click.Choice(["date"]),
        help="Write a directory of Parquet files by local day of the session's start.",
    ),
    Option(
        "--keep-dates",
        is_flag=True,
        help="Replace only the days that this run has sessions of; keep the others of the directory.",
    ),
)


ENGINE = section(
    "Where to run",
    Option(
        "--engine",
        type=click.Choice(["local", "spark"]),
        shown_default="local",
        help="This process, or Apache Spark: the same sessions in the same order.",
    ),
    Option(
        "--spark-conf",
        multiple=True,
        metavar="KEY=VALUE",
        callback=checked_as_settings,
        help="A setting of Spark's, such as spark.master=yarn; repeatable.",
    ),
)


def _set_console(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Tell the process's console; it also reports failures that no command sees."""
    setattr(context.ensure_object(Console), str(option.name), value)


WORKING = section(
    "How to work",
    Option(
        "--threads",
        metavar="N",
        type=click.IntRange(min=1),
        file_types=(int,),
        shown_default="one for each core",
        help="Worker threads.",
    ),
    Option(
        "--memory-limit",
        metavar="SIZE",
        callback=checked_by_resources,
        shown_default="half of what is free",
        help="What to stay below, such as 2GB; fragments that don't fit wait on disk.",
    ),
    Option(
        "--temp-dir",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        shown_default="the system's",
        help="Where fragments wait that don't fit into memory.",
    ),
    Option(
        "--config",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=load_config,
        help="Read options from a TOML file: their names with underscores, lists for repeatable ones.",
    ),
    Option("--json", is_flag=True, help="Print the summary as one JSON object on stdout."),
    Option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set_console,
        help="Print nothing but errors.",
    ),
    Option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_set_console,
        help="Print every notice, and the traceback of an unexpected error.",
    ),
)


def reading_options(options: Mapping[str, Any]) -> ReadOptions:
    """Make the reading options of the options that were given; each of them has been judged.

    Raises:
        click.UsageError: For bounds between which no time lies.
    """
    from sessionize.reading.options import ReadOptions

    check_bounds(options)
    picked = given(options, READING_NAMES)
    return ReadOptions(**{FIELDS.get(name, name): value for name, value in picked.items()})


def check_bounds(options: Mapping[str, Any]) -> None:
    """Refuse bounds between which no time lies.

    Raises:
        click.UsageError: See there.
    """
    from sessionize.reading.options import ReadOptions

    reading = ReadOptions(**given(options, ("not_before", "not_after", "timezone")))
    earliest_us, latest_us = reading.not_before_us, reading.not_after_us
    if earliest_us is not None and latest_us is not None and earliest_us > latest_us:
        raise click.UsageError(
            f"--not-before {reading.not_before} is later than --not-after {reading.not_after}, "
            "so that no time is plausible. Exchange them.",
            click.get_current_context(),
        )


def refuse_what_the_engine_lacks(options: Mapping[str, Any]) -> None:
    """Refuse options that would mean nothing to the engine.

    Raises:
        click.UsageError: See there.
    """
    if options["engine"] != "spark":
        if options["spark_conf"]:
            raise click.UsageError("'--spark-conf' needs '--engine spark'.")
        return
    for name in ("threads", "memory_limit", "temp_dir"):
        if options.get(name) is not None:
            flag = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{flag!r} is the local engine's. Spark has settings: see '--spark-conf'.")
