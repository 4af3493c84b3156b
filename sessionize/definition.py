"""Keywords as people give them, sorted into what a session is and how the log is read."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar

from attrs import fields

from sessionize.reading.options import InputFormat, ReadOptions, TimeUnit
from sessionize.rules import Aggregate, Boundary, SessionRules
from sessionize.spelling import closest
from sessionize.zones import DstPolicy

if TYPE_CHECKING:
    import numpy as np

Args = ParamSpec("Args")
Result = TypeVar("Result")

RULES = frozenset(field.name for field in fields(SessionRules)) - {"based_on"}
READING = frozenset(field.name for field in fields(ReadOptions))
KEYWORDS = RULES | READING | {"preset"}


class Definition(TypedDict, total=False):
    """Every keyword that says what a session is (`SessionRules`) or how to read the log (`ReadOptions`)."""

    preset: str
    by: str | Iterable[str]
    timeout: str | timedelta | np.timedelta64 | None
    boundary: Boundary
    split_daily: bool
    timezone: str
    split_on: str | Iterable[str]
    split_from_null: bool
    split_before: Mapping[str, object] | Iterable[str]
    split_after: Mapping[str, object] | Iterable[str]
    max_duration: str | timedelta | np.timedelta64 | None
    max_duration_boundary: Boundary
    max_events: int | None
    dedupe: str | None
    tie_break: str | Iterable[str]
    agg: Mapping[str, str] | Iterable[Aggregate | str]
    prefix: str
    time: str
    time_format: str | Iterable[str]
    time_unit: TimeUnit | None
    dst_policy: DstPolicy
    types: Mapping[str, str] | Iterable[str]
    null_value: str | Iterable[str]
    include: Mapping[str, object] | Sequence[str]
    exclude: Mapping[str, object] | Sequence[str]
    not_before: str | date | None
    not_after: str | date | None
    input_format: InputFormat | None
    csv_delimiter: str | None
    encoding: str


def define(
    rules: SessionRules | None, reading: ReadOptions | None, definition: Mapping[str, Any]
) -> tuple[SessionRules, ReadOptions]:
    """Make rules and reading options out of keywords; a keyword overrides the value it names.

    The time zone is the rules': times without an offset are read in the zone whose days count.

    Args:
        rules: What a session is before the keywords; None for the defaults.
        reading: How the log is read before the keywords; None for the defaults.
        definition: Keywords of `Definition`; `preset` stands in the place of `rules`.

    Raises:
        TypeError: For an unknown keyword.
        ValueError: For a value outside its domain.

    Warns:
        UserWarning: For a preset that splits daily, or rules based on one, without a time zone.
    """
    for name in definition:
        if name not in KEYWORDS:
            raise TypeError(f"unknown keyword {name!r}{closest(name, KEYWORDS)}")
    if definition.get("preset") is not None:
        if rules is not None:
            raise ValueError("rules and preset both say what a session is. Give one of them.")
        rules = SessionRules.preset(definition["preset"])
    rules = (rules or SessionRules()).evolve(
        **{name: definition[name] for name in definition if name in RULES}
    )
    if "timezone" not in definition:
        _warn_of_midnight(rules)
    own = {name: definition[name] for name in definition if name in READING - RULES}
    return rules, (reading or ReadOptions()).evolve(**own, timezone=rules.timezone)


def _warn_of_midnight(rules: SessionRules) -> None:
    """Warn whoever called our caller where a preset's midnight is nobody's choice."""
    if rules.based_on is None or not rules.split_daily or rules.timezone != SessionRules().timezone:
        return
    from sessionize.presets import preset

    if notice := preset(rules.based_on).zone_notice:
        warnings.warn(notice, UserWarning, stacklevel=4)


def shows_definition(function: Callable[Args, Result]) -> Callable[Args, Result]:
    """Let a function that takes `**definition` show every keyword with its default, as notebooks ask."""
    shown = signature(function)
    explicit = [parameter for parameter in shown.parameters.values() if parameter.name != "definition"]
    keywords = {field.name: field for field in (*fields(SessionRules), *fields(ReadOptions))}
    expanded = [Parameter("preset", Parameter.KEYWORD_ONLY, default=None)] + [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=getattr(SessionRules() if name in RULES else ReadOptions(), name),
        )
        for name in keywords
        if name in KEYWORDS
    ]
    function.__signature__ = shown.replace(parameters=[*explicit, *expanded])  # type: ignore[attr-defined]  # read by inspect
    return function
