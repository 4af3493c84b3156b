"""Sessions out of event logs, as a pure function of the events.

import sessionize as sz

sessions = sz.sessionize(events, by="user_id", time="timestamp", timeout="30m")
summary = sz.run("logs/", "sessions.parquet", by="user_id")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sessionize.errors import (
    InputError,
    MissingColumnError,
    OutputError,
    RejectedRowsError,
    SessionizeError,
    StoreBusyError,
    StoreError,
    StoreMismatchError,
    UnreadableFileError,
)
from sessionize.version import __version__

if TYPE_CHECKING:
    from sessionize.api import sessionize
    from sessionize.job import run
    from sessionize.reading.options import ReadOptions
    from sessionize.rules import Aggregate, SessionRules
    from sessionize.summary import Summary

__all__ = [
    "Aggregate",
    "InputError",
    "MissingColumnError",
    "OutputError",
    "ReadOptions",
    "RejectedRowsError",
    "SessionRules",
    "SessionizeError",
    "StoreBusyError",
    "StoreError",
    "StoreMismatchError",
    "Summary",
    "UnreadableFileError",
    "__version__",
    "run",
    "sessionize",
]

_HOMES = {
    "Aggregate": "sessionize.rules",
    "ReadOptions": "sessionize.reading.options",
    "SessionRules": "sessionize.rules",
    "Summary": "sessionize.summary",
    "run": "sessionize.job",
    "sessionize": "sessionize.api",
}


def __getattr__(name: str) -> Any:
    """Import what costs (Arrow, NumPy) when it is first asked for, so that `--help` answers at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sessionize' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names, those not imported yet among them."""
    return sorted(__all__)
