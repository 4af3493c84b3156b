"""The charts of the page: Altair specifications, and for each the same numbers as a table.

Marks have colours that stand out from a light and a dark ground alike; texts and lines take theirs from
the page's style sheet, so that a chart follows the reader's theme, and paper, without being drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pyarrow as pa

from sessionize.dashboard import bins
from sessionize.dashboard.clock import HOURS, as_date
from sessionize.dashboard.overview import DayLine, Overview, Totals
from sessionize.dashboard.spelled import duration, number, share

DAYS_SHOWN = 731
"""The charts by day show two years at most: more would be neither legible nor small."""

BLUE, ORANGE, GREY = "#3f83d6", "#d9822b", "#8a8f98"
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_HEIGHT = 190


@dataclass(frozen=True)
class Chart:
    """One figure of the page.

    Attributes:
        name: Its id on the page.
        title: What it shows, in a few words.
        note: How to read it; may be empty.
        spec: The Vega-Lite specification, as plain values.
        heads: The titles of the table's columns.
        rows: The same numbers, written out; the first of each row names it.
    """

    name: str
    title: str
    note: str
    spec: dict[str, Any]
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def charts(overview: Overview, timezone: str) -> list[Chart]:
    """Draw the charts of a report, in the order of the page."""
    lines = overview.lines(DAYS_SHOWN)
    return [
        *_by_day(lines, overview),
        _newcomers(lines),
        _distribution(
            "durations",
            "How long sessions last",
            "The bars grow wider with the duration. 0 s is a session of one event, or of one moment.",
            "duration",
            bins.trimmed(bins.duration_labels(), overview.durations(bins.DURATION_BOUNDS)),
        ),
        _distribution(
            "events",
            "Events in a session",
            "The bars grow wider with the number of events.",
            "events",
            bins.trimmed(bins.event_labels(), overview.event_counts(bins.EVENT_BOUNDS)),
        ),
        _hours(overview, timezone),
        _reasons(overview),
    ]


def _by_day(lines: Sequence[DayLine], overview: Overview) -> list[Chart]:
    shift = 0 if overview.recent is None else overview.recent.length
    note = f"Dashed: {_count(shift, 'day')} before." if shift else ""
    metrics = (
        ("sessions", "Sessions for each day", "sessions", ",d"),
        ("users", "Users for each day", "users", ",d"),
        ("sessions_per_user", "Sessions for each user", "sessions", ",.2f"),
        ("median_seconds", "Median duration", "minutes", ",.1f"),
    )
    return [_line(lines, name, title, axis, form, note) for name, title, axis, form in metrics]


def _line(lines: Sequence[DayLine], metric: str, title: str, axis: str, form: str, note: str) -> Chart:
    now = [_value(line.totals, metric) for line in lines]
    before = [None if line.before is None else _value(line.before, metric) for line in lines]
    data = pa.table(
        {
            "day": [as_date(line.day).isoformat() for line in lines],
            "now": pa.array([_scaled(value, metric) for value in now], pa.float64()),
            "before": pa.array([_scaled(value, metric) for value in before], pa.float64()),
        }
    )
    day = alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=_DAY_AXIS)
    tooltip = [
        alt.Tooltip("day:T", title="day", format="%a %Y-%m-%d"),
        alt.Tooltip("now:Q", title=axis, format=form),
        alt.Tooltip("before:Q", title="before", format=form),
    ]
    base = alt.Chart(data).encode(x=day, tooltip=tooltip)
    earlier = base.mark_line(color=GREY, strokeDash=[4, 3]).encode(y=alt.Y("before:Q", title=axis))
    current = base.mark_line(color=BLUE, point=alt.OverlayMarkDef(size=28, color=BLUE)).encode(
        y=alt.Y("now:Q", title=axis)
    )
    write = duration if metric == "median_seconds" else number
    rows = [
        (as_date(line.day).isoformat(), _written(new, write), _written(old, write))
        for line, new, old in zip(lines, now, before, strict=True)
    ]
    return Chart(
        metric.replace("_", "-"),
        title,
        note,
        _spec(alt.layer(earlier, current), title),
        ("day", title.lower(), "before"),
        rows,
    )


def _newcomers(lines: Sequence[DayLine]) -> Chart:
    title = "New and returning users"
    days = [as_date(line.day).isoformat() for line in lines]
    new = [line.new_users for line in lines]
    returning = [line.totals.users - line.new_users for line in lines]
    data = pa.table(
        {
            "day": days * 2,
            "kind": ["new"] * len(days) + ["returning"] * len(days),
            "users": new + returning,
        }
    )
    colours = alt.Scale(domain=["returning", "new"], range=[BLUE, ORANGE])
    # A bar is as wide as its day, however many days there are.
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("utcyearmonthdate(day):T", title=None, scale=alt.Scale(type="utc"), axis=_DAY_AXIS),
            y=alt.Y("users:Q", title="users"),
            color=alt.Color("kind:N", title=None, scale=colours, legend=alt.Legend(orient="top")),
            tooltip=[
                alt.Tooltip("day:T", title="day", format="%a %Y-%m-%d"),
                "kind:N",
                alt.Tooltip("users:Q", format=",d"),
            ],
        )
    )
    rows = list(zip(days, map(number, new), map(number, returning), strict=True))
    note = "New: the day holds the user's first session of the whole table."
    return Chart("newcomers", title, note, _spec(chart, title), ("day", "new", "returning"), rows)


def _distribution(name: str, title: str, note: str, axis: str, bars: Sequence[tuple[str, int]]) -> Chart:
    labels, counts = [label for label, _ in bars], [count for _, count in bars]
    total = sum(counts)
    shares = [share(count, total) for count in counts]
    data = pa.table({"label": labels, "sessions": counts, "share": shares})
    chart = (
        alt.Chart(data)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("label:N", title=axis, sort=labels, axis=alt.Axis(labelAngle=-40, labelLimit=120)),
            y=alt.Y("sessions:Q", title="sessions"),
            tooltip=[
                alt.Tooltip("label:N", title=axis),
                alt.Tooltip("sessions:Q", format=",d"),
                "share:N",
            ],
        )
    )
    rows = list(zip(labels, map(number, counts), shares, strict=True))
    return Chart(name, title, note, _spec(chart, title), (axis, "sessions", "share"), rows)


def _hours(overview: Overview, timezone: str) -> Chart:
    title = "When sessions start"
    counts = overview.figures.hours
    data = pa.table(
        {
            "weekday": [name for name in WEEKDAYS for _ in range(HOURS)],
            "hour": list(range(HOURS)) * len(WEEKDAYS),
            "sessions": counts.ravel().tolist(),
        }
    )
    # Opacity instead of a colour scale: little is faint on a light and on a dark ground.
    chart = (
        alt.Chart(data)
        .mark_rect(color=BLUE)
        .encode(
            x=alt.X("hour:O", title="hour", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("weekday:O", title=None, sort=WEEKDAYS),
            opacity=alt.Opacity("sessions:Q", scale=alt.Scale(range=[0.04, 1]), legend=None),
            tooltip=["weekday:N", "hour:O", alt.Tooltip("sessions:Q", format=",d")],
        )
    )
    rows = [
        (name, *(number(count) for count in row)) for name, row in zip(WEEKDAYS, counts.tolist(), strict=True)
    ]
    heads = ("", *(str(hour) for hour in range(HOURS)))
    note = f"By weekday and hour, clocks of {timezone}."
    return Chart("hours", title, note, _spec(chart, title), heads, rows)


def _reasons(overview: Overview) -> Chart:
    title = "Why sessions opened"
    reasons = sorted(overview.figures.reasons.items(), key=lambda each: (-each[1], str(each[0])))
    labels, counts = [str(reason) for reason, _ in reasons], [count for _, count in reasons]
    total = sum(counts)
    data = pa.table({"reason": labels, "sessions": counts})
    chart = (
        alt.Chart(data)
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("reason:N", title=None, sort=labels, axis=alt.Axis(labelLimit=140)),
            x=alt.X("sessions:Q", title="sessions", axis=alt.Axis(tickCount=8)),
            tooltip=["reason:N", alt.Tooltip("sessions:Q", format=",d")],
        )
    )
    rows = [(label, number(count), share(count, total)) for label, count in zip(labels, counts, strict=True)]
    height = max(60, 26 * len(labels))
    return Chart(
        "reasons", title, "", _spec(chart, title, height=height), ("reason", "sessions", "share"), rows
    )


_DAY_AXIS = alt.Axis(format="%d %b", labelAngle=0, labelOverlap=True, labelSeparation=6, tickCount=6)


def _spec(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart, title: str, height: int = _HEIGHT
) -> dict[str, Any]:
    """Return a chart as plain values, as wide as its place on the page."""
    configured = (
        chart.properties(width="container", height=height, description=title)
        .configure(
            background="transparent",
            font="system-ui, sans-serif",
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=11, titleFontSize=11, titleFontWeight="normal", domain=False, tickSize=3
        )
    )
    return configured.to_dict()


def _value(totals: Totals, metric: str) -> float | None:
    return getattr(totals, metric)


def _scaled(value: float | None, metric: str) -> float | None:
    """Return what is drawn: durations in minutes."""
    return value / 60 if value is not None and metric == "median_seconds" else value


def _written(value: float | None, write: Any) -> str:
    return "–" if value is None else write(value)


def _count(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")
