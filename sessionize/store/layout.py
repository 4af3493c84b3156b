"""How a sessions table is written down as a Delta table: its columns, our types of them, its properties.

Our type of a column stands beside Delta's, in the schema itself, so that a commit which changes the
one changes the other.
"""

from __future__ import annotations

import json

import pyarrow as pa
from attrs import frozen
from deltalake import DeltaTable

from sessionize.errors import StoreMismatchError
from sessionize.store.delta_types import plain_types, schema_from_text, schema_to_text, stored_schema
from sessionize.store.rows import STATE
from sessionize.writing.atomic import DATE

_TYPE_KEY, _TIMES_KEY = "sessionize.type", "sessionize.times"


@frozen
class Layout:
    """What the columns of a sessions table are.

    Attributes:
        schema: The sessions' columns in our types, dictionaries plain, `_state` last if there is one,
            without `session_date`.
        start: The name of the column of starts.
        end: The name of the column of ends.
    """

    schema: pa.Schema
    start: str
    end: str

    @classmethod
    def of(cls, schema: pa.Schema, times: tuple[str, str]) -> Layout:
        """Lay a new table out.

        Args:
            schema: The columns; dictionaries may stand for their values.
            times: The columns of start and end: timestamp[us, UTC] without nulls.

        Raises:
            ValueError: For a column of the partition's name.
        """
        if DATE in schema.names:
            raise ValueError(f"{DATE!r} is the partition's column; no other can have its name.")
        return cls(plain_types(schema), *times)

    @classmethod
    def read(cls, delta: DeltaTable, location: str) -> Layout:
        """Read the layout of an open table.

        Args:
            delta: The table.
            location: The store's folder or URI, for the message.

        Raises:
            StoreMismatchError: For a table that sessionize did not make.
        """
        properties = delta.metadata().configuration
        if _TIMES_KEY not in properties:
            raise StoreMismatchError(
                f"{location}: a Delta table that sessionize did not make. Name another folder."
            )
        texts = [field.metadata[_TYPE_KEY] for field in delta.schema().fields if _TYPE_KEY in field.metadata]
        fields = [schema_from_text(text).field(0) for text in texts]
        return cls(pa.schema(fields), *json.loads(properties[_TIMES_KEY]))

    @property
    def times(self) -> tuple[str, str]:
        """The names of the columns of start and end."""
        return self.start, self.end

    def columns(self) -> pa.Schema:
        """Return the columns of the Delta table, the partition where the public ones end.

        Raises:
            InputError: For a column type that Delta cannot hold.
        """
        fields = [_with_own_type(*each) for each in zip(stored_schema(self.schema), self.schema, strict=True)]
        public = len(fields) - (STATE in self.schema.names)
        return pa.schema([*fields[:public], pa.field(DATE, pa.date32()), *fields[public:]])

    def properties(self) -> dict[str, str]:
        """Return the properties of the Delta table."""
        return {
            "delta.dataSkippingStatsColumns": ",".join(f"`{name}`" for name in self.times),
            _TIMES_KEY: json.dumps(self.times),
        }


def _with_own_type(stored: pa.Field, own: pa.Field) -> pa.Field:
    return stored.with_metadata({**(stored.metadata or {}), _TYPE_KEY: schema_to_text(pa.schema([own]))})
