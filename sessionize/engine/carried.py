"""Fragments between being cut and being closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from sessionize.core.division import hashes_of, in_parts, part_with
from sessionize.core.fragments import cut, falls_apart, merge, together
from sessionize.core.sessions import SessionTable
from sessionize.engine.held import as_waiting, waiting_events
from sessionize.engine.plan import Step
from sessionize.engine.waiting import Tables, Waiting
from sessionize.events import Events

MERGE_BYTES = 1 << 29
"""What is merged although nothing can close, to see whether it becomes less."""


class Carried(Waiting):
    """Fragments: finished ones only wait for their turn; edges are merged with what comes first.

    Of a log in no order the events themselves wait, where cutting a chunk would hardly make less of it.
    """

    kinds = ("finished", "edges", "events")
    leaving = ("finished", "edges")

    @staticmethod
    def of_piece(
        step: Step, chunks: Iterable[Events], table: SessionTable
    ) -> tuple[Mapping[str, Tables], int]:
        """Find the fragments of one piece of the log.

        Args:
            step: The piece, and its place in the plan.
            chunks: Its events.
            table: What a session is.

        Returns:
            The fragments that no other piece can touch, and the others; 0, as no event is looked at again.
        """
        if not step.may_isolate(table.rules):
            return _as_they_come(chunks, table), 0
        fragments = [cut(events, table.rules, table.aggregates) for events in chunks]
        merged = fragments[0] if len(fragments) == 1 else merge(fragments, table.rules, table.aggregates)
        start_us, end_us = merged["start_us"].to_numpy(), merged["end_us"].to_numpy()
        finished, edges = part_with(merged, step.is_isolated(start_us, end_us, table.rules))
        return {"finished": [finished], "edges": [edges]}, 0

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
        # Once there is a disk to go to, events go as they are: cut, they would hardly take less room there.
        kinds = ["edges", "events"] if self._spill is None else ["edges"]
        if any(self._waiting[kind] for kind in kinds):
            joined = list(self._pool.map(self._rejoined, self._in_parts(kinds)))
            self._waiting |= {kind: [] for kind in kinds} | {"edges": joined}

    def _rejoined(self, waiting: Mapping[str, Tables]) -> pa.Table:
        rules, aggregates = self._table.rules, self._table.aggregates
        fragments = [table for kind in self.leaving for table in waiting.get(kind, [])]
        if events := waiting.get("events"):
            fragments.append(cut(waiting_events(together(events), self._table), rules, aggregates))
        return fragments[0] if len(fragments) == 1 else merge(fragments, rules, aggregates)


def _as_they_come(chunks: Iterable[Events], table: SessionTable) -> Mapping[str, Tables]:
    """Cut the chunks that become less by it; let the events of the others wait."""
    taken: dict[str, Tables] = {"edges": [], "events": []}
    for events in chunks:
        waiting = as_waiting(events, table)
        hashes = hashes_of(waiting, table.rules)
        if falls_apart(waiting, hashes, table.rules):
            taken["events"].append(in_parts(waiting, hashes))
        else:
            taken["edges"].append(cut(events, table.rules, table.aggregates))
    return taken
