"""A few lines of a summary as a small HTML table, for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import datetime

Line = tuple[str, str]

_LEFT = ' style="text-align: left"'


def as_card(title: str, lines: Iterable[Line]) -> str:
    """Write labels and texts as an HTML table.

    It names no colours, so it takes those of the page around it, light or dark.

    Args:
        title: What stands above the table, as plain text.
        lines: A label and a text for each row, from top to bottom, as plain text.

    Returns:
        HTML, in which whatever stood in the texts is text.

    Example:
        >>> as_card("a < b", [("events", "12")])
        '<table><caption...>a &lt; b</caption>...<th...>events</th><td...>12</td></tr></tbody></table>'
    """
    rows = "".join(
        f'<tr><th scope="row"{_LEFT}>{html.escape(label)}</th><td{_LEFT}>{html.escape(text)}</td></tr>'
        for label, text in lines
    )
    return f"<table><caption{_LEFT}>{html.escape(title)}</caption><tbody>{rows}</tbody></table>"


def share(part: int, whole: int) -> str:
    """Write a number, and its share of a whole above 0.

    Example:
        >>> share(57, 601)
        '57 (9.5%)'
    """
    return f"{part:,} ({part / whole:.1%})"


def moment(time: datetime | None) -> str:
    """Write a time as people read it; `none` where there is none.

    Example:
        >>> moment(datetime(2026, 11, 2, 9, 30)), moment(None)
        ('2026-11-02 09:30:00 UTC', 'none')
    """
    return "none" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"
