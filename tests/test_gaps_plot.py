"""Gaps as a chart."""

from __future__ import annotations

import sys
from unittest.mock import patch

import pytest

import sessionize as sz
from tests.small_logs import events
from tests.valleys import DAY, Mixture, log_normal, log_of


def test_bars_are_the_histogram_without_gaps_of_zero() -> None:
    found = sz.gaps(events("09:00", "09:00", "09:10", "09:30"))

    bars, _ = found.plot().to_dict()["datasets"].values()

    rows = found.table().to_pylist()[1:]
    assert [bar["gaps"] for bar in bars] == [row["gaps"] for row in rows]
    assert [bar["from"] for bar in bars] == [row["gap_from"].total_seconds() for row in rows]


def test_lines_are_the_timeouts_and_the_suggestion() -> None:
    gaps = Mixture(log_normal(30, 1), log_normal(DAY, 1)).draw(0, 10_000)
    found = sz.gaps(log_of(gaps), timeouts=["15m", "30m"])

    _, lines = found.plot().to_dict()["datasets"].values()

    marked = [(line["at"], line["kind"]) for line in lines]
    suggested = found.suggest().timeout.total_seconds()
    assert marked == [(900.0, "compared"), (1800.0, "compared"), (suggested, "suggested")]


def test_without_altair_a_plot_says_what_to_install() -> None:
    found = sz.gaps(events("09:00", "09:10"))

    with patch.dict(sys.modules, {"altair": None}), pytest.raises(ImportError, match=r"sessionize\[report\]"):
        found.plot()
