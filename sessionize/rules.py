"""What a session is, as one frozen value: `SessionRules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, cast, get_args

from attrs import Attribute, asdict, evolve, field, frozen

from sessionize.durations import MICROSECOND, SECOND, format_duration, parse_duration
from sessionize.spelling import closest
from sessionize.zones import Zone

Boundary = Literal["exceeds", "reaches"]
AggregateFunction = Literal[
    "first", "last", "min", "max", "sum", "mean", "count", "count_if", "any", "all", "nunique", "set"
]

MINIMUM_TIMEOUT = SECOND


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


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _timeout(value: object) -> timedelta | None:
    return None if value is None or value == "none" else parse_duration(value)


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


def _distinct(instance: object, attribute: Attribute[Any], names: tuple[object, ...]) -> None:
    if repeated := [name for index, name in enumerate(names) if name in names[:index]]:
        raise ValueError(f"{attribute.name}: {repeated[0]!r} is given twice.")


def _at_least_one(instance: object, attribute: Attribute[Any], names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError(f"{attribute.name}: name at least one column.")


def _long_enough(instance: object, attribute: Attribute[Any], timeout: timedelta | None) -> None:
    if timeout is not None and timeout < MINIMUM_TIMEOUT:
        raise ValueError(
            f"timeout {format_duration(timeout)}: the minimum is 1s. Write none to switch it off."
        )


def _known_boundary(instance: object, attribute: Attribute[Any], boundary: str) -> None:
    if boundary not in get_args(Boundary):
        raise ValueError(f"boundary {boundary!r}: write exceeds (gap > timeout) or reaches (gap ≥ timeout).")


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
        tie_break: Columns that order events of one identity at one microsecond, ascending by
            value, nulls last; only `first` and `last` can see it.
        agg: Extra columns: `{"landing": "first:page"}`, or `["landing=first:page"]`.
        prefix: Text before the names of the columns that sessionize adds.

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
        default=timedelta(minutes=30), converter=_timeout, validator=_long_enough
    )
    boundary: Boundary = field(default="exceeds", validator=_known_boundary)
    split_daily: bool = False
    timezone: str = field(default="UTC", converter=_zone_name)
    tie_break: tuple[str, ...] = field(default=(), converter=_names, validator=_distinct)
    agg: tuple[Aggregate, ...] = field(default=(), converter=_aggregates, validator=_distinct_outputs)
    prefix: str = ""

    @property
    def timeout_us(self) -> int | None:
        """The timeout in microseconds, or None where there is none."""
        return None if self.timeout is None else self.timeout // MICROSECOND

    @property
    def zone(self) -> Zone:
        """The time zone of local days and of times without an offset."""
        return Zone.named(self.timezone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The log's columns that these rules read, apart from the time, each once."""
        read = [*self.by, *self.tie_break, *(aggregate.column for aggregate in self.agg)]
        return tuple(dict.fromkeys(read))

    def evolve(self, **changes: Any) -> SessionRules:
        """Return these rules with some values changed.

        Example:
            >>> SessionRules().evolve(timeout="45m").timeout
            datetime.timedelta(seconds=2700)
        """
        return evolve(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return the rules as plain values that JSON can hold and `SessionRules(**...)` reads back.

        Example:
            >>> SessionRules(**SessionRules(timeout=None).as_dict()) == SessionRules(timeout=None)
            True
        """
        plain = asdict(self, recurse=False)
        plain["by"] = list(self.by)
        plain["tie_break"] = list(self.tie_break)
        plain["timeout"] = "none" if self.timeout is None else format_duration(self.timeout)
        plain["agg"] = {aggregate.name: str(aggregate) for aggregate in self.agg}
        return plain
