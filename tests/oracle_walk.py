"""The oracle's walk: the order of one identity's events, and what opens a session.

As plain as `oracle.py`, of which it is a part, and which says what was decided where SEMANTICS.md is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isnan
from typing import Any
from uuid import UUID

from tests import clocks

Row = dict[str, Any]
Condition = tuple[str, str]

MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Aggregation:
    """One extra column: `function` over the events' values of `column`."""

    name: str
    function: str
    column: str
    argument: str | None = None


@dataclass(frozen=True)
class Rules:
    """What a session is and which rows count, with the defaults of SEMANTICS.md."""

    by: tuple[str, ...] = ("user_id",)
    time: str = "timestamp"
    timeout_us: int | None = 30 * MINUTE_US
    boundary: str = "exceeds"
    split_daily: bool = False
    timezone: str = "UTC"
    dst_policy: str = "earlier"
    split_on: tuple[str, ...] = ()
    split_from_null: bool = False
    split_before: tuple[Condition, ...] = ()
    split_after: tuple[Condition, ...] = ()
    max_duration_us: int | None = None
    max_duration_boundary: str = "reaches"
    max_events: int | None = None
    dedupe: str | None = None
    tie_break: tuple[str, ...] = ()
    agg: tuple[Aggregation, ...] = ()
    include: tuple[Condition, ...] = ()
    exclude: tuple[Condition, ...] = ()
    not_before: int | None = None
    not_after: int | None = None
    as_of: int | None = None

    @property
    def rule_columns(self) -> tuple[str, ...]:
        """The columns of the sequential rules, in the order given."""
        markers = [column for column, _ in self.split_before + self.split_after]
        return (*self.split_on, *markers, *(() if self.dedupe is None else (self.dedupe,)))

    @property
    def is_sequential(self) -> bool:
        """Whether a rule asks for more than times."""
        return bool(self.rule_columns) or self.max_duration_us is not None or self.max_events is not None


@dataclass(frozen=True)
class Event:
    """A usable row: its identity, its instant, the row itself, and its place in the input, from 1."""

    identity: tuple[Any, ...]
    time_us: int
    row: Row
    record: int


@dataclass
class Session:
    """Consecutive events of one identity, why the first of them opened it, and its number at its start."""

    start_reason: str
    ordinal: int = 1
    events: list[Event] = field(default_factory=list)

    @property
    def start_us(self) -> int:
        """The time of its first event."""
        return self.events[0].time_us

    @property
    def end_us(self) -> int:
        """The time of its last event."""
        return self.events[-1].time_us

    def last_value(self, column: str) -> Any:
        """The last value of a column that is not null; None where it has had only nulls."""
        return next((e.row[column] for e in reversed(self.events) if e.row[column] is not None), None)


# ---------------------------------------------------------------- values


def is_value(value: Any, text: str) -> bool:
    """Whether a value of a row is the one that an option's text names."""
    if value is None:
        return False
    read: dict[type, Callable[[str], Any]] = {
        bool: lambda t: t.lower() in ("true", "1"),
        int: int,
        float: float,
        Decimal: Decimal,
        date: date.fromisoformat,
        datetime: lambda t: datetime.fromisoformat(t).replace(tzinfo=UTC),
        UUID: UUID,
        str: str,
    }
    return bool(value == read[type(value)](text))


def value_key(value: Any) -> tuple[Any, ...]:
    """Ascending by value: numbers numerically, NaN last, text and binary by bytes, nulls last."""
    if value is None:
        return (2,)
    if isinstance(value, float) and isnan(value):
        return (1,)
    if isinstance(value, str):
        return (0, value.encode())
    return (0, value.bytes if isinstance(value, UUID) else value)


def clean(value: Any) -> Any:
    """Write −0.0 as 0.0."""
    return value + 0.0 if isinstance(value, float) else value


# ---------------------------------------------------------------- order


def moment_key(event: Event, rules: Rules) -> tuple[Any, ...]:
    """The order of one identity's events by themselves: time, then the tie-break columns."""
    return (event.time_us, *(value_key(event.row[column]) for column in rules.tie_break))


def order_key(event: Event, rules: Rules) -> tuple[Any, ...]:
    """The order in which they are walked: then the rules' columns. Events with one key are level."""
    return (*moment_key(event, rules), *(value_key(event.row[column]) for column in rules.rule_columns))


def delivered_once(events: Iterable[Event], rules: Rules) -> Iterator[Event]:
    """Of one identity's events in order, those of which none before has the same time and delivery id."""
    seen = set()
    for event in events:
        delivery = None if rules.dedupe is None else event.row[rules.dedupe]
        key = (event.time_us, value_key(delivery))
        if delivery is None or key not in seen:
            yield event
        seen.add(key)


# ---------------------------------------------------------------- sessions


def sessions_of(
    events: Iterable[Event], rules: Rules, level_key: Callable[[Event], Any] = lambda event: event.record
) -> list[Session]:
    """One identity's sessions in time order, each with its events in order.

    Args:
        events: The identity's events.
        rules: What a session is.
        level_key: The order of events that the rules leave level: by input position unless told.
            It decides which of them a session gets and dedupe keeps, never where a session opens.
    """
    in_order = sorted(events, key=lambda event: (order_key(event, rules), level_key(event)))
    return walk(delivered_once(in_order, rules), rules)


def walk(events: Iterable[Event], rules: Rules) -> list[Session]:
    """Go through one identity's events in order and open a session wherever a rule says so."""
    sessions: list[Session] = []
    for event in events:
        latest = sessions[-1] if sessions else None
        reason = opening_reason(event, latest, rules)
        if reason is not None:
            sessions.append(Session(reason, _ordinal(event, latest)))
        sessions[-1].events.append(event)
    return sessions


def _ordinal(event: Event, latest: Session | None) -> int:
    """The number of the session that an event opens among those of its identity with its start, from 1."""
    return latest.ordinal + 1 if latest is not None and latest.start_us == event.time_us else 1


def opening_reason(event: Event, session: Session | None, rules: Rules) -> str | None:
    """Why an event opens a session, given the one that is open; None where it joins it.

    The first rule that holds gives the reason, in the order of SEMANTICS.md. All that a rule
    remembers is in the open session, so that it restarts at every split.
    """
    if opens_by_inactivity(event, session, rules):
        return "inactivity"
    if session is None or (rules.split_daily and _day(event, rules) != _day(session.events[-1], rules)):
        return "calendar"
    for column in rules.split_on:
        if is_change(event.row[column], session.last_value(column), rules):
            return f"change:{column}"
    if is_marked(event, rules.split_before) or is_marked(session.events[-1], rules.split_after):
        return "marker"
    if is_too_long(session, event.time_us, rules):
        return "max_duration"
    return "max_events" if is_full(session, rules) else None


def opens_by_inactivity(event: Event, session: Session | None, rules: Rules) -> bool:
    """Whether there is no earlier event, or the gap to it is too long.

    With nothing but days to open sessions, every session starts a day and none is owed to inactivity.
    """
    if session is None:
        return rules.timeout_us is not None or not rules.split_daily or rules.is_sequential
    return rules.timeout_us is not None and is_beyond(event.time_us - session.end_us, rules)


def is_beyond(gap_us: int, rules: Rules) -> bool:
    """Whether a gap separates: longer than the timeout, or as long where the boundary is `reaches`."""
    assert rules.timeout_us is not None
    return gap_us > rules.timeout_us or (gap_us == rules.timeout_us and rules.boundary == "reaches")


def is_change(value: Any, last_value: Any, rules: Rules) -> bool:
    """Whether a value is another than the session's last one; a null never is, nor is it remembered."""
    if value is None:
        return False
    if last_value is None:
        return rules.split_from_null
    return value_key(value) != value_key(last_value)


def is_marked(event: Event, markers: Sequence[Condition]) -> bool:
    """Whether an event matches any of the markers."""
    return any(is_value(event.row[column], text) for column, text in markers)


def is_too_long(session: Session, time_us: int, rules: Rules) -> bool:
    """Whether a session started too long ago to take an event of this time."""
    if rules.max_duration_us is None:
        return False
    lasts_us = time_us - session.start_us
    is_exact = lasts_us == rules.max_duration_us
    return lasts_us > rules.max_duration_us or (is_exact and rules.max_duration_boundary == "reaches")


def is_full(session: Session, rules: Rules) -> bool:
    """Whether a session holds as many events as it may."""
    return rules.max_events is not None and len(session.events) >= rules.max_events


def is_closed(session: Session, watermark_us: int, rules: Rules) -> bool:
    """Whether no event at or after the watermark could join an identity's last session."""
    last = session.events[-1]
    if rules.timeout_us is not None and is_beyond(watermark_us - session.end_us, rules):
        return True
    if rules.split_daily and clocks.local_day(rules.timezone, watermark_us) > _day(last, rules):
        return True
    return (
        is_marked(last, rules.split_after)
        or is_too_long(session, watermark_us, rules)
        or is_full(session, rules)
    )


def _day(event: Event, rules: Rules) -> int:
    return clocks.local_day(rules.timezone, event.time_us)
