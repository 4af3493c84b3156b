"""Names the versions and the machine of a measurement."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ["sessionize", "duckdb", "polars", "pandas", "pyarrow", "numpy", "pyspark"]


def machine() -> str:
    """Return versions, processor, cores, memory and system on one line."""
    versions = ", ".join(_versions())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{versions}, Python {platform.python_version()}; {_processor()}, {os.cpu_count()} cores,"
        f" {memory:.0f} GB, {platform.system()} {platform.release()}"
    )


def _versions() -> Iterator[str]:
    """Give what is installed: fewer peers can run where not all are."""
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
