"""The numbers of a store in the text format of Prometheus, for the textfile collector of node_exporter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sessionize.store.status import StoreStatus, update_of
from sessionize.writing.atomic import explained, replaced_file

PREFIX = "sessionize_store"


def metrics(status: StoreStatus, *, success: datetime | None = None, seconds: float | None = None) -> str:
    """Write the numbers of a store; what is not known is left out.

    Args:
        status: The store.
        success: When an update last succeeded; None takes the time of the newest commit, which an
            update that found nothing to do does not move.
        seconds: How long it took; None takes what that commit says.

    Returns:
        Lines, each with its help and type, all with the label `store`.
    """
    label = status.store.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    lines = []
    for name, help_text, value in _gauges(status, success, seconds):
        if value is not None:
            metric = f"{PREFIX}_{name}"
            lines += [f"# HELP {metric} {help_text}", f"# TYPE {metric} gauge"]
            lines += [f'{metric}{{store="{label}"}} {value}']
    return "".join(f"{line}\n" for line in lines)


def write_metrics(
    path: str | Path, status: StoreStatus, *, success: datetime | None = None, seconds: float | None = None
) -> None:
    """Write the numbers of a store into a file, which is replaced at one moment; see `metrics`.

    Raises:
        OutputError: Where it cannot be written.
    """
    with explained(str(path)), replaced_file(Path(path)) as file:
        file.write(metrics(status, success=success, seconds=seconds).encode())


def _gauges(
    status: StoreStatus, success: datetime | None, seconds: float | None
) -> Iterator[tuple[str, str, float | None]]:
    yield "watermark_timestamp_seconds", "Time of the latest event.", _timestamp(status.watermark)
    yield (
        "freshness_seconds",
        "How far the latest event was behind the clock when this was written.",
        None if status.freshness is None else status.freshness.total_seconds(),
    )
    yield "files", "Input files that the store contains.", status.files
    yield "input_rows", "Rows of those files.", status.tally.input_rows
    yield "events", "Rows that are events of sessions.", status.tally.events
    yield "rejected_rows", "Rows that were rejected.", status.tally.rejected
    yield "sessions", "Sessions.", status.sessions
    yield "open_sessions", "Sessions that may still grow.", status.open_sessions
    yield "size_bytes", "Size of the sessions on disk.", status.size_bytes
    yield "table_version", "Version of the table.", status.table_version
    yield (
        "last_success_timestamp_seconds",
        "When an update last succeeded.",
        _timestamp(success or _last_commit(status)),
    )
    yield (
        "last_duration_seconds",
        "How long that update took.",
        _last_seconds(status) if seconds is None else seconds,
    )


def _last_commit(status: StoreStatus) -> datetime | None:
    return status.commits[0].time if status.commits else None


def _last_seconds(status: StoreStatus) -> float | None:
    update = update_of(status.commits[0]) if status.commits else None
    return None if update is None else float(update["seconds"])


def _timestamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
