"""Fragments between being cut and being closed."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from sessionize.core.fragments import cut, falls_apart, lift, merge, together
from sessionize.core.sessions import SessionTable
from sessionize.engine.plan import Step
from sessionize.engine.waiting import Tables, Waiting
from sessionize.events import Events

MERGE_BYTES = 1 << 29
"""What is merged although nothing can close, to see whether it becomes less."""


class Carried(Waiting):
    """Fragments: finished ones only wait for their turn; edges are merged with what comes first."""

    kinds = ("finished", "edges")
    leaving = kinds

    @staticmethod
    def take(events: Events, step: Step, table: SessionTable) -> pa.Table:
        """Take in a chunk of a piece: cut, unless all would have to be merged and cutting hardly helps."""
        rules = table.rules
        if step.may_isolate(rules) or not falls_apart(events, rules):
            return cut(events, rules, table.aggregates)
        return lift(events, rules, table.aggregates)

    @staticmethod
    def of_piece(step: Step, chunks: Tables, table: SessionTable) -> tuple[pa.Table, pa.Table, int]:
        """Find the fragments of one piece of the log.

        Args:
            step: The piece, and its place in the plan.
            chunks: What its chunks were taken in as.
            table: What a session is.

        Returns:
            The fragments that no other piece can touch; the others; 0, as no event is looked at again.
        """
        if not step.may_isolate(table.rules):
            rest = together(chunks)
            return rest.slice(0, 0), rest, 0
        merged = chunks[0] if len(chunks) == 1 else merge(chunks, table.rules, table.aggregates)
        start_us, end_us = merged["start_us"].to_numpy(), merged["end_us"].to_numpy()
        isolated = step.is_isolated(start_us, end_us, table.rules)
        return merged.filter(pa.array(isolated)), merged.filter(pa.array(~isolated)), 0

    def _is_worth_it(self, watermark_us: int, before_us: int) -> bool:
        """Put merging off while nothing can close, and until as much again has come.

        Merging an unordered log at every step would take quadratic time.
        """
        waiting_bytes = self._held_bytes
        if waiting_bytes > self._room_bytes:
            return True
        if waiting_bytes < 2 * self._settled_bytes:
            return False
        if waiting_bytes > MERGE_BYTES:
            return True
        # Merging makes ends later, never earlier: where none is before the bound, none will be.
        return self._first_end_us < before_us

    def _join(self, watermark_us: int) -> None:
        edges = self._in_parts(["edges"])
        self._waiting["edges"] = list(self._pool.map(self._rejoined, edges)) if self._waiting["edges"] else []

    def _rejoined(self, waiting: Mapping[str, Tables]) -> pa.Table:
        fragments = [table for tables in waiting.values() for table in tables]
        return merge(fragments, self._table.rules, self._table.aggregates)
