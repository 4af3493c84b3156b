"""What an update is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from sessionize.engine.choice import Workers
from sessionize.engine.resources import Resources
from sessionize.progress import Progress
from sessionize.reading.sources import Source
from sessionize.rejects import RejectLimit


@frozen(kw_only=True)
class Request:
    """What an update is asked to do.

    Attributes:
        location: The store: a folder or a URI.
        inputs: Files, folders, globs, URIs.
        sources: Files that have been found already.
        given: Keywords of `sessionize.definition.Definition`, only those that were given.
        forget: Files to take out, by path.
        limit: How many rows may be rejected.
        allow_same_content: Whether a copy of a file is taken in beside it.
        trust_stamps: Whether size and modification time vouch for a file that the store contains.
        allow_empty: Whether 0-byte files and folders without files are logs without rows.
        is_dry_run: Whether nothing is written.
        resources: Threads for what is read again here.
        workers: Those who read the files that come in.
        notify: Is told what was left out of the input.
        progress: Is called with the rows that were read since its last call.
    """

    location: str
    inputs: Sequence[str | Path] = ()
    sources: Sequence[Source] = ()
    given: Mapping[str, Any]
    forget: Sequence[str] = ()
    limit: RejectLimit
    allow_same_content: bool = False
    trust_stamps: bool = True
    allow_empty: bool = False
    is_dry_run: bool = False
    resources: Resources
    workers: Workers
    notify: Callable[[str], None]
    progress: Progress | None = None
