"""What a session is, as one frozen value: `SessionRules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, cast, get_args

from attrs import Attribute, asdict, evolve, field, frozen

from sessionize.conditions import Condition, read_conditions
from sessionize.durations import MICROSECOND, SECOND, format_duration, parse_duration
from sessionize.spelling import closest
from sessionize.zones import Zone

Boundary = Literal["exceeds", "reaches"]
AggregateFunction = Literal[
    "first", "last", "min", "max", "sum", "mean", "count", "count_if", "any", "all", "nunique", "set"
]

SHORTEST = SECOND


@frozen
class Aggregate:
    """One extra column of the sessions table: a function over a column of the session's events.

    Attributes:
        name: The column's name in the sessions table.
        function: One of `first`, `last`, `min`, `max`, `sum`, `mean`, `count`, `count_if`, `any`,
            `all`, `nunique`, `set`.
        column: The log's column that it reads.
        argument: The value that `count_if` counts, as text; None for every other function.
    """

    name: str
    function: AggregateFunction
    column: str
    argument: str | None = None

    @classmethod
    def parse(cls, name: str, text: str) -> Aggregate:
        """Read `FUNC:COL` or `count_if:COL,VALUE`.

        Raises:
            ValueError: For an unknown function, a missing column, or a misplaced argument.

        Example:
            >>> Aggregate.parse("buys", "count_if:event,purchase").argument
            'purchase'
        """
        function, colon, rest = text.partition(":")
        if not name or not colon or not rest:
            raise ValueError(f"aggregate {name}={text}: write NAME=FUNC:COL, such as landing=first:page.")
        if function not in get_args(AggregateFunction):
            known = ", ".join(get_args(AggregateFunction))
            raise ValueError(
                f"aggregate {name}={text!r}: no function {function!r}"
                f"{closest(function, get_args(AggregateFunction))} Known: {known}."
            )
        column, argument = rest, None
        if function == "count_if":
            column, comma, argument = rest.partition(",")
            if not comma:
                raise ValueError(f"aggregate {name}={text!r}: count_if needs a value, as count_if:COL,VALUE.")
        return cls(name, cast("AggregateFunction", function), column, argument)

    def __str__(self) -> str:
        """Write the aggregate as `parse` reads it, without its name."""
        return f"{self.function}:{self.column}" + ("" if self.argument is None else f",{self.argument}")


def _names(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _duration(value: object) -> timedelta | None:
    return None if value is None or value == "none" else parse_duration(value)


def _whole_number(value: object) -> int | None:
    if value is None or value == "none":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"max_events is a whole number, not {value!r}.")
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"max_events {value!r} is no whole number.") from None


def _column_or_none(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"dedupe is the name of one column, not {value!r}.")
    return None if value == "none" else value


def _starts(given: Any) -> tuple[Condition, ...]:
    return read_conditions("split_before", given)


def _ends(given: Any) -> tuple[Condition, ...]:
    return read_conditions("split_after", given)


def _aggregates(value: Mapping[str, str] | Iterable[Aggregate | str]) -> tuple[Aggregate, ...]:
    if isinstance(value, str):
        raise TypeError(
            f"agg is a mapping or a list, not text: write {{'landing': 'first:page'}}, not {value!r}."
        )
    if isinstance(value, Mapping):
        return tuple(Aggregate.parse(name, text) for name, text in value.items())
    return tuple(
        item if isinstance(item, Aggregate) else Aggregate.parse(*item.partition("=")[::2]) for item in value
    )


def _zone_name(value: str) -> str:
    return Zone.named(value).name


def _flag(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name} is True or False, not {value!r}.")


def _distinct(instance: object, attribute: Attribute[Any], names: tuple[object, ...]) -> None:
    if repeated := [name for index, name in enumerate(names) if name in names[:index]]:
        raise ValueError(f"{attribute.name}: {repeated[0]!r} is given twice.")


def _at_least_one(instance: object, attribute: Attribute[Any], names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError(f"{attribute.name}: name at least one column.")


def _long_enough(instance: object, attribute: Attribute[Any], limit: timedelta | None) -> None:
    if limit is not None and limit < SHORTEST:
        raise ValueError(
            f"{attribute.name} {format_duration(limit)}: the minimum is 1s. Write none to switch it off."
        )


def _holds_an_event(instance: object, attribute: Attribute[Any], limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError(f"max_events {limit}: the minimum is 1. Write none to switch it off.")


def _known_boundary(instance: object, attribute: Attribute[Any], boundary: str) -> None:
    if boundary not in get_args(Boundary):
        measured, limit = ("gap", "timeout") if attribute.name == "boundary" else ("duration", "limit")
        raise ValueError(
            f"{attribute.name} {boundary!r}: "
            f"write exceeds ({measured} > {limit}) or reaches ({measured} ≥ {limit})."
        )


def _distinct_outputs(instance: object, attribute: Attribute[Any], agg: tuple[Aggregate, ...]) -> None:
    _distinct(instance, attribute, tuple(aggregate.name for aggregate in agg))


@frozen(kw_only=True)
class SessionRules:
    """What a session is; two runs under equal rules over equal events give equal sessions.

    Values are accepted as people write them and kept normalised.

    Attributes:
        by: The identity: one or more column names (a lone name may be given as text).
        timeout: A gap longer than this opens a new session; None (or `"none"`) switches it off.
            Text needs a unit (`30m`, `PT30M`); the minimum is one second.
        boundary: `exceeds` (default): a gap > timeout opens a session; `reaches`: a gap ≥ timeout.
        split_daily: Whether a new local day opens a new session.
        timezone: IANA name of the zone of local days, of dates, and of times without an offset.
        split_on: Columns of which another value than the session's opens a new session; nulls
            neither do nor are remembered.
        split_from_null: Whether the first value of such a column does so too, where the session has
            had only nulls.
        split_before: Start markers, `COL=VALUE`: an event that matches one opens a session.
        split_after: End markers, `COL=VALUE`: the event after one that matches opens a session.
        max_duration: No event joins a session that started so long ago; at least one second.
        max_duration_boundary: `reaches` (default): time − start ≥ limit opens a new session;
            `exceeds`: time − start > limit.
        max_events: No event joins a session that holds so many.
        dedupe: Column that tells a re-delivered event: of an identity's events of one time and one
            value of it, the first counts.
        tie_break: Columns that order events of one identity at one microsecond, ascending by
            value, nulls last.
        agg: Extra columns: `{"landing": "first:page"}`, or `["landing=first:page"]`.
        prefix: Text before the names of the columns that sessionize adds.
        based_on: The preset that these rules started from, for the record: equal rules are equal
            wherever they come from.

    Raises:
        ValueError: For a value outside its domain.
        TypeError: For a value of the wrong kind.

    Example:
        >>> rules = SessionRules(by="device_id", timeout="15m")
        >>> rules.by, rules.timeout
        (('device_id',), datetime.timedelta(seconds=900))
    """

    by: tuple[str, ...] = field(default=("user_id",), converter=_names, validator=[_at_least_one, _distinct])
    timeout: timedelta | None = field(
        default=timedelta(minutes=30), converter=_duration, validator=_long_enough
    )
    boundary: Boundary = field(default="exceeds", validator=_known_boundary)
    split_daily: bool = field(default=False, validator=_flag)
    timezone: str = field(default="UTC", converter=_zone_name)
    split_on: tuple[str, ...] = field(default=(), converter=_names, validator=_distinct)
    split_from_null: bool = field(default=False, validator=_flag)
    split_before: tuple[Condition, ...] = field(default=(), converter=_starts, validator=_distinct)
    split_after: tuple[Condition, ...] = field(default=(), converter=_ends, validator=_distinct)
    max_duration: timedelta | None = field(default=None, converter=_duration, validator=_long_enough)
    max_duration_boundary: Boundary = field(default="reaches", validator=_known_boundary)
    max_events: int | None = field(default=None, converter=_whole_number, validator=_holds_an_event)
    dedupe: str | None = field(default=None, converter=_column_or_none)
    tie_break: tuple[str, ...] = field(default=(), converter=_names, validator=_distinct)
    agg: tuple[Aggregate, ...] = field(default=(), converter=_aggregates, validator=_distinct_outputs)
    prefix: str = ""
    based_on: str | None = field(default=None, eq=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what could only be ignored."""
        if self.split_from_null and not self.split_on:
            raise ValueError("split_from_null says nothing without split_on. Name a column with split_on.")
        if self.max_duration_boundary == "exceeds" and self.max_duration is None:
            raise ValueError("max_duration_boundary says nothing without max_duration.")
        for column in self.split_on:
            if column in self.by:
                raise ValueError(f"split_on: {column!r} is part of the identity, so it never changes.")

    @classmethod
    def preset(cls, name: str) -> SessionRules:
        """Return the session definition of a known system, as of `sessionize presets`.

        Raises:
            ValueError: For a name that no preset has.

        Example:
            >>> SessionRules.preset("matomo").boundary
            'reaches'
        """
        from sessionize.presets import preset

        return preset(name).rules

    @property
    def timeout_us(self) -> int | None:
        """The timeout in microseconds, or None where there is none."""
        return None if self.timeout is None else self.timeout // MICROSECOND

    @property
    def max_duration_us(self) -> int | None:
        """The longest duration in microseconds, or None where there is none."""
        return None if self.max_duration is None else self.max_duration // MICROSECOND

    @property
    def zone(self) -> Zone:
        """The time zone of local days and of times without an offset."""
        return Zone.named(self.timezone)

    @property
    def is_sequential(self) -> bool:
        """Whether an identity's events must be walked in order: a rule asks for more than times."""
        return bool(self.in_order_columns) or self.max_duration is not None or self.max_events is not None

    @property
    def in_order_columns(self) -> tuple[str, ...]:
        """The columns of the sequential rules, each once: after `tie_break`, they order what is level."""
        markers = [column for column, _ in (*self.split_before, *self.split_after)]
        dedupe = [] if self.dedupe is None else [self.dedupe]
        return tuple(dict.fromkeys([*self.split_on, *markers, *dedupe]))

    @property
    def columns(self) -> tuple[str, ...]:
        """The log's columns that these rules read, apart from the time, each once."""
        return tuple(dict.fromkeys([*self.by, *self.event_columns]))

    @property
    def event_columns(self) -> tuple[str, ...]:
        """Those that say something of an event, not of whose it is, each once."""
        aggregated = [aggregate.column for aggregate in self.agg]
        return tuple(dict.fromkeys([*self.tie_break, *self.in_order_columns, *aggregated]))

    def evolve(self, **changes: Any) -> SessionRules:
        """Return these rules with some values changed; what belongs to a rule goes with it.

        Example:
            >>> SessionRules().evolve(timeout="45m").timeout
            datetime.timedelta(seconds=2700)
            >>> SessionRules.preset("matomo").evolve(split_on=[]).split_from_null
            False
        """
        if "split_on" in changes and not changes["split_on"]:
            changes = {"split_from_null": False} | changes
        if changes.get("max_duration", self.max_duration) in (None, "none"):
            changes = {"max_duration_boundary": "reaches"} | changes
        return evolve(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return the rules as plain values that JSON can hold and `SessionRules(**...)` reads back.

        Example:
            >>> SessionRules(**SessionRules(timeout=None).as_dict()) == SessionRules(timeout=None)
            True
        """
        plain = asdict(self, recurse=False, filter=lambda attribute, _: attribute.name != "based_on")
        for name in ("by", "split_on", "tie_break"):
            plain[name] = list(plain[name])
        for name in ("split_before", "split_after"):
            plain[name] = [list(condition) for condition in plain[name]]
        for name in ("timeout", "max_duration"):
            plain[name] = "none" if plain[name] is None else format_duration(plain[name])
        plain["max_events"] = "none" if self.max_events is None else self.max_events
        plain["agg"] = {aggregate.name: str(aggregate) for aggregate in self.agg}
        return plain
