"""The notebooks of docs/notebooks/: run them anew, and turn them into pages.

`python -m website.notebooks` runs every notebook and keeps the outputs in it.
"""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "notebooks"
SAMPLE = ROOT / "sample_data"

_TIMINGS = re.compile(
    r"\d[\d,.]* s, peak memory [\d,]+ MB|(?<=<td style=\"text-align: left\">)\d[\d,.]* s(?=</td>)"
)


def paths() -> list[Path]:
    """Return the notebooks, in alphabetical order."""
    return sorted(FOLDER.glob("*.ipynb"))


def load(path: Path) -> NotebookNode:
    """Read a notebook with the outputs that it keeps."""
    import nbformat

    return nbformat.read(path, as_version=4)


def run_anew(path: Path) -> NotebookNode:
    """Run a notebook from its first cell, in a folder of its own that holds sample_data/.

    Returns:
        The notebook with the outputs of this run. The file is not changed.

    Raises:
        CellExecutionError: For a cell that fails.
    """
    from nbclient import NotebookClient

    notebook = load(path)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SAMPLE, Path(folder, "sample_data"))
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, record_timing=False, resources=place).execute()
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        if "data" in output:
            output.data = dict([_richest(output.data)])
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def outputs(notebook: NotebookNode) -> list[list[tuple[str, str]]]:
    """Return what each code cell shows, but for what differs from run to run.

    Returns:
        For each code cell the kind of each of its outputs and its text. Times and memory are taken out, and
        so are pictures, whose bytes are those of the fonts and libraries that drew them.
    """
    return [
        [(kind, "" if kind.startswith("image/") else _TIMINGS.sub("…", text)) for kind, text in _shown(cell)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def as_markdown(notebook: NotebookNode, name: str) -> str:
    """Write a notebook as a page.

    Args:
        notebook: With outputs.
        name: The name of its file, which the page links to.
    """
    title, *rest = (part for cell in notebook.cells for part in _cell(cell))
    heading, _, text = title.partition("\n")
    origin = f"This page is a notebook. [Download it]({name}) and run it beside `sample_data/`."
    return "\n\n".join([heading, text.strip(), origin, *rest]) + "\n"


def _cell(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield _fenced("python", cell.source)
    for kind, text in _shown(cell):
        yield _output(kind, text)


def _shown(cell: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each output; of one that is there in several kinds, the richest."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield "text/plain", output.text
        else:
            yield _richest(output.data)


def _richest(data: Mapping[str, str]) -> tuple[str, str]:
    """Choose the kind of an output that shows most."""
    return next((kind, data[kind]) for kind in _KINDS if kind in data)


def _output(kind: str, text: str) -> str:
    if kind == "text/html":
        # A blank line would end the HTML and begin Markdown.
        return "<div>" + re.sub(r"\n\s*\n", "\n", _PANDAS_STYLE.sub("", text).strip()) + "</div>"
    if kind == "image/svg+xml":
        data = base64.b64encode(text.encode()).decode()
        return f'<img alt="The chart that the cell above draws" src="data:image/svg+xml;base64,{data}">'
    return _fenced("text", text)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


_PANDAS_STYLE = re.compile(r'<style scoped>.*?</style>|(?<=<table) border="1" class="dataframe"', re.DOTALL)
"""What pandas says about the looks of a table; the site has looks of its own."""

_KINDS = ("image/svg+xml", "text/html", "text/plain")
"""From rich to plain."""


def main() -> None:
    """Run every notebook, and keep its outputs in its file."""
    import nbformat

    for path in paths():
        nbformat.write(run_anew(path), path)


if __name__ == "__main__":
    main()
