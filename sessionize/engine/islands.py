"""Events and sessions between being read and being closed, where rules ask for events in order.

The plan is that of fragments, only that events wait instead. What no other piece can touch is
walked in its piece's own task. The rest is walked as the watermark passes: events below it behind
the session that their identity has open; those above wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sessionize.core.columns import column
from sessionize.core.division import hashes_of, in_parts, part_with
from sessionize.core.fragments import together
from sessionize.core.sessions import SessionTable
from sessionize.core.walk import Walk
from sessionize.engine.held import as_waiting, waiting_events
from sessionize.engine.plan import BEGINNING, Step
from sessionize.engine.waiting import Tables, Waiting
from sessionize.events import Events

_OPEN_PER_EVENT = 4
"""Open sessions are walked along with events; where so many more of them wait, it would not pay."""


class Islands(Waiting):
    """Sessions that only wait for their turn, sessions that may go on, and events not walked yet."""

    kinds = ("finished", "open", "events")
    leaving = ("finished", "open")

    @staticmethod
    def of_piece(
        step: Step, chunks: Iterable[Events], table: SessionTable
    ) -> tuple[Mapping[str, Tables], int]:
        """Walk one piece of the log.

        Args:
            step: The piece, and its place in the plan.
            chunks: Its events.
            table: What a session is.

        Returns:
            The sessions that no other piece can touch, and the other events; how many events were
            repeated deliveries.
        """
        if not step.may_isolate(table.rules):
            return {"events": [_in_parts(as_waiting(events, table), table) for events in chunks]}, 0
        taken = together([as_waiting(events, table) for events in chunks])
        walk = Walk(waiting_events(taken, table), table.rules, table.aggregates)
        unbroken, time_us = walk.unbroken(), walk.rows.time_us
        isolated = step.is_isolated(time_us[unbroken.starts], time_us[unbroken.lasts], table.rules)
        chosen = np.repeat(isolated, unbroken.sizes)
        rest = taken.take(pa.array(walk.rows.order[~chosen]))
        repeated = int(np.count_nonzero(chosen & ~walk.rows.is_kept))
        return {"finished": [walk.sessions(chosen)], "events": [_in_parts(rest, table)]}, repeated

    def _is_worth_it(self, watermark_us: int, before_us: int) -> bool:
        if self._held_bytes > self._room_bytes:
            return True
        if watermark_us == BEGINNING:
            return False
        below = sum(int(_is_below(table, watermark_us).sum()) for table in self._waiting["events"])
        return below * _OPEN_PER_EVENT >= sum(map(len, self._waiting["open"]))

    def _join(self, watermark_us: int) -> None:
        """Walk the events below the watermark."""
        if self._spill is not None:
            return  # what they would have to be walked behind is on disk
        parted = [part_with(table, _is_below(table, watermark_us)) for table in self._waiting["events"]]
        self._waiting["events"] = [below for below, _ in parted]
        walked = list(self._pool.map(self._walked, self._in_parts(["open", "events"])))
        self.deduplicated += sum(repeated for _, repeated in walked)
        sessions = [part_with(table, table["is_last"].to_numpy()) for table, _ in walked if len(table)]
        self._waiting["finished"] += [finished for _, finished in sessions]
        self._waiting["open"] = [may_go_on for may_go_on, _ in sessions]
        self._waiting["events"] = [later for _, later in parted if len(later)]

    def _walked(self, waiting: Mapping[str, Tables]) -> tuple[pa.Table, int]:
        """Walk events behind open sessions; return the sessions, and how many events were repeats."""
        opened, events = waiting["open"], waiting["events"]
        if not sum(map(len, events)):
            return together(opened) if opened else pa.table({}), 0
        table = self._table
        behind = together(opened) if opened else None
        walk = Walk(waiting_events(together(events), table), table.rules, table.aggregates, behind)
        return walk.sessions(), walk.rows.repeated

    def _rejoined(self, waiting: Mapping[str, Tables]) -> pa.Table:
        walked, repeated = self._walked(waiting)
        self.deduplicated += repeated
        return together([table for table in [walked, *waiting["finished"]] if len(table)])


def _in_parts(events: pa.Table, table: SessionTable) -> pa.Table:
    return in_parts(events, hashes_of(events, table.rules))


def _is_below(events: pa.Table, watermark_us: int) -> NDArray[np.bool_]:
    return column(events, "start_us").to_numpy() < watermark_us
