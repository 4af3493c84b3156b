"""The benchmark of the store, on a small one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import store


def test_each_night_is_measured_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--days", "3", "--events", "200", "--rounds", "1", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["store", *options])

    store.main()

    printed = capsys.readouterr().out
    assert printed.count("update = ") == 3
    assert len(list(tmp_path.glob("store-*/table/_delta_log/*.json"))) == 2
    assert len(list(tmp_path.glob("store-*/raw/*.parquet"))) == 3
