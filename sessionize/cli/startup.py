"""What a command does once before it works, to start sooner."""

from __future__ import annotations

import sys


class _NotNow:
    """Finds no pandas, for as long as it is asked."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def import_arrow_without_pandas() -> None:
    """Import pyarrow and let it make up its mind about pandas without importing it.

    The first array that pyarrow makes imports pandas, only to ask whether the values came in a
    Series. A command's never do, and a third of its start goes into that import. Whoever needs
    pandas later (time formats, spilling) imports it as ever.
    """
    finder = _NotNow()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
