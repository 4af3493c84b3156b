"""Counting gaps in integers, where the integers are large."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from sessionize.gap.counts import NO_GAP, Counts
from sessionize.gap.scale import EDGES_US, LONGEST, Scale

SECOND_US = 1_000_000


def counts(*gaps_us: int, timeouts: object = None) -> Counts:
    scale = Scale.of(timeouts or ["30m"], "exceeds")  # type: ignore[arg-type]
    return Counts.of(scale, np.array(gaps_us, np.int64), np.empty(0, np.int64))


def test_a_sum_beyond_int64_is_exact() -> None:
    ten_years_us = LONGEST // timedelta(microseconds=1)

    found = Counts.of(Scale.of([LONGEST], "exceeds"), np.full(100_000, ten_years_us), np.empty(0, np.int64))

    assert found.within_us == (100_000 * ten_years_us,)
    assert found.within_us[0] > np.iinfo(np.int64).max


def test_an_event_between_no_gaps_is_alone_under_every_timeout() -> None:
    scale = Scale.of(["1s", LONGEST], "exceeds")

    found = Counts.of(scale, np.empty(0, np.int64), np.array([NO_GAP]))

    assert found.alone.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("gaps_us", "resolution_us"),
    [
        ([0, 60 * SECOND_US], 60 * SECOND_US),
        ([86_400 * SECOND_US * 2], 86_400 * SECOND_US),
        ([SECOND_US, 60 * SECOND_US], SECOND_US),
        ([1_000, 5 * SECOND_US], 1_000),
        ([1, 5 * SECOND_US], 1),
        ([3_600 * SECOND_US] * 100 + [7_201 * SECOND_US] + [10_800 * SECOND_US] * 100, SECOND_US),
    ],
    ids=["minutes", "days", "seconds", "milliseconds", "microseconds", "one odd gap among many"],
)
def test_the_resolution_divides_every_gap(gaps_us: list[int], resolution_us: int) -> None:
    assert counts(*gaps_us).resolution_us == resolution_us


def test_the_resolution_of_two_logs_is_the_finer_one() -> None:
    assert (counts(60 * SECOND_US) + counts(1_000)).resolution_us == 1_000


def test_bins_have_thirty_minutes_and_its_halves_as_edges() -> None:
    halves = [1_800 * SECOND_US >> step for step in range(8)]

    assert set(halves) <= set(EDGES_US.tolist())
    assert EDGES_US[:2].tolist() == [0, 1]


def test_bins_reach_beyond_the_longest_gap_that_two_events_can_have() -> None:
    assert EDGES_US[-1] > (timedelta(days=3_652_059)) // timedelta(microseconds=1)


def test_each_bin_is_an_eighth_of_a_doubling() -> None:
    from_a_millisecond = EDGES_US[EDGES_US > 1_000].astype(np.float64)

    assert np.allclose(from_a_millisecond[8:] / from_a_millisecond[:-8], 2, rtol=1e-3)
