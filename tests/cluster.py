"""A real Spark on this machine: two workers, loopback only."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REQUIRED = "REQUIRE_SPARK"
"""The environment variable by which CI turns a missing Spark or Java into a failure."""

SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "3",
}


def needs_spark() -> None:
    """Skip the test where there is no Spark or no Java (which fails it under `REQUIRE_SPARK=1`)."""
    missing = None
    if find_spec("pyspark") is None:
        missing = "no pyspark in this environment: make setup"
    elif shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        missing = "no Java on this machine: apt-get install openjdk-17-jre-headless"
    if missing and os.environ.get(REQUIRED):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@contextmanager
def cluster() -> Iterator[SparkSession]:
    """Start Spark with settings of its own making, such as its users have, that change no result."""
    needs_spark()
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName("tests")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        yield spark
        spark.stop()
