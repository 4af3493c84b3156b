"""Stretches and events between being read and being counted, until each identity is one stretch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.division import part_with
from sessionize.core.fragments import identity_names, together
from sessionize.core.identity import Codes, encode
from sessionize.core.ordering import storage
from sessionize.core.packing import sort_rows
from sessionize.core.sessions import SessionTable
from sessionize.engine.plan import BEGINNING, Step
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.engine.waiting import Tables, Waiting
from sessionize.events import Events
from sessionize.gap.counts import Counts
from sessionize.gap.scale import Scale
from sessionize.gap.stretches import FIELDS, Stretches, join, stretches_of
from sessionize.rules import SessionRules

JOIN_BYTES = 1 << 26
"""Less than this is not worth joining before the end."""

_GROWTH = 2
"""What waits is joined when so many times as much waits as the last joining left."""


class Histories(Waiting):
    """Stretches of which no event can come in the midst, and events of which that is not known yet.

    A stretch is to gaps what a session without a timeout would be: nothing closes it before the log
    has ended. So what waits grows with identities, and with the events that may still be overtaken.

    Attributes:
        counts: What joining has shown so far.
    """

    kinds = ("stretches", "events")
    leaving = ("stretches",)

    def __init__(self, rules: SessionRules, scale: Scale, resources: Resources, pool: Pool) -> None:
        """Hold nothing yet.

        Args:
            rules: The identity, and no timeout.
            scale: What to count by.
            resources: How much memory there is, and where what does not fit goes.
            pool: Where much is joined, in parts.
        """
        super().__init__(SessionTable(rules, (), pa.schema([])), resources, pool)
        self.counts = Counts.none(scale)
        self._scale = scale

    def _is_worth_it(self, watermark_us: int, before_us: int) -> bool:
        """Put joining off, as it goes over what was joined before: so it takes about linear time."""
        waiting_bytes = self._held_bytes
        if waiting_bytes > self._room_bytes:
            return True
        enough_bytes = max(_GROWTH * self._settled_bytes, JOIN_BYTES)
        return watermark_us != BEGINNING and waiting_bytes > enough_bytes

    def _join(self, watermark_us: int) -> None:
        """Join what starts at or before the watermark: between those nothing more comes."""
        if self._spill is not None or watermark_us == BEGINNING:
            return
        parted = [_until(table, watermark_us) for table in self._waiting["events"]]
        self._waiting["events"] = [until for until, _ in parted]
        joined = list(self._pool.map(self._joined, self._in_parts(self.kinds)))
        self._waiting["stretches"] = [table for table, _ in joined if len(table)]
        self._waiting["events"] = [later for _, later in parted if len(later)]
        self.counts = sum((counts for _, counts in joined), self.counts)

    def _rejoined(self, waiting: Mapping[str, Tables]) -> pa.Table:
        table, counts = self._joined(waiting)
        self.counts += counts
        return table

    def _joined(self, waiting: Mapping[str, Tables]) -> tuple[pa.Table, Counts]:
        tables = [table for kind in self.kinds for table in waiting.get(kind, []) if len(table)]
        if not tables:
            return pa.table({}), Counts.none(self._scale)
        whose = together([table.select(identity_names(self._table.rules)) for table in tables])
        codes = encode([column(whose, name) for name in whose.column_names])
        stretches = Stretches.together([_stretches(table) for table in tables])
        rows = sort_rows(codes, stretches.start_us, with_order=True)
        joined, counts = join(replace(stretches.take(rows.order), code=rows.code), self._scale)
        return _table(rows.codes, joined), counts


def of_piece(
    step: Step, chunks: Tables, rules: SessionRules, scale: Scale
) -> tuple[pa.Table, pa.Table, Counts]:
    """Count the gaps of one piece of the log.

    Args:
        step: The piece, and its place in the plan.
        chunks: What its chunks were taken in as.
        rules: The identity.
        scale: What to count by.

    Returns:
        Its stretches, those events that events of other pieces may come between, and the counts.
    """
    taken = together(chunks)
    time_us = column(taken, "start_us").to_numpy()
    # Of two events at the watermark, it does not matter which comes first.
    is_apart = (time_us > step.reached_us) & (time_us <= step.next_us)
    events, rest = part_with(taken, is_apart)
    codes = encode([column(events, name) for name in identity_names(rules)])
    codes, stretches, counts = stretches_of(codes, column(events, "start_us").to_numpy(), scale)
    return _table(codes, stretches), rest, counts


def take(events: Events, rules: SessionRules) -> pa.Table:
    """Take in a chunk of a piece, as a table of `identity_0`, …, `start_us`."""
    columns = {
        own: storage(column(events.columns, name))
        for own, name in zip(identity_names(rules), rules.by, strict=True)
    }
    return pa.table(columns | {"start_us": pa.array(events.time_us)})


def _table(codes: Codes, stretches: Stretches) -> pa.Table:
    identity = {f"identity_{index}": values for index, values in enumerate(codes.decode(stretches.code))}
    return pa.table(identity | stretches.columns())


def _stretches(table: pa.Table) -> Stretches:
    """Read stretches, or events, back; the codes are not known yet."""
    no_code = np.zeros(len(table), np.uint64)
    if "end_us" not in table.column_names:
        return Stretches.of_events(no_code, column(table, "start_us").to_numpy())
    return Stretches(no_code, *(column(table, name).to_numpy() for name in FIELDS))


def _until(events: pa.Table, watermark_us: int) -> tuple[pa.Table, pa.Table]:
    return part_with(events, column(events, "start_us").to_numpy() <= watermark_us)
