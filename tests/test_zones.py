"""Zones: the offset of every local time, and the latest date that a zone's clocks have shown."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import tzdata  # type: ignore[import-untyped]  # it ships no type hints
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sessionize.zones import AMBIGUOUS, NONEXISTENT, PLAIN, TZDATA_VERSION, DstPolicy, Zone

EPOCH = datetime(1970, 1, 1)
PARIS = Zone.named("Europe/Paris")
# Zones with clock changes at midnight, of a day, of 20 minutes, all year, or none at all.
ZONES = ("Europe/Paris", "America/St_Johns", "Pacific/Apia", "Asia/Manila", "Africa/Casablanca", "Etc/GMT+12")


def micros(*texts: str) -> NDArray[np.int64]:
    return np.array(texts, "datetime64[us]").astype(np.int64)


def days(*texts: str) -> list[int]:
    return np.array(texts, "datetime64[D]").astype(np.int64).tolist()


def us_since_epoch(moment: datetime) -> int:
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def python_zone(name: str) -> ZoneInfo:
    with resources.files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file)


def python_utc(local: Iterable[datetime], name: str, fold: int) -> list[int]:
    zone = python_zone(name)
    return [us_since_epoch(time.replace(tzinfo=zone, fold=fold).astimezone(UTC)) for time in local]


def test_unknown_name_is_refused_with_the_closest() -> None:
    with pytest.raises(ValueError, match=r"no time zone 'europe/pari'; did you mean 'Europe/Paris'\?"):
        Zone.named("europe/pari")


def test_name_that_is_a_path_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Zone.named("../zones")


def test_equal_names_are_equal_zones_also_in_another_process() -> None:
    assert pickle.loads(pickle.dumps(PARIS)) == Zone.named("Europe/Paris")


def test_database_version_is_that_of_the_package() -> None:
    assert TZDATA_VERSION == tzdata.IANA_VERSION


@pytest.mark.parametrize(
    ("policy", "local", "utc", "kind"),
    [
        pytest.param(
            "earlier", "2026-03-29T01:59:59.999999", "2026-03-29T00:59:59.999999", PLAIN, id="before gap"
        ),
        pytest.param("earlier", "2026-03-29T02:00", "2026-03-29T01:00", NONEXISTENT, id="gap begins"),
        pytest.param("earlier", "2026-03-29T02:30", "2026-03-29T01:30", NONEXISTENT, id="in gap, earlier"),
        pytest.param("later", "2026-03-29T02:30", "2026-03-29T00:30", NONEXISTENT, id="in gap, later"),
        pytest.param("reject", "2026-03-29T02:30", "2026-03-29T01:30", NONEXISTENT, id="in gap, reject"),
        pytest.param("later", "2026-03-29T03:00", "2026-03-29T01:00", PLAIN, id="gap is over"),
        pytest.param(
            "later", "2026-10-25T01:59:59.999999", "2026-10-24T23:59:59.999999", PLAIN, id="before fold"
        ),
        pytest.param("earlier", "2026-10-25T02:00", "2026-10-25T00:00", AMBIGUOUS, id="fold begins, earlier"),
        pytest.param("later", "2026-10-25T02:00", "2026-10-25T01:00", AMBIGUOUS, id="fold begins, later"),
        pytest.param("earlier", "2026-10-25T03:00", "2026-10-25T02:00", PLAIN, id="fold is over"),
    ],
)
def test_local_time_around_a_clock_change(policy: DstPolicy, local: str, utc: str, kind: int) -> None:
    instants, kinds = PARIS.to_utc(micros(local), policy)

    assert (instants.tolist(), kinds.tolist()) == (micros(utc).tolist(), [kind])


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize(("policy", "fold"), [("earlier", 0), ("later", 1)])
def test_four_decades_agree_with_zoneinfo(name: str, policy: DstPolicy, fold: int) -> None:
    # Steps of 7 hours and 7 minutes come to every part of the day.
    local = np.arange(micros("1990-01-01")[0], micros("2030-01-01")[0], 427 * 60_000_000)

    instants, _ = Zone.named(name).to_utc(local, policy)

    assert instants.tolist() == python_utc(local.astype("datetime64[us]").tolist(), name, fold)


@pytest.mark.property
@given(
    local=st.lists(st.datetimes(datetime(1, 1, 4), datetime(9999, 12, 28)), min_size=1, max_size=5),
    name=st.sampled_from(ZONES),
    policy=st.sampled_from(["earlier", "later"]),
)
def test_any_times_of_any_years_agree_with_zoneinfo(
    local: list[datetime], name: str, policy: DstPolicy
) -> None:
    times = np.array([us_since_epoch(time) for time in local], np.int64)

    instants, _ = Zone.named(name).to_utc(times, policy)

    assert instants.tolist() == python_utc(local, name, fold=policy == "later")


def test_zone_without_clock_changes_has_one_offset() -> None:
    instants, kinds = Zone.named("Asia/Tokyo").to_utc(micros("2026-07-01T09:00"))

    assert (instants.tolist(), kinds.tolist()) == (micros("2026-07-01").tolist(), [PLAIN])


def test_no_times_give_no_instants() -> None:
    instants, kinds = PARIS.to_utc(np.empty(0, np.int64))

    assert len(instants) == len(kinds) == len(PARIS.local_day(np.empty(0, np.int64))) == 0


@pytest.mark.parametrize(
    ("name", "utc", "day"),
    [
        pytest.param("UTC", "1969-12-31T23:59:59.999999", "1969-12-31", id="before the epoch"),
        pytest.param("Europe/Paris", "2026-01-31T22:59:59.999999", "2026-01-31", id="before midnight"),
        pytest.param("Europe/Paris", "2026-01-31T23:00", "2026-02-01", id="exactly midnight"),
        pytest.param("Asia/Tokyo", "2026-01-31T15:00", "2026-02-01", id="no clock changes"),
        pytest.param(
            "America/St_Johns", "2006-10-29T02:30:59", "2006-10-29", id="before the clock is set back"
        ),
        pytest.param("America/St_Johns", "2006-10-29T02:31", "2006-10-29", id="set back over midnight"),
        pytest.param("America/St_Johns", "2006-10-29T03:30", "2006-10-29", id="second midnight"),
        pytest.param("America/St_Johns", "2006-10-30T03:30", "2006-10-30", id="next midnight"),
        pytest.param("Pacific/Apia", "2011-12-30T10:00", "2011-12-31", id="a day skipped"),
    ],
)
def test_local_day_is_the_latest_that_the_clocks_have_shown(name: str, utc: str, day: str) -> None:
    assert Zone.named(name).local_day(micros(utc)).tolist() == days(day)


@pytest.mark.property
@given(
    times=st.lists(st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000), min_size=1),
    steps=st.lists(st.integers(0, 200_000_000_000), min_size=1),
    name=st.sampled_from(ZONES),
)
def test_local_day_never_goes_back(times: list[int], steps: list[int], name: str) -> None:
    ascending = np.sort(np.array(times, np.int64)[:, np.newaxis] + np.array(steps, np.int64), axis=None)

    found = Zone.named(name).local_day(ascending)

    assert (np.diff(found) >= 0).all()


def test_times_of_other_years_change_nothing() -> None:
    """Clock changes are looked up for the years at hand; a far time must not hide those between."""
    summer, far = micros("2026-07-01T12:00"), micros("0001-06-01", "1950-06-01", "9999-06-01")

    together, _ = PARIS.to_utc(np.concatenate([far, summer]))

    assert together[-1] == PARIS.to_utc(summer)[0][0] == micros("2026-07-01T10:00")[0]
