"""What can go wrong, as types: bad input, an output that cannot be written, a store that disagrees.

Misuse by the caller (an unknown boundary, a timeout without a unit) is `ValueError` or `TypeError`;
everything here is about the data and the disk. The command line turns each into one message and an
exit code (`sessionize.cli.failures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class SessionizeError(Exception):
    """Base of every error that sessionize raises about data, files and tables."""


class InputError(SessionizeError):
    """The input was refused; nothing was written."""


class MissingColumnError(InputError):
    """A column that the run needs is not in the log."""


class UnreadableFileError(InputError):
    """A file cannot be read as what it claims to be."""


class RejectedRowsError(InputError):
    """More rows were rejected than `max_rejected` allows.

    Attributes:
        rejected: Table of the rejected rows, in input order: `file` (string), `record` (int64,
            1-based, header not counted), `reason` (string), `raw` (string).
    """

    def __init__(self, message: str, rejected: pa.Table) -> None:
        """Keep the rejected rows beside the message."""
        super().__init__(message)
        self.rejected = rejected


class OutputError(SessionizeError):
    """The output cannot be written: no space, no permission, or a folder that is not ours."""


class EngineError(SessionizeError):
    """The engine that was asked for is not to be had: no Spark, no Java, no cluster that answers."""


class StoreError(SessionizeError):
    """A sessions store cannot do what was asked."""


class StoreBusyError(StoreError):
    """Another process holds the store, or won the race for the commit."""


class StoreMismatchError(StoreError):
    """The store is not what was asked for: other rules, none at all, or a part is missing or damaged."""
