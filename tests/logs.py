"""A log with the rules to apply to it, for the oracle and for sessionize, and how to compare the two.

It holds plain Python rows for the oracle and Arrow types for us; `generators.py` makes such logs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isclose, isnan
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from sessionize.core import fragments, walk
from sessionize.engine import carried, gathering, local, waiting
from sessionize.reading import blocks, parquet, tables
from tests import oracle
from tests.clocks import EPOCH, MICROSECOND
from tests.oracle import Aggregation, Condition, Row, Rules

BYTES_PER_ROW = 40
"""Of a small log as CSV, roughly."""


@dataclass(frozen=True)
class Log:
    """A log: rows in input order, each column's Arrow type, and the rules to apply."""

    rows: list[Row]
    types: dict[str, pa.DataType]
    rules: Rules

    def table(self) -> pa.Table:
        """The log as an Arrow table."""
        return pa.table({name: self._column(name, type_) for name, type_ in self.types.items()})

    def _column(self, name: str, type_: pa.DataType) -> pa.Array:
        values = [row[name] for row in self.rows]
        if type_ == pa.uuid():
            storage = [value and value.bytes for value in values]
            return pa.ExtensionArray.from_storage(type_, pa.array(storage, type_.storage_type))
        return pa.array(values, type_)

    def options(self) -> dict[str, Any]:
        """The rules and reading options as keywords of `sessionize.sessionize` and `sessionize.run`."""
        rules, is_epoch = self.rules, self.types[self.rules.time] == pa.int64()
        return {
            "by": list(rules.by),
            "time": rules.time,
            "time_unit": "us" if is_epoch else None,
            "timeout": _duration(rules.timeout_us),
            "boundary": rules.boundary,
            "split_daily": rules.split_daily,
            "timezone": rules.timezone,
            "dst_policy": rules.dst_policy,
            "split_on": list(rules.split_on),
            "split_from_null": rules.split_from_null,
            "split_before": _conditions(rules.split_before),
            "split_after": _conditions(rules.split_after),
            "max_duration": _duration(rules.max_duration_us),
            "max_duration_boundary": rules.max_duration_boundary,
            "max_events": rules.max_events,
            "dedupe": rules.dedupe,
            "tie_break": list(rules.tie_break),
            "agg": {item.name: _aggregate_text(item) for item in rules.agg},
            "include": _conditions(rules.include),
            "exclude": _conditions(rules.exclude),
            "not_before": _moment(rules.not_before),
            "not_after": _moment(rules.not_after),
            "as_of": _moment(rules.as_of),
            "max_rejected": "100%",
        }

    def type_options(self) -> dict[str, str]:
        """What `--type` must say of each column that is not text, where all cells are text."""
        named = {name: _type_text(type_) for name, type_ in self.types.items() if name != self.rules.time}
        return {name: text for name, text in named.items() if text != "text"}

    def expected(self) -> oracle.Outcome:
        """What the oracle says."""
        return oracle.sessionize(self.rows, self.rules)

    def shuffled(self, seed: int) -> Log:
        """The same rows in another order."""
        return replace(self, rows=random.Random(seed).sample(self.rows, len(self.rows)))

    def without_aggregates(self) -> Log:
        """The same log, asked for nothing but its sessions."""
        return replace(self, rules=replace(self.rules, agg=()))


def _aggregate_text(item: Aggregation) -> str:
    return f"{item.function}:{item.column}" + ("" if item.argument is None else f",{item.argument}")


def _conditions(conditions: Sequence[Condition]) -> list[str]:
    return [f"{column}={value}" for column, value in conditions]


def _duration(us: int | None) -> timedelta | str:
    return "none" if us is None else timedelta(microseconds=us)


def _type_text(type_: pa.DataType) -> str:
    names = {
        "double": "float64",
        "date32[day]": "date",
        "timestamp[us, tz=UTC]": "timestamp",
        "string": "text",
        "dictionary<values=string, indices=int32, ordered=0>": "text",
    }
    return names.get(str(type_), str(type_).replace("decimal128", "decimal").replace(" ", ""))


def _moment(time_us: int | None) -> datetime | None:
    return None if time_us is None else EPOCH.replace(tzinfo=UTC) + time_us * MICROSECOND


@contextmanager
def tiny_chunks(rows: int) -> Iterator[None]:
    """Let sessionize read so many rows at a time: the one place that knows how to force it."""
    with ExitStack() as stack:
        for module in (tables, parquet):
            stack.enter_context(patch.object(module, "CHUNK_ROWS", rows))
        stack.enter_context(patch.object(blocks, "BLOCK_BYTES", rows * BYTES_PER_ROW))
        stack.enter_context(patch.object(gathering, "GATHERED_ROWS", rows))
        stack.enter_context(patch.object(local, "BATCH_ROWS", rows))
        stack.enter_context(patch.object(waiting, "ROWS_OF_A_PART", rows))
        stack.enter_context(patch.object(carried, "MERGE_BYTES", rows * BYTES_PER_ROW))
        for module in (fragments, walk):
            stack.enter_context(patch.object(module, "SLICE_ROWS", max(rows // 2, 1)))
        yield


# ---------------------------------------------------------------- comparing


def session_rows(table: pa.Table) -> list[Row]:
    """A sessions table as the oracle writes it: times in µs."""
    for name in ("start_time", "end_time"):
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, table[name].cast(pa.int64()))
    return [dict(row) for row in table.to_pylist()]


def assert_same_sessions(found: Sequence[Row], expected: Sequence[Row], rules: Rules) -> None:
    """Compare row by row, in order; sums and means of floats to 1e-12, all else exactly."""
    inexact = {item.name for item in rules.agg if item.function in ("sum", "mean")}
    assert [_comparable(row, inexact) for row in found] == [_comparable(row, inexact) for row in expected]
    for row, other in zip(found, expected, strict=True):
        assert list(row) == list(other)
        for name in inexact:
            assert _is_close(row[name], other[name]), (name, row[name], other[name])


def _comparable(row: Row, inexact: set[str]) -> Row:
    return {name: _plain(value) for name, value in row.items() if name not in inexact}


def _plain(value: Any) -> Any:
    """A value that equals only what must be written alike: NaN itself, 0.0 not −0.0, True not 1."""
    return [_plain(item) for item in value] if isinstance(value, list) else (type(value), str(value))


def _is_close(value: Any, other: Any) -> bool:
    if not isinstance(value, float) or not isinstance(other, float):
        return bool(value == other) and type(value) is type(other)
    return (isnan(value) and isnan(other)) or isclose(value, other, rel_tol=1e-12)
