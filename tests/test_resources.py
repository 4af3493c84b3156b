"""What a run may use of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from sessionize.engine import resources
from sessionize.engine.resources import Resources, default_limit, parse_size


@contextmanager
def machine(*, free: int, cgroup: Path) -> Iterator[None]:
    """A machine with so much free memory, and this folder for its container's limits."""
    with patch.multiple(resources, _CGROUP=cgroup, _free_on_machine=lambda: free):
        yield


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("500 mb", 500 * 10**6), ("1.5GiB", 3 * 2**29), ("100MiB", 100 * 2**20)],
)
def test_a_size_has_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["2", "2G", "", "GB", "-1GB", "lots"])
def test_a_size_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a size with its unit"):
        Resources(memory_limit=text)


@pytest.mark.parametrize("limit", ["1MB", 0])
def test_too_little_memory_is_refused(limit: str | int) -> None:
    with pytest.raises(ValueError, match="at least 100MB"):
        Resources(memory_limit=limit)


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Resources(threads=0)


def test_the_default_limit_is_half_of_what_a_container_leaves(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("400000000\n")

    with machine(free=1 << 40, cgroup=tmp_path):
        assert default_limit() == 300_000_000


@pytest.mark.parametrize("content", ["max\n", None], ids=["no limit", "no cgroup"])
def test_the_default_limit_is_half_of_what_the_machine_has_free(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "memory.max").write_text(content)

    with machine(free=10**9, cgroup=tmp_path):
        assert default_limit() == 500_000_000


def test_where_the_machine_does_not_say_what_is_free_half_of_all_counts() -> None:
    with patch.object(Path, "read_text", side_effect=FileNotFoundError):
        assert default_limit() > 0
