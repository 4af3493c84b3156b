"""The rows of a sessions table as the plain arrays that are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.dashboard.clock import local_hours
from sessionize.dashboard.people import names_of
from sessionize.errors import InputError
from sessionize.written.layout import OWN_TYPES, Layout
from sessionize.zones import Zone

_NEEDED = ("start_time", "end_time", "duration_seconds", "event_count")


@dataclass(frozen=True)
class Rows:
    """Some sessions, whole ones only; every array of shape (n,).

    Attributes:
        session_id: string.
        user: large_string; null where the session names no user.
        identity: large_string: whose session it is by the rules, where that is another than the user.
        start_us: int64: the first event, µs since the epoch.
        end_us: int64: the last event.
        seconds: float64, not negative.
        events: int64.
        reason: string.
        day: int64: the local day of the start, from 1970-01-01.
        hour: int64: the local hour of the start.
    """

    session_id: pa.Array
    user: pa.Array
    identity: pa.Array
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    seconds: NDArray[np.float64]
    events: NDArray[np.int64]
    reason: pa.Array
    day: NDArray[np.int64]
    hour: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the sessions."""
        return len(self.start_us)

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Pick some sessions; all of them cost nothing."""
        if chosen.all():
            return self
        mask = pa.array(chosen)
        picked = {
            name: values.filter(mask) if isinstance(values, pa.Array) else values[chosen]
            for name, values in vars(self).items()
        }
        return Rows(**picked)


@dataclass(frozen=True)
class Reader:
    """How to take the arrays from a table.

    Attributes:
        layout: Which columns are ours.
        users: The columns that tell users apart.
        zone: Whose days and hours count.
    """

    layout: Layout
    users: tuple[str, ...]
    zone: Zone

    @property
    def columns(self) -> list[str]:
        """The columns that a report reads, each once."""
        ours = [self.layout.own(name) for name in OWN_TYPES]
        return list(dict.fromkeys([*ours, *self.users, *self.layout.identity]))

    def read(self, table: pa.Table) -> tuple[Rows, int]:
        """Take the whole sessions from a table, and count the others.

        Args:
            table: n rows of `columns`.

        Returns:
            The sessions that have a start, an end, a duration of at least zero and a number of events; and
            how many have not.

        Raises:
            InputError: For one of our columns of a type that cannot be what it says.
        """
        columns = {name: self._typed(table, name, type_) for name, type_ in OWN_TYPES.items()}
        valid = np.logical_and.reduce([_is_valid(columns[name]) for name in _NEEDED])
        valid &= pc.fill_null(columns["duration_seconds"], -1.0).to_numpy() >= 0
        if not valid.all():
            mask = pa.array(valid)
            columns = {name: column.filter(mask) for name, column in columns.items()}
            table = table.filter(mask)
        return self._rows(columns, table), int((~valid).sum())

    def _rows(self, columns: dict[str, pa.Array], table: pa.Table) -> Rows:
        start_us = _integers(columns["start_time"])
        day = self.zone.local_day(start_us)
        user = names_of(table, self.users)
        return Rows(
            columns["session_id"],
            user,
            user if self.users == self.layout.identity else names_of(table, self.layout.identity),
            start_us,
            _integers(columns["end_time"]),
            columns["duration_seconds"].to_numpy(),
            columns["event_count"].to_numpy(),
            columns["start_reason"],
            day,
            local_hours(start_us, day, self.zone),
        )

    def _typed(self, table: pa.Table, name: str, type_: pa.DataType) -> pa.Array:
        own = self.layout.own(name)
        column = table[own].combine_chunks()
        try:
            return column.cast(type_, safe=not pa.types.is_timestamp(column.type))
        except pa.ArrowException as error:
            raise InputError(
                f"{self.layout.name}: column {own!r} is {column.type}, not {type_}: {error}. "
                "Name a table that sessionize run has written."
            ) from None


def _is_valid(column: pa.Array) -> NDArray[np.bool_]:
    return column.is_valid().to_numpy(zero_copy_only=False)


def _integers(times: pa.Array) -> NDArray[np.int64]:
    return times.view(pa.int64()).to_numpy()
