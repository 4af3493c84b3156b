"""How summaries show themselves in a notebook."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sessionize as sz
from sessionize.card import as_card
from tests.nights import Nights
from tests.small_logs import at, events


class Cells(HTMLParser):
    """The labels and texts that a browser would show, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("caption", "th", "td"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


def shown(summary: Any) -> dict[str, str]:
    """What a summary's table shows, by label."""
    cells = Cells()
    cells.feed(summary._repr_html_())
    return dict(zip(cells.texts[1::2], cells.texts[2::2], strict=True))


def of_run(log: pa.Table, **options: Any) -> dict[str, str]:
    return shown(sz.sessionize(log, return_summary=True, **options)[1])


def test_summary_shows_what_the_run_found() -> None:
    lines = of_run(events("09:00", "09:10", "11:00"))

    assert lines.pop("took")
    assert lines == {
        "sessions": "2",
        "of a single event": "1 (50.0%)",
        "still open": "1",
        "events": "3",
        "first, last": "2026-01-01 09:00:00 UTC, 2026-01-01 11:00:00 UTC",
        "rules": "the defaults",
    }


def test_summary_shows_the_rules_as_options() -> None:
    lines = of_run(events("09:00", page=["a"]), timeout="15m", split_before=["page=a b"])

    assert lines["rules"] == "--timeout 15m --split-before 'page=a b'"


def test_summary_without_events_has_no_shares() -> None:
    lines = of_run(events())

    assert (lines["sessions"], lines["first, last"]) == ("0", "none, none")


def test_summary_shows_each_kind_of_row_that_was_no_event() -> None:
    log = events(
        *["09:00"] * 4,
        who=["A", "A", "bot", None],
        delivery=["d1", "d1", "d2", "d3"],
    )

    lines = of_run(log, dedupe="delivery", exclude={"user_id": "bot"}, max_rejected=1)

    assert lines["filtered rows"] == "1 (25.0%)"
    assert lines["rejected rows"] == "1 (25.0%): 1 missing_identity"
    assert lines["deduplicated rows"] == "1 (25.0%)"


def test_summary_of_files_shows_output_and_data_points(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user_id,timestamp\nA,2026-01-01T09:00:00Z\n", encoding="utf-8")

    lines = shown(sz.run(log, tmp_path / "<b>.csv", emit="datapoints"))

    assert lines["output"] == str(tmp_path / "<b>.csv")
    assert lines["data points"] == "1 session_start, 0 session_end"


def test_update_summary_shows_what_became_of_the_sessions(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("first", "09:00"))

    lines = shown(nights.update(nights.write("second", "09:10", "12:00")))

    assert lines.pop("took")
    assert lines == {
        "files": "1 new",
        "events": "2",
        "sessions added": "1",
        "extended, merged, removed": "1, 0, 0",
        "dates written": str(date(2026, 1, 1)),
        "watermark": f"{at('12:00'):%Y-%m-%d %H:%M:%S} UTC",
        "store": f"{nights.store.location}, version 2",
    }


def test_update_summary_of_nothing_new_says_so(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(day := nights.write("day", "09:00"))

    lines = shown(nights.update(day))

    assert lines["files"] == "1 in already"
    assert "sessions added" not in lines


def test_update_summary_of_a_dry_run_says_would(tmp_path: Path) -> None:
    nights = Nights(tmp_path)

    summary = nights.update(nights.write("day", "09:00"), dry_run=True)

    assert "What the update would do" in summary._repr_html_()
    assert shown(summary)["store"].endswith("version none yet")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b", '" onload="x'])
def test_card_shows_any_text_as_text(text: str) -> None:
    made = as_card(text, [(text, text)])

    cells = Cells()
    cells.feed(made)
    assert cells.texts == [text, text, text]


def test_card_takes_the_colours_of_the_page_around_it() -> None:
    made = as_card("title", [("label", "text")])

    assert not re.search("color|background", made)
