"""Which columns of a sessions table are ours, which are its identity, and by which rules it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sessionize.core.sessions import INSTANT, OWN_COLUMNS
from sessionize.errors import InputError, MissingColumnError
from sessionize.rules import SessionRules

METADATA_KEY = b"sessionize"

OWN_TYPES: dict[str, pa.DataType] = {
    "session_id": pa.string(),
    "start_time": INSTANT,
    "end_time": INSTANT,
    "duration_seconds": pa.float64(),
    "event_count": pa.int64(),
    "start_reason": pa.string(),
}
"""The types of our columns, by their names without prefix: text formats do not carry them."""


@dataclass(frozen=True)
class Origin:
    """What a table's metadata says about how it was made; all None where it has none.

    Attributes:
        rules: What a session was.
        version: The version of sessionize.
        tzdata: The release of the time zone database.
        preset: The preset that the rules started from.
    """

    rules: SessionRules | None = None
    version: str | None = None
    tzdata: str | None = None
    preset: str | None = None

    @classmethod
    def of(cls, schema: pa.Schema) -> Origin:
        """Read a schema's metadata; what another version wrote and this one cannot read counts as none."""
        written = (schema.metadata or {}).get(METADATA_KEY)
        if written is None:
            return cls()
        try:
            made: dict[str, Any] = json.loads(written)
            rules = SessionRules(**made["rules"], based_on=made.get("preset"))
        except (ValueError, TypeError, KeyError):
            return cls()
        return cls(rules, made.get("version"), made.get("tzdata"), made.get("preset"))


@dataclass(frozen=True)
class Layout:
    """The columns of one sessions table.

    Attributes:
        name: The table as named, for messages.
        types: The type of each column, in the table's order.
        prefix: What stands before the names of our columns.
        identity: The identity columns; empty where the table does not show them.
    """

    name: str
    types: Mapping[str, pa.DataType]
    prefix: str
    identity: tuple[str, ...]

    @classmethod
    def of(cls, name: str, types: Mapping[str, pa.DataType], rules: SessionRules | None) -> Layout:
        """Recognise our columns.

        Args:
            name: The table as named, for messages.
            types: The table's columns, in order.
            rules: The rules that it was made by, where its metadata says so. Without them the identity is
                what stands between `session_id` and `start_time`.

        Raises:
            MissingColumnError: Where our six columns are not all there.
        """
        prefix = find_prefix(list(types))
        if prefix is None:
            raise MissingColumnError(
                f"{name}: no sessions table: it lacks some of the columns {', '.join(OWN_COLUMNS)}. "
                f"Found: {', '.join(types) or 'none'}. Make one with sessionize run."
            )
        known = rules is not None and set(rules.by) <= set(types)
        identity = rules.by if rules is not None and known else _between(list(types), prefix)
        return cls(name, types, prefix, identity)

    def own(self, name: str) -> str:
        """Return the name that one of our columns has in this table."""
        return self.prefix + name

    def users(self, by: str | Sequence[str] | None) -> tuple[str, ...]:
        """Name the columns that tell users apart: those asked for, else the identity.

        Raises:
            MissingColumnError: Where the table lacks one that was asked for.
            InputError: Where none was asked for and the table does not show its identity.
        """
        if not by:
            if not self.identity:
                raise InputError(
                    f"{self.name}: no identity column between {self.own('session_id')} and "
                    f"{self.own('start_time')}. Found: {', '.join(self.types)}. Name it with --by."
                )
            return self.identity
        asked = (by,) if isinstance(by, str) else tuple(by)
        for column in asked:
            if column not in self.types:
                raise MissingColumnError(
                    f"{self.name}: no column {column!r}. Found: {', '.join(self.types)}. "
                    "Name another with --by."
                )
        return asked


def find_prefix(names: Sequence[str]) -> str | None:
    """Return what stands before each of our six column names; None where they are not all there.

    Example:
        >>> find_prefix(["user_id", *("my_" + name for name in OWN_COLUMNS)])
        'my_'
    """
    prefixes = (name.removesuffix("session_id") for name in names if name.endswith("session_id"))
    whole = (prefix for prefix in prefixes if {prefix + name for name in OWN_COLUMNS} <= set(names))
    return next(whole, None)


def _between(names: Sequence[str], prefix: str) -> tuple[str, ...]:
    return tuple(names[names.index(prefix + "session_id") + 1 : names.index(prefix + "start_time")])


def types_of(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Return the type of each column, by name."""
    return dict(zip(schema.names, schema.types, strict=True))
