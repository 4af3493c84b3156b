"""The options that say what a session is, and the rules that they make together.

`none` switches a rule of the preset off: alone, it is an empty list for a repeatable option.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from sessionize.cli.commands import Option, section
from sessionize.cli.console import Console
from sessionize.cli.given import checked, given

if TYPE_CHECKING:
    from sessionize.rules import SessionRules

_NONE = ("none",)
_LISTS = ("split_on", "split_before", "split_after", "tie_break", "agg")
"""The repeatable options that a lone `none` empties."""
_NO_COLUMN = ""

WITHOUT_TIMEOUT = "--boundary says nothing without a timeout. Leave it out, or give a --timeout."


def checked_by_rules(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let `SessionRules` judge one option alone, so that its complaint names the option."""
    from sessionize.rules import SessionRules

    name = str(option.name)
    if name in _LISTS and value == _NONE:
        return value
    # Whether a column to split on is one of the identity, all options together say.
    alone: dict[str, Any] = {"by": _NO_COLUMN} if name == "split_on" else {}
    return checked(value, lambda: SessionRules(**alone, **{name: value}))


def checked_as_preset(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Let the library say whether there is such a preset."""
    from sessionize.presets import preset

    return checked(value, lambda: preset(value))


def preset_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the presets that begin like this, for completion in the shell."""
    from sessionize.presets import PRESETS

    return [preset.name for preset in PRESETS if preset.name.startswith(incomplete)]


def _rule(*flags: str, **attributes: Any) -> Option:
    return Option(*flags, callback=checked_by_rules, **attributes)


_SESSIONS = section(
    "What a session is",
    Option(
        "--preset",
        metavar="NAME",
        callback=checked_as_preset,
        shell_complete=preset_names,
        help="Start from the definition of a known system, such as ga4 ('sessionize presets' lists them); "
        "every option given beside it overrides its own.",
    ),
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
        "--dedupe",
        metavar="COL",
        help="Count only the first of an identity's events that share a time and a value of this column.",
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

_SPLITS = section(
    "What else opens a new session",
    Option(
        "--split-daily/--no-split-daily",
        default=None,
        shown_default="no-split-daily",
        help="A new local day.",
    ),
    _rule(
        "--split-on",
        multiple=True,
        metavar="COL",
        help="Another value of this column than the session's; nulls say nothing. Repeatable; "
        "none drops those of a preset, as with the other lists.",
    ),
    Option(
        "--split-from-null/--no-split-from-null",
        default=None,
        shown_default="no-split-from-null",
        help="With --split-on: also the first value, where the session has had only nulls.",
    ),
    _rule(
        "--split-before",
        multiple=True,
        metavar="COL=VALUE",
        help="An event with this value opens a session, such as event=app_open; repeatable.",
    ),
    _rule(
        "--split-after",
        multiple=True,
        metavar="COL=VALUE",
        help="The event after one with this value does, such as event=logout; repeatable.",
    ),
    _rule(
        "--max-duration",
        metavar="DURATION",
        shown_default="none",
        help="An event so long after the session's first one.",
    ),
    Option(
        "--max-duration-boundary",
        type=click.Choice(["exceeds", "reaches"]),
        shown_default="reaches",
        help="Whether it must exceed or only reach the maximum.",
    ),
    _rule(
        "--max-events",
        metavar="N",
        file_types=(str, int),
        shown_default="none",
        help="An event, where the session already holds so many.",
    ),
)

RULES = _SESSIONS + _SPLITS
_NAMES = tuple(str(option.name) for option in RULES if option.name != "preset")


def rules_options(options: Mapping[str, Any]) -> SessionRules:
    """Make the session rules of the options that were given; each of them has been judged.

    A daily preset without a time zone is noticed on the console.

    Args:
        options: The values of `RULES`, by name.

    Returns:
        The preset's rules, or the defaults, with what was given in place of their own.

    Raises:
        click.UsageError: For options that contradict each other.
    """
    from sessionize.presets import preset
    from sessionize.rules import SessionRules

    changes = {name: () if value == _NONE else value for name, value in given(options, _NAMES).items()}
    if options["preset"] is None:
        return _changed(SessionRules(), changes)
    chosen = preset(options["preset"])
    rules = _changed(chosen.rules, changes)
    if chosen.zone_notice and rules.split_daily and "timezone" not in changes:
        click.get_current_context().ensure_object(Console).notice(chosen.zone_notice)
    return rules


def _changed(base: SessionRules, changes: Mapping[str, Any]) -> SessionRules:
    if contradiction := _contradiction(base, changes):
        raise click.UsageError(contradiction, click.get_current_context())
    return base.evolve(**changes)


def _contradiction(base: SessionRules, changes: Mapping[str, Any]) -> str | None:
    """Say, in options, what `SessionRules` would refuse, and what could only be ignored."""
    by, split_on = (changes.get(name, getattr(base, name)) for name in ("by", "split_on"))
    if shared := [column for column in split_on if column in by]:
        return (
            f"--split-on and --by both name {shared[0]!r}: what is part of the identity never changes. "
            "Name another column, or switch it off with --split-on none."
        )
    if changes.get("split_from_null") and not split_on:
        return "--split-from-null says nothing without --split-on. Name a column with --split-on."
    if "boundary" in changes and changes.get("timeout", base.timeout) in (None, "none"):
        return WITHOUT_TIMEOUT
    has_maximum = changes.get("max_duration", base.max_duration) not in (None, "none")
    if "max_duration_boundary" in changes and not has_maximum:
        return "--max-duration-boundary says nothing without --max-duration. Give a limit, such as 24h."
    return None
