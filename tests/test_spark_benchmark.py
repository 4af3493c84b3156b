"""The benchmark of Spark, on small logs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import spark
from tests.cluster import needs_spark


@pytest.mark.slow
def test_every_contender_finds_the_same_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs_spark()
    monkeypatch.setattr(sys, "argv", ["spark", "--rows", "2000", "--rounds", "1", "--folder", str(tmp_path)])

    spark.main()

    printed = capsys.readouterr()
    assert printed.err.count("the same sessions: sessionize, sessionize_frame, session_window, lag") == 2
    assert printed.out.count("shuffled ≤") == 4
