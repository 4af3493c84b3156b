"""Judging rows: which are events, which are left out, and which are rejected, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.matching import matches
from sessionize.events import REJECTED, Chunk, Events, Tally
from sessionize.reading.declared import convert
from sessionize.reading.options import ReadOptions
from sessionize.reading.records import Records
from sessionize.reading.times import PROBLEMS, Instants, bare_epochs_error, parse_times
from sessionize.reading.types import ColumnTypes, flatten, is_text

_EVENT = 0
_FILTERED = 1
_REASONS = ("malformed_row", "missing_identity", *PROBLEMS)
_FIRST_REASON = 2

Mask = NDArray[np.bool_]

NAMED_BY_NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Needed:
    """The columns that a run reads, by what they are for.

    Attributes:
        time: The time column.
        identity: The identity columns.
        rules: The columns that become part of the events, the identity among them.
        options: How values are read.
        named_by: Which options name a column of the rules, in sentences, for errors.
    """

    time: str
    identity: tuple[str, ...]
    rules: tuple[str, ...]
    options: ReadOptions
    named_by: Mapping[str, str]

    @classmethod
    def of(
        cls,
        rules_columns: Sequence[str],
        identity: Sequence[str],
        options: ReadOptions,
        named_by: Mapping[str, str],
    ) -> Needed:
        """Put together what the rules read (the identity may be among it) and what reading needs."""
        columns = tuple(dict.fromkeys([*identity, *rules_columns]))
        return cls(options.time, tuple(identity), columns, options, named_by)

    @property
    def filters(self) -> tuple[str, ...]:
        """The columns that include and exclude look at."""
        return tuple(dict.fromkeys(column for column, _ in (*self.options.include, *self.options.exclude)))

    @property
    def valued(self) -> tuple[str, ...]:
        """The columns whose values matter (not only as a time), each once."""
        return tuple(dict.fromkeys([*self.rules, *self.filters]))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        return tuple(dict.fromkeys([*self.rules, self.time, *self.filters]))


def judge(file: str, table: pa.Table, records: Records, needed: Needed, types: ColumnTypes) -> Chunk:
    """Turn rows as read into events, rejected rows, and the count of both.

    A row is judged once: first by include and exclude, then for malformed values, then for its
    identity, then for its time.

    Args:
        file: Named in rejected rows and errors.
        table: The needed columns of n rows, as read.
        records: Where the rows came from.
        needed: What the columns are for.
        types: The type of each column of `needed.valued`; text is converted, other types are widened.

    Returns:
        The chunk; its events are in input order.

    Raises:
        InputError: For a filter value that its column cannot hold, and for times that are bare
            numbers throughout.
    """
    read = {name: flatten(table[name]) for name in needed.columns}
    values, malformed = _typed(read, needed, types)
    verdict = _filtered(values, needed.options, table.num_rows).astype(np.uint8) * np.uint8(_FILTERED)
    _reject(verdict, malformed, "malformed_row")
    for column in needed.identity:
        if values[column].null_count:
            _reject(verdict, _mask(values[column].is_null()), "missing_identity")
    instants = parse_times(read[needed.time], needed.options)
    _refuse_bare_numbers(file, needed.time, instants, read[needed.time])
    for index in np.unique(instants.problem[instants.problem > 0]):
        _reject(verdict, instants.problem == index, PROBLEMS[index - 1])
    columns = pa.table({name: values[name] for name in needed.rules})
    return _chunk(file, columns, instants, verdict, records)


def _typed(read: dict[str, pa.Array], needed: Needed, types: ColumnTypes) -> tuple[dict[str, pa.Array], Mask]:
    """Give each valued column the log's type, and mark the rows whose text is no value of it."""
    values = {}
    malformed = np.zeros(len(read[needed.time]), np.bool_)
    for name in needed.valued:
        values[name], bad = typed(read[name], types[name], needed.options)
        if bad is not None:
            malformed |= bad
    return values, malformed


def typed(values: pa.Array, type_: pa.DataType, options: ReadOptions) -> tuple[pa.Array, Mask | None]:
    """Give a column, as read, the log's type.

    Args:
        values: The column, one chunk.
        type_: The log's type: text is converted to it, other types are widened.
        options: How text is read.

    Returns:
        The values, text with its dictionary if it has one; and which of them (bool, shape (n,)) are
        text that is no value of the type, or None where no text was to be read.
    """
    if not is_text(values.type):
        return (values if values.type == type_ else values.cast(type_)), None
    return (values, None) if is_text(type_) else convert(values, type_, options)


def _filtered(values: dict[str, pa.Array], options: ReadOptions, rows: int) -> Mask:
    """Mark the rows that include or exclude leave out.

    Values of one column are alternatives, different columns must all hold, and a null equals nothing.
    """
    kept = np.ones(rows, np.bool_)
    for column, texts in _alternatives(options.include).items():
        kept &= _equals_any(values[column], column, texts)
    for column, texts in _alternatives(options.exclude).items():
        kept &= ~_equals_any(values[column], column, texts)
    return ~kept


def _alternatives(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for column, text in pairs:
        grouped.setdefault(column, []).append(text)
    return grouped


def _equals_any(values: pa.Array, column: str, texts: Sequence[str]) -> Mask:
    return reduce(np.logical_or, (_mask(matches(values, column, text)) for text in texts))


def _reject(verdict: NDArray[np.uint8], rows: Mask, reason: str) -> None:
    verdict[rows & (verdict == _EVENT)] = _FIRST_REASON + _REASONS.index(reason)


def _refuse_bare_numbers(file: str, column: str, instants: Instants, times: pa.Array) -> None:
    known = len(times) - times.null_count
    if known and instants.bare_epochs == known:
        raise bare_epochs_error(file, column, times.drop_null()[0].as_py())


def _chunk(
    file: str, columns: pa.Table, instants: Instants, verdict: NDArray[np.uint8], records: Records
) -> Chunk:
    kept = verdict == _EVENT
    tally = Tally(
        input_rows=len(verdict),
        dst_resolved=int(np.count_nonzero(instants.dst_resolved & kept)),
        bare_numbers=instants.bare_epochs,
    )
    rejected = REJECTED.empty_table()
    if kept.all():
        events = Events(instants.time_us, columns)
    else:
        events = Events(instants.time_us[kept], _single_chunks(columns.filter(pa.array(kept))))
        tally.filtered = int(np.count_nonzero(verdict == _FILTERED))
        rejected = _rejected(file, verdict, records)
    if malformed := records.malformed():
        tally.input_rows += len(malformed)
        rejected = _merged(file, rejected, malformed)
    tally.rejected_by_reason.update(rejected["reason"].to_pylist())
    return Chunk(events, rejected, tally, kept, np.array([number - 1 for number, _ in malformed], np.int64))


def _rejected(file: str, verdict: NDArray[np.uint8], records: Records) -> pa.Table:
    rows = np.flatnonzero(verdict >= _FIRST_REASON)
    if not len(rows):
        return REJECTED.empty_table()
    reasons = pa.DictionaryArray.from_arrays(pa.array(verdict[rows] - _FIRST_REASON), pa.array(_REASONS))
    return pa.table(
        [
            pa.repeat(file, len(rows)),
            pa.array(records.numbers(rows), pa.int64()),
            reasons.cast(pa.string()),
            pa.array(records.raw(rows), pa.string()),
        ],
        schema=REJECTED,
    )


def _merged(file: str, rejected: pa.Table, malformed: list[tuple[int, str]]) -> pa.Table:
    """Add the records that gave no row, in input order."""
    numbers, texts = zip(*malformed, strict=True)
    count = len(malformed)
    more = pa.table([[file] * count, numbers, ["malformed_row"] * count, texts], schema=REJECTED)
    return pa.concat_tables([rejected, more]).sort_by("record").combine_chunks()


def _single_chunks(table: pa.Table) -> pa.Table:
    return pa.table({name: flatten(table[name]) for name in table.column_names})


def _mask(array: pa.Array) -> Mask:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.bool_)
