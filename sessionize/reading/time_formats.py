"""Columns of times in a declared format, as C's `strptime` reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sessionize.reading.epochs import EXPONENTS, scale_integers
from sessionize.reading.text_times import INSTANT, LOCAL, UNREAD, TextTimes

if TYPE_CHECKING:
    from sessionize.reading.options import TimeUnit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# pandas takes these for the moment of the run, whatever the format.
_NOW = ["now", "today"]
# Years that nanoseconds in 64 bits do not reach, which pandas counts in (before 3, always).
_FAR = r"(0\d\d\d|1[0-5]\d\d|16[0-7]\d|226[2-9]|22[7-9]\d|2[3-9]\d\d|[3-9]\d\d\d)"
# Behind a point, four digits are a year only if no fraction goes on there.
_FAR_YEAR = rf"(^|[^0-9.,]){_FAR}|[.,]{_FAR}($|[^0-9])"


def parse_formatted(texts: pa.Array, time_format: str) -> TextTimes:
    """Read every text of a column that fits a format.

    Args:
        texts: Array of n strings or large strings without nulls.
        time_format: The format; with `%z` its times are instants, else local.

    Returns:
        n times in the order given, floored to the microsecond; `UNREAD` where a text does not fit.
    """
    import pandas as pd

    plain = texts.cast(pa.string()).to_numpy(zero_copy_only=False)
    try:
        read = pd.to_datetime(plain, format=time_format, errors="coerce", utc=True)
    except ValueError as error:
        raise ValueError(f"time_format {time_format!r}: {error}") from None
    is_read = np.asarray(read.notna()) & ~np.isin(plain, _NOW)
    time_us, _ = scale_integers(np.where(is_read, read.asi8, 0), EXPONENTS[cast("TimeUnit", read.unit)])
    has_offset = "%z" in time_format.replace("%%", "").lower()
    kind = np.where(is_read, INSTANT if has_offset else LOCAL, UNREAD).astype(np.uint8)
    times = TextTimes(time_us, kind)
    _read_far_years(texts, time_format, INSTANT if has_offset else LOCAL, times)
    return times


def _read_far_years(texts: pa.Array, time_format: str, kind: int, times: TextTimes) -> None:
    """Read the values whose year pandas may not know, one by one."""
    has_far_year = pc.match_substring_regex(texts, _FAR_YEAR).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(has_far_year & (times.kind == UNREAD)):
        try:
            time = datetime.strptime(texts[int(row)].as_py(), time_format)
        except ValueError:
            continue
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        times.time_us[row], times.kind[row] = (aware - _EPOCH) // timedelta(microseconds=1), kind
