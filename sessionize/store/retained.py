"""What versions of a store refer to beside their data files: ledgers, and what is kept of each input file."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime

from attrs import frozen
from deltalake import DeltaTable

from sessionize.errors import StoreError
from sessionize.store import contribution, rejected
from sessionize.store.delta import open_delta
from sessionize.store.history import LEDGER_MARK, history
from sessionize.store.ledger import ids_in, version_at

_KEPT = re.compile(rf"(?:{contribution.FOLDER}|{rejected.FOLDER})/([0-9a-f]{{32}})\.parquet")


@frozen
class Retained:
    """What the newest version refers to, and every other that was the newest at some moment of late.

    Attributes:
        ledgers: Versions of ledgers.
        ids: What these ledgers call their input files.
    """

    ledgers: frozenset[int]
    ids: frozenset[str]

    @classmethod
    def since(cls, before: datetime, delta: DeltaTable, location: str) -> Retained:
        """Find what the versions refer to that were the newest at `before` or later.

        Args:
            before: The moment.
            delta: The open table, at its newest version.
            location: The store's folder or URI.

        Raises:
            StoreMismatchError: For a ledger that is missing or damaged.
        """
        ledgers = _ledgers(before, delta, location)
        return cls(ledgers, frozenset().union(*(ids_in(location, version) for version in ledgers)))

    def needs(self, path: str) -> bool:
        """Say whether a file stays: one that is no ledger, and nothing kept of an input file, always does.

        Args:
            path: From the store's folder on, with `/`.
        """
        if (version := version_at(path)) is not None:
            return version in self.ledgers
        kept = _KEPT.fullmatch(path)
        return kept is None or kept[1] in self.ids


def _ledgers(before: datetime, delta: DeltaTable, location: str) -> frozenset[int]:
    """Name the ledgers; several versions may share one, where others have committed."""
    named, oldest = {delta.transaction_version(LEDGER_MARK)}, delta.version() + 1
    for commit in history(location, delta.version()):
        named.add(commit.ledger)
        oldest = commit.version
        if commit.ledger is not None and commit.time <= before:
            break
    else:
        # Entries that are past Delta's retention are gone; a checkpoint may stand for the last of them.
        with suppress(StoreError):
            named.add(open_delta(location, max(oldest - 1, 0)).transaction_version(LEDGER_MARK))
    return frozenset(version for version in named if version is not None)
