"""The report in a real browser: it draws, it says nothing on the console, it asks the network for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from tests.browser import ROOT, browser, show
from tests.small_logs import events

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHARTS = [
    *("sessions", "users", "sessions-per-user", "median-seconds", "newcomers"),
    *("durations", "events", "hours", "reasons"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    sz.run(ROOT / "sample_data" / "daily", folder / "sessions.parquet")
    sz.report(folder / "sessions.parquet", folder / "report.html")
    return folder


@pytest.fixture
def page(chromium: Browser, sample: Path) -> Iterator[Page]:
    """The sample's report, opened west of the zone that its days are of."""
    context = chromium.new_context(timezone_id="America/Los_Angeles")
    opened = context.new_page()
    show(opened, sample / "report.html")
    yield opened
    context.close()


def figure(page: Page, name: str) -> str:
    return page.locator(f"[data-figure={name}]").inner_text()


def test_every_chart_is_drawn(page: Page) -> None:
    drawn = page.eval_on_selector_all(
        "figure", "all => all.filter(one => one.querySelector('.chart svg path')).map(one => one.id)"
    )

    assert drawn == CHARTS


def test_page_draws_without_a_word_and_without_a_network(chromium: Browser, sample: Path) -> None:
    context = chromium.new_context()
    opened = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))

    show(opened, sample / "report.html")

    assert said == []
    assert asked == [(sample / "report.html").as_uri()]
    context.close()


def test_numbers_on_the_page_are_those_of_the_table(page: Page, sample: Path) -> None:
    table = pq.read_table(sample / "sessions.parquet")

    assert figure(page, "sessions") == f"{len(table):,}"
    assert figure(page, "users") == f"{len(table['user_id'].unique()):,}"
    assert figure(page, "events") == f"{sum(table['event_count'].to_pylist()):,}"


def test_days_are_those_of_the_table_wherever_the_reader_is(page: Page, sample: Path) -> None:
    starts = pq.read_table(sample / "sessions.parquet")["start_time"].to_pylist()

    drawn = page.locator("#sessions .role-axis-label text").all_text_contents()

    assert {f"{start:%d %b}" for start in starts} <= set(drawn)


def test_numbers_of_a_chart_unfold(page: Page) -> None:
    table = page.locator("#reasons table")
    assert not table.is_visible()

    page.locator("#reasons summary").click()

    assert table.is_visible()
    assert "inactivity" in table.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_of_charts_stand_out_in_both_themes(chromium: Browser, sample: Path, theme: str) -> None:
    context = chromium.new_context(color_scheme=theme)  # type: ignore[arg-type]  # a literal in a parameter
    opened = context.new_page()
    show(opened, sample / "report.html")

    text = opened.eval_on_selector("#sessions svg text", "one => getComputedStyle(one).fill")
    ground = opened.eval_on_selector("#sessions", "one => getComputedStyle(one).backgroundColor")

    assert contrast(text, ground) >= 4.5
    context.close()


def contrast(one: str, other: str) -> float:
    """The contrast of two colours `rgb(r, g, b)` by WCAG 2, from 1 to 21; texts need 4.5."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_page_fits_a_phone(chromium: Browser, sample: Path) -> None:
    context = chromium.new_context(viewport={"width": 375, "height": 700})
    opened = context.new_page()
    show(opened, sample / "report.html")

    assert opened.evaluate("document.documentElement.scrollWidth") <= 375
    context.close()


def test_charts_fit_the_paper(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})

    widths = page.eval_on_selector_all(
        ".chart svg", "all => all.map(one => one.getBoundingClientRect().width)"
    )

    assert len(widths) == len(CHARTS)
    assert max(widths) <= 700


def test_names_of_users_are_text_not_markup(chromium: Browser, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=\"document.title='taken'\">"
    sessions = sz.sessionize(events("09:00", who=[evil], page=pa.array(["x"])), split_on="page")
    sz.report(sessions, tmp_path / "report.html", title=evil)
    context = chromium.new_context()
    opened = context.new_page()

    show(opened, tmp_path / "report.html")

    assert opened.title() == evil
    assert evil in opened.locator("#longest").inner_text()
    context.close()


def test_page_without_sessions_says_so(chromium: Browser, tmp_path: Path) -> None:
    sz.report(sz.sessionize(events()), tmp_path / "report.html")
    context = chromium.new_context()
    opened = context.new_page()

    opened.goto((tmp_path / "report.html").as_uri())

    assert "no session" in figure(opened, "empty")
    assert opened.locator("figure").count() == 0
    context.close()
