"""Gaps on a terminal: a histogram lying on its side, and the timeouts beside each other."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from sessionize.durations import MICROSECOND, about, format_duration
from sessionize.gap.scale import EDGES_US, edges_us

if TYPE_CHECKING:
    from sessionize.gap.gaps import Gaps

WIDTH = 80
MOST_ROWS = 32
_PARTS = (1, 2, 4)
"""In how many parts an octave may be divided."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SUGGESTED = "◂ suggested"
_IN_ASCII = str.maketrans("▏▎▍▌▋▊▉█◂–─µ", "...#####<--u")

_BAR = Style(color="cyan")
_EMPHASIS = "bold green"


@dataclass(frozen=True)
class Bar:
    """A bar as long as a share of the room there is."""

    share: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        eighths = round(self.share * options.max_width * 8)
        whole, rest = divmod(max(eighths, 1 if self.share else 0), 8)
        yield Segment(_EIGHTHS[8] * whole + _EIGHTHS[rest].strip(), _BAR)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(4, options.max_width)


def drawn(gaps: Gaps) -> RenderableType:
    """Return what rich prints: the histogram, the timeouts, the suggestion; readable at 80 columns."""
    parts: list[RenderableType] = [
        Text(_title(gaps)),
        "",
        _comparison(gaps),
        "",
        Text(_sentence(gaps), style=_EMPHASIS),
    ]
    if gaps.gaps:
        parts[1:1] = ["", _histogram(gaps)]
    return Group(*parts)


def as_text(gaps: Gaps) -> str:
    """Return the same as plain text, 80 characters wide."""
    console = Console(file=io.StringIO(), width=WIDTH, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(drawn(gaps))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def in_ascii(text: str) -> str:
    """Write drawn text for a terminal that knows only ASCII; other names than ours show as `?`."""
    return text.translate(_IN_ASCII).encode("ascii", "replace").decode()


def as_html(gaps: Gaps) -> str:
    """Return the timeouts as an HTML table, and the suggestion as a paragraph."""
    titles = "".join(f"<th>{title}</th>" for title in _TITLES)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(row)) + "</tr>"
        for row in gaps.timeouts().to_pylist()
    )
    return (
        f"<p>{html.escape(_title(gaps))}</p>"
        f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p><b>{html.escape(_sentence(gaps))}</b></p>"
    )


def _title(gaps: Gaps) -> str:
    gap, value = ("" if number == 1 else "s" for number in (gaps.gaps, gaps.identities))
    identity = ", ".join(gaps.by)
    return f"{gaps.gaps:,} gap{gap} between the events of {gaps.identities:,} value{value} of {identity}"


def _sentence(gaps: Gaps) -> str:
    text = str(gaps.suggest())
    return text[0].upper() + text[1:]


def _histogram(gaps: Gaps) -> Table:
    """Draw a row for each octave of gaps, or for a part of one where that leaves it on a screen."""
    rows = _rows(gaps.counts.bins)
    most = max(count for _, _, count in rows)
    table = Table(box=None, show_edge=False, pad_edge=False, expand=True)
    table.add_column("gap", justify="right", no_wrap=True)
    table.add_column("", ratio=1, no_wrap=True)
    table.add_column("gaps", justify="right", no_wrap=True)
    table.add_column("timeouts", no_wrap=True, min_width=16)
    for from_us, to_us, count in rows:
        label = "0" if to_us == 1 else f"{about(from_us)} –"
        table.add_row(label, Bar(count / most), f"{count:,}", _marks(gaps, from_us, to_us))
    return table


def _rows(bins: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Add bins up to as many rows as a screen holds; each is from, to (exclusive, µs), gaps."""
    filled = np.flatnonzero(bins[1:]) + 1
    zeros = [(0, 1, int(bins[0]))] if bins[0] else []
    if not len(filled):
        return zeros
    octaves = np.log2(EDGES_US[filled[-1]] / EDGES_US[filled[0]]) + 2
    edges = edges_us(max(part for part in _PARTS if part == 1 or part * octaves <= MOST_ROWS))
    counts = np.add.reduceat(bins, np.searchsorted(EDGES_US, edges[:-1]))
    shown = np.flatnonzero(counts)
    pairs = zip(edges.tolist(), edges[1:].tolist(), counts.tolist(), strict=False)
    return zeros + list(pairs)[shown[0] : shown[-1] + 1]


def _marks(gaps: Gaps, from_us: int, to_us: int) -> Text:
    """Name the timeouts that lie in a row."""
    timeouts = [
        timeout for timeout in gaps.counts.scale.timeouts if from_us <= timeout // MICROSECOND < to_us
    ]
    text = Text(" ".join(map(format_duration, timeouts)))
    suggestion = gaps.suggest()
    if suggestion.is_clear and from_us <= suggestion.timeout // MICROSECOND < to_us:
        own = "" if suggestion.timeout in timeouts else f"{format_duration(suggestion.timeout)} "
        text.append(f"{' ' if timeouts else ''}{own}{_SUGGESTED}", style=_EMPHASIS)
    return text


_TITLES = ("timeout", "sessions", "mean events", "mean length", "single event", "gaps exactly at")


def _comparison(gaps: Gaps) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in _TITLES:
        table.add_column(title, justify="right", no_wrap=True)
    chosen = gaps.suggest().timeout
    for row in gaps.timeouts().to_pylist():
        table.add_row(*_cells(row), style=_EMPHASIS if row["timeout"] == chosen else None)
    return table


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    none = "–"
    has_sessions = row["sessions"] > 0
    return (
        format_duration(row["timeout"]),
        f"{row['sessions']:,}",
        f"{row['mean_events']:,.2f}" if has_sessions else none,
        about(row["mean_duration_seconds"] * 1e6) if has_sessions else none,
        f"{row['single_event_share']:.1%}" if has_sessions else none,
        f"{row['gaps_at']:,}",
    )
