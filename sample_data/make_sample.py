"""Make the sample log: a week of a small shop's website and app, with the quirks of real logs.

    python sample_data/make_sample.py [FOLDER]

Everything random comes from `random.Random.random`, whose stream Python never changes for a given seed,
so every machine makes the same files. All of it is invented; nobody's visits are in it.
"""

from __future__ import annotations

import csv
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

T = TypeVar("T")

SEED = 20261102
WEEK = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 7
USERS = 160
BOT = "uptime-monitor"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

# Visits per hour of the day, UTC: the shop's customers live in Western Europe and shop late.
HOURS = [4, 2, 1, 1, 1, 2, 4, 7, 9, 9, 8, 8, 10, 9, 8, 8, 9, 10, 12, 15, 18, 17, 13, 10]
PRODUCTS = {
    "teapot-blue": Decimal("34.90"),
    "mug-speckled": Decimal("12.50"),
    "tray-oak": Decimal("49.00"),
    "candle-fig": Decimal("18.00"),
    "linen-napkins": Decimal("27.95"),
}
SEARCHES = ["mug, blue", "teapot", 'tray "oak"', "gift under 20", "thé vert"]
CAMPAIGNS = ["autumn-mail", "search-brand", "social-video", "voucher"]

SCHEMA = pa.schema(
    [
        pa.field("user_id", pa.string()),
        pa.field("timestamp", pa.timestamp("us", "UTC")),
        pa.field("event", pa.string()),
        pa.field("page", pa.string()),
        pa.field("amount", pa.decimal128(10, 2)),
        pa.field("device_id", pa.string()),
        pa.field("platform", pa.string()),
        pa.field("utm_campaign", pa.string()),
    ]
)


class Visitor(NamedTuple):
    """Who visits, and with what."""

    user_id: str
    device_id: str
    platform: str


class Event(NamedTuple):
    """One row, in the column order of `SCHEMA`."""

    user_id: str
    timestamp: datetime
    event: str
    page: str
    amount: Decimal | None
    device_id: str
    platform: str
    utm_campaign: str | None


class Received(NamedTuple):
    """An event, and when the shop's collector received it: the files are cut by this time."""

    at: datetime
    event: Event


class Dice:
    """The few draws that the log needs, all from one stable stream."""

    def __init__(self, seed: int) -> None:
        """Start the stream."""
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self._random() < probability

    def among(self, choices: Sequence[T]) -> T:
        """Pick one, each equally likely."""
        return choices[int(self._random() * len(choices))]

    def whole(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def wait(self, mean: timedelta) -> timedelta:
        """Draw a waiting time with this mean, to the millisecond, at least 1 ms."""
        seconds = -math.log(1 - self._random()) * mean.total_seconds()
        return timedelta(milliseconds=1 + int(seconds * 1000))

    def weighted(self, weights: Sequence[int]) -> int:
        """Draw an index in proportion to the weights."""
        rest = self._random() * sum(weights)
        for index, weight in enumerate(weights):
            rest -= weight
            if rest < 0:
                return index
        return len(weights) - 1


def make_log() -> list[Received]:
    """Make the week as the collector received it.

    Returns:
        Every event received before the week is over, in order of reception; re-delivered ones twice.
    """
    dice = Dice(SEED)
    received = [*_monitor(), *_exact_gaps()]
    for visitor in _visitors(dice):
        for _ in range(dice.whole(1, 7)):
            received += _transport(dice, visitor, _visit(dice, visitor))
    week_is_over = WEEK + timedelta(days=DAYS)
    return sorted((row for row in received if row.at < week_is_over), key=lambda row: row.at)


def by_day(log: Sequence[Received]) -> dict[date, list[Event]]:
    """Cut the log into the days on which the events were received, each in order of reception."""
    days: dict[date, list[Event]] = defaultdict(list)
    for row in log:
        days[row.at.date()].append(row.event)
    return days


def as_table(events: Sequence[Event]) -> pa.Table:
    """Put events into a table of `SCHEMA`, in their order."""
    return pa.Table.from_pylist([event._asdict() for event in events], schema=SCHEMA)


def write(folder: Path) -> None:
    """Write `events.parquet` and `daily/DAY.csv`: the same events in the same order."""
    log = make_log()
    pq.write_table(as_table([row.event for row in log]), folder / "events.parquet", row_group_size=2000)
    (folder / "daily").mkdir(exist_ok=True)
    for day, events in by_day(log).items():
        with (folder / "daily" / f"{day}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SCHEMA.names)
            writer.writerows(_csv_values(event) for event in events)


def describe(log: Sequence[Received]) -> str:
    """Count what is in the log, as the Markdown table of the README."""
    events = [row.event for row in log]
    times = [event.timestamp for event in events]
    instants = Counter((event.user_id, event.timestamp) for event in set(events))
    counts = {
        "rows": len(events),
        "users": len({event.user_id for event in events}),
        "rows of the bot `uptime-monitor`": sum(event.user_id == BOT for event in events),
        "heartbeats (`event=heartbeat`)": sum(event.event == "heartbeat" for event in events),
        "re-delivered rows (exact copies of another row)": len(events) - len(set(events)),
        "rows older than the row before them": sum(b < a for a, b in pairwise(times)),
        "moments at which one user has several events": sum(count > 1 for count in instants.values()),
        "rows in a later day's file than their time says": sum(
            row.at.date() > row.event.timestamp.date() for row in log
        ),
        "purchases": sum(event.event == "purchase" for event in events),
    }
    return "\n".join(
        ["| what | count |", "|---|---:|", *(f"| {what} | {n:,} |" for what, n in counts.items())]
    )


def _visitors(dice: Dice) -> Iterator[Visitor]:
    device, platform = 0, "web"
    for number in range(1, USERS + 1):
        if number % 20:  # every 20th customer shares the device of the one before
            device, platform = number * 7919 % 99991, dice.among(["web", "web", "ios", "android"])
        yield Visitor(f"{number * 37 % 9973:06d}", f"d-{device:05d}", platform)


def _visit(dice: Dice, visitor: Visitor) -> list[Event]:
    day = timedelta(days=dice.whole(0, DAYS - 1))
    now = WEEK + day + dice.weighted(HOURS) * HOUR + timedelta(milliseconds=dice.whole(0, 3_599_999))
    campaign = dice.among(CAMPAIGNS) if dice.chance(0.25) else None
    events: list[Event] = []

    def add(event: str, page: str, amount: Decimal | None = None) -> None:
        landing = campaign if not events else None
        events.append(Event(visitor.user_id, now, event, page, amount, *visitor[1:], landing))

    if visitor.platform != "web":
        add("app_open", "/")  # the app sends it with the first screen, at one millisecond
    add("page_view", dice.among(["/", "/", "/sale", "/p/" + dice.among(list(PRODUCTS))]))
    while dice.chance(0.82):
        now += dice.wait(12 * MINUTE if dice.chance(0.06) else 40 * SECOND)
        product = dice.among(list(PRODUCTS))
        match dice.whole(1, 10):
            case 1 | 2:
                add("search", "/search?q=" + dice.among(SEARCHES))
            case 3:
                add("add_to_cart", f"/p/{product}")
            case 4 if dice.chance(0.6):
                add("purchase", "/checkout/done", PRODUCTS[product] * dice.whole(1, 3))
            case _:
                add("page_view", f"/p/{product}")
    if visitor.platform == "web" and dice.chance(0.05):
        for _ in range(dice.whole(6, 30)):  # a tab left open says so every quarter of an hour
            now += 15 * MINUTE
            add("heartbeat", events[-1].page)
    return events


def _transport(dice: Dice, visitor: Visitor, events: Sequence[Event]) -> Iterator[Received]:
    """Carry one visit to the collector: late, out of order, and now and then twice."""
    is_offline = visitor.platform != "web" and dice.chance(0.07)
    delay = dice.whole(60, 1500) * MINUTE if is_offline else timedelta()
    for event in events:
        at = event.timestamp + delay + dice.wait(8 * SECOND)
        if is_offline:
            at = max(at, events[-1].timestamp + delay)
        yield Received(at, event)
        if dice.chance(0.01):
            yield Received(at + dice.wait(20 * MINUTE), event)


def _monitor() -> Iterator[Received]:
    """Ask for the health page every ten minutes, day and night: to any timeout above that, one session."""
    for number in range(DAYS * 24 * 6):
        at = WEEK + number * 10 * MINUTE
        yield Received(at + SECOND, Event(BOT, at, "page_view", "/health", None, "d-00000", "web", None))


def _exact_gaps() -> Iterator[Received]:
    """Come back after exactly 30 minutes: one session under `exceeds`, two under `reaches`."""
    for day in (1, 3, 5):
        at = WEEK + timedelta(days=day, hours=23, minutes=45)
        for time in (at, at + 30 * MINUTE):
            yield Received(
                time + SECOND, Event("000000", time, "page_view", "/", None, "d-00001", "web", None)
            )


def _csv_values(event: Event) -> list[object]:
    time = event.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [time if value is event.timestamp else value for value in event]


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
    print(describe(make_log()))
