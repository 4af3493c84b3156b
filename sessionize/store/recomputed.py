"""What one run makes of a store's files: its sessions by date, in a folder that is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sessionize.core.sessions import SessionTable
from sessionize.engine.local import believing, sessions_of
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.job import dates
from sessionize.progress import Progress, follow
from sessionize.reading.log import Log, open_log
from sessionize.reading.sources import Source
from sessionize.store.ledger import Ledger
from sessionize.store.sample import Sample
from sessionize.store.widening import reading_as
from sessionize.writing.atomic import PARTITION, explained
from sessionize.writing.output import open_output
from sessionize.writing.target import output_target


class Recomputed:
    """Sessions by date, on disk, so that a date at a time can be looked at."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        """Look into a folder that a run has written.

        Args:
            folder: The folder by date.
            schema: The columns of the sessions.
        """
        self._schema = schema
        partitions = folder.glob(f"{PARTITION}*")
        self._folders = {date.fromisoformat(path.name.removeprefix(PARTITION)): path for path in partitions}

    @property
    def dates(self) -> set[date]:
        """The dates that have sessions."""
        return set(self._folders)

    def read(self, day: date) -> pa.Table:
        """Read the sessions of a date, in closing order; a table without rows where there are none."""
        if day not in self._folders:
            return pa.Table.from_batches([], self._schema)
        files = sorted(self._folders[day].iterdir())
        return pa.concat_tables([pq.ParquetFile(file).read() for file in files]).cast(self._schema)


@contextmanager
def recomputed(
    files: Sequence[Source],
    ledger: Ledger,
    table: SessionTable,
    *,
    sample: Sample,
    resources: Resources,
    progress: Progress | None,
) -> Iterator[Recomputed]:
    """Run over files as `sessionize run` does.

    Args:
        files: Files of the ledger, as they were when they came in.
        ledger: The ledger: how they are read, and as which types.
        table: What a session is.
        sample: Which identities are looked at.
        resources: Threads, memory, and where the folder is made.
        progress: Is called with the rows that were read since its last call.

    Yields:
        Their sessions, for as long as the context lasts.

    Raises:
        InputError: For a file that cannot be read.
        OutputError: Where the folder cannot be written.
    """
    rules = table.rules
    log = open_log(files, rules.columns, rules.by, ledger.definition.reading)
    log = sample.of_log(reading_as(log, ledger.types or log.types), rules)
    follow(progress, log.extent.share)
    with explained("temporary folder"):
        folder = tempfile.TemporaryDirectory(prefix="sessionize-", dir=resources.temp_dir)
    with folder:
        place = Path(folder.name, "sessions")
        believing(lambda trusting: _write(place, log, table, resources, trusting, progress))
        yield Recomputed(place, table.schema)


def _write(
    place: Path,
    log: Log,
    table: SessionTable,
    resources: Resources,
    trusting: bool,
    progress: Progress | None,
) -> None:
    outcome, target = Outcome(table.rules), output_target(place, partition_by="date")
    with (
        Pool(resources.threads) as pool,
        open_output(target, table.schema, metadata={}, dates=dates(table.rules)) as writer,
    ):
        for rows in sessions_of(
            log, table, outcome, pool, resources=resources, trusting=trusting, progress=progress
        ):
            writer.write(rows)
