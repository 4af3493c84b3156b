"""SEMANTICS.md as plain Python: what every engine must give, one event at a time.

This page is meant to be read as the executable specification: it says which rows are events and what a
session's row holds; `oracle_walk.py` says what a session is, `clocks.py` what time it is. They use the
standard library only (and the zone files of the `tzdata` package, which the contract names as part of a
run) and share no code with the package, so that the two can only agree by both being right.

Where SEMANTICS.md is silent, these pages decide as follows:

* `min` and `max` follow the order of ties: NaN is the largest number, so `max` of 1.0 and NaN is NaN.
* `nunique` and `set` hold NaN once, and 0.0 and −0.0 as one value.
* `mean` is the exact sum over the count, rounded once to a float64, for decimals too.
* `--include` of one column with several values accepts any of them; several columns must all agree;
  `--exclude` leaves a row out on any match; a null matches nothing.
* A row is rejected for one reason, the first of: identity, time, implausible time.
* `--not-before` and `--not-after` are both inclusive.
* A zone's offsets outside the years 1 to 9999 are those of the nearest day inside.
* A marker's value is compared as `--include` compares; a null matches nothing; any of several markers does.
* For `--split-on` and `--dedupe`, NaN equals NaN and −0.0 equals 0.0.
* Events that are level in everything (time, tie-break and rules' columns) may be dealt to different
  sessions (by a limit, a marker), and dedupe may keep one of them. For each aggregate on its own they stand
  in the order of the aggregate's own column, ascending by value, nulls last: so its values follow from the
  multiset of events, and it changes no session.
* Inside a session `first` and `last` keep to time, tie-break columns and own value; the rules' columns do
  not order them.
* With `--timeout none` and any sequential rule (dedupe is one), an identity's first session starts by
  `inactivity`, and a new day's by `calendar`.
* Besides timeout and day, an identity's last session is closed when its last event matched an end marker,
  when it holds `--max-events`, or when the watermark is beyond its `--max-duration`, by that boundary.
  With none of the rules that can do so, it is never closed.
* A local time that a clock change made ambiguous or skipped is counted before dedupe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests import clocks
from tests.oracle_walk import (
    Aggregation,
    Condition,
    Event,
    Row,
    Rules,
    Session,
    clean,
    is_closed,
    is_value,
    moment_key,
    sessions_of,
    value_key,
)

__all__ = ["Aggregation", "Condition", "Event", "Outcome", "Row", "Rules", "Session", "sessionize"]


@dataclass
class Outcome:
    """All that a run promises, and where every input row went.

    Attributes:
        sessions: The rows of the sessions table, in order.
        labels: What `label` adds to each input row, in input order; None for a row that is no event.
        events: The events of the sessions, in input order.
        input_rows: Rows given: events, filtered, rejected and deduplicated ones.
        filtered: Rows that include and exclude left out.
        deduplicated: Events that had been delivered before.
        rejected: The record number (from 1) and reason of each rejected row.
        dst_resolved: Rows whose local time was ambiguous or skipped, and was resolved.
        open_sessions: Sessions that an event at or after the watermark could still join.
    """

    sessions: list[Row] = field(default_factory=list)
    labels: list[Row | None] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    input_rows: int = 0
    filtered: int = 0
    deduplicated: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    dst_resolved: int = 0
    open_sessions: int = 0

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
        Sessions in the promised order, labels, rejected rows, and the counts.
    """
    outcome = _judge(rows, rules)
    by_identity = list(_by_identity(outcome.events).values())
    walks = [sessions_of(events, rules) for events in by_identity]
    kept = [event for sessions in walks for session in sessions for event in session.events]
    outcome.deduplicated = len(outcome.events) - len(kept)
    outcome.sessions = _session_rows(by_identity, walks, rules)
    outcome.labels = _labels(walks, outcome.input_rows)
    outcome.open_sessions = _count_open(walks, rules)
    outcome.events = sorted(kept, key=lambda event: event.record)
    return outcome


# ---------------------------------------------------------------- which rows are events


def _judge(rows: Iterable[Row], rules: Rules) -> Outcome:
    outcome = Outcome()
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
            outcome.events.append(Event(identity, time_us, row, record))
    return outcome


def is_wanted(row: Row, rules: Rules) -> bool:
    """Whether include and exclude let a row through."""
    wanted: dict[str, list[str]] = {}
    for column, text in rules.include:
        wanted.setdefault(column, []).append(text)
    included = all(any(is_value(row[column], text) for text in texts) for column, texts in wanted.items())
    return included and not any(is_value(row[column], text) for column, text in rules.exclude)


def is_plausible(time_us: int, rules: Rules) -> bool:
    """Whether an instant lies between `not_before` and `not_after`."""
    too_early = rules.not_before is not None and time_us < rules.not_before
    return not too_early and (rules.not_after is None or time_us <= rules.not_after)


def identity_key(event: Event) -> tuple[Any, ...]:
    """The order of identities: column by column."""
    return tuple(value_key(part) for part in event.identity)


def _by_identity(events: Iterable[Event]) -> dict[tuple[Any, ...], list[Event]]:
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        groups.setdefault(identity_key(event), []).append(event)
    return groups


# ---------------------------------------------------------------- the session's row


def _session_rows(
    by_identity: Sequence[list[Event]], walks: Sequence[list[Session]], rules: Rules
) -> list[Row]:
    """The rows of all sessions in the order in which the sessions closed."""
    found: list[tuple[Session, Row]] = []
    for events, sessions in zip(by_identity, walks, strict=True):
        rows = [_session_row(session, rules) for session in sessions]
        for aggregation in rules.agg:
            for row, value in zip(rows, _aggregates(events, aggregation, rules), strict=True):
                row[aggregation.name] = value
        found += zip(sessions, rows, strict=True)
    return [row for _, row in sorted(found, key=lambda pair: closing_key(pair[0]))]


def closing_key(session: Session) -> tuple[Any, ...]:
    """The order of the sessions table: end, identity, start, number at that start."""
    return (session.end_us, identity_key(session.events[0]), session.start_us, session.ordinal)


def _session_row(session: Session, rules: Rules) -> Row:
    identity = session.events[0].identity
    row: Row = {"session_id": session_id(session)}
    row.update(zip(rules.by, identity, strict=True))
    row["start_time"] = session.start_us
    row["end_time"] = session.end_us
    row["duration_seconds"] = in_seconds(session.end_us - session.start_us)
    row["event_count"] = len(session.events)
    row["start_reason"] = session.start_reason
    for column in rules.split_on:
        row[column] = clean(session.last_value(column))
    return row


def session_id(session: Session) -> str:
    """`<identity>:<start>`, from the second session at one start on with its number, as in `a:0.2`.

    The parts of an identity of several columns are escaped and joined by `:`.
    """
    parts = [identity_text(part) for part in session.events[0].identity]
    if len(parts) > 1:
        parts = [part.replace("\\", "\\\\").replace(":", "\\:") for part in parts]
    suffix = f".{session.ordinal}" if session.ordinal > 1 else ""
    return ":".join([*parts, str(session.start_us)]) + suffix


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


def in_seconds(us: int) -> float:
    """The float64 nearest to so many microseconds."""
    return float(Fraction(us, 1_000_000))


# ---------------------------------------------------------------- aggregates


def _aggregates(events: Iterable[Event], aggregation: Aggregation, rules: Rules) -> Iterator[Any]:
    """One aggregate of each of an identity's sessions, level events dealt in the order of its column."""

    def own_value(event: Event) -> tuple[Any, ...]:
        return value_key(event.row[aggregation.column])

    for session in sessions_of(events, rules, own_value):
        yield aggregate(session.events, aggregation, rules)


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
        best = pick(held, key=lambda e: (*moment_key(e, rules), value_key(e.row[aggregation.column])))
        return clean(best.row[aggregation.column])
    return REDUCTIONS[aggregation.function](values)


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


# ---------------------------------------------------------------- labels and open sessions


def _labels(walks: Iterable[list[Session]], input_rows: int) -> list[Row | None]:
    """What `label` adds to each row; nothing to a filtered, rejected or deduplicated one."""
    labels: list[Row | None] = [None] * input_rows
    for sessions in walks:
        previous: Event | None = None
        for number, session in enumerate(sessions, start=1):
            for index, event in enumerate(session.events, start=1):
                labels[event.record - 1] = {
                    "session_id": session_id(session),
                    "session_number": number,
                    "event_index": index,
                    "gap_seconds": previous and in_seconds(event.time_us - previous.time_us),
                    "start_reason": session.start_reason,
                }
                previous = event
    return labels


def _count_open(walks: Sequence[list[Session]], rules: Rules) -> int:
    """Identities whose last session is not closed at the watermark: `as_of`, or the last event."""
    last_us = max((sessions[-1].end_us for sessions in walks), default=0)
    watermark_us = last_us if rules.as_of is None else rules.as_of
    return sum(not is_closed(sessions[-1], watermark_us, rules) for sessions in walks)
