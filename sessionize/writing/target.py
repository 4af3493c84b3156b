"""Where a table goes and as what, checked before anything is read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sessionize.errors import OutputError
from sessionize.spelling import closest
from sessionize.writing.atomic import check_folder_is_ours
from sessionize.writing.compression import Compression

Format = Literal["parquet", "csv", "jsonl", "arrow"]

FORMATS: tuple[Format, ...] = get_args(Format)
TEXT_FORMATS = ("csv", "jsonl")
STDOUT = "-"

_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True)
class Target:
    """Where a table goes, and as what.

    Attributes:
        name: The output as named, for messages.
        path: The file or folder; None is standard output.
        format: `parquet`, `csv`, `jsonl` or `arrow`.
        compression: How the text is compressed: `gzip`, `zstd`, or None.
        partition_by: `date` for a folder of `session_date=…` folders, or None for one file.
        keeps_dates: Whether dates that stand in the folder, and of which no row comes, are kept.
    """

    name: str
    path: Path | None
    format: Format
    compression: Compression | None = None
    partition_by: Literal["date"] | None = None
    keeps_dates: bool = False

    @property
    def default_rejects(self) -> Path | None:
        """Where rejected rows are kept unless told: beside the output; None for standard output.

        Example:
            >>> Target("sessions.csv", Path("sessions.csv"), "csv").default_rejects.name
            'sessions.csv.rejected.jsonl'
        """
        return None if self.path is None else self.path.with_name(f"{self.path.name}.rejected.jsonl")

    @property
    def kept(self) -> Path | None:
        """The folder whose other dates are kept, if they are."""
        return self.path if self.keeps_dates else None


def output_target(
    output: str | Path,
    *,
    output_format: str | None = None,
    partition_by: str | None = None,
    keep_dates: bool = False,
) -> Target:
    """Say where a table goes and as what, from the output's name.

    Refuses at once what could never be written, because the log may take hours to read.

    Args:
        output: A file named `.parquet`, `.csv`, `.jsonl` or `.arrow` (text also `.gz`, `.zst`); `-`
            for standard output; or a folder, with `partition_by`.
        output_format: The format, where the name does not say it.
        partition_by: `date` writes a folder of Parquet files, one subfolder a date.
        keep_dates: Whether dates that stand in that folder, and of which no row comes, are kept.

    Returns:
        The target. Nothing has been created.

    Raises:
        ValueError: For an unknown name, format or combination.
        OutputError: For a folder that is missing, not writable, or holds files of others.

    Example:
        >>> output_target("sessions.csv.gz").compression
        'gzip'
    """
    name, known_format = str(output), _known_format(output_format)
    if _URI.match(name):
        raise ValueError(f"{name}: outputs are local files. Write one, then copy it there.")
    if partition_by is not None:
        return _folder_target(name, known_format, partition_by, keep_dates)
    if keep_dates:
        raise ValueError("keep_dates: a file has no dates to keep. Write a folder, partitioned by date.")
    if name == STDOUT:
        return _stdout_target(known_format)
    return _file_target(name, known_format)


def _known_format(output_format: str | None) -> Format | None:
    if output_format is not None and output_format not in FORMATS:
        raise ValueError(
            f"output format {output_format!r}{closest(output_format, FORMATS)} Known: {', '.join(FORMATS)}."
        )
    return output_format


def _folder_target(name: str, output_format: Format | None, partition_by: str, keep_dates: bool) -> Target:
    if partition_by != "date":
        raise ValueError(f"partition by {partition_by!r}: only date is known.")
    if name == STDOUT:
        raise ValueError("partition by date writes a folder: name one, not -.")
    if output_format not in {None, "parquet"}:
        raise ValueError(f"partition by date writes Parquet, not {output_format}.")
    path = Path(name)
    check_folder_is_ours(path, name)
    _check_parent(path.resolve(), name)
    return Target(name, path, "parquet", partition_by="date", keeps_dates=keep_dates)


def _stdout_target(output_format: Format | None) -> Target:
    if output_format not in {None, *TEXT_FORMATS}:
        raise ValueError(f"standard output carries csv or jsonl. Name a file for {output_format}.")
    return Target(STDOUT, None, output_format or "csv")


def _file_target(name: str, output_format: Format | None) -> Target:
    path = Path(name)
    if path.is_dir() or name.endswith(("/", os.sep)):
        raise OutputError(f"{name}: a folder. Write it with --partition-by date, or name a file in it.")
    compression = _COMPRESSIONS.get(path.suffix.lower())
    format_ = output_format or _format_of(path.with_suffix("") if compression else path)
    if format_ is None:
        raise ValueError(
            f"{name}: the name says no format. End it in .parquet, .csv, .jsonl or .arrow"
            " (text also .gz, .zst), or give --output-format."
        )
    if compression and format_ not in TEXT_FORMATS:
        raise ValueError(f"{name}: {format_} files are not compressed from outside. Drop {path.suffix}.")
    _check_parent(path.resolve(), name)
    return Target(name, path, format_, compression)


def _format_of(path: Path) -> Format | None:
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else None


def _check_parent(path: Path, name: str) -> None:
    parent = path.parent
    if not parent.is_dir():
        raise OutputError(f"{name}: there is no folder {parent}. Create it, or choose another output.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{name}: the folder {parent} is not writable. Choose another output.")
