"""Put all pages of the site into one folder: those that are written, and those that are made.

`python -m website.stage build/pages` does it; the generator of the site reads that folder. Whatever is
special about our pages is settled here, so that any generator will do.
"""

from __future__ import annotations

import html
import posixpath
import re
import shutil
import sys
from pathlib import Path

from website import commands, names, notebooks

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
COPIED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "sample_data/README.md": "sample-data.md",
}
"""Pages outside docs/, and where they stand on the site."""

_OUTSIDE = {"README.md": "index.md", **COPIED}
_OUTSIDE_LINK = re.compile(rf"\]\((?:\.\./)+({'|'.join(map(re.escape, _OUTSIDE))})(?:#[^)]*)?\)")
_NOTEBOOK_LINK = re.compile(r"(\]\([\w./-]+)\.ipynb\)(?! and run it)")
_PROMPT = re.compile(r"^```python\n(?=>>> )", re.MULTILINE)
_CODE_WITH_BARS = re.compile(r"`([^`\n]*\\\|[^`\n]*)`")


def stage(folder: Path) -> None:
    """Write all pages, and the files that they show.

    Args:
        folder: Where to; what is there is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder)
    for path, text in made_pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for page in folder.rglob("*.md"):
        path = page.relative_to(folder).as_posix()
        page.write_text(on_the_site(page.read_text(encoding="utf-8"), path), encoding="utf-8")


def made_pages() -> dict[str, str]:
    """Return the Markdown of every page that is made from something else, by its path on the site."""
    copied = {
        to: (ROOT / path).read_text(encoding="utf-8").replace("](docs/", "](") for path, to in COPIED.items()
    }
    return {
        **copied,
        "reference/commands/index.md": commands.overview(),
        **{f"reference/commands/{name}.md": commands.page(name) for name in commands.command_names()},
        **{f"reference/{kind.lower()}.md": names.page(kind) for kind in names.KINDS},
        "reference/spark.md": names.spark_page(),
        **{
            f"notebooks/{path.stem}.md": notebooks.as_markdown(notebooks.load(path), path.name)
            for path in notebooks.paths()
        },
    }


def on_the_site(markdown: str, path: str) -> str:
    """Mend what GitHub and the site understand differently.

    Links that lead out of docs/ lead to the copies, those to a notebook to its page. Python that shows its
    prompts is a console. An escaped bar in the code of a table's cell is a bar.

    Args:
        markdown: A page.
        path: Its path on the site, such as `rules/timeout.md`.
    """
    folder = posixpath.dirname(path) or "."

    def copy_of(link: re.Match[str]) -> str:
        return f"]({posixpath.relpath(_OUTSIDE[link[1]], folder)})"

    mended = _CODE_WITH_BARS.sub(_with_bars, _OUTSIDE_LINK.sub(copy_of, markdown))
    return _PROMPT.sub("```pycon\n", _NOTEBOOK_LINK.sub(r"\1.md)", mended))


def _with_bars(code: re.Match[str]) -> str:
    text = html.escape(code[1].replace("\\|", "|"), quote=False)
    return "<code>" + text.replace("|", "&#124;") + "</code>"


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
