"""Sessions that a later event could still join, counted while the table streams by."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sessionize.dashboard.rows import Rows
from sessionize.engine.plan import BEGINNING, closed_before_us
from sessionize.rules import SessionRules


class StillOpen:
    """The last session of each identity that ends within reach of the table's last event.

    Memory holds the identities within reach. Rules that a table cannot show (markers, limits) may have closed
    some of them.
    """

    def __init__(self, rules: SessionRules) -> None:
        """Know nothing yet of a table that was made by these rules."""
        self._rules = rules
        self._latest_us = BEGINNING
        self._ends = pa.table(
            {"identity": pa.array([], pa.large_string()), "end_us": pa.array([], pa.int64())}
        )

    def note_event(self, time_us: int) -> None:
        """Learn of an event of the table, in µs since the epoch, before sessions that end by then."""
        self._latest_us = max(self._latest_us, time_us)

    def add(self, rows: Rows) -> None:
        """Take in sessions."""
        if not len(rows):
            return
        bound_us = closed_before_us(self._latest_us, self._rules)
        near = pa.array(rows.end_us >= bound_us)
        new = pa.table({"identity": rows.identity.filter(near), "end_us": pa.array(rows.end_us).filter(near)})
        ends = pa.concat_tables([self._ends, new])
        ends = ends.filter(pc.greater_equal(ends["end_us"], bound_us))
        last = ends.group_by("identity").aggregate([("end_us", "max")])
        self._ends = pa.table({"identity": last["identity"], "end_us": last["end_us_max"]})

    def count(self) -> int:
        """Count the sessions within reach."""
        bound_us = closed_before_us(self._latest_us, self._rules)
        return int(np.count_nonzero(self._ends["end_us"].to_numpy() >= bound_us))
