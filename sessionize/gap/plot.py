"""Gaps as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionize.durations import format_duration

if TYPE_CHECKING:
    import altair

    from sessionize.gap.gaps import Gaps

_NEEDED = "plots need Altair: pip install 'sessionize[report]'"


def chart(gaps: Gaps) -> altair.LayerChart:
    """Draw the histogram without the gaps of 0, in seconds on a log scale, and a line for each timeout.

    Raises:
        ImportError: Without Altair.
    """
    try:
        import altair as alt
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    seconds = alt.X("from:Q", scale=alt.Scale(type="log"), title="gap (seconds)")
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(range=["#888888", "#d62728"]))
    bars = alt.Chart({"values": _bars(gaps)})
    lines = alt.Chart({"values": _lines(gaps)})
    return alt.LayerChart(
        layer=[
            bars.mark_bar().encode(seconds, alt.X2("to:Q"), alt.Y("gaps:Q"), alt.Y2Datum(0)),
            lines.mark_rule().encode(alt.X("at:Q"), color=colour, tooltip=["timeout:N"]),
        ]
    ).properties(width=640, height=240, title=f"{gaps.gaps:,} gaps")


def _bars(gaps: Gaps) -> list[dict[str, Any]]:
    rows = gaps.table().to_pylist()[1:]
    return [
        {"from": row["gap_from"].total_seconds(), "to": row["gap_to"].total_seconds(), "gaps": row["gaps"]}
        for row in rows
    ]


def _lines(gaps: Gaps) -> list[dict[str, Any]]:
    suggestion = gaps.suggest()
    kinds = dict.fromkeys(gaps.counts.scale.timeouts, "compared")
    if suggestion.is_clear:
        kinds[suggestion.timeout] = "suggested"
    return [
        {"at": timeout.total_seconds(), "timeout": format_duration(timeout), "kind": kind}
        for timeout, kind in kinds.items()
    ]
