"""How a table was made, as its metadata says it."""

from __future__ import annotations

import json

from sessionize.rules import SessionRules
from sessionize.version import __version__
from sessionize.zones import TZDATA_VERSION


def provenance(rules: SessionRules, emit: str = "sessions") -> dict[str, str]:
    """Say how a table was made, for its metadata: rules and versions, nothing of the moment."""
    made = {
        "version": __version__,
        "tzdata": TZDATA_VERSION,
        "preset": rules.based_on,
        "rules": rules.as_dict(),
    }
    if emit != "sessions":
        made["emit"] = emit
    return {"sessionize": json.dumps(made, ensure_ascii=False)}
