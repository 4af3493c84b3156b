"""A share of the identities, for when all of them would take too long."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa

from sessionize.core.columns import column
from sessionize.core.division import MOST_PARTS, hashes_of
from sessionize.core.fragments import identity_names
from sessionize.core.ordering import storage
from sessionize.events import Chunk, Events
from sessionize.reading.log import FilePiece, Log
from sessionize.reading.records import Records
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.store.spans import Mask


@dataclass(frozen=True)
class Sample:
    """Which identities are looked at: the same ones every time.

    Attributes:
        parts: How many of the parts into which all identities are divided.
    """

    parts: int = MOST_PARTS

    @classmethod
    def parse(cls, value: str | None) -> Sample:
        """Read a share, such as `1%`; None is all.

        Raises:
            ValueError: For text that is no share, and for none at all.

        Example:
            >>> Sample.parse("1%").share
            0.010009765625
        """
        if value is None:
            return cls()
        limit = RejectLimit.parse(value) if value.strip().endswith("%") else RejectLimit(0)
        if limit.rows is not None or not limit.share:
            raise ValueError(f"sample {value!r}: write a share of the identities, such as 1%.")
        return cls(math.ceil(limit.share * MOST_PARTS))

    @property
    def share(self) -> float:
        """The share of all identities, from 0 to 1."""
        return float(Fraction(self.parts, MOST_PARTS))

    def holds(self, fragments: pa.Table, rules: SessionRules) -> Mask:
        """Say which fragments are of an identity that is looked at: bool, shape (n,)."""
        if self.parts == MOST_PARTS:
            return np.ones(len(fragments), bool)
        return hashes_of(fragments, rules) % np.uint64(MOST_PARTS) < self.parts

    def of_log(self, log: Log, rules: SessionRules) -> Log:
        """Let a log be read without the events of other identities."""
        if self.parts == MOST_PARTS:
            return log
        return replace(log, pieces=[_sampled(piece, self, rules) for piece in log.pieces])

    def of_events(self, events: Events, rules: SessionRules) -> Events:
        """Keep their events."""
        own = zip(identity_names(rules), rules.by, strict=True)
        identities = pa.table({name: storage(column(events.columns, by)) for name, by in own})
        chosen = self.holds(identities, rules)
        return Events(events.time_us[chosen], events.columns.filter(pa.array(chosen)).combine_chunks())


@dataclass(frozen=True)
class _SampledPiece(FilePiece):
    """A piece of a log of which only some identities are looked at."""

    sample: Sample
    rules: SessionRules

    def judged(self, table: pa.Table, records: Records) -> Chunk:
        """Judge rows that were read, and keep the events of those identities."""
        chunk = super().judged(table, records)
        return replace(chunk, events=self.sample.of_events(chunk.events, self.rules))


def _sampled(piece: FilePiece, sample: Sample, rules: SessionRules) -> _SampledPiece:
    own = {field.name: getattr(piece, field.name) for field in fields(piece)}
    return _SampledPiece(**own, sample=sample, rules=rules)
