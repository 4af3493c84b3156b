"""Labelling files on one screen: find the log, label it, write it with its labels, say what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from sessionize.definition import Definition, define
from sessionize.engine.local import believing
from sessionize.engine.outcome import Outcome
from sessionize.engine.pool import Pool
from sessionize.engine.resources import Resources
from sessionize.in_words import named_by
from sessionize.job import place_for_rejects, summarize
from sessionize.labelling.labelled import Labels, labelled, read_ahead
from sessionize.labelling.labels import label_schema, log_table
from sessionize.progress import Progress, follow
from sessionize.provenance import provenance
from sessionize.reading.extent import Extent
from sessionize.reading.log import log_of, open_files
from sessionize.reading.options import ReadOptions
from sessionize.reading.rows import Needed
from sessionize.reading.sources import find_sources, listed
from sessionize.reading.spooled import spooled
from sessionize.reading.whole import whole_log
from sessionize.rejects import RejectLimit
from sessionize.rules import SessionRules
from sessionize.summary import Summary
from sessionize.writing.output import open_output
from sessionize.writing.rejects import keeping_rejected
from sessionize.writing.target import output_target


def label_files(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    rules: SessionRules | None = None,
    reading: ReadOptions | None = None,
    output_format: str | None = None,
    max_rejected: int | str = 0,
    rejects: str | Path | None = None,
    allow_empty: bool = False,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    temp_dir: str | Path | None = None,
    notify: Callable[[str], None] = lambda message: None,
    progress: Progress | None = None,
    **definition: Unpack[Definition],
) -> Summary:
    r"""Read logs and write each row with the session that it belongs to: the command `sessionize label`.

    Rows keep their order (files as they are found, rows as they stand) and their columns. The log is
    read twice; standard input waits in a temporary file for it. The output appears whole when
    everything has succeeded; until then, and after any error, what stood there before still does.

    Args:
        inputs: Files, folders, globs, URIs, or `-` for standard input.
        output: A `.parquet`, `.csv`, `.jsonl` or `.arrow` file (text also `.gz`, `.zst`), or `-` for
            CSV on standard output.
        rules: What a session is, without aggregates; keywords override single values.
        reading: How to read the log; keywords such as `time="ts"` override single values.
        output_format: The format, where the output's name doesn't say.
        max_rejected: Rows that may be rejected: a number, or a share of the input rows (`"0.5%"`).
        rejects: Where rejected rows are kept; `OUTPUT.rejected.jsonl` unless named.
        allow_empty: Whether 0-byte files and folders without files are a log without rows.
        threads: Worker threads; one for each core unless given.
        memory_limit: What the run aims to stay below: bytes, or text such as `2GB`; half of what is
            free unless given. Neither it nor `threads` ever changes the output.
        temp_dir: Where standard input, and what does not fit into memory, wait.
        notify: Is told what was left out of the input.
        progress: Is called with the rows that were read since its last call.
        **definition: Any field of `SessionRules` but `agg`, or of `ReadOptions`.

    Returns:
        What was done, in numbers, as of `run`.

    Raises:
        InputError: For input that cannot be used, rejected rows beyond the limit among it.
        OutputError: Where the output cannot be written.
        ValueError: For an option outside its domain, and for aggregates.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "log.csv").write_text("user_id,timestamp\nada,2026-01-01T09:00:00Z\n")
        >>> label_files(folder / "log.csv", folder / "labelled.csv").sessions
        1
        >>> print((folder / "labelled.csv").read_text().splitlines()[1])
        ada,2026-01-01T09:00:00Z,ada:1767258000000000,1,1,,inactivity
    """
    started = time.perf_counter()
    rules, reading = define(rules, reading, definition)
    refuse_aggregates(rules)
    limit = RejectLimit.parse(max_rejected)
    resources = Resources(threads, memory_limit, temp_dir)
    target = output_target(output, output_format=output_format)
    rejects = place_for_rejects(rejects or target.default_rejects, target, limit)

    named = listed(inputs)
    own = [str(path) for path in (target.path, rejects) if path is not None]
    found = find_sources(named, reading, own=own, notify=notify, allow_empty=allow_empty)
    needed = Needed.of(rules.columns, rules.by, reading, named_by(rules))
    with spooled(found, resources.temp_dir) as sources:
        files = open_files(sources, needed)
        log = log_of(files, needed)
        readings = _TwoReadings(log.extent)
        follow(progress, readings.share)
        whole = whole_log(files, needed, log.types)
        schema = label_schema(whole.schema, rules)

        def attempt(trusting: bool) -> Outcome:
            outcome = Outcome(rules)
            with (
                Pool(resources.threads) as pool,
                keeping_rejected(rejects) as keep,
                open_output(target, schema, metadata=provenance(rules)) as writer,
            ):
                labels = Labels(log, log_table(rules, log.types), outcome, pool, resources)
                pieces = labels.pieces(trusting=trusting, progress=progress)
                with closing(read_ahead(labelled(pieces, whole, schema))) as labelled_rows:
                    for rows in labelled_rows:
                        writer.write(rows)
                        readings.written_rows += len(rows)
                        if progress:
                            progress(0)
                limit.check(outcome.tally, outcome.rejected())
                keep(outcome.rejected())
            return outcome

        outcome = believing(attempt)
    return summarize(outcome, rules, time.perf_counter() - started, output=str(output))


@dataclass
class _TwoReadings:
    """How much of a log has been read for its labels, and then again to be written."""

    extent: Extent
    written_rows: int = 0

    def share(self, rows: int) -> float | None:
        read = self.extent.share(rows)
        if read is None or not rows:
            return read
        return read * (1 + min(self.written_rows / rows, 1.0)) / 2


def refuse_aggregates(rules: SessionRules) -> None:
    """Refuse what labels could only ignore.

    Raises:
        ValueError: For rules with aggregates.
    """
    if rules.agg:
        raise ValueError("agg: aggregates are columns of the sessions table. Labels have none; leave it out.")
