"""Numbers as people read them."""

from __future__ import annotations

from sessionize.durations import about


def number(value: int | float) -> str:
    """Write a count with separators, and anything else with two decimals.

    Example:
        >>> number(1234567), number(3.14159)
        ('1,234,567', '3.14')
    """
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def share(part: float, whole: float) -> str:
    """Write a part of a whole in per cent; a dash of nothing.

    Example:
        >>> share(1, 3), share(0, 0)
        ('33.3 %', '–')
    """
    return f"{part / whole:.1%}".replace("%", " %") if whole else "–"


def change(new: float | None, old: float | None) -> str:
    """Write how much more or less there is than before; a dash where nothing was.

    Example:
        >>> change(110, 100), change(90, 100), change(1, 0)
        ('+10.0 %', '−10.0 %', '–')
    """
    if new is None or not old:
        return "–"
    return f"{(new - old) / old:+.1%}".replace("%", " %").replace("-", "−")


def duration(seconds: float | None) -> str:
    """Tell a duration; a dash where there is none.

    Example:
        >>> duration(435), duration(None)
        ('7 min 15 s', '–')
    """
    return "–" if seconds is None else about(seconds * 1_000_000)
