"""The users of a sessions table: a number for each, and what each has done so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sessionize.core.identity import identity_text
from sessionize.core.texts import as_text

NOBODY = -1
"""The number of a session that names no user."""

NEVER = np.iinfo(np.int64).max


def names_of(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Write each row's user as text, as session ids begin; null where one of the columns is null."""
    return identity_text([table[column].combine_chunks() for column in columns], as_text).cast(
        pa.large_string()
    )


class People:
    """Everyone seen so far. Memory grows with the users, never with the sessions.

    Attributes:
        names: Array of large_string: the name of each user, by number.
        first_us: Each one's earliest start in the table, in µs.
        last_us: Each one's latest end within the period, in µs; 0 without sessions there.
        sessions: Each one's sessions within the period.
        events: Each one's events within the period.
        used_us: Each one's time in sessions within the period, in µs.
    """

    def __init__(self) -> None:
        """Know nobody yet."""
        self.names = pa.array([], pa.large_string())
        self.first_us: NDArray[np.int64] = np.empty(0, np.int64)
        self.last_us, self.sessions, self.events, self.used_us = (np.empty(0, np.int64) for _ in range(4))

    def numbers(self, names: pa.Array) -> NDArray[np.int64]:
        """Number users, new ones in the order in which they appear.

        Args:
            names: Array of large_string, n names; null for a session of nobody.

        Returns:
            int64, shape (n,): the number of each, `NOBODY` for null.
        """
        here = names.dictionary_encode()
        known = pc.index_in(here.dictionary, value_set=self.names)
        is_new = known.is_null()
        numbers = pc.fill_null(known, 0).to_numpy().astype(np.int64)
        fresh = here.dictionary.filter(is_new)
        numbers[is_new.to_numpy(zero_copy_only=False)] = len(self.names) + np.arange(len(fresh))
        self._welcome(fresh)
        index = pc.fill_null(here.indices, -1).to_numpy()
        return np.append(numbers, NOBODY)[index]

    def note_starts(self, who: NDArray[np.int64], start_us: NDArray[np.int64]) -> None:
        """Take in when sessions of numbered users started, in the period or not."""
        np.minimum.at(self.first_us, who, start_us)

    def note_sessions(
        self,
        who: NDArray[np.int64],
        end_us: NDArray[np.int64],
        events: NDArray[np.int64],
        duration_us: NDArray[np.int64],
    ) -> None:
        """Take in sessions of the period, of numbered users."""
        np.add.at(self.sessions, who, 1)
        np.add.at(self.events, who, events)
        np.add.at(self.used_us, who, duration_us)
        np.maximum.at(self.last_us, who, end_us)

    def busiest(self, number: int) -> NDArray[np.int64]:
        """Return the numbers of those with most sessions, then events, then time, then the first name."""
        active = np.flatnonzero(self.sessions)
        if len(active) > number:
            enough = np.partition(self.sessions[active], -number)[-number]
            active = active[self.sessions[active] >= enough]
        by_name = np.argsort(np.array(self.names.take(pa.array(active)).to_pylist(), object), kind="stable")
        active = active[by_name]
        order = np.lexsort((-self.used_us[active], -self.events[active], -self.sessions[active]))
        return active[order][:number]

    def _welcome(self, names: pa.Array) -> None:
        self.names = pa.concat_arrays([self.names, names])
        nothing = np.zeros(len(names), np.int64)
        self.first_us = np.concatenate([self.first_us, np.full(len(names), NEVER)])
        for name in ("last_us", "sessions", "events", "used_us"):
            setattr(self, name, np.concatenate([getattr(self, name), nothing]))
