"""Options from a TOML file: flat, the names of the options with underscores, lists for repeatable ones."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from sessionize.cli.commands import Option
from sessionize.spelling import closest

SOURCE = "sessionize.config"
_WORDS = {bool: "true or false", str: "text", int: "a number", date: "a date", datetime: "a time"}


def load_config(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Make the values of a configuration file the command's defaults; a click callback of `--config`.

    Raises:
        click.UsageError: Where the file is no TOML, holds a key that is no option of the command, or
            a value of the wrong type.
    """
    if path is not None:
        options = [option for option in context.command.params if isinstance(option, Option)]
        context.default_map = read_config(Path(path), options)
        context.meta[SOURCE] = path
    return path


def read_config(path: Path, options: Sequence[Option]) -> dict[str, Any]:
    """Read a configuration file and check it against the options that it may set.

    Args:
        path: A TOML file, UTF-8.
        options: The options of the command.

    Returns:
        Values by option name, as click takes them; only those that the file names.

    Raises:
        click.UsageError: See `load_config`.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{path}: not TOML: {error}.") from None
    known = {str(option.name): option for option in options if option.name != "config"}
    if unknown := [key for key in written if key not in known]:
        raise click.UsageError(f"{path}: unknown key {unknown[0]!r}{closest(unknown[0], known)}")
    return {key: _value(path, known[key], value) for key, value in written.items()}


def _value(path: Path, option: Option, value: object) -> object:
    """Return the value as click takes it from a default map: a text, a list of texts, or a boolean."""
    items = value if isinstance(value, list) else [value]
    # Exact types, because to Python a boolean is a number and a time is a date.
    fits = all(type(item) in option.file_types for item in items)
    if not fits or isinstance(value, list) != option.multiple:
        raise click.UsageError(f"{path}: key {option.name!r} takes {_wanted(option)}, not {value!r}.")
    texts = [item if isinstance(item, bool) else str(item) for item in items]
    return texts if option.multiple else texts[0]


def _wanted(option: Option) -> str:
    if option.multiple:
        return "a list of texts"
    return " or ".join(_WORDS[kind] for kind in option.file_types)
