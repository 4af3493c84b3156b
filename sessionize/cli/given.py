"""Options that were given: judged by the library, and told apart from those that were not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

_NOT_GIVEN: tuple[object, ...] = (None, ())


def checked(value: Any, judge: Callable[[], object]) -> Any:
    """Let the library judge one option's value, where it was given.

    Returns:
        The value.

    Raises:
        click.BadParameter: Where the judge raises `ValueError` or `TypeError`; it names the option.
    """
    if value not in _NOT_GIVEN:
        try:
            judge()
        except (ValueError, TypeError) as error:
            raise click.BadParameter(str(error)) from None
    return value


def given(options: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Pick only what was given, so that every default is decided in one place: the library.

    What the command does not take was not given.
    """
    return {name: options[name] for name in names if options.get(name) not in _NOT_GIVEN}
