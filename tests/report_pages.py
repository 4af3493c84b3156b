"""A report's page, read back as numbers and tables without a browser."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import sessionize as sz


class Page(HTMLParser):
    """What a page says.

    Attributes:
        figures: The texts that carry `data-figure`, by that name.
        tables: The rows of each table's body, by the id around it; each row is a list of texts.
        specs: The specification of each chart, by its id.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.specs: dict[str, Any] = {}
        self._place = ""
        self._figure = ""
        self._into: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._place = given.get("id") or self._place
        self._figure = given.get("data-figure") or ""
        match tag:
            case "tbody":
                self.tables[self._place] = []
            case "tr" if self._place in self.tables:
                self.tables[self._place].append([])
            case "th" | "td" if self.tables.get(self._place):
                self.tables[self._place][-1].append("")
                self._into = "cell"
            case "script" if given.get("type") == "application/json":
                self._into = "spec"

    def handle_endtag(self, tag: str) -> None:
        self._into = None
        self._figure = ""

    def handle_data(self, data: str) -> None:
        if self._figure:
            self.figures[self._figure] = self.figures.get(self._figure, "") + data
        if self._into == "cell":
            self.tables[self._place][-1][-1] += data
        if self._into == "spec":
            self.specs[self._place] = json.loads(data)

    def row(self, table: str, first: str) -> list[str]:
        """The rest of the row that begins so."""
        (found,) = (row[1:] for row in self.tables[table] if row[0] == first)
        return found


def page_of(sessions: Any, folder: Path, **options: Any) -> Page:
    """Write a report into a folder and read its page back."""
    sz.report(sessions, folder / "report.html", **options)
    return Page((folder / "report.html").read_text(encoding="utf-8"))
