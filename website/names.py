"""Pages about the public names of Python, which mkdocstrings fills from the docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import sessionize
import sessionize.spark

KINDS = FUNCTIONS, CLASSES, ERRORS = "Functions", "Classes", "Errors"


def kind_of(name: str) -> str | None:
    """Return which page a public name belongs to; None for what is neither function nor class."""
    value = getattr(sessionize, name)
    if not inspect.isclass(value):
        return FUNCTIONS if inspect.isfunction(value) else None
    return ERRORS if issubclass(value, Exception) else CLASSES


def page(kind: str) -> str:
    """Write the page of one kind of names, as Markdown."""
    intro = (
        "All names are those of `import sessionize as sz`. [Python](../python.md) has examples of their use."
    )
    return _page(kind, intro, [f"sessionize.{name}" for name in sessionize.__all__ if kind_of(name) == kind])


def spark_page() -> str:
    """Write the page of the names for those who are in Spark."""
    intro = "The names of `sessionize.spark`. [Spark](../spark.md) has examples of their use."
    names = [f"sessionize.spark.{name}" for name in sessionize.spark.__all__]
    return _page("On Spark data frames", intro, names)


def _page(title: str, intro: str, names: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", intro, *(f"::: {name}" for name in names)]) + "\n"
