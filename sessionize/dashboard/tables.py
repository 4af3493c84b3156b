"""The page's tables, as texts: comparison, longest sessions, busiest users, quality of the data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sessionize.dashboard.clock import as_instant, shown
from sessionize.dashboard.overview import Overview, Totals
from sessionize.dashboard.spelled import change, duration, number, share
from sessionize.zones import Zone

USERS_SHOWN = 10


@dataclass(frozen=True)
class Tile:
    """One headline number: its name on the page, what it is, and the number written out."""

    name: str
    label: str
    value: str


@dataclass(frozen=True)
class Table:
    """One table: the titles of its columns, its rows, and which columns hold numbers, from 0."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[int]


def tiles(totals: Totals) -> list[Tile]:
    """Return the headline numbers of the period."""
    return [
        Tile("sessions", "sessions", number(totals.sessions)),
        Tile("users", "users", number(totals.users)),
        Tile("sessions-per-user", "sessions for each user", _maybe(totals.sessions_per_user)),
        Tile("median-duration", "median duration", duration(totals.median_seconds)),
        Tile("mean-duration", "mean duration", duration(totals.mean_seconds)),
        Tile("events", "events", number(totals.events)),
        Tile("single-event", "of a single event", share(totals.single_event_sessions, totals.sessions)),
    ]


def comparison(overview: Overview) -> Table | None:
    """Put the recent days beside as many before them; None where there are none to compare."""
    if overview.recent is None or overview.previous is None:
        return None
    new, old = overview.totals(overview.recent), overview.totals(overview.previous)
    rows = [
        (tile.label, tile.value, before.value, change(_plain(new, tile.name), _plain(old, tile.name)))
        for tile, before in zip(tiles(new), tiles(old), strict=True)
    ]
    return Table(("", str(overview.recent), str(overview.previous), "change"), rows, numbers=(1, 2, 3))


def _plain(totals: Totals, name: str) -> float | None:
    match name:
        case "median-duration":
            return totals.median_seconds
        case "mean-duration":
            return totals.mean_seconds
        case "single-event":
            return totals.single_event_sessions / totals.sessions if totals.sessions else None
        case _:
            value: float | None = getattr(totals, name.replace("-", "_"))
            return value


def longest(overview: Overview, zone: Zone) -> Table:
    """List the longest sessions: a machine that never sleeps stands first."""
    found = [] if overview.figures.longest is None else overview.figures.longest.to_pylist()
    rows = [
        (
            _name(row["user"]),
            shown(as_instant(row["start_us"]), zone),
            shown(as_instant(row["end_us"]), zone),
            duration(row["seconds"]),
            number(row["events"]),
            str(row["reason"]),
        )
        for row in found
    ]
    return Table(
        ("user", "first event", "last event", "duration", "events", "opened by"), rows, numbers=(3, 4)
    )


def busiest(overview: Overview, zone: Zone) -> Table:
    """List the users with most sessions."""
    people = overview.figures.people
    rows = [
        (
            _name(people.names[user].as_py()),
            number(int(people.sessions[user])),
            number(int(people.events[user])),
            duration(int(people.used_us[user]) / 1_000_000),
            shown(as_instant(int(people.last_us[user])), zone),
        )
        for user in people.busiest(USERS_SHOWN)
    ]
    return Table(("user", "sessions", "events", "time in sessions", "last event"), rows, numbers=(1, 2, 3))


def quality(overview: Overview, rejected: Mapping[str, int] | None) -> Table:
    """Say what may be wrong with the data, in numbers."""
    return Table(("", "count", ""), list(_findings(overview, rejected)), numbers=(1,))


def _findings(overview: Overview, rejected: Mapping[str, int] | None) -> Iterator[tuple[str, str, str]]:
    figures, totals = overview.figures, overview.all
    sessions = totals.sessions
    single = totals.single_event_sessions
    yield "Sessions of a single event", number(single), share(single, sessions)
    yield (
        "Sessions of several events at one moment",
        number(figures.timeless),
        share(figures.timeless, sessions),
    )
    if figures.still_open is None:
        yield "Sessions that may still grow", "–", "the table does not say its rules"
    else:
        yield "Sessions that may still grow", number(figures.still_open.count()), "at the table's last event"
    yield "Sessions without a user", number(totals.without_user), share(totals.without_user, sessions)
    empty = sum(day not in figures.days for day in overview.period.days())
    yield "Days without sessions", number(empty), f"of {number(overview.period.length)}"
    yield "Rows left out", number(figures.unusable), "without start, end, duration or number of events"
    if rejected is not None:
        reasons = ", ".join(f"{number(count)} {reason}" for reason, count in rejected.items())
        yield "Input rows rejected by the run", number(sum(rejected.values())), reasons


def _maybe(value: float | None) -> str:
    return "–" if value is None else number(value)


def _name(user: str | None) -> str:
    """Write a user, the empty text and the missing one so that they can be seen."""
    return "(none)" if user is None else user or "(empty)"
