"""Spark sessions: the active one, or one of our own; and our package on its machines."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessionize.errors import EngineError
from sessionize.spark.talking import talking

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PANDAS_NOTICE = "PySpark does not yet fully support pandas"
"""Of what Spark warns on every start, although nothing of pandas' is used here."""

_QUIET = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
"""Of a session of our own, unless its settings say otherwise: cron sends a mail for every line."""


@contextmanager
def spark_session(conf: Mapping[str, str]) -> Iterator[SparkSession]:
    """Use the active Spark session as it is, or make one and stop it at the end.

    Args:
        conf: Settings of Spark's for a session of our own; the master is one of them.

    Raises:
        EngineError: Where Spark or Java is not installed, or no session can be had.
        ValueError: For settings where a session is active, which is left as it is.
    """
    classes = _pyspark()
    active = classes.getActiveSession()
    if active is not None:
        if conf:
            raise ValueError(
                "a Spark session is active, and is used as it is: spark_conf would change nothing."
                " Set it where the session is made, or stop the session."
            )
        with talking(active):
            ship(active)
        yield active
        return
    with warnings.catch_warnings(), ExitStack() as stack:
        warnings.filterwarnings("ignore", _PANDAS_NOTICE, FutureWarning)
        with talking():
            spark = _started(classes, _QUIET | dict(conf))
            stack.callback(_stop, spark)
            ship(spark)
        yield spark


def ship(spark: SparkSession) -> None:
    """Bring this package to the machines of a cluster; what it depends on must be there."""
    if is_local(spark):
        return
    if hasattr(spark, "addArtifacts"):
        spark.addArtifacts(_archive(), pyfile=True)
    else:
        spark.sparkContext.addPyFile(_archive())


@cache
def _archive() -> str:
    """Zip this package, until the process ends: executors that start later ask for it, too."""
    folder, package = Path(tempfile.mkdtemp(prefix="sessionize-")), Path(__file__).parents[1]
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return shutil.make_archive(str(folder / package.name), "zip", package.parent, package.name)


def is_local(spark: SparkSession) -> bool:
    """Say whether a session's tasks run on this machine, in this environment."""
    is_remote = ".connect." in type(spark).__module__
    return not is_remote and str(spark.conf.get("spark.master", "")).partition("[")[0] == "local"


def _pyspark() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError(
            "Spark is not installed here. Install it with: pip install 'sessionize[spark]'"
        ) from error
    return SparkSession


def _started(classes: Any, conf: Mapping[str, str]) -> SparkSession:
    _check_java(conf)
    builder = classes.builder.appName("sessionize")
    for name, value in conf.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:  # of Py4J, of gRPC, of Spark's own: whatever was in the way
        raise EngineError(f"no Spark session can be had: {_first_line(error)}") from error
    if is_local(spark) and not (os.environ.get("PYSPARK_PYTHON") or "spark.pyspark.python" in conf):
        spark.sparkContext.pythonExec = sys.executable  # the first python3 on the path may be another
    return spark


def _stop(spark: SparkSession) -> None:
    """Stop a session, also one whose JVM has gone."""
    with suppress(Exception), talking():
        spark.stop()


def _check_java(conf: Mapping[str, str]) -> None:
    if "spark.remote" in conf or os.environ.get("SPARK_REMOTE"):
        return
    home = os.environ.get("JAVA_HOME")
    if not (Path(home, "bin", "java").exists() if home else shutil.which("java")):
        raise EngineError(
            f"Spark needs Java, and there is none{f' in JAVA_HOME={home}' if home else ' on the path'}."
            " Install Java 17 (Debian and Ubuntu: apt-get install openjdk-17-jre-headless),"
            " or point JAVA_HOME at one."
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
