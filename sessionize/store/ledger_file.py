"""The ledger's entries: one input file each, and the rows that they are written as."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from attrs import evolve, frozen

from sessionize.events import Tally
from sessionize.reading.sources import Source
from sessionize.store.fingerprint import Fingerprint, Stamp

_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("modified", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("partition", pa.string(), nullable=False),
        pa.field("input_rows", pa.int64(), nullable=False),
        pa.field("filtered", pa.int64(), nullable=False),
        pa.field("rejected_by_reason", pa.string(), nullable=False),
        pa.field("deduplicated", pa.int64(), nullable=False),
        pa.field("dst_resolved", pa.int64(), nullable=False),
        pa.field("bare_numbers", pa.int64(), nullable=False),
        pa.field("first_us", pa.int64()),
        pa.field("last_us", pa.int64()),
    ]
)


@frozen(kw_only=True)
class LedgerFile:
    """One input file that the store contains.

    Attributes:
        id: What its contribution is stored under, in letters and digits; kept when the file moves.
        path: The canonical path.
        stamp: Size and modification time when it was read.
        content: Hash of what was read of it, see `sessionize.store.fingerprint`.
        partition: Columns that its Hive folders named, as text; None is null.
        tally: Where its rows went.
        first_us: Its earliest event, microseconds since the epoch, UTC; None without events.
        last_us: Its latest event.
    """

    id: str
    path: str
    stamp: Stamp
    content: str
    partition: Mapping[str, str | None]
    tally: Tally
    first_us: int | None = None
    last_us: int | None = None

    def found_at(self, fingerprint: Fingerprint, source: Source) -> LedgerFile:
        """Return the entry of the same content at another place, or with another modification time."""
        return evolve(self, path=fingerprint.path, stamp=fingerprint.stamp, partition=dict(source.partition))


def to_table(files: Iterable[LedgerFile]) -> pa.Table:
    """Write entries as a table: a row each, in their order."""
    columns = list(zip(*map(_to_row, files), strict=True)) or [()] * len(_SCHEMA)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, _SCHEMA, strict=True)]
    return pa.table(arrays, _SCHEMA)


def from_table(table: pa.Table) -> Iterator[LedgerFile]:
    """Read what `to_table` wrote; column by column, because rows as dictionaries take four times as long.

    Raises:
        KeyError: For a table without one of the columns.
        TypeError: For nulls where none can be.
        ValueError: For text that is no JSON.
    """
    columns = [table[name].to_pylist() for name in _SCHEMA.names]
    for id_, path, size, modified, content, folders, *counts, first_us, last_us in zip(*columns, strict=True):
        input_rows, filtered, reasons, *others = counts
        yield LedgerFile(
            id=id_,
            path=path,
            stamp=Stamp(size, modified),
            content=content,
            partition=_partition(folders),
            tally=Tally(input_rows, filtered, Counter(_from_json(reasons)), *others),
            first_us=first_us,
            last_us=last_us,
        )


def _to_row(file: LedgerFile) -> tuple[Any, ...]:
    """Write an entry as the values of `_SCHEMA`."""
    tally = file.tally
    return (
        file.id,
        file.path,
        file.stamp.size,
        file.stamp.modified,
        file.content,
        _as_json(file.partition),
        tally.input_rows,
        tally.filtered,
        _as_json(tally.rejected_by_reason),
        tally.deduplicated,
        tally.dst_resolved,
        tally.bare_numbers,
        file.first_us,
        file.last_us,
    )


@lru_cache  # neighbours share it, and a hundred thousand small mappings are slow to make
def _partition(text: str) -> Mapping[str, str | None]:
    return MappingProxyType(json.loads(text))


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values)) if values else "{}"  # nearly always, and json.dumps is slow at it


def _from_json(text: str) -> dict[str, Any] | None:
    return None if text == "{}" else json.loads(text)
