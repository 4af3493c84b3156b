"""Generated logs with the shapes that break sessionizers.

Gaps lie a microsecond around the timeout, events around midnights and clock changes, identities are
easy to confuse, values tie. About half of the logs have sequential rules: then events come in bursts at one
microsecond too, sessions reach their longest duration to the microsecond, and deliveries repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf, nan, prod
from typing import Any
from uuid import UUID

import pyarrow as pa
from hypothesis import strategies as st

from tests import clocks
from tests.clocks import DAY_US, EPOCH, MICROSECOND, MINUTE_US
from tests.logs import Log
from tests.oracle import Aggregation, Row, Rules

SECOND_US = 1_000_000
HOUR_US = 60 * MINUTE_US


# ---------------------------------------------------------------- identities

TEXTS = [
    "A",
    "a",
    "42",
    "00042",
    "42.0",
    "",
    "a:b",
    "a\\",
    "a\\:b",
    ":",
    "é",
    "e\u0301",
    "日本",
    "\U0001f600",
    'x,"y"\n',
]
NAIVE = [datetime(1970, 1, 1), datetime(2026, 1, 1, 12, 30, 0, 1), datetime(1969, 12, 31, 23, 59, 59, 999999)]
IDENTITIES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "text": (pa.string(), TEXTS),
    "large text": (pa.large_string(), TEXTS),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), TEXTS),
    "int64": (pa.int64(), [0, 1, -1, 42, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]),
    "sparse int64": (pa.int64(), [0, 1, 2, 3, 2**31, 2**32 - 1, 2**32, 10**12, -5]),
    "sparse uint32": (pa.uint32(), [0, 1, 2, 3, 2**31, 2**32 - 2, 2**32 - 1]),
    "int8": (pa.int8(), [0, -128, 127]),
    "uint64": (pa.uint64(), [0, 1, 2**63, 2**64 - 1]),
    "bool": (pa.bool_(), [False, True]),
    "date": (pa.date32(), [date(1970, 1, 1), date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29)]),
    "timestamp": (pa.timestamp("us"), NAIVE),
    "instant": (pa.timestamp("us", "UTC"), [moment.replace(tzinfo=UTC) for moment in NAIVE]),
    "decimal": (pa.decimal128(20, 2), [Decimal("0.00"), Decimal("-0.01"), Decimal("42.00"), Decimal("4.20")]),
    "uuid": (pa.uuid(), [UUID(int=0), UUID(int=2**127), UUID("0123abcd-0123-4567-89ab-0123456789ab")]),
    "binary": (pa.binary(), [b"", b"\x00", b"\xff", b"A", b"A\x00"]),
}

TEXT_KINDS = ("text", "int64", "sparse int64", "bool", "date", "decimal", "instant")
"""Identities that a CSV file can hold, given their types."""
FRAME_KINDS = (*TEXT_KINDS, "timestamp", "binary", "uint64", "sparse uint32", "int8")
"""Identities that pandas, Polars and Arrow hold alike."""

# ---------------------------------------------------------------- payload

PAYLOAD: dict[str, tuple[pa.DataType, list[Any]]] = {
    "page": (pa.string(), ["/", "/cart", "", "é", "Z", None]),
    "amount": (pa.float64(), [0.0, -0.0, 0.1, 2.5, 1e6, inf, nan, None]),
    "quantity": (pa.int64(), [0, 1, -1, 2**53 + 1, None]),
    "price": (pa.decimal128(12, 2), [Decimal("0.10"), Decimal("-9.99"), Decimal("19.90"), None]),
    "is_paid": (pa.bool_(), [False, True, None]),
    "due": (pa.date32(), [date(2026, 1, 1), date(1969, 12, 31), None]),
    "seen": (
        pa.timestamp("us", "UTC"),
        [datetime(2026, 1, 1, tzinfo=UTC), datetime(1969, 7, 20, tzinfo=UTC), None],
    ),
    "raw": (pa.binary(), [b"", b"\x00\xff", b"\xff", None]),
    "account": (pa.string(), ["ada", "bob", None, None]),
    "campaign": (pa.dictionary(pa.int32(), pa.string()), ["spring", "", None]),
    "delivery": (pa.int64(), [1, 2, None]),
}
ORDERED = ("first", "last", "min", "max", "count", "nunique", "set")
AGGREGATIONS = [
    *((function, column, None) for column in PAYLOAD for function in ORDERED),
    *((function, column, None) for column in ("amount", "quantity", "price") for function in ("sum", "mean")),
    ("any", "is_paid", None),
    ("all", "is_paid", None),
    ("count_if", "page", "/cart"),
    ("count_if", "page", ""),
    ("count_if", "amount", "2.5"),
    ("count_if", "quantity", "1"),
    ("count_if", "price", "19.9"),
    ("count_if", "is_paid", "true"),
    ("count_if", "due", "2026-01-01"),
]
MARKERS = [
    ("account", "ada"),
    ("campaign", "spring"),
    ("page", ""),
    ("amount", "0"),
    ("quantity", "1"),
    ("price", "19.9"),
    ("is_paid", "true"),
    ("due", "2026-01-01"),
]
SEQUENTIAL = ["change", "marker", "max_duration", "max_events", "dedupe"]

# ---------------------------------------------------------------- times


def _us(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH.replace(tzinfo=UTC)) // MICROSECOND


CLOCK_CHANGES = {
    "UTC": ["2026-01-01T00:00Z", "1970-01-01T00:00Z"],
    "Europe/Paris": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "America/St_Johns": ["2006-10-29T02:31Z", "2006-04-02T03:31Z", "2026-03-08T05:30Z"],
    "Pacific/Apia": ["2011-12-30T10:00Z", "2011-09-24T14:00Z"],
    "Africa/Casablanca": ["2024-03-10T02:00Z", "2024-04-14T02:00Z"],
    "America/New_York": ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    "America/Havana": ["2023-03-12T05:00Z", "2023-11-05T05:00Z"],
    "Asia/Kolkata": ["2026-01-01T18:30Z"],
}
EARLIEST_US = _us("0001-01-03T00:00Z")
LATEST_US = _us("9999-12-29T00:00Z")
TIMEOUTS_US = [SECOND_US, 30 * MINUTE_US, 30 * MINUTE_US, 30 * MINUTE_US + 1, 24 * HOUR_US, None]


def _steps_us(rules: Rules) -> list[int]:
    near = [(rules.timeout_us or HOUR_US) + shift for shift in (-1, 0, 1)]
    steps = [0, *near, 1, SECOND_US, 10 * MINUTE_US, DAY_US, -1, *(-length for length in near)]
    if rules.is_sequential:
        steps += [0] * 4
    if (limit_us := rules.max_duration_us) is not None:
        half_us = limit_us // 2
        steps += 4 * [limit_us - 1, limit_us, limit_us + 1, half_us, limit_us - half_us]
    return steps


@st.composite
def _rules(draw: st.DrawFn, columns: list[str]) -> Rules:
    known = [item for item in AGGREGATIONS if item[1] in columns]
    picked = draw(st.lists(st.sampled_from(known), max_size=4, unique=True))
    value_filters = st.lists(
        st.sampled_from([("page", "/cart"), ("page", "/"), ("quantity", "1")]), max_size=2
    )
    timeout_us = draw(st.sampled_from(TIMEOUTS_US))
    sequential = draw(_sequential_rules(columns, timeout_us or HOUR_US)) if draw(st.booleans()) else {}
    return Rules(
        by=("user_id", "device")[: draw(st.sampled_from([1, 1, 2]))],
        timeout_us=timeout_us,
        boundary=draw(st.sampled_from(["exceeds", "reaches"])),
        split_daily=draw(st.booleans()),
        timezone=draw(st.sampled_from(list(CLOCK_CHANGES))),
        dst_policy=draw(st.sampled_from(["earlier", "later", "reject"])),
        tie_break=tuple(draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))),
        agg=tuple(Aggregation(f"agg_{index}", *item) for index, item in enumerate(picked)),
        include=tuple(draw(value_filters)) if draw(st.integers(0, 11)) == 11 else (),
        exclude=tuple(draw(value_filters)) if draw(st.integers(0, 11)) == 11 else (),
        **sequential,
    )


@st.composite
def _sequential_rules(draw: st.DrawFn, columns: list[str], usual_us: int) -> dict[str, Any]:
    """Any combination of the sequential rules, as fields of `Rules`; durations around the usual one."""
    chosen = draw(st.sets(st.sampled_from(SEQUENTIAL), min_size=1))
    fields: dict[str, Any] = {}
    if "change" in chosen:
        names = st.sampled_from(["account", "account", "campaign", *columns])
        fields["split_on"] = tuple(draw(st.lists(names, min_size=1, max_size=2, unique=True)))
        fields["split_from_null"] = draw(st.booleans())
    if "marker" in chosen:
        markers = st.lists(st.sampled_from(MARKERS), max_size=2, unique=True).map(tuple)
        fields["split_before"], fields["split_after"] = draw(markers), draw(markers)
    if "max_duration" in chosen:
        limits_us = [usual_us, usual_us, 2 * usual_us, usual_us + 1, 10 * MINUTE_US, SECOND_US]
        fields["max_duration_us"] = draw(st.sampled_from(limits_us))
        fields["max_duration_boundary"] = draw(st.sampled_from(["reaches", "exceeds"]))
    if "max_events" in chosen:
        fields["max_events"] = draw(st.integers(1, 4))
    if "dedupe" in chosen:
        fields["dedupe"] = draw(st.sampled_from(["delivery", "delivery", *columns]))
    return fields


def _anchors_us(rules: Rules) -> list[int]:
    changes = [_us(text) for text in CLOCK_CHANGES[rules.timezone]]
    midnights = [clocks.day_start_us(rules.timezone, change // DAY_US + 1) for change in changes]
    shifted = [anchor + shift for anchor in changes + midnights for shift in (0, -1, -15 * MINUTE_US)]
    return [*changes, *midnights, 0, -1, *shifted, EARLIEST_US, LATEST_US]


@st.composite
def logs(
    draw: st.DrawFn, *, max_events: int = 24, kinds: Sequence[str] = tuple(IDENTITIES), is_text: bool = False
) -> Log:
    """Logs with the rules to apply to them; some rows have no identity or no usable time.

    Args:
        draw: Hypothesis's source of choices.
        max_events: The most rows.
        kinds: Which `IDENTITIES` to choose from.
        is_text: Leave out what a text file cannot hold.
    """
    rules = draw(_rules([name for name in PAYLOAD if not (is_text and name == "raw")]))
    chosen = [IDENTITIES[draw(st.sampled_from(kinds))] for _ in rules.by]
    people = draw(_people(rules, [values for _, values in chosen]))
    columns = _columns_read(rules)
    drawn = draw(_events(rules, people, columns, max_events))
    times = [time_us for time_us, _ in drawn]
    time_type, values = draw(_time_column(times, rules))
    rows = [{**row, "timestamp": value} for (_, row), value in zip(drawn, values, strict=True)]
    types = {name: type_ for name, (type_, _) in zip(rules.by, chosen, strict=True)}
    types |= {"timestamp": time_type, **{name: PAYLOAD[name][0] for name in columns}}
    log = Log(rows, types, draw(_limits(rules, times)))
    return log.shuffled(draw(st.integers(0, 9))) if draw(st.booleans()) else log


def _columns_read(rules: Rules) -> list[str]:
    filtered = [column for column, _ in rules.include + rules.exclude]
    aggregated = [item.column for item in rules.agg]
    return list(dict.fromkeys([*rules.rule_columns, *rules.tie_break, *aggregated, *filtered]))


def _people(rules: Rules, pools: Sequence[list[Any]]) -> st.SearchStrategy[list[Row]]:
    """Mostly few identities, so that they have many events; a null among the parts now and then."""
    parts = [st.sampled_from([*pool, *pool, None]) for pool in pools]
    person = st.tuples(*parts).map(lambda values: dict(zip(rules.by, values, strict=True)))
    few, more = (st.lists(person, min_size=1, max_size=size) for size in (3, 8))
    return st.one_of(few, few, few, more)


@st.composite
def _events(
    draw: st.DrawFn, rules: Rules, people: list[Row], columns: list[str], max_events: int
) -> list[tuple[int, Row]]:
    """Instants and rows: each event moves its person's clock by one of the interesting steps."""
    steps = _steps_us(rules)
    pools = [PAYLOAD[name][1] for name in columns]
    in_order = len({*rules.rule_columns, *rules.tie_break})
    choices = [len(people), len(steps), *map(len, pools)]
    leading, others = choices[: 2 + in_order], choices[2 + in_order :]
    # Two draws, because hypothesis draws large numbers from the low end: what rules read must vary.
    numbers = st.tuples(st.integers(0, prod(leading) - 1), st.integers(0, prod(others) - 1))
    clocks = [draw(st.sampled_from(_anchors_us(rules))) for _ in people]
    fewest = draw(st.sampled_from([0, max_events // 4, max_events // 2]))
    drawn = []
    for first, second in draw(st.lists(numbers, min_size=fewest, max_size=max_events)):
        person, step, *payload = [*_digits(first, leading), *_digits(second, others)]
        clocks[person] = min(max(clocks[person] + steps[step], EARLIEST_US), LATEST_US)
        values = (pool[index] for pool, index in zip(pools, payload, strict=True))
        drawn.append((clocks[person], {**people[person], **dict(zip(columns, values, strict=True))}))
    return drawn


def _digits(number: int, choices: list[int]) -> list[int]:
    """One choice of each out of one number: a single draw of hypothesis instead of many."""
    digits = []
    for size in choices:
        number, digit = divmod(number, size)
        digits.append(digit)
    return digits


@st.composite
def _limits(draw: st.DrawFn, rules: Rules, times: list[int]) -> Rules:
    """Rules with, now and then, a watermark and bounds of plausible times."""
    near = st.sampled_from(times) if times else st.just(0)
    limits: dict[str, int] = {}
    waits = [rules.timeout_us or DAY_US, rules.max_duration_us or 1]
    for name, shifts in (("as_of", waits), ("not_before", [-1]), ("not_after", [1])):
        if draw(st.integers(0, 5)) == 5:
            limits[name] = draw(near) + draw(st.sampled_from([0, *shifts]))
    return replace(rules, **limits)  # type: ignore[arg-type]


@st.composite
def _time_column(draw: st.DrawFn, times: list[int], rules: Rules) -> tuple[pa.DataType, list[Any]]:
    """The same instants as one of the column types that a log may have; now and then one is lost."""
    form = draw(st.sampled_from(["instant", "instant", "instant", "epoch", "text", "local"]))
    type_, values = _as_column(form, times, rules)
    if values and draw(st.integers(0, 3)) == 3:
        lost = draw(st.integers(0, len(values) - 1))
        values[lost] = "soon" if form == "text" and draw(st.booleans()) else None
    return type_, values


def _as_column(form: str, times: list[int], rules: Rules) -> tuple[pa.DataType, list[Any]]:
    if form == "epoch":
        return pa.int64(), list(times)
    if form == "instant":
        return pa.timestamp("us", "UTC"), list(times)
    local = [EPOCH + (time_us + clocks.offset_us(rules.timezone, time_us)) * MICROSECOND for time_us in times]
    if form == "local":
        return pa.timestamp("us"), list(local)
    return pa.string(), [moment.isoformat(" " if moment.second else "T") for moment in local]
