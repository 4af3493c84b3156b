"""A real browser for pages: headless Chromium, as Debian or the machine has it.

`python -m tests.browser FILE.png` makes the picture of the sample's report that the documentation shows.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sessionize as sz

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent
REQUIRED = "REQUIRE_BROWSER"
"""The environment variable by which CI turns a missing browser into a failure."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_DRAWN = "html[data-drawn=yes]"


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium, or skip the test where there is none (which fails it under `REQUIRE_BROWSER=1`)."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        missing = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get(REQUIRED):
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield started
        started.close()


def show(page: Page, path: Path) -> None:
    """Open a report and wait until its charts are drawn."""
    page.goto(path.as_uri())
    page.wait_for_selector(_DRAWN)


def make_picture(path: Path) -> None:
    """Take the picture of the sample's report: light, its upper part."""
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        sessions, report = Path(folder, "sessions.parquet"), Path(folder, "report.html")
        sz.run(ROOT / "sample_data" / "daily", sessions, exclude={"event": "heartbeat"})
        sz.report(sessions, report, title="A week of a small shop")
        page = started.new_page(viewport={"width": 1100, "height": 1400}, color_scheme="light")
        show(page, report)
        path.parent.mkdir(exist_ok=True)
        page.screenshot(path=path)


if __name__ == "__main__":
    make_picture(Path(sys.argv[1]))
