"""How many rows may be rejected, and what is said when more are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from sessionize.errors import RejectedRowsError
from sessionize.events import Tally

_SHOWN = 3
_WIDTH = 60
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


@dataclass(frozen=True)
class RejectLimit:
    """How many rows a run may reject: a number of rows, or a share of the input rows.

    Attributes:
        rows: The number of rows; None where a share counts.
        share: The share, from 0 to 1.
    """

    rows: int | None
    share: Fraction = Fraction(0)

    @classmethod
    def parse(cls, value: int | str) -> RejectLimit:
        """Read `100` or `0.5%`.

        Raises:
            ValueError: For text that is neither, and for a share above 100%.
            TypeError: For a float, which could mean either.

        Example:
            >>> RejectLimit.parse("0.5%").share
            Fraction(1, 200)
        """
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError(f"max_rejected is a number of rows or a share such as '0.5%', not {value!r}.")
        if percent := _PERCENT.fullmatch(str(value).strip()):
            share = Fraction(percent[1]) / 100
            if share <= 1:
                return cls(None, share)
        elif re.fullmatch(r"\d+", str(value).strip()):
            return cls(int(value))
        raise ValueError(
            f"max_rejected {value!r}: write a number of rows such as 100, or a share such as 0.5%."
        )

    def allows(self, tally: Tally) -> bool:
        """Say whether the rejected rows are within the limit."""
        return tally.rejected <= (self.rows if self.rows is not None else self.share * tally.input_rows)

    def check(self, tally: Tally, rejected: pa.Table) -> None:
        """Refuse more rejected rows than allowed.

        Raises:
            RejectedRowsError: With the counts, the first few rows, and how to go on.
        """
        if not self.allows(tally):
            raise RejectedRowsError(_message(tally, rejected), rejected)


def _message(tally: Tally, rejected: pa.Table) -> str:
    first = "; ".join(
        f"{row['file']} record {row['record']} ({row['reason']}): {_shortened(row['raw'])}"
        for row in rejected.slice(0, _SHOWN).to_pylist()
    )
    more = "; …" if tally.rejected > _SHOWN else ""
    return (
        f"{tally.rejected:,} of {tally.input_rows:,} input rows rejected: {tally.reasons}.\n"
        f"First: {first}{more}\n"
        f"{_remedy(tally, rejected)}, or allow and keep them with --max-rejected {tally.rejected}."
    )


def _shortened(raw: str) -> str:
    """Quote the beginning of a row, so that it is one line and nothing that a terminal would obey."""
    return repr(raw if len(raw) <= _WIDTH else f"{raw[: _WIDTH - 1]}…")


def _remedy(tally: Tally, rejected: pa.Table) -> str:
    r"""Say what to try first: bytes that are no UTF-8 show as `\xe9` in what was kept of a row."""
    if tally.bare_numbers:
        return "Say what the numbers among the times count with --time-unit"
    malformed = rejected.filter(pc.equal(rejected["reason"], "malformed_row"))
    is_foreign = pc.any(pc.match_substring(malformed["raw"], "\\x")).as_py()
    if is_foreign:
        return "Name the files' encoding with --encoding"
    if "unparseable_time" in tally.rejected_by_reason:
        return "Mend them, say how their times are written with --time-format"
    return "Mend them"
