"""What an update finds: the files that come in, those that go, and those that are known by another name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from attrs import evolve, frozen

from sessionize.reading.folders import Place
from sessionize.reading.sources import Source, find_sources
from sessionize.store.fingerprint import canonical_path
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile
from sessionize.store.request import Request
from sessionize.store.selection import Arrival, Comparison, Replacement, compare, entries_named, reopen


@frozen
class Findings:
    """What becomes of the files of a store.

    Attributes:
        comparison: The files that were named, held against the ledger.
        forgotten: Entries of files that are to go, or have 0 bytes now.
    """

    comparison: Comparison
    forgotten: Sequence[LedgerFile]

    @property
    def arrivals(self) -> list[Arrival]:
        """The files that must be read."""
        return [*self.comparison.new, *(each.after for each in self.comparison.changed)]

    @property
    def taken_out(self) -> list[LedgerFile]:
        """Entries whose content goes."""
        changed = (each.before for each in self.comparison.changed)
        return [*changed, *self.comparison.displaced, *self.forgotten]

    @property
    def moves(self) -> list[Replacement]:
        """Entries whose content stays, under another name or modification time."""
        return [*self.comparison.moved, *self.comparison.touched]


def look(request: Request, inputs: Sequence[str | Path], ledger: Ledger) -> Findings:
    """Look at files, and read those whose stamp does not vouch for them for their fingerprint.

    Args:
        request: What is asked for.
        inputs: Its inputs, and what else must be looked at.
        ledger: The files of the store.

    Raises:
        InputError: For input that cannot be used, and for copies.
        StoreMismatchError: For a file to forget that is not in.
    """
    sources, emptied = _sources(request, inputs, ledger)
    named = entries_named(ledger, request.forget, request.location)
    for entry in named:
        if reopen(entry, ledger.definition.reading):
            request.notify(f"{entry.path}: is still there. An update of its folder will bring it in again.")
    forgotten = entries_named(ledger, [*(entry.path for entry in named), *emptied], request.location)
    return Findings(_compared(request, sources, ledger, {entry.path for entry in forgotten}), forgotten)


def _sources(
    request: Request, inputs: Sequence[str | Path], ledger: Ledger
) -> tuple[list[Source], list[str]]:
    """Find the files of the inputs, and those of the ledger that have 0 bytes now."""
    if not inputs and (request.forget or request.sources):
        return list(request.sources), []
    empty = list[Place]()
    found = find_sources(
        inputs,
        ledger.definition.reading,
        own=[request.location],
        notify=request.notify,
        allow_empty=request.allow_empty,
        empty=empty.append,
    )
    emptied = [path for path in map(canonical_path, empty) if path in ledger.files]
    return [*request.sources, *found], emptied


def _compared(
    request: Request, sources: Sequence[Source], ledger: Ledger, forgotten: Collection[str]
) -> Comparison:
    """Hold files against the ledger as if it had never known the paths that are forgotten."""
    files = {path: entry for path, entry in ledger.files.items() if path not in forgotten}
    return compare(
        evolve(ledger, files=files),
        [source for source in sources if canonical_path(source.place) not in forgotten],
        allow_same_content=request.allow_same_content,
        trust_stamps=request.trust_stamps,
        workers=request.workers,
    )
