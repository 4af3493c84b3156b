"""What a file's name says about it: format, compression, Hive folders."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sessionize.reading.options import InputFormat

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"

FORMATS: dict[str, InputFormat] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".lz4": "lz4"}
TEXT_FORMATS = frozenset({"csv", "tsv", "jsonl"})


def format_of(name: str) -> tuple[InputFormat | None, str | None]:
    """Read format and compression off a file name; a compressed Parquet or Arrow file is of no known format.

    Example:
        >>> format_of("logs/events.csv.gz"), format_of("README.md")
        (('csv', 'gzip'), (None, None))
    """
    stem, compression = _compression(name.lower())
    suffix = re.search(r"\.[^./\\]*$", stem)
    format_ = FORMATS.get(suffix.group()) if suffix else None
    if compression and format_ not in TEXT_FORMATS:
        format_ = None
    return format_, compression


def hive_columns(name: str) -> dict[str, str | None]:
    """Read the columns that the folders of a path name (`dt=2026-11-23/`), URL-decoded, in their order.

    Example:
        >>> hive_columns("logs/dt=2026-11-23/page=a%2Fb/part-0.csv")
        {'dt': '2026-11-23', 'page': 'a/b'}
    """
    folders = re.split(r"[/\\]", name)[:-1]
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder.lstrip("="))
    return {unquote(key): None if value == HIVE_NULL else unquote(value) for key, value in pairs}


def _compression(name: str) -> tuple[str, str | None]:
    for suffix, compression in COMPRESSIONS.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), compression
    return name, None
