"""What an update has to do: the files that it was given, held against those in the ledger.

A file is known by its path, and by its content where the path is another. The rules:

| in the ledger | on disk | the file is |
|---|---|---|
| its path, size and time | | same; it is not read |
| its path | the same content | same, written anew (`touched`) |
| its path | other content | changed |
| its content, under a path that no longer holds it | | moved |
| its content, under a path that still holds it | | a copy: refused, unless copies are wanted |
| nothing of it | | new |

Logs that were rotated (`a.log` is now `a.log.1`, and a new `a.log` stands in its place) come out
right: `a.log.1` was moved, and `a.log` is new. What `a.log.1` held before goes, unless it moved on
too: a name that is used again corrects what it held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import pyarrow.fs as pafs
from attrs import frozen

from sessionize.engine.choice import Workers
from sessionize.errors import InputError, StoreMismatchError
from sessionize.reading.folders import place_of
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import Source, find_sources
from sessionize.store.fingerprint import NO_ROWS, Fingerprint, canonical_path, fingerprint, stamp_of
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile


@frozen
class Arrival:
    """A file as it was found, which the store does not contain like this.

    Attributes:
        source: The file, to be read.
        fingerprint: What it was when it was looked at; `check_unchanged` it after reading.
    """

    source: Source
    fingerprint: Fingerprint


@frozen
class Replacement:
    """A file of the ledger, and what now stands in its place.

    Attributes:
        before: Its entry.
        after: What was found.
    """

    before: LedgerFile
    after: Arrival

    def entry(self) -> LedgerFile:
        """Return the entry that keeps the content and takes place and time from what was found."""
        return self.before.found_at(self.after.fingerprint, self.after.source)


@frozen(kw_only=True)
class Comparison:
    """What was found, each file in one place.

    Attributes:
        new: Files to take in, in the order of the inputs.
        changed: Files whose old content goes and whose new content comes, in the order of the inputs.
        moved: Files of known content under another path, in the order of the inputs.
        displaced: Entries whose path now holds what moved there, and whose own content goes.
        same: Entries of files that are as they were, those of `touched` among them.
        touched: Files of the same content with another modification time.
    """

    new: tuple[Arrival, ...] = ()
    changed: tuple[Replacement, ...] = ()
    moved: tuple[Replacement, ...] = ()
    displaced: tuple[LedgerFile, ...] = ()
    same: tuple[LedgerFile, ...] = ()
    touched: tuple[Replacement, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        """Whether the ledger stays as it is (a modification time alone is not worth a commit)."""
        return not (self.new or self.changed or self.moved)


def compare(
    ledger: Ledger,
    sources: Iterable[Source],
    *,
    allow_same_content: bool = False,
    trust_stamps: bool = True,
    workers: Workers | None = None,
) -> Comparison:
    """Hold files against the ledger, see the rules above.

    Args:
        ledger: The files of the store.
        sources: The files of the update; one that is named twice counts once.
        allow_same_content: Whether a copy of a file that is in the store, or of another of these
            files, is taken in beside it.
        trust_stamps: Whether size and modification time vouch for a file; otherwise every file
            that has them is read for its fingerprint, too.
        workers: Those who read files for their fingerprints; nobody but us unless given.

    Raises:
        InputError: For copies, with both names, and for standard input and pipes.
        UnreadableFileError: For a file that is gone, damaged, or that changes meanwhile.
    """
    by_path = {canonical_path(source.place): source for source in sources}
    same, unknown = [], []
    for path, source in by_path.items():
        stamp, entry = stamp_of(source), ledger.files.get(path)
        if entry and trust_stamps and entry.stamp == stamp:
            same.append(entry)
        else:
            unknown.append(source)
    columns = ledger.definition.columns
    prints = (workers.map if workers else map)(partial(fingerprint, columns=columns), unknown)
    found = [Arrival(*each) for each in zip(unknown, prints, strict=True)]
    return _sorted_out(ledger, same, found, allow_same_content)


def reopen(file: LedgerFile, reading: ReadOptions) -> Source | None:
    """Find a file of the ledger again, with the columns that its Hive folders named when it came in.

    Args:
        file: Its entry.
        reading: The reading options of the store.

    Returns:
        The file, whatever it holds today (`compare` tells); None where it is gone or has 0 bytes.
    """
    if place_of(file.path).info().type != pafs.FileType.File:
        return None
    found = find_sources([file.path], reading, allow_empty=True)
    return replace(found[0], partition=dict(file.partition)) if found else None


def entries_named(ledger: Ledger, names: Iterable[str | Path], store: str) -> list[LedgerFile]:
    """Find the entries of files that are named, as `--forget` names them; the files may be gone.

    Args:
        ledger: The files of the store.
        names: Paths as in the ledger, relative paths, or URIs.
        store: The store as named, for the message.

    Returns:
        The entries in the order of the names, each once.

    Raises:
        StoreMismatchError: For a name that the ledger does not have.
    """
    found = {}
    for name in map(str, names):
        path = name if name in ledger.files else canonical_path(place_of(name))
        if path not in ledger.files:
            raise StoreMismatchError(f"{name}: no file of the store {store}{_meant(path, ledger)}")
        found[path] = ledger.files[path]
    return list(found.values())


def _sorted_out(
    ledger: Ledger, same: list[LedgerFile], found: list[Arrival], allow_same_content: bool
) -> Comparison:
    """Say of each file that is not as it was what became of it."""
    touched = [_in_place(arrival, ledger) for arrival in found if _is_as_before(arrival, ledger)]
    away = [arrival for arrival in found if not _is_as_before(arrival, ledger)]
    today = {entry.path: entry.content for entry in same}
    today |= {arrival.fingerprint.path: arrival.fingerprint.content for arrival in found}
    holders = _Holders(ledger, today)
    moved = list(holders.moves(away))
    settled = {move.after.fingerprint.path for move in moved}
    rest = [arrival for arrival in away if arrival.fingerprint.path not in settled]
    if not allow_same_content:
        holders.refuse_copies([move.after for move in moved], rest)
    kept = ledger.files.keys() - {move.before.path for move in moved}
    return Comparison(
        new=tuple(arrival for arrival in rest if arrival.fingerprint.path not in kept),
        changed=tuple(_in_place(arrival, ledger) for arrival in rest if arrival.fingerprint.path in kept),
        moved=tuple(moved),
        displaced=tuple(ledger.files[path] for path in sorted(kept & settled)),
        same=(*same, *(replacement.before for replacement in touched)),
        touched=tuple(touched),
    )


def _is_as_before(arrival: Arrival, ledger: Ledger) -> bool:
    entry = ledger.files.get(arrival.fingerprint.path)
    return entry is not None and entry.content == arrival.fingerprint.content


def _in_place(arrival: Arrival, ledger: Ledger) -> Replacement:
    return Replacement(ledger.files[arrival.fingerprint.path], arrival)


class _Holders:
    """The files of the ledger by content, and which of them still hold theirs."""

    def __init__(self, ledger: Ledger, today: Mapping[str, str]) -> None:
        """Keep what the files of this update hold `today`, by path; others are looked up on disk."""
        self._definition = ledger.definition
        self._today = dict(today)
        self._entries: defaultdict[str, list[LedgerFile]] = defaultdict(list)
        for entry in ledger.files.values():
            self._entries[entry.content].append(entry)
        self._entries.pop(NO_ROWS, None)

    def moves(self, arrivals: Iterable[Arrival]) -> Iterator[Replacement]:
        """Give each arrival that has left another path with the entry of that path, each entry once."""
        claimed: set[str] = set()
        for arrival in arrivals:
            left = (entry for entry in self._of(arrival) if not self._still_holds(entry))
            if entry := next((entry for entry in left if entry.path not in claimed), None):
                claimed.add(entry.path)
                yield Replacement(entry, arrival)

    def refuse_copies(self, settled: Iterable[Arrival], rest: Iterable[Arrival]) -> None:
        """Refuse a file of `rest` whose content the store holds, or will hold, under another name."""
        names = {arrival.fingerprint.content: arrival.source.name for arrival in settled}
        for arrival in rest:
            content, name = arrival.fingerprint.content, arrival.source.name
            stored = (entry.path for entry in self._of(arrival) if self._still_holds(entry))
            other = names.setdefault(content, next(stored, name))
            if other != name and content != NO_ROWS:
                raise InputError(
                    f"{name}: holds the same events as {other}; they would count twice. "
                    "Leave one of the two out, or take in both with --allow-same-content."
                )

    def _of(self, arrival: Arrival) -> Sequence[LedgerFile]:
        return self._entries.get(arrival.fingerprint.content, ())

    def _still_holds(self, entry: LedgerFile) -> bool:
        if entry.path not in self._today:
            self._today[entry.path] = self._content(entry)
        return self._today[entry.path] == entry.content

    def _content(self, entry: LedgerFile) -> str:
        """Look up what a file holds today."""
        source = reopen(entry, self._definition.reading)
        if source is None:
            return NO_ROWS
        if stamp_of(source) == entry.stamp:
            return entry.content
        return fingerprint(source, self._definition.columns).content


def _meant(path: str, ledger: Ledger) -> str:
    """Suggest the file of the ledger that was meant: of the same name, else of the nearest."""
    named = {Path(known).name: known for known in ledger.files}
    near = get_close_matches(Path(path).name, named, n=1)
    return f"; did you mean {named[near[0]]!r}?" if near else "."
