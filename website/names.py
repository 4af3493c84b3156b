"""Pages about the public names of Python, which mkdocstrings fills from the docstrings."""

from __future__ import annotations

import inspect

import sessionize

KINDS = FUNCTIONS, CLASSES, ERRORS = "Functions", "Classes", "Errors"


def kind_of(name: str) -> str | None:
    """Return which page a public name belongs to; None for what is neither function nor class."""
    value = getattr(sessionize, name)
    if not inspect.isclass(value):
        return FUNCTIONS if inspect.isfunction(value) else None
    return ERRORS if issubclass(value, Exception) else CLASSES


def page(kind: str) -> str:
    """Write the page of one kind of names, as Markdown."""
    names = [name for name in sessionize.__all__ if kind_of(name) == kind]
    intro = (
        "All names are those of `import sessionize as sz`. [Python](../python.md) has examples of their use."
    )
    return "\n\n".join([f"# {kind}", intro, *(f"::: sessionize.{name}" for name in names)]) + "\n"
