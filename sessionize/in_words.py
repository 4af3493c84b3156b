"""Rules as people say them: in sentences, and as options of the command line.

Everything is made from the `SessionRules`, so that words and rules cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sessionize.durations import format_duration
from sessionize.rules import Boundary, SessionRules

_NAMING = ("tie_break", "split_on", "split_before", "split_after", "dedupe", "agg")
"""The rules that name columns of the log, apart from the identity."""


def opens(rules: SessionRules) -> list[str]:
    """Say when an event opens a session: it does when any of the conditions holds.

    Returns:
        Conditions in the order of precedence, as ends of "An event opens a session when …".

    Example:
        >>> opens(SessionRules(max_events=2))
        ['it is the first of its user_id, or more than 30m ...', 'the session already holds 2 events']
    """
    return list(_openings(rules))


def _openings(rules: SessionRules) -> Iterator[str]:
    yield _first_or_late(rules)
    if rules.split_daily:
        yield f"its local day (in {rules.timezone}) is not that of the event before"
    for column in rules.split_on:
        yield f"its {column} is another than the session's" + (
            ", or the session had none until then" if rules.split_from_null else ""
        )
    for column, value in rules.split_before:
        yield f"its {column} is {value}"
    for column, value in rules.split_after:
        yield f"the event before had {column} {value}"
    if rules.max_duration is not None:
        limit = _at_limit(format_duration(rules.max_duration), rules.max_duration_boundary)
        yield f"{limit} have passed since the session's first event"
    if rules.max_events is not None:
        yield f"the session already holds {_events(rules.max_events)}"


def _first_or_late(rules: SessionRules) -> str:
    first = f"it is the first of its {identity(rules)}"
    if rules.timeout is None:
        return first
    limit = _at_limit(format_duration(rules.timeout), rules.boundary)
    return f"{first}, or {limit} have passed since the one before"


def _at_limit(limit: str, boundary: Boundary) -> str:
    return f"more than {limit}" if boundary == "exceeds" else f"{limit} or more"


def closes(rules: SessionRules) -> list[str]:
    """Say when a session ends, and when it is known that it has.

    Example:
        >>> closes(SessionRules(timeout=None))[1]
        'It is known to be closed when its user_id has a later session.'
    """
    return [
        "It ends with its last event: the timeout is no part of it.",
        f"It is known to be closed when {', or when '.join(_closings(rules))}.",
    ]


def _closings(rules: SessionRules) -> Iterator[str]:
    yield f"its {identity(rules)} has a later session"
    if rules.timeout is not None:
        limit = _at_limit(format_duration(rules.timeout), rules.boundary)
        yield f"{limit} have passed since its last event"
    if rules.split_daily:
        yield "its local day is over"
    for column, value in rules.split_after:
        yield f"its last event has {column} {value}"
    if rules.max_duration is not None:
        limit = _at_limit(format_duration(rules.max_duration), rules.max_duration_boundary)
        yield f"{limit} have passed since its first event"
    if rules.max_events is not None:
        yield f"it holds {_events(rules.max_events)}"


def _events(number: int) -> str:
    return f"{number:,} event" + ("" if number == 1 else "s")


def identity(rules: SessionRules) -> str:
    """Name the identity.

    Example:
        >>> identity(SessionRules(by=["user_id", "site"]))
        'user_id and site'
    """
    return " and ".join(rules.by)


def as_options(rules: SessionRules, base: SessionRules | None = None) -> list[str]:
    """Write rules as words of a command line.

    Args:
        rules: What a session is.
        base: The rules to which the options are added; None for the defaults.

    Returns:
        Words, unquoted (`shlex.join` makes a line of them): exactly what turns `base` into `rules`.

    Example:
        >>> as_options(SessionRules(by="device_id", split_daily=True))
        ['--by', 'device_id', '--split-daily']
        >>> as_options(SessionRules(), base=SessionRules(split_daily=True, dedupe="event_id"))
        ['--no-split-daily', '--dedupe', 'none']
    """
    before, after = (base or SessionRules()).as_dict(), rules.as_dict()
    changed = {name: value for name, value in after.items() if value != before[name]}
    return [word for name, value in changed.items() for word in option(name, value)]


def option(name: str, value: Any) -> list[str]:
    """Write one plain value of `as_dict`, of rules or of reading options, as words of a command line."""
    flag = "type" if name == "types" else name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [word for text in _texts(value) for word in (f"--{flag}", text)]


def _texts(value: Any) -> list[str]:
    """Write a plain value of `SessionRules.as_dict` as the option takes it, once for each repetition."""
    if isinstance(value, Mapping):
        value = [f"{name}={text}" for name, text in value.items()]
    if isinstance(value, list):
        return [item if isinstance(item, str) else "=".join(item) for item in value] or ["none"]
    return ["none" if value is None else str(value)]


def named_by(rules: SessionRules) -> dict[str, str]:
    """Say by which options the rules name each column of the log, and how to name another.

    Returns:
        Sentences by column, for the message about a log that lacks the column.

    Example:
        >>> named_by(SessionRules.preset("matomo"))["utm_campaign"]
        'It is named by --split-on (of --preset matomo). Name yours there, or switch it off with ...'
    """
    sentences = {column: _naming(rules, column) for column in rules.event_columns}
    for column in _preset_by(rules):
        sentences[column] = f"It is the identity of --preset {rules.based_on}."
    return sentences


def _naming(rules: SessionRules, column: str) -> str:
    names = [name for name in _NAMING if column in _columns(rules, name)]
    flags = ["--" + name.replace("_", "-") for name in names]
    sources = [flag + _source(rules, name, column) for flag, name in zip(flags, names, strict=True)]
    off = " ".join(f"{flag} none" for flag in flags)
    return (
        f"It is named by {' and '.join(sources)}. "
        f"Name yours there, or switch {'it' if len(flags) == 1 else 'them'} off with {off}."
    )


def _columns(rules: SessionRules, name: str) -> list[str]:
    match name:
        case "agg":
            return [aggregate.column for aggregate in rules.agg]
        case "split_before" | "split_after":
            return [column for column, _ in getattr(rules, name)]
        case "dedupe":
            return [] if rules.dedupe is None else [rules.dedupe]
        case _:
            return list(getattr(rules, name))


def _source(rules: SessionRules, name: str, column: str) -> str:
    if rules.based_on is None or column not in _columns(SessionRules.preset(rules.based_on), name):
        return ""
    return f" (of --preset {rules.based_on})"


def _preset_by(rules: SessionRules) -> tuple[str, ...]:
    """The identity columns that nobody but the preset has named."""
    if rules.based_on is None or SessionRules.preset(rules.based_on).by != rules.by:
        return ()
    return rules.by
