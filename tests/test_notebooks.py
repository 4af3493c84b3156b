"""The notebooks: they run, and what they keep is what they print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from website import notebooks

pytest.importorskip("nbformat", reason="notebooks need the extra: docs")

PATHS = notebooks.paths()
IDS = [path.stem for path in PATHS]
SMALL = 150_000
"""Bytes: outputs are kept in git."""


def cells(path: Path, kind: str) -> list[Any]:
    return [cell for cell in notebooks.load(path).cells if cell.cell_type == kind]


def test_there_are_notebooks_on_each_subject() -> None:
    assert IDS == ["choosing-a-timeout", "comparing-definitions", "nightly-store", "quick-start"]


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_every_cell_was_run_once_from_top_to_bottom(path: Path) -> None:
    code = cells(path, "code")

    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_notebook_is_small(path: Path) -> None:
    assert path.stat().st_size < SMALL


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_page_of_a_notebook_begins_with_its_title_and_shows_its_outputs(path: Path) -> None:
    page = notebooks.as_markdown(notebooks.load(path), path.name)

    assert page.startswith("# ")
    assert f"[Download it]({path.name})" in page
    assert page.count("```python\n") == len(cells(path, "code"))
    assert "<table" in page


def test_chart_of_a_notebook_is_a_picture_on_its_page() -> None:
    path = notebooks.FOLDER / "choosing-a-timeout.ipynb"

    page = notebooks.as_markdown(notebooks.load(path), path.name)

    assert page.count('src="data:image/svg+xml;base64,') == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_outputs_that_are_kept_are_those_of_a_fresh_run(path: Path) -> None:
    """But for times, memory and the bytes of pictures; `make notebooks` keeps those of a new run."""
    kept = notebooks.outputs(notebooks.load(path))

    assert notebooks.outputs(notebooks.run_anew(path)) == kept
