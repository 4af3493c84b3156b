"""Cutting a stream of tables into batches by row count only, so that equal rows give equal bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

BATCH_ROWS = 131_072
"""Rows of a batch, which is a Parquet row group, an Arrow record batch, or a block of text.

At a session's usual 100 to 150 bytes a batch is 15 to 20 MB in memory: large enough for column
compression and for row-group statistics to stay few, small enough for constant memory.
"""


class Batches:
    """Regroups tables of any sizes into tables of exactly `BATCH_ROWS` rows.

    The batches depend on the sequence of rows alone, never on where the incoming tables were cut.
    Each has one chunk a column and no dictionaries.
    """

    def __init__(self) -> None:
        """Start without rows."""
        self._waiting: list[pa.Table] = []
        self.waiting_rows = 0

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Take a table in and give the batches that it completes."""
        offset = 0
        while self.waiting_rows + len(table) - offset >= BATCH_ROWS:
            missing = BATCH_ROWS - self.waiting_rows
            self._keep(table.slice(offset, missing))
            offset += missing
            yield from self.rest()
        self._keep(table.slice(offset))

    def rest(self) -> Iterator[pa.Table]:
        """Give the rows that still wait, if any, as a last batch."""
        if self.waiting_rows:
            batch = pa.concat_tables(self._waiting).combine_chunks()
            self._waiting, self.waiting_rows = [], 0
            yield batch

    def _keep(self, table: pa.Table) -> None:
        if len(table):
            self._waiting.append(plain(table))
            self.waiting_rows += len(table)


def plain(table: pa.Table) -> pa.Table:
    """Decode dictionary columns, whose codes would tell how the log was cut."""
    schema = plain_schema(table.schema)
    return table if schema.equals(table.schema) else table.cast(schema)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema with dictionary columns as columns of their values."""
    for index, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            schema = schema.set(index, field.with_type(field.type.value_type))
    return schema
