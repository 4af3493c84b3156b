"""The site as its readers see it: built from nothing, opened as files, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sessionize
from tests.browser import browser
from tests.pages import ROOT
from website import commands, names

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; a broken link or anchor fails it."""
    pytest.importorskip("zensical", reason="the site needs the extra: docs")
    folder = tmp_path_factory.mktemp("website")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    for command in (["website.stage", "build/pages"], ["zensical", "build", "--strict"]):
        subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            check=True,
        )
    return folder / "build" / "site"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as started:
        yield started.new_page(viewport={"width": 1300, "height": 1000})


def test_every_public_name_has_an_anchor(site: Path) -> None:
    pages = "".join(
        (site / "reference" / f"{kind.lower()}.html").read_text(encoding="utf-8") for kind in names.KINDS
    )

    missing = [name for name in sessionize.__all__ if f'id="sessionize.{name}"' not in pages]

    assert missing == ["__version__"]


def test_every_command_has_a_page(site: Path) -> None:
    pages = {path.stem for path in (site / "reference" / "commands").glob("*.html")}

    assert pages == {"index", *commands.command_names()}


def test_pages_ask_for_nothing_but_their_own_files(site: Path, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    for name in ("index", "rules/timeout", "reference/classes", "notebooks/choosing-a-timeout"):
        page.goto((site / f"{name}.html").as_uri(), wait_until="load")

    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_search_finds_pages_without_a_server(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())

    page.get_by_role("button", name="Search").click()
    page.keyboard.type("watermark")

    page.get_by_role("heading", name="Open and closed").wait_for()
