"""Why an event opens its session, or does not, in the words of its rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.matching import matches
from sessionize.core.walk import change_names, reasons
from sessionize.durations import spoken
from sessionize.rules import SessionRules
from sessionize.writing.text import output_text


@dataclass(frozen=True)
class Timeline:
    """One identity's n events in their order, and its m sessions.

    Attributes:
        sessions: Walked sessions, in their order (`sessionize.core.walk`).
        session: int64 array of n: each event's session; null for a repeated delivery.
        time_us: int64, shape (n,): each event's time.
        gap_us: int64 array of n: since the event before; null where there is none.
        opens: bool array of n: whether the event is its session's first.
        columns: Table of n rows: the columns that rules read.
    """

    sessions: pa.Table
    session: pa.Array
    time_us: NDArray[np.int64]
    gap_us: pa.Array
    opens: pa.Array
    columns: pa.Table

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """The events that are no repeated delivery."""
        return np.flatnonzero(self.session.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The first event of each session."""
        return np.flatnonzero(self.opens.to_numpy(zero_copy_only=False))

    @cached_property
    def before(self) -> NDArray[np.int64]:
        """The event before the first one of each session; meaningless for the first session."""
        return self.kept[np.searchsorted(self.kept, self.first) - 1]

    def of_session(self, name: str, session: int) -> Any:
        """Return a session's value of a column of walked sessions."""
        return self.sessions[name][session].as_py()

    def text(self, name: str, row: int) -> str:
        """Write an event's value of a column."""
        return _text(column(self.columns, name).slice(row, 1))


def why(timeline: Timeline, rules: SessionRules) -> pa.Array:
    """Say why each event opens its session, comes close to it, or does not count.

    Args:
        timeline: The events.
        rules: What a session is.

    Returns:
        String array of n; null for an event that joins its session without more ado. An event
        comes close to opening one when the gap before it is more than half of the timeout.
    """
    words = _Words(timeline, rules)
    said: dict[int, str] = {}
    said |= {int(row): words.opening(session) for session, row in enumerate(timeline.first)}
    said |= {int(row): words.joining(int(row)) for row in _close_ones(timeline, rules)}
    repeated = np.setdiff1d(np.arange(len(timeline.session)), timeline.kept)
    said |= {int(row): words.repeated(int(row)) for row in repeated}
    return pa.array([said.get(row) for row in range(len(timeline.session))], pa.string())


def _close_ones(timeline: Timeline, rules: SessionRules) -> NDArray[np.int64]:
    if rules.timeout_us is None:
        return np.empty(0, np.int64)
    gap_us = timeline.gap_us.fill_null(0).to_numpy()
    return np.flatnonzero((2 * gap_us > rules.timeout_us) & ~timeline.opens.to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class _Words:
    """The sentences, for one timeline under its rules."""

    timeline: Timeline
    rules: SessionRules

    def opening(self, session: int) -> str:
        """Say why a session was opened."""
        if session == 0:
            return "first event"
        reason = reasons(self.rules)[self.timeline.of_session("reason", session)]
        match reason:
            case "inactivity":
                return self._silence(int(self.timeline.first[session]))
            case "calendar":
                return self._new_day(int(self.timeline.first[session]))
            case "marker":
                return self._marker(session)
            case "max_duration":
                return self._too_long(session)
            case "max_events":
                return f"the session holds {_events(self.timeline.of_session('event_count', session - 1))}"
            case _:
                return self._change(session, reason.removeprefix("change:"))

    def joining(self, row: int) -> str:
        """Say how close a gap came to the timeout."""
        timeout_us, gap_us = self.rules.timeout_us or 0, self.timeline.gap_us[row].as_py()
        if gap_us == timeout_us:
            return self._exactly(timeout_us, "of silence", self.rules.boundary)
        return f"{spoken(gap_us)} of silence: {spoken(timeout_us - gap_us)} short of the timeout"

    def repeated(self, row: int) -> str:
        """Say which delivery was repeated."""
        name = str(self.rules.dedupe)
        return f"repeated delivery ({name} {self.timeline.text(name, row)})"

    def _silence(self, row: int) -> str:
        timeout_us, gap_us = self.rules.timeout_us or 0, self.timeline.gap_us[row].as_py()
        return self._beyond(gap_us, timeout_us, "of silence", self.rules.boundary)

    def _too_long(self, session: int) -> str:
        start_us = self.timeline.of_session("start_us", session - 1)
        lasts_us = int(self.timeline.time_us[self.timeline.first[session]]) - start_us
        limit_us, boundary = self.rules.max_duration_us or 0, self.rules.max_duration_boundary
        return self._beyond(lasts_us, limit_us, "since the session began", boundary)

    def _beyond(self, duration_us: int, limit_us: int, what: str, boundary: str) -> str:
        if duration_us == limit_us:
            return self._exactly(limit_us, what, boundary)
        return f"{spoken(duration_us)} {what} > {spoken(limit_us)}"

    def _exactly(self, limit_us: int, what: str, boundary: str) -> str:
        return f"exactly {spoken(limit_us)} {what} (boundary: {boundary})"

    def _new_day(self, row: int) -> str:
        day = self.rules.zone.local_day(self.timeline.time_us[row : row + 1]).astype("datetime64[D]")[0]
        return f"new day in {self.rules.timezone}: {day}"

    def _change(self, session: int, name: str) -> str:
        own = change_names(self.rules)[self.rules.split_on.index(name)]
        value = self.timeline.text(name, int(self.timeline.first[session]))
        before = self.timeline.sessions[own].slice(session - 1, 1).combine_chunks()
        if before.null_count:
            return f"first value of {name}: {value}"
        return f"{name} changed {_text(before.cast(self.timeline.columns[name].type))} → {value}"

    def _marker(self, session: int) -> str:
        first, before = int(self.timeline.first[session]), int(self.timeline.before[session])
        for name, text in self.rules.split_before:
            if self._has(name, text, first):
                return f"{name}={text} begins a session"
        name, text = next(pair for pair in self.rules.split_after if self._has(*pair, before))
        return f"{name}={text} ended the one before"

    def _has(self, name: str, text: str, row: int) -> bool:
        return bool(matches(column(self.timeline.columns, name).slice(row, 1), name, text)[0].as_py())


def _text(value: pa.Array) -> str:
    """Write a lone value as the outputs do; text that would not show, in quotes."""
    text = str(output_text(value)[0].as_py())
    return text if text.strip() == text != "" else repr(text)


def _events(number: int) -> str:
    return f"{number:,} event" + ("" if number == 1 else "s")
