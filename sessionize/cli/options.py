"""The options, in the groups in which commands take them.

Each group is a list for click's `params=`. A default that is shown here is decided by the library
(`SessionRules`, `ReadOptions`); an option that is not given is not passed on. Choices are written out,
because importing the library to list them would slow every `--help` down; tests hold them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import Option, section
from sessionize.cli.config import load_config
from sessionize.cli.console import Console

if TYPE_CHECKING:
    from sessionize.reading.options import ReadOptions
    from sessionize.rules import SessionRules

RULES_NAMES = ("by", "timeout", "boundary", "split_daily", "timezone", "tie_break", "agg", "prefix")
READING_NAMES = (
    *("time", "time_format", "time_unit", "timezone", "dst_policy", "type", "null_value"),
    *("include", "exclude", "not_before", "not_after", "input_format", "csv_delimiter", "encoding"),
)
FIELDS = {"type": "types"}
"""Options whose name in the library is another."""
INSTANT = (str, date, datetime)
NOT_GIVEN: tuple[object, ...] = (None, ())


def checked_by_rules(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `SessionRules` judge one option alone, so that its complaint names the option."""
    from sessionize.rules import SessionRules

    return _checked(value, lambda: SessionRules(**{str(option.name): value}))


def checked_by_resources(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `Resources` judge the memory limit."""
    from sessionize.resources import Resources

    return _checked(value, lambda: Resources(memory_limit=value))


def checked_by_reading(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `ReadOptions` judge one option alone, so that its complaint names the option."""
    from sessionize.reading.options import ReadOptions

    name = str(option.name)
    return _checked(value, lambda: ReadOptions(**{FIELDS.get(name, name): value}))


def checked_as_instant(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `ReadOptions` judge a time that is none of its own."""
    from sessionize.reading.options import ReadOptions

    return _checked(value, lambda: ReadOptions().instant_us(value))


def checked_as_limit(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `RejectLimit` judge a number of rows, or a share of them."""
    from sessionize.rejects import RejectLimit

    return _checked(value, lambda: RejectLimit.parse(value))


def _checked(value: Any, judge: Callable[[], object]) -> Any:
    if value not in NOT_GIVEN:
        try:
            judge()
        except (ValueError, TypeError) as error:
            raise click.BadParameter(str(error)) from None
    return value


def _rule(*flags: str, **attributes: Any) -> Option:
    return Option(*flags, callback=checked_by_rules, **attributes)


def _reading(*flags: str, **attributes: Any) -> Option:
    return Option(*flags, callback=checked_by_reading, **attributes)


INPUTS = click.Argument(["inputs"], metavar="INPUT...", nargs=-1, required=True, type=click.Path())

RULES = section(
    "What a session is",
    _rule(
        "--by",
        multiple=True,
        metavar="COL",
        shown_default="user_id",
        help="Identity: the column whose events belong together; repeat for several.",
    ),
    _rule(
        "--timeout",
        metavar="DURATION",
        shown_default="30m",
        help="A gap longer than this opens a new session: 30m, 1h30m, 900s, PT30M; none switches it off.",
    ),
    Option(
        "--boundary",
        type=click.Choice(["exceeds", "reaches"]),
        shown_default="exceeds",
        help="Whether a gap must exceed or only reach the timeout.",
    ),
    Option(
        "--split-daily/--no-split-daily",
        default=None,
        shown_default="no-split-daily",
        help="Open a new session on each new local day.",
    ),
    _rule(
        "--timezone",
        metavar="ZONE",
        shown_default="UTC",
        help="IANA zone of local days and of times without an offset.",
    ),
    _rule(
        "--tie-break",
        multiple=True,
        metavar="COL",
        help="Order events of one identity at the same microsecond by this column; repeatable.",
    ),
    _rule(
        "--agg",
        multiple=True,
        metavar="NAME=FUNC:COL",
        help="Add a column, by first, last, min, max, sum, mean, count, count_if:COL,VALUE, any, all, "
        "nunique or set; repeatable.",
    ),
    _rule("--prefix", metavar="TEXT", help="Text before the names of the columns that sessionize adds."),
)

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


def rules_options(options: Mapping[str, Any]) -> SessionRules:
    """Make the session rules of the options that were given; each of them has been judged."""
    from sessionize.rules import SessionRules

    return SessionRules(**_given(options, RULES_NAMES))


def reading_options(options: Mapping[str, Any]) -> ReadOptions:
    """Make the reading options of the options that were given; each of them has been judged."""
    from sessionize.reading.options import ReadOptions

    return ReadOptions(**_given(options, READING_NAMES))


def _given(options: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Pick only what was given, so that every default is decided in one place: the library."""
    return {FIELDS.get(name, name): options[name] for name in names if options[name] not in NOT_GIVEN}
