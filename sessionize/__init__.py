"""Sessions out of event logs, as a pure function of the events.

import sessionize as sz

sessions = sz.sessionize(events, by="user_id", time="timestamp", timeout="30m")
summary = sz.run("logs/", "sessions.parquet", by="user_id")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sessionize.errors import (
    EngineError,
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
    from sessionize.dashboard.report import Report, report
    from sessionize.explaining.explanation import Explanation
    from sessionize.explaining.timeline import explain
    from sessionize.gap.api import gap_files, gaps
    from sessionize.gap.gaps import Gaps
    from sessionize.gap.suggestion import Suggestion
    from sessionize.job import run
    from sessionize.labelling.api import label
    from sessionize.labelling.job import label_files
    from sessionize.reading.options import ReadOptions
    from sessionize.rules import Aggregate, SessionRules
    from sessionize.store.backfill import BackfillStep, BackfillSummary
    from sessionize.store.changes import Changes
    from sessionize.store.compact import Compacted
    from sessionize.store.status import StoreStatus
    from sessionize.store.store import SessionStore
    from sessionize.store.summary import UpdateSummary
    from sessionize.store.verify import Verification
    from sessionize.summary import Summary
    from sessionize.usage import Usage, user

__all__ = [
    "Aggregate",
    "BackfillStep",
    "BackfillSummary",
    "Changes",
    "Compacted",
    "EngineError",
    "Explanation",
    "Gaps",
    "InputError",
    "MissingColumnError",
    "OutputError",
    "ReadOptions",
    "RejectedRowsError",
    "Report",
    "SessionRules",
    "SessionStore",
    "SessionizeError",
    "StoreBusyError",
    "StoreError",
    "StoreMismatchError",
    "StoreStatus",
    "Suggestion",
    "Summary",
    "UnreadableFileError",
    "UpdateSummary",
    "Usage",
    "Verification",
    "__version__",
    "explain",
    "gap_files",
    "gaps",
    "label",
    "label_files",
    "report",
    "run",
    "sessionize",
    "user",
]

_HOMES = {
    "Aggregate": "sessionize.rules",
    "BackfillStep": "sessionize.store.backfill",
    "BackfillSummary": "sessionize.store.backfill",
    "Changes": "sessionize.store.changes",
    "Compacted": "sessionize.store.compact",
    "Explanation": "sessionize.explaining.explanation",
    "Gaps": "sessionize.gap.gaps",
    "ReadOptions": "sessionize.reading.options",
    "Report": "sessionize.dashboard.report",
    "SessionRules": "sessionize.rules",
    "SessionStore": "sessionize.store.store",
    "StoreStatus": "sessionize.store.status",
    "Suggestion": "sessionize.gap.suggestion",
    "Summary": "sessionize.summary",
    "UpdateSummary": "sessionize.store.summary",
    "Usage": "sessionize.usage",
    "Verification": "sessionize.store.verify",
    "explain": "sessionize.explaining.timeline",
    "gap_files": "sessionize.gap.api",
    "gaps": "sessionize.gap.api",
    "label": "sessionize.labelling.api",
    "label_files": "sessionize.labelling.job",
    "report": "sessionize.dashboard.report",
    "run": "sessionize.job",
    "sessionize": "sessionize.api",
    "user": "sessionize.usage",
}


def __getattr__(name: str) -> Any:
    """Import what costs (Arrow, NumPy) when it is first asked for, so that `--help` answers at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sessionize' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names, those not imported yet among them."""
    return sorted(__all__)
