"""A store on object storage, from a server on this machine: updated, forgotten, raced for, died on."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pyarrow.fs as pafs
import pytest

import sessionize as sz
from tests.crashes import Died, dying_at
from tests.nights import Nights, spans
from tests.store_writers import race, two_writers
from tests.test_store_s3 import endpoint, location

__all__ = ["endpoint", "location"]  # fixtures

ROUNDS = 5


@pytest.fixture
def nights(location: str, tmp_path: Path) -> Nights:
    nights = Nights(tmp_path)
    nights.store = sz.SessionStore(location)
    return nights


def test_a_store_is_updated_twice(nights: Nights) -> None:
    nights.update(nights.write("a", "09:00", "12:00"))

    summary = nights.update(nights.write("b", "09:10", "2026-01-02 09:00"))

    assert (summary.sessions.extended, summary.sessions.added) == (1, 1)
    assert spans(nights.rows()) == ["09:00–09:10", "12:00", "01-02 09:00"]


def test_a_file_is_corrected_and_forgotten(nights: Nights) -> None:
    nights.update(nights.write("a", "09:00"), other := nights.write("b", "09:10"))

    nights.update(nights.write("a", "09:05"), forget=other)

    assert spans(nights.rows()) == ["09:05"]


def test_raw_files_may_be_there_too(nights: Nights, location: str) -> None:
    path = nights.write("a", "09:00")
    filesystem, bucket = pafs.FileSystem.from_uri(location)
    with filesystem.open_output_stream(f"{bucket}-raw/a.parquet") as stream:
        stream.write(path.read_bytes())

    nights.store.update(f"{location}-raw")

    assert nights.store.update(f"{location}-raw").same == 1
    assert spans(nights.store.sessions().to_pylist()) == ["09:00"]


@pytest.mark.parametrize("fatal", range(4))
def test_after_a_death_the_next_update_heals(nights: Nights, fatal: int) -> None:
    nights.update(nights.write("a", "09:00"))
    late = nights.write("b", "09:10")
    with dying_at(fatal), contextlib.suppress(Died):
        nights.update(late)
    assert spans(nights.rows()) in (["09:00"], ["09:00–09:10"])

    nights.update(late)

    assert spans(nights.rows()) == ["09:00–09:10"]


def test_what_two_processes_bring_at_once_is_all_in(nights: Nights) -> None:
    with two_writers(nights.store.location) as writers:
        race(nights, writers, ROUNDS)
