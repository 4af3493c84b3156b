"""The rejected rows that a run has kept beside its sessions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from sessionize.reading.ours import REJECTS_SUFFIX
from sessionize.reading.streams import readable


def rejected_beside(path: Path) -> dict[str, int] | None:
    """Count the rejected rows that stand beside a sessions table, under their usual name.

    Args:
        path: The sessions table.

    Returns:
        Rows by reason, most first; None where there is no such file, or nothing in it.

    Raises:
        UnreadableFileError: For a file that holds something else.
    """
    kept = path.with_name(path.name + REJECTS_SUFFIX)
    if not kept.is_file() or not kept.stat().st_size:
        return None
    reasons: Counter[str] = Counter()
    # Raw rows have any columns, so only the reason is read.
    reason = pa.schema([("reason", pa.string())])
    parse = pyarrow.json.ParseOptions(explicit_schema=reason, unexpected_field_behavior="ignore")
    with readable(str(kept)):
        for batch in pyarrow.json.open_json(str(kept), parse_options=parse):
            counted = pc.value_counts(batch["reason"]).to_pylist()
            reasons.update({each["values"]: each["counts"] for each in counted})
    return dict(reasons.most_common())
