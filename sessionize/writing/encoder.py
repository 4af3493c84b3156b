"""What every format is to the writers: a thing that turns batches into bytes."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class Encoder(Protocol):
    """One format, on one open sink."""

    def encode(self, batch: pa.Table) -> None:
        """Write one batch; batches come in order, each with one chunk a column."""

    def finish(self) -> None:
        """Write what the format puts at the end."""

    def discard(self) -> None:
        """Let go of everything after a failure, without raising; what was written is thrown away."""
