"""Two processes that update one store at once: what both bring is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nights import Nights
from tests.store_writers import race, two_writers

ROUNDS = 20


@pytest.mark.parametrize("options", [[], ["without lock"]], ids=["with a lock", "without one"])
def test_what_two_processes_bring_at_once_is_all_in(tmp_path: Path, options: list[str]) -> None:
    nights = Nights(tmp_path)

    with two_writers(nights.store.location, *options) as writers:
        race(nights, writers, ROUNDS)
