"""Numbers as people read them."""

from __future__ import annotations

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


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
    """Write a duration in its two largest units; below a minute with up to two decimals.

    Example:
        >>> duration(0), duration(12.3456), duration(435), duration(7200), duration(600_000)
        ('0 s', '12.35 s', '7 min 15 s', '2 h', '6 d 22 h')
        >>> duration(None)
        '–'
    """
    if seconds is None:
        return "–"
    if seconds < 59.995:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    return _in_two_units(round(seconds))


def _in_two_units(seconds: int) -> str:
    place = next(place for place, (size, _) in enumerate(_UNITS) if seconds >= size)
    parts = []
    for size, unit in _UNITS[place : place + 2]:
        whole, seconds = divmod(seconds, size)
        if whole:
            parts.append(f"{whole:,} {unit}")
    return " ".join(parts)
