"""The suggestion finds the valley where there is one, and says so where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sessionize as sz
from sessionize.gap.suggestion import rounded
from tests.published import REAL_LOGS, RealLog
from tests.small_logs import events
from tests.valleys import DAY, Mixture, gamma_shaped, log_normal, log_of, weibull

VALLEYS = {
    "log-normal, near": Mixture(log_normal(60, 0.8), log_normal(4 * 3_600, 0.8)),
    "log-normal, usual": Mixture(log_normal(30, 1), log_normal(DAY, 1.2)),
    "log-normal, far": Mixture(log_normal(10, 0.9), log_normal(7 * DAY, 0.9)),
    "log-normal, many within": Mixture(log_normal(30, 1.2), log_normal(DAY, 1.2), share=0.02),
    "log-normal, many between": Mixture(log_normal(30, 1), log_normal(DAY, 1.2), share=0.6),
    "log-normal, of unlike widths": Mixture(log_normal(30, 1.4), log_normal(DAY, 0.7)),
    "exponential and log-normal": Mixture(weibull(45, 1), log_normal(DAY, 1.2)),
    "log-normal and exponential": Mixture(log_normal(30, 1), weibull(DAY, 1)),
    "Weibull and gamma": Mixture(weibull(40, 0.7), gamma_shaped(15_000, 2)),
    "gamma and Weibull": Mixture(gamma_shaped(20, 2), weibull(DAY, 1.2)),
    "minutes and weeks": Mixture(log_normal(400, 0.9), log_normal(20 * DAY, 0.8)),
}
STEPS = {"to the microsecond": 1, "to the second": 1_000_000}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step_us", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("mixture", VALLEYS.values(), ids=VALLEYS)
def test_the_suggestion_is_near_the_known_valley(mixture: Mixture, step_us: int, seed: int) -> None:
    log = log_of(mixture.draw(seed, 30_000), step_us=step_us)

    suggestion = sz.gaps(log).suggest()

    assert suggestion.is_clear
    assert 1 / 1.5 < suggestion.timeout.total_seconds() / mixture.valley() < 1.5


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_gaps_are_enough_for_a_deep_valley(seed: int) -> None:
    mixture = Mixture(log_normal(30, 1), log_normal(DAY, 1.2), share=0.2)

    suggestion = sz.gaps(log_of(mixture.draw(seed, 1_000))).suggest()

    assert 1 / 1.5 < suggestion.timeout.total_seconds() / mixture.valley() < 1.5


def test_gaps_in_the_valley_show_where_its_floor_is() -> None:
    mixture = VALLEYS["log-normal and exponential"]

    suggestion = sz.gaps(log_of(mixture.draw(0, 400_000))).suggest()

    assert 1 / 1.2 < suggestion.timeout.total_seconds() / mixture.valley() < 1.2


Draw = Callable[[np.random.Generator, int], NDArray[np.floating[Any]]]
NO_VALLEY: dict[str, Draw] = {
    "one log-normal hill": lambda random, n: random.lognormal(np.log(60), 1, n),
    "one wide log-normal hill": lambda random, n: random.lognormal(np.log(600), 2.5, n),
    "two hills grown together": lambda random, n: (
        random.lognormal(np.log(60), 1, n) * random.choice([1, 8], n)
    ),
    "a power law": lambda random, n: 1 + random.pareto(0.5, n).clip(max=1e8),
    "a steep power law": lambda random, n: 5 + 5 * random.pareto(1.2, n),
    "an exponential": lambda random, n: random.exponential(300, n),
    "a heartbeat": lambda random, n: np.full(n, 60.0),
    "a heartbeat that trembles": lambda random, n: 60 + random.normal(0, 0.5, n),
    "a heartbeat with lost beats": lambda random, n: 60.0 * random.geometric(0.7, n),
    "days": lambda random, n: DAY * random.geometric(0.3, n),
    "all alike on a log scale": lambda random, n: np.exp(random.uniform(0, 15, n)),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gaps", [300, 20_000], ids="{} gaps".format)
@pytest.mark.parametrize("draw", NO_VALLEY.values(), ids=NO_VALLEY)
def test_a_log_without_a_valley_keeps_thirty_minutes(draw: Draw, gaps: int, seed: int) -> None:
    log = log_of(draw(np.random.default_rng(seed), gaps), users=5)

    suggestion = sz.gaps(log).suggest()

    assert (suggestion.is_clear, suggestion.timeout) == (False, timedelta(minutes=30))
    assert str(suggestion).startswith("no clear valley, keep 30m: ")


EXPECTED = {"retentioneering_ecom": timedelta(minutes=59), "kafka_gitlog": None, "snowplow_web": None}


@pytest.mark.parametrize("log", REAL_LOGS, ids=lambda log: log.name)
def test_real_logs_get_a_sensible_answer(log: RealLog) -> None:
    """A shop has visits; commits have no sessions to speak of; 160 events show nothing."""
    found = sz.gap_files(log.events_file, by=log.by, time=log.time, max_rejected=log.rejected)

    suggestion = found.suggest()

    assert suggestion.is_clear == (EXPECTED[log.name] is not None)
    assert suggestion.timeout == EXPECTED[log.name] or not suggestion.is_clear


def test_the_suggestion_keeps_the_sessions_of_a_real_shop() -> None:
    """Between half an hour and eight hours it has no gap at all, so any timeout there draws its sessions."""
    log = REAL_LOGS[0]

    found = sz.gap_files(log.events_file, timeouts=[EXPECTED[log.name] or "30m", "30m"])

    assert set(found.timeouts()["sessions"].to_pylist()) == {log.sessions}


def test_a_beat_at_a_compared_timeout_is_left_out_and_named() -> None:
    mixture = Mixture(log_normal(30, 1), log_normal(DAY, 1))
    gaps = np.concatenate((mixture.draw(0, 10_000), np.full(4_000, 600.0)))
    np.random.default_rng(0).shuffle(gaps)

    suggestion = sz.gaps(log_of(gaps)).suggest()

    assert 1 / 1.5 < suggestion.timeout.total_seconds() / mixture.valley() < 1.5
    assert re.search(r"3,9\d\d gaps of exactly 10m, a machine's beat", suggestion.reason)


def test_the_multiples_of_a_beat_are_no_sessions() -> None:
    random = np.random.default_rng(0)
    gaps = 60 * random.geometric(0.7, 20_000) + random.normal(0, 0.05, 20_000)

    suggestion = sz.gaps(log_of(gaps, users=5)).suggest()

    assert not suggestion.is_clear
    assert "each less than 4 times the one before: the multiples of a beat" in suggestion.reason


def test_a_coarse_clock_is_no_beat() -> None:
    mixture = Mixture(log_normal(300, 1), log_normal(7 * DAY, 1))

    suggestion = sz.gaps(log_of(mixture.draw(0, 10_000), step_us=60_000_000)).suggest()

    assert suggestion.is_clear
    assert "beat" not in suggestion.reason


def test_of_several_valleys_a_usual_one_is_chosen_and_the_others_are_named() -> None:
    random = np.random.default_rng(0)
    bursts = random.lognormal(np.log(0.05), 0.5, 20_000)
    gaps = np.concatenate((bursts, Mixture(log_normal(30, 0.8), log_normal(DAY, 1)).draw(0, 20_000)))

    suggestion = sz.gaps(log_of(random.permutation(gaps))).suggest()

    assert timedelta(minutes=20) < suggestion.timeout < timedelta(hours=2)
    assert len(suggestion.others) == 1
    assert "Shallower valleys lie near" in suggestion.reason


def test_a_valley_below_a_second_is_no_timeout() -> None:
    gaps = Mixture(log_normal(0.001, 0.5), log_normal(0.5, 0.5), share=0.5).draw(0, 5_000)

    suggestion = sz.gaps(log_of(gaps)).suggest()

    assert not suggestion.is_clear
    assert "below a second" in suggestion.reason


@pytest.mark.parametrize(
    ("times", "gaps"),
    [
        (["09:00", "09:01:01", "10:30"], "2 gaps above 0 are"),
        (["09:00", "09:10", "10:30:01"], "2 gaps above 0 are"),
        (["09:00", "09:10"], "1 gap above 0 is"),
    ],
    ids=["some", "one of them exactly 10m", "one"],
)
def test_few_gaps_suggest_nothing_and_are_no_beat(times: list[str], gaps: str) -> None:
    suggestion = sz.gaps(events(*times)).suggest()

    assert str(suggestion) == f"no clear valley, keep 30m: {gaps} too few to show one."


def test_a_suggestion_says_what_lies_on_either_side() -> None:
    mixture = Mixture(log_normal(30, 1), log_normal(DAY, 1))

    suggestion = sz.gaps(log_of(mixture.draw(0, 10_000))).suggest()

    assert suggestion.within is not None
    assert suggestion.between is not None
    assert suggestion.within < suggestion.timeout < suggestion.between
    assert str(suggestion).startswith("suggested timeout ")


@pytest.mark.parametrize(
    ("seconds", "timeout"),
    [
        (2.34, timedelta(seconds=2.3)),
        (47.4, timedelta(seconds=47)),
        (117, timedelta(seconds=120)),
        (2_222, timedelta(minutes=37)),
        (5_620, timedelta(minutes=94)),
        (9_000, timedelta(hours=2.5)),
        (200_000, timedelta(days=2.3)),
    ],
    ids=str,
)
def test_timeouts_are_rounded_to_two_digits(seconds: float, timeout: timedelta) -> None:
    assert rounded(seconds * 1e6) == timeout
