"""SEMANTICS.md as plain Python: what every engine must give, one event at a time.

This page is meant to be read as the executable specification. It and `clocks.py` use the standard library
only (and the zone files of the `tzdata` package, which the contract names as part of a run) and
share no code with the package, so that the two can only agree by both being right.

Where SEMANTICS.md is silent, this page decides as follows:

* `min` and `max` follow the order of ties: NaN is the largest number, so `max` of 1.0 and NaN is NaN.
* `nunique` and `set` hold NaN once, and 0.0 and −0.0 as one value.
* `mean` is the exact sum over the count, rounded once to a float64, for decimals too.
* `--include` of one column with several values accepts any of them; several columns must all agree;
  `--exclude` leaves a row out on any match; a null matches nothing.
* A row is rejected for one reason, the first of: identity, time, implausible time.
* `--not-before` and `--not-after` are both inclusive.
* A zone's offsets outside the years 1 to 9999 are those of the nearest day inside.
* With both `--timeout none` and no daily split, an identity's last session is never closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import isnan
from typing import Any
from uuid import UUID

from tests import clocks

Row = dict[str, Any]

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
    tie_break: tuple[str, ...] = ()
    agg: tuple[Aggregation, ...] = ()
    include: tuple[tuple[str, str], ...] = ()
    exclude: tuple[tuple[str, str], ...] = ()
    not_before: int | None = None
    not_after: int | None = None
    as_of: int | None = None


@dataclass(frozen=True)
class Event:
    """A usable row: its identity, its instant, and the row itself."""

    identity: tuple[Any, ...]
    time_us: int
    row: Row


@dataclass
class Session:
    """Consecutive events of one identity, and why the first of them opened it."""

    start_reason: str
    events: list[Event] = field(default_factory=list)

    @property
    def start_us(self) -> int:
        """The time of its first event."""
        return self.events[0].time_us

    @property
    def end_us(self) -> int:
        """The time of its last event."""
        return self.events[-1].time_us


@dataclass
class Outcome:
    """All that a run promises: the sessions in order, and where every input row went."""

    sessions: list[Row]
    events: list[Event]
    input_rows: int
    filtered: int
    rejected: list[tuple[int, str]]
    dst_resolved: int
    open_sessions: int

    @property
    def rejected_by_reason(self) -> Counter[str]:
        """Rejected rows for each reason."""
        return Counter(reason for _, reason in self.rejected)


def sessionize(rows: Iterable[Row], rules: Rules) -> Outcome:
    """Find the sessions of a log.

    Args:
        rows: Input rows in input order. A time is an int (µs since the epoch, UTC), a `datetime`,
            a `date`, or text; None is null. Other values are plain Python values.
        rules: What a session is.

    Returns:
        Sessions in the promised order, rejected rows as (1-based record, reason), and the counts.
    """
    outcome = _judge(rows, rules)
    sessions: list[Session] = []
    for events in _by_identity(outcome.events).values():
        sessions += walk(sorted(events, key=lambda event: order_key(event, rules)), rules)
    sessions.sort(key=lambda session: (session.end_us, identity_key(session.events[0]), session.start_us))
    outcome.sessions = [_session_row(session, rules) for session in sessions]
    outcome.open_sessions = _count_open(sessions, rules)
    return outcome


# ---------------------------------------------------------------- which rows are events


def _judge(rows: Iterable[Row], rules: Rules) -> Outcome:
    outcome = Outcome([], [], 0, 0, [], 0, 0)
    for record, row in enumerate(rows, start=1):
        outcome.input_rows += 1
        if not is_wanted(row, rules):
            outcome.filtered += 1
            continue
        identity = tuple(row[column] for column in rules.by)
        time_us, problem = clocks.instant(row[rules.time], rules)
        if any(part is None for part in identity):
            outcome.rejected.append((record, "missing_identity"))
        elif time_us is None:
            outcome.rejected.append((record, problem))
        elif not is_plausible(time_us, rules):
            outcome.rejected.append((record, "implausible_time"))
        else:
            outcome.dst_resolved += problem != ""
            outcome.events.append(Event(identity, time_us, row))
    return outcome


def is_wanted(row: Row, rules: Rules) -> bool:
    """Whether include and exclude let a row through."""
    wanted: dict[str, list[str]] = {}
    for column, text in rules.include:
        wanted.setdefault(column, []).append(text)
    included = all(any(is_value(row[column], text) for text in texts) for column, texts in wanted.items())
    return included and not any(is_value(row[column], text) for column, text in rules.exclude)


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


def is_plausible(time_us: int, rules: Rules) -> bool:
    """Whether an instant lies between `not_before` and `not_after`."""
    too_early = rules.not_before is not None and time_us < rules.not_before
    return not too_early and (rules.not_after is None or time_us <= rules.not_after)


# ---------------------------------------------------------------- order


def value_key(value: Any) -> tuple[Any, ...]:
    """Ascending by value: numbers numerically, NaN last, text and binary by bytes, nulls last."""
    if value is None:
        return (2,)
    if isinstance(value, float) and isnan(value):
        return (1,)
    if isinstance(value, str):
        return (0, value.encode())
    return (0, value.bytes if isinstance(value, UUID) else value)


def identity_key(event: Event) -> tuple[Any, ...]:
    """The order of identities: column by column."""
    return tuple(value_key(part) for part in event.identity)


def order_key(event: Event, rules: Rules) -> tuple[Any, ...]:
    """The order of one identity's events: time, then the tie-break columns."""
    return (event.time_us, *(value_key(event.row[column]) for column in rules.tie_break))


def _by_identity(events: Iterable[Event]) -> dict[tuple[Any, ...], list[Event]]:
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        groups.setdefault(identity_key(event), []).append(event)
    return groups


# ---------------------------------------------------------------- sessions


def walk(events: Sequence[Event], rules: Rules) -> Iterator[Session]:
    """Go through one identity's events in order and open a session wherever a rule says so."""
    session: Session | None = None
    for event in events:
        reason = opening_reason(event, session, rules)
        if session is None or reason is not None:
            if session is not None:
                yield session
            session = Session(reason or "inactivity")
        session.events.append(event)
    if session is not None:
        yield session


def opening_reason(event: Event, session: Session | None, rules: Rules) -> str | None:
    """Why an event opens a session, given the one that is open; None where it joins it.

    The first rule that holds gives the reason, in the order of SEMANTICS.md.
    """
    if opens_by_inactivity(event, session, rules):
        return "inactivity"
    if session is None:
        return "calendar"
    if rules.split_daily and _day(event, rules) != _day(session.events[-1], rules):
        return "calendar"
    return None


def opens_by_inactivity(event: Event, session: Session | None, rules: Rules) -> bool:
    """Whether there is no earlier event, or the gap to it is too long.

    With the timeout off and days on, every session starts a day and none is owed to inactivity.
    """
    if session is None:
        return rules.timeout_us is not None or not rules.split_daily
    return rules.timeout_us is not None and is_beyond(event.time_us - session.end_us, rules)


def is_beyond(gap_us: int, rules: Rules) -> bool:
    """Whether a gap separates: longer than the timeout, or as long where the boundary is `reaches`."""
    assert rules.timeout_us is not None
    return gap_us > rules.timeout_us or (gap_us == rules.timeout_us and rules.boundary == "reaches")


def _day(event: Event, rules: Rules) -> int:
    return clocks.local_day(rules.timezone, event.time_us)


def _count_open(sessions: Sequence[Session], rules: Rules) -> int:
    latest: dict[tuple[Any, ...], Session] = {}
    for session in sessions:
        key = identity_key(session.events[0])
        latest[key] = max(latest.get(key, session), session, key=lambda candidate: candidate.start_us)
    last_us = max((session.end_us for session in sessions), default=0)
    watermark_us = last_us if rules.as_of is None else rules.as_of
    return sum(not is_closed(session, watermark_us, rules) for session in latest.values())


def is_closed(session: Session, watermark_us: int, rules: Rules) -> bool:
    """Whether no event at or after the watermark could join an identity's last session."""
    if rules.timeout_us is not None and is_beyond(watermark_us - session.end_us, rules):
        return True
    return rules.split_daily and clocks.local_day(rules.timezone, watermark_us) > _day(
        session.events[-1], rules
    )


# ---------------------------------------------------------------- the session's row


def _session_row(session: Session, rules: Rules) -> Row:
    identity = session.events[0].identity
    row: Row = {"session_id": session_id(identity, session.start_us)}
    row.update(zip(rules.by, identity, strict=True))
    row["start_time"] = session.start_us
    row["end_time"] = session.end_us
    row["duration_seconds"] = float(Fraction(session.end_us - session.start_us, 1_000_000))
    row["event_count"] = len(session.events)
    row["start_reason"] = session.start_reason
    for aggregation in rules.agg:
        row[aggregation.name] = aggregate(session.events, aggregation, rules)
    return row


def session_id(identity: Sequence[Any], start_us: int) -> str:
    """`<identity>:<start>`; the parts of an identity of several columns are escaped and joined by `:`."""
    parts = [identity_text(part) for part in identity]
    if len(parts) > 1:
        parts = [part.replace("\\", "\\\\").replace(":", "\\:") for part in parts]
    return ":".join([*parts, str(start_us)])


def identity_text(value: Any) -> str:
    """The text of one identity value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return str(clocks.since_epoch_us(value))
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def aggregate(events: Sequence[Event], aggregation: Aggregation, rules: Rules) -> Any:
    """One aggregate of one session; without any value `count`s are 0, `set` is empty, others are null."""
    held = [event for event in events if event.row[aggregation.column] is not None]
    values = [clean(event.row[aggregation.column]) for event in held]
    if aggregation.function == "count":
        return len(values)
    if aggregation.function == "count_if":
        return sum(is_value(value, aggregation.argument or "") for value in values)
    if aggregation.function in ("set", "nunique"):
        distinct = {value_key(value): value for value in values}
        in_order = [distinct[key] for key in sorted(distinct)]
        return in_order if aggregation.function == "set" else len(in_order)
    if not values:
        return None
    if aggregation.function in ("first", "last"):
        pick = min if aggregation.function == "first" else max
        best = pick(held, key=lambda e: (*order_key(e, rules), value_key(clean(e.row[aggregation.column]))))
        return clean(best.row[aggregation.column])
    return REDUCTIONS[aggregation.function](values)


def clean(value: Any) -> Any:
    """Write −0.0 as 0.0."""
    return value + 0.0 if isinstance(value, float) else value


def _mean(values: Sequence[Any]) -> float:
    if any(isinstance(value, float) for value in values):
        return float(sum(values)) / len(values)
    return float(sum(map(Fraction, values), Fraction()) / len(values))


REDUCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "min": lambda values: min(values, key=value_key),
    "max": lambda values: max(values, key=value_key),
    "sum": sum,
    "mean": _mean,
    "any": any,
    "all": all,
}
