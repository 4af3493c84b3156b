"""Conditions as people write them: `COL=VALUE`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

Condition = tuple[str, str]
"""A column, and the value that it must have, as text."""


def read_conditions(option: str, given: Any) -> tuple[Condition, ...]:
    """Read conditions.

    Args:
        option: What they are for, for the error.
        given: `COL=VALUE` text, or several; pairs; or a mapping from columns to a value or several.

    Returns:
        Pairs of column and value, the value as text that `sessionize.core.matching` reads.

    Raises:
        ValueError: For text without a column and `=`.
        TypeError: For a value that is no text, number, bool or date.

    Example:
        >>> read_conditions("include", {"event": ["click", "view"], "is_bot": False})
        (('event', 'click'), ('event', 'view'), ('is_bot', 'false'))
    """
    if isinstance(given, Mapping):
        pairs = [
            (column, value)
            for column, values in given.items()
            for value in (values if isinstance(values, list | tuple) else [values])
        ]
    else:
        items = [given] if isinstance(given, str) else given or ()
        pairs = [_split(option, item) if isinstance(item, str) else tuple(item) for item in items]
    return tuple((column, _as_text(option, column, value)) for column, value in pairs)


def _split(option: str, item: str) -> Condition:
    column, equals, value = item.partition("=")
    if not column or not equals:
        raise ValueError(f"{option} {item!r}: write COL=VALUE, such as country=FR.")
    return column, value


def _as_text(option: str, column: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{option} {column!r}: a value is text, a number, a bool or a date, not {value!r}.")
