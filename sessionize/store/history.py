"""The table's history: what each commit says of itself, read from the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow.fs as pafs
from attrs import frozen

from sessionize.reading.folders import place_of
from sessionize.store.log import LOG

LEDGER_MARK = "sessionize/ledger"
"""Delta transaction mark: the version of the ledger that a version of the table belongs to."""

LOCK_MARK = "sessionize/lock"
"""Every commit of ours sets this mark to its own version, so that no two can both follow one version."""

NOTE = "sessionize"
"""Under which name a commit's note stands in the log."""

COMMIT_ID = "commit_id"
"""In a note: by which a writer knows its own entry again."""


@frozen
class Commit:
    """One entry of the table's history.

    Attributes:
        version: The version that it made.
        time: When, UTC.
        note: What `replace` was told to write beside it; empty for commits of others.
        ledger: The version of the ledger that it named; None for the creation, and for commits of others.
    """

    version: int
    time: datetime
    note: Mapping[str, str]
    ledger: int | None = None


def history(location: str, version: int) -> Iterator[Commit]:
    """Give the commits that led to a version, newest first, as far back as the log goes.

    Read from the log itself: of a table that was opened at a version, delta-rs numbers them wrongly.

    Args:
        location: The store's folder or URI.
        version: The version to begin with.
    """
    while version >= 0 and (entry := entry_of(location, version)) is not None:
        yield _commit(version, entry)
        version -= 1


def entry_of(location: str, version: int) -> bytes | None:
    """Return the log's entry of a version, or None where there is none (any more).

    Args:
        location: The store's folder or URI.
        version: The version.
    """
    place = place_of(location).child(f"{LOG}/{version:020}.json")
    if place.info().type == pafs.FileType.NotFound:
        return None
    with place.filesystem.open_input_stream(place.path) as stream:
        return stream.read()


def _commit(version: int, entry: bytes) -> Commit:
    actions = [json.loads(line) for line in entry.splitlines()]
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    marks = {action["txn"]["appId"]: action["txn"]["version"] for action in actions if "txn" in action}
    note = dict(info.get(NOTE, {}))
    note.pop(COMMIT_ID, None)
    return Commit(
        version=version,
        time=datetime.fromtimestamp(info.get("timestamp", 0) / 1000, UTC),
        note=note,
        ledger=marks.get(LEDGER_MARK),
    )
