"""The pages of the site that are made from the code, and what is mended in those that are written."""

from __future__ import annotations

import html
import re
from pathlib import Path

import click
import pytest

import sessionize
from sessionize.cli.main import cli
from tests.pages import ROOT
from website import commands, names, stage

NAVIGATION = re.findall(r"([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", commands.command_names())
def test_page_of_a_command_holds_every_option(name: str) -> None:
    flags = {
        flag
        for option in cli.commands[name].params
        if isinstance(option, click.Option)
        for flag in (*option.opts, *option.secondary_opts)
    }

    page = commands.page(name)

    assert flags - set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", page)) == set()


@pytest.mark.parametrize("name", commands.command_names())
def test_page_of_a_command_holds_its_help_and_its_examples(name: str) -> None:
    page = html.unescape(commands.page(name)).replace("\\", "")

    first_sentence = str(cli.commands[name].help).partition("\n")[0]
    assert first_sentence in page
    assert f"sessionize {name}" in page.partition("## Examples")[2]


def test_overview_names_every_command() -> None:
    assert [name for name in cli.commands if f"[`{name}`]({name}.md)" not in commands.overview()] == []


def test_every_public_name_is_on_a_page() -> None:
    pages = "".join(names.page(kind) for kind in names.KINDS)

    named = re.findall(r"^::: sessionize\.(\w+)$", pages, re.MULTILINE)

    assert sorted([*named, "__version__"]) == sorted(sessionize.__all__)


@pytest.mark.parametrize(
    ("path", "link", "mended"),
    [
        ("python.md", "../sample_data/README.md", "sample-data.md"),
        ("rules/index.md", "../../README.md#install", "../index.md"),
        ("rules/index.md", "../presets.md", "../presets.md"),
        ("index.md", "notebooks/quick-start.ipynb", "notebooks/quick-start.md"),
        ("contributing.md", "semantics.md#events", "semantics.md#events"),
    ],
)
def test_links_lead_to_pages_of_the_site(path: str, link: str, mended: str) -> None:
    assert stage.on_the_site(f"see [it]({link}).", path) == f"see [it]({mended})."


def test_python_with_prompts_is_a_console_on_the_site() -> None:
    shown = stage.on_the_site("```python\n>>> 1\n1\n```\n\n```python\nimport this\n```\n", "index.md")

    assert shown == "```pycon\n>>> 1\n1\n```\n\n```python\nimport this\n```\n"


def test_escaped_bar_in_code_is_a_bar_on_the_site() -> None:
    assert stage.on_the_site(r"| `s\|ms <x>` | `a` |", "index.md") == (
        "| <code>s&#124;ms &lt;x&gt;</code> | `a` |"
    )


def test_navigation_holds_every_page_once(tmp_path: Path) -> None:
    pytest.importorskip("nbformat", reason="notebooks need the extra: docs")

    stage.stage(tmp_path / "pages")

    pages = [path.relative_to(tmp_path / "pages").as_posix() for path in (tmp_path / "pages").rglob("*.md")]
    assert sorted(NAVIGATION) == sorted(pages)
