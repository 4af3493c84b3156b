"""Aggregates: extra columns of a session, computed from states that merge as fragments do.

An aggregate *lifts* events to states (an event is the smallest fragment), *reduces* the states of
rows that belong together to one, in any grouping and order, and *finishes* a state as the value
that the sessions table shows. `bind` chooses the kind for a function and a column type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.exact_sums import FloatSum, LimbSum, Sum
from sessionize.core.groups import Groups, Key, begins
from sessionize.core.matching import matches
from sessionize.core.ordering import positive_zero, sort_keys
from sessionize.errors import InputError
from sessionize.events import Events
from sessionize.rules import Aggregate

States = Sequence[pa.Array]


class AggregateColumn(ABC):
    """One aggregate over one column type.

    Attributes:
        name: The column's name in the sessions table.
        column: The log's column that it reads.
        type: The column's type there.
        state_types: The types of the hidden columns that carry its state in fragments.
    """

    name: str
    column: str
    type: pa.DataType
    state_types: Sequence[pa.DataType]

    @abstractmethod
    def lift(self, events: Events) -> States:
        """Give every event its state, in the events' order."""

    @abstractmethod
    def reduce(self, states: States, order: NDArray[np.int64], groups: Groups) -> States:
        """Give every group the state of its rows; row i of the groups stands at `order[i]` of the states."""

    @abstractmethod
    def finish(self, states: States) -> pa.Array:
        """Turn states into values of `type`."""

    @property
    def state_names(self) -> list[str]:
        """The names of the state columns in fragments, which no identity column can have."""
        return [f"state_{self.name}_{index}" for index in range(len(self.state_types))]

    def cut(self, events: Events, order: NDArray[np.int64], groups: Groups) -> dict[str, pa.Array]:
        """Compute the state columns of fragments from events; within a group `order` follows their times."""
        return dict(zip(self.state_names, self.reduce(self.lift(events), order, groups), strict=True))

    def merge(self, fragments: pa.Table, order: NDArray[np.int64], groups: Groups) -> dict[str, pa.Array]:
        """Compute the state columns of merged fragments."""
        return dict(zip(self.state_names, self.reduce(self.states(fragments), order, groups), strict=True))

    def states(self, fragments: pa.Table) -> States:
        """Take this aggregate's state columns out of fragments."""
        return [column(fragments, name) for name in self.state_names]


class _Pick(AggregateColumn):
    """`min`, `max`, `any`, `all`: the smallest or largest value."""

    def __init__(self, aggregate: Aggregate, type_: pa.DataType, *, largest: bool) -> None:
        self.name, self.column, self.type, self._largest = aggregate.name, aggregate.column, type_, largest
        self.state_types = [type_]

    def lift(self, events: Events) -> States:
        return [positive_zero(column(events.columns, self.column))]

    def reduce(self, states: States, order: NDArray[np.int64], groups: Groups) -> States:
        return _taken(
            states, order, groups.smallest(_with_value(states[0], order), self._keys(states, order))
        )

    def finish(self, states: States) -> pa.Array:
        return states[0]

    def _keys(self, states: States, order: NDArray[np.int64]) -> list[Key]:
        return [self._key(states[0], order)]

    def _key(self, state: pa.Array, order: NDArray[np.int64]) -> Key:
        # Only rows that are still level are looked up: ranking text is the dear part.
        flip = np.int64(-1 if self._largest else 0)
        return lambda rows: sort_keys(state.take(pa.array(order[rows]))) ^ flip


class _PickInOrder(_Pick):
    """`first`, `last`: the value of the earliest or latest event that has one.

    States are the value, then the event's place in the order: time and tie-break columns. At one
    place `first` takes the smallest value and `last` the largest, so that no input order shows.
    """

    def __init__(
        self, aggregate: Aggregate, type_: pa.DataType, tie_break: Mapping[str, pa.DataType], *, largest: bool
    ) -> None:
        super().__init__(aggregate, type_, largest=largest)
        self._tie_break = list(tie_break)
        self.state_types = [type_, pa.int64(), *tie_break.values()]

    def lift(self, events: Events) -> States:
        places = [column(events.columns, name) for name in self._tie_break]
        return [*super().lift(events), pa.array(events.time_us), *places]

    def cut(self, events: Events, order: NDArray[np.int64], groups: Groups) -> dict[str, pa.Array]:
        # The group's first (last) row with a value it is, but for those of the same time.
        states = self.lift(events)
        candidates = _with_value(states[0], order)
        chosen, rival = groups.ends(candidates, last=self._largest)
        tied = (rival >= 0) & (events.time_us[order[chosen]] == events.time_us[order[rival]])
        if tied.any():
            level = candidates[tied[groups.of_row[candidates]]]
            chosen = np.where(tied, groups.smallest(level, self._keys(states, order)), chosen)
        return dict(zip(self.state_names, _taken(states, order, chosen), strict=True))

    def _keys(self, states: States, order: NDArray[np.int64]) -> list[Key]:
        value, time, *places = states
        keys = [self._key(time, order)]
        for place in places:
            keys += [self._key(place.is_null(), order), self._key(place, order)]
        return [*keys, self._key(value, order)]


class _Count(AggregateColumn):
    """`count`, `count_if`: how many events have a value, or the given one."""

    type = pa.int64()
    state_types = (pa.int64(),)

    def __init__(self, aggregate: Aggregate) -> None:
        self.name, self.column, self._value = aggregate.name, aggregate.column, aggregate.argument

    def lift(self, events: Events) -> States:
        values = column(events.columns, self.column)
        counted = values.is_valid() if self._value is None else matches(values, self.column, self._value)
        return [counted.cast(pa.int64())]

    def reduce(self, states: States, order: NDArray[np.int64], groups: Groups) -> States:
        return [pa.array(groups.sum(states[0].to_numpy()[order]))]

    def finish(self, states: States) -> pa.Array:
        return states[0]


class _Total(AggregateColumn):
    """`sum`, `mean`: states are the parts of the sum, then how many values it has."""

    def __init__(self, aggregate: Aggregate, type_: pa.DataType) -> None:
        self.name, self.column, self._is_mean = aggregate.name, aggregate.column, aggregate.function == "mean"
        self._sum: Sum = FloatSum() if pa.types.is_floating(type_) else LimbSum(type_)
        self.type = pa.float64() if self._is_mean else self._sum.type
        self.state_types = [*self._sum.part_types, pa.int64()]

    def lift(self, events: Events) -> States:
        values = column(events.columns, self.column)
        parts = self._sum.split(values)
        return [*map(pa.array, parts), values.is_valid().cast(pa.int64())]

    def reduce(self, states: States, order: NDArray[np.int64], groups: Groups) -> States:
        *parts, count = (groups.sum(state.to_numpy()[order]) for state in states)
        return [*map(pa.array, self._sum.carry(parts)), pa.array(count)]

    def finish(self, states: States) -> pa.Array:
        *parts, count = (state.to_numpy() for state in states)
        nothing = count == 0
        if self._is_mean:
            with np.errstate(invalid="ignore"):
                return pa.array(self._sum.as_float(parts) / np.where(nothing, 1, count), mask=nothing)
        try:
            total = self._sum.join(parts)
        except OverflowError as error:
            raise InputError(
                f"aggregate {self.name!r}: a sum of {self.column!r} is too large for {self.type}. {error}"
            ) from None
        return pc.if_else(pa.array(nothing), pa.scalar(None, self.type), total)


class _Distinct(AggregateColumn):
    """`nunique`, `set`: the state is the sorted list of distinct values."""

    def __init__(self, aggregate: Aggregate, type_: pa.DataType) -> None:
        self.name, self.column, self._is_set = aggregate.name, aggregate.column, aggregate.function == "set"
        self.state_types = [pa.list_(type_)]
        self.type = self.state_types[0] if self._is_set else pa.int64()

    def lift(self, events: Events) -> States:
        values = positive_zero(_decoded(column(events.columns, self.column)))
        offsets = np.concatenate(([0], np.cumsum(values.is_valid().to_numpy(zero_copy_only=False))))
        return [_lists(offsets, values.drop_null())]

    def reduce(self, states: States, order: NDArray[np.int64], groups: Groups) -> States:
        lists = states[0].take(pa.array(order))
        values, group = lists.flatten(), np.repeat(groups.of_row, lists.value_lengths().to_numpy())
        key = sort_keys(values)
        by_group = np.lexsort((key, group))
        group, key = group[by_group], key[by_group]
        distinct = begins(key, group)
        offsets = np.searchsorted(group[distinct], np.arange(len(groups) + 1))
        return [_lists(offsets, values.take(pa.array(by_group[distinct])))]

    def finish(self, states: States) -> pa.Array:
        return states[0] if self._is_set else states[0].value_lengths().cast(pa.int64())


def bind(
    aggregates: Sequence[Aggregate], types: Mapping[str, pa.DataType], tie_break: Sequence[str]
) -> list[AggregateColumn]:
    """Choose how to compute each aggregate over the log's column types.

    Args:
        aggregates: The rules' aggregates.
        types: The type of each column of the log that rules read, text never as a dictionary.
        tie_break: The columns that order events of one instant.

    Returns:
        One bound aggregate for each, in order.

    Raises:
        InputError: For a function that its column's type has no meaning for.
    """
    places = {name: _value_type(types[name]) for name in tie_break}
    return [_bind(aggregate, _value_type(types[aggregate.column]), places) for aggregate in aggregates]


def _bind(aggregate: Aggregate, type_: pa.DataType, places: Mapping[str, pa.DataType]) -> AggregateColumn:
    is_number = pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal128(type_)
    match aggregate.function:
        case "first" | "last":
            return _PickInOrder(aggregate, type_, places, largest=aggregate.function == "last")
        case "min" | "max":
            return _Pick(aggregate, type_, largest=aggregate.function == "max")
        case "any" | "all":
            _require(pa.types.is_boolean(type_), aggregate, type_, "booleans", "bool")
            return _Pick(aggregate, type_, largest=aggregate.function == "any")
        case "sum" | "mean":
            _require(is_number, aggregate, type_, "numbers of up to 38 digits", "float64")
            return _Total(aggregate, type_)
        case "count" | "count_if":
            return _Count(aggregate)
        case "nunique" | "set":
            return _Distinct(aggregate, type_)


def _require(holds: bool, aggregate: Aggregate, type_: pa.DataType, needed: str, type_name: str) -> None:
    if holds:
        return
    remedy = f" Say so with --type {aggregate.column}={type_name}." if pa.types.is_string(type_) else ""
    raise InputError(
        f"aggregate {aggregate.name}={aggregate}: {aggregate.function} needs {needed}, "
        f"but {aggregate.column!r} is {'text' if pa.types.is_string(type_) else type_}.{remedy}"
    )


def _value_type(type_: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_null(type_) else type_


def _taken(states: States, order: NDArray[np.int64], chosen: NDArray[np.int64]) -> States:
    """Take the chosen rows' states; -1 gives nulls."""
    rows = pa.array(order[chosen], mask=chosen < 0)
    return [_decoded(state.take(rows)) for state in states]


def _with_value(values: pa.Array, order: NDArray[np.int64]) -> NDArray[np.int64]:
    if values.null_count == 0:
        return np.arange(len(order))
    return np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False)[order])


def _decoded(values: pa.Array) -> pa.Array:
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def _lists(offsets: NDArray[np.int64], values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
