"""`SessionStore`: the sessions table that nightly runs and backfills keep.

What only one method needs is imported in it: of the time that an update takes in a night, most is
the import of modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from sessionize.definition import Definition
from sessionize.durations import parse_duration
from sessionize.engine.choice import Engine, check_engine, workers
from sessionize.engine.resources import Resources
from sessionize.progress import Progress
from sessionize.reading.sources import listed
from sessionize.rejects import RejectLimit
from sessionize.store.defaults import KEEP, LOCK_TIMEOUT, STEP
from sessionize.store.lock import locked
from sessionize.store.request import Request
from sessionize.store.snapshot import Snapshot
from sessionize.store.stored import StoredSessions
from sessionize.store.summary import UpdateSummary
from sessionize.store.table import SessionsTable
from sessionize.store.update import update

if TYPE_CHECKING:
    from sessionize.store.backfill import BackfillStep, BackfillSummary
    from sessionize.store.compact import Compacted


class SessionStore(StoredSessions):
    r"""A table of sessions that is always what one run over the files in its ledger would give.

    It is a Delta Lake table, partitioned by `session_date`, that every engine can read.

    Attributes:
        location: The folder or URI.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> monday = folder / "monday.csv"
        >>> _ = monday.write_text("user_id,timestamp\nada,2026-01-05T23:50:00Z\n")
        >>> store = SessionStore(folder / "sessions")
        >>> store.update([monday]).sessions.added
        1
        >>> tuesday = folder / "tuesday.csv"
        >>> _ = tuesday.write_text("user_id,timestamp\nada,2026-01-06T00:10:00Z\n")
        >>> store.update([tuesday]).sessions.extended
        1
        >>> store.sessions()["duration_seconds"].to_pylist()
        [1200.0]
    """

    def update(
        self,
        inputs: str | Path | Sequence[str | Path] = (),
        *,
        forget: str | Path | Sequence[str | Path] = (),
        max_rejected: int | str = 0,
        allow_same_content: bool = False,
        allow_empty: bool = False,
        dry_run: bool = False,
        engine: Engine = "local",
        spark_conf: Mapping[str, str] | None = None,
        threads: int | None = None,
        lock_timeout: str | timedelta = LOCK_TIMEOUT,
        notify: Callable[[str], None] | None = None,
        progress: Progress | None = None,
        **definition: Unpack[Definition],
    ) -> UpdateSummary:
        """Bring new, changed and late files into the table.

        The first update makes the store, and its options belong to it from then on. Files that are
        in already are skipped; files that have changed are taken out and brought in anew. One commit
        is the only moment at which anything changes.

        Args:
            inputs: Files, folders, globs or URIs; those that are in the store may be among them.
            forget: Files whose events are taken out again, by path; they may be gone.
            max_rejected: Rows of the files read that may be rejected: a number, or a share (`"0.5%"`).
            allow_same_content: Whether a file that holds the same as another is taken in beside it.
            allow_empty: Whether 0-byte files and folders without files are logs without rows.
            dry_run: Whether to write nothing, and only say what would change.
            engine: Who reads the files: `local`, this process; or `spark`, the tasks of the active Spark
                session or of one with `spark_conf`. Either way this process merges and commits.
            spark_conf: Settings of Spark's, such as `{"spark.master": "yarn"}`.
            threads: Worker threads; one for each core unless given.
            lock_timeout: How long to wait while another process writes.
            notify: Is told what was left out of the input.
            progress: Is called with the rows that were read since its last call.
            **definition: Any field of `SessionRules` or `ReadOptions`, or `preset`.

        Returns:
            What was done, in numbers.

        Raises:
            InputError: For input that cannot be used, rejected rows beyond the limit among it.
            StoreMismatchError: For an option that is not the store's, or a store that is damaged.
            StoreBusyError: Where another process writes for longer than the timeout.
            StoreError: For an object store that does not answer.
            OutputError: Where it cannot be written.
            ValueError: For an option outside its domain.
        """
        with self._request(
            inputs,
            definition,
            forget=[str(name) for name in listed(forget)],
            max_rejected=max_rejected,
            allow_same_content=allow_same_content,
            allow_empty=allow_empty,
            is_dry_run=dry_run,
            engine=engine,
            spark_conf=spark_conf,
            threads=threads,
            notify=notify,
            progress=progress,
        ) as request:
            if dry_run:
                return update(request)
            with locked(self.location, parse_duration(lock_timeout)):
                return update(request)

    def backfill(
        self,
        inputs: str | Path | Sequence[str | Path],
        from_date: str | date,
        to_date: str | date,
        *,
        step: str | timedelta = STEP,
        date_pattern: str | None = None,
        replace: bool = False,
        backwards: bool = False,
        max_rejected: int | str = 0,
        allow_same_content: bool = False,
        allow_empty: bool = False,
        dry_run: bool = False,
        engine: Engine = "local",
        spark_conf: Mapping[str, str] | None = None,
        threads: int | None = None,
        lock_timeout: str | timedelta = LOCK_TIMEOUT,
        notify: Callable[[str], None] | None = None,
        progress: Progress | None = None,
        stop: Callable[[], bool] | None = None,
        stepped: Callable[[BackfillStep], None] | None = None,
        **definition: Unpack[Definition],
    ) -> BackfillSummary:
        """Bring history into the table, some days at a time; each step is one commit.

        Files are chosen by the local days that their folders, their names or their statistics say
        they are of. Run again, it skips what is in already. Steps in any order give the same table.

        Args:
            inputs: Files, folders, globs or URIs, of any days.
            from_date: The first day, included: a date or ISO text, in the store's time zone.
            to_date: The last day, included.
            step: How many days one commit brings in, such as `7d`.
            date_pattern: Where the date is in a file's path, such as `events-%Y%m%d`; None looks for it.
            replace: Whether to read every file anew whatever its size and time, and to take out those
                that are gone where another file of the same folder and day is there.
            backwards: Whether the latest step comes first.
            max_rejected: As for `update`, for each step.
            allow_same_content: As for `update`.
            allow_empty: As for `update`; also whether a period may have no files.
            dry_run: As for `update`; each step is looked at as if it were the only one.
            engine: As for `update`.
            spark_conf: As for `update`.
            threads: As for `update`.
            lock_timeout: How long each step waits while another process writes.
            notify: As for `update`.
            progress: As for `update`.
            stop: Is asked before each step whether to end here.
            stepped: Is told of each step that is done.
            **definition: As for `update`.

        Returns:
            What each step did.

        Raises:
            InputError: For a file whose days nothing says, a period without files, and as for `update`.
            StoreError: As `update`, here and for its kinds. The steps before it stay done.
            OutputError: Where the store cannot be written.
            ValueError: For an option outside its domain.
        """
        from sessionize.store.backfill import Backfill, as_day, backfill
        from sessionize.store.periods import DatePattern, Days

        with self._request(
            inputs,
            definition,
            max_rejected=max_rejected,
            allow_same_content=allow_same_content,
            allow_empty=allow_empty,
            is_dry_run=dry_run,
            engine=engine,
            spark_conf=spark_conf,
            threads=threads,
            notify=notify,
            progress=progress,
        ) as request:
            asked = Backfill(
                request=request,
                period=Days(as_day(from_date), as_day(to_date)),
                length=parse_duration(step),
                pattern=None if date_pattern is None else DatePattern(date_pattern),
                replaces=replace,
                is_backwards=backwards,
                lock_timeout=parse_duration(lock_timeout),
            )
            return backfill(asked, stop=stop or _never, stepped=stepped or _ignore)

    @contextmanager
    def _request(
        self,
        inputs: str | Path | Sequence[str | Path],
        definition: Mapping[str, Any],
        *,
        max_rejected: int | str,
        engine: Engine,
        spark_conf: Mapping[str, str] | None,
        threads: int | None,
        notify: Callable[[str], None] | None,
        **how: Any,
    ) -> Iterator[Request]:
        """Put a request together, with workers for as long as it takes."""
        check_engine(engine, of_resources={"threads": threads}, spark_conf=spark_conf)
        resources = Resources(threads)
        with workers(engine, resources, spark_conf or {}) as readers:
            yield Request(
                location=self.location,
                inputs=listed(inputs),
                given=definition,
                limit=RejectLimit.parse(max_rejected),
                resources=resources,
                workers=readers,
                notify=notify or _ignore,
                **how,
            )

    def check(self, definition: Mapping[str, Any]) -> None:
        """Judge options before work begins.

        Args:
            definition: Keywords of `Definition`, only those that are given.

        Raises:
            StoreMismatchError: For an option that is not the store's, or a store that is damaged.
            StoreError: For an object store that does not answer.
            ValueError: For options outside their domain, or that contradict each other.
            TypeError: For an unknown keyword.
        """
        Snapshot.open(self.location, definition)

    def compact(
        self,
        *,
        keep: str | timedelta = KEEP,
        dry_run: bool = False,
        lock_timeout: str | timedelta = LOCK_TIMEOUT,
    ) -> Compacted:
        """Remove what old versions and killed runs have left, and let the table open faster.

        Args:
            keep: How old a file that nothing needs any more must be to go.
            dry_run: Whether to change nothing, and only say what would go.
            lock_timeout: How long to wait while another process writes.

        Returns:
            What went.

        Raises:
            StoreBusyError: Where another process writes for longer than the timeout.
            StoreMismatchError: Where there is no store, or its ledger is missing or damaged.
            OutputError: Where a file cannot be removed.
            ValueError: For a negative `keep`.
        """
        from sessionize.store.compact import compact

        SessionsTable.open(self.location)
        with locked(self.location, parse_duration(lock_timeout)):
            return compact(self.location, keep=parse_duration(keep), dry_run=dry_run)


def _ignore(notice: object) -> None:
    """Take a notice that nobody asked for."""


def _never() -> bool:
    """Stop nothing."""
    return False
