"""Files and ledgers for the tests of the store, without a store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import evolve

from sessionize.definition import define
from sessionize.events import Tally
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import Source, find_sources
from sessionize.store.definition import StoreDefinition
from sessionize.store.fingerprint import Fingerprint, fingerprint
from sessionize.store.ledger import Ledger
from sessionize.store.ledger_file import LedgerFile

MONDAY, TUESDAY, WEDNESDAY = (
    f"user_id,timestamp\nada,2026-11-{day}T09:00:00Z\n" for day in ("23", "24", "25")
)
NO_ROWS = "user_id,timestamp\n"


def put(path: str | Path, content: str | bytes = MONDAY) -> Path:
    """Write a file whose modification time is another than before."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    modified_ns = path.stat().st_mtime_ns + 1_000_000_000 if path.exists() else None
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if modified_ns:
        os.utime(path, ns=(modified_ns, modified_ns))
    return path


def source(path: str | Path, **options: Any) -> Source:
    (found,) = find_sources([path], ReadOptions(**options))
    return found


def sources(*paths: str | Path) -> list[Source]:
    return find_sources(paths, ReadOptions())


def definition(**keywords: Any) -> StoreDefinition:
    return StoreDefinition.of(*define(None, None, keywords))


def taken(path: str | Path, columns: Iterable[str] = ("user_id", "timestamp"), **options: Any) -> Fingerprint:
    return fingerprint(source(path, **options), tuple(columns))


def entry(path: str | Path, **changes: Any) -> LedgerFile:
    """The ledger's entry of a file that was read just now."""
    now = taken(path)
    made = LedgerFile(
        id=Ledger.empty(definition()).new_ids([now])[0],
        path=now.path,
        stamp=now.stamp,
        content=now.content,
        partition={},
        tally=Tally(input_rows=1),
    )
    return evolve(made, **changes)


def ledger(*paths: str | Path, **keywords: Any) -> Ledger:
    """The ledger of a store that was made of these files just now."""
    return Ledger.empty(definition(**keywords)).next(added=map(entry, paths))


def write_ledgers(location: str, *versions: int) -> None:
    """Write ledgers without files, for tables that are made without updates."""
    for version in versions:
        evolve(ledger(), version=version).write(location)
