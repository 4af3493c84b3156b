"""Hypothesis settings, and how `-m slow` lengthens the properties."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster import cluster

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USUAL_EXAMPLES = 100
SLOW_FACTOR = 4


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many logs a property tries: `PROPERTY_EXAMPLES`, or four times as many under `-m slow`.

    The usual run, and CI's, is the same every time, so that a failure is the change's; the slow one
    on a developer's machine explores.
    """
    config.addinivalue_line("markers", "property: holds for generated logs; `-m slow` tries more of them")
    is_slow = _is_slow(config)
    examples = USUAL_EXAMPLES * (SLOW_FACTOR if is_slow else 1)
    settings.register_profile(
        "sessionize",
        max_examples=int(os.environ.get("PROPERTY_EXAMPLES", examples)),
        derandomize=not is_slow or "CI" in os.environ,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile("sessionize")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let `-m slow` select the properties too."""
    if _is_slow(config):
        for item in items:
            if item.get_closest_marker("property"):
                item.add_marker(pytest.mark.slow)


def _is_slow(config: pytest.Config) -> bool:
    return bool(config.getoption("markexpr") == "slow")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One Spark session for all tests that need one: it takes seconds to start."""
    with cluster() as session:
        yield session
