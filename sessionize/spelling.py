"""A suggestion for a misspelt name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, as the rest of a sentence.

    Returns:
        `; did you mean 'timestamp'?`, or `.` where nothing is close.

    Example:
        >>> closest("timestmp", ["user_id", "timestamp"])
        "; did you mean 'timestamp'?"
        >>> closest("x", ["user_id"])
        '.'
    """
    folded = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), folded, n=1)
    return f"; did you mean {folded[matches[0]]!r}?" if matches else "."
