"""`--keep-dates`: a folder by date of which only some days are written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sessionize as sz
from tests.process import run_command
from tests.shuffles import promised
from tests.spark_runs import ROOT, files_below

DAYS = sorted((ROOT / "sample_data" / "daily").iterdir())
FOLDER: dict[str, Any] = {"partition_by": "date"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three days."""
    sz.run(DAYS[:3], tmp_path / "sessions", **FOLDER)
    return tmp_path / "sessions"


def dates(folder: Path) -> list[str]:
    return sorted(path.name[-2:] for path in folder.glob("session_date=*"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: (folder / path).read_bytes() for path in files_below(folder) if path.suffix}


@pytest.mark.parametrize("engine", ["local", "spark"])
def test_days_without_a_session_of_the_run_stay(folder: Path, engine: Any) -> None:
    before = contents(folder)

    with promised(0):
        sz.run(DAYS[3], folder, engine=engine, keep_dates=True, **FOLDER)

    after = contents(folder)
    assert dates(folder) == ["02", "03", "04", "05"]
    assert {path: after[path] for path in before} == before


def test_days_of_the_run_are_replaced_whole(folder: Path, tmp_path: Path) -> None:
    sz.run(DAYS[1], tmp_path / "alone", **FOLDER)

    sz.run(DAYS[1], folder, keep_dates=True, **FOLDER)

    name = Path("session_date=2026-11-03/part-0.parquet")
    assert (folder / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert dates(folder) == ["02", "03", "04"]


def test_without_it_the_folder_is_what_the_run_gives(folder: Path) -> None:
    sz.run(DAYS[3], folder, **FOLDER)

    assert dates(folder) == ["05"]


def test_a_new_folder_has_nothing_to_keep(tmp_path: Path) -> None:
    sz.run(DAYS[0], tmp_path / "new", keep_dates=True, **FOLDER)

    assert dates(tmp_path / "new") == ["02"]


@pytest.mark.parametrize("other", [{"timeout": "15m"}, {"agg": {"landing": "first:page"}}])
def test_other_rules_are_refused_and_change_nothing(folder: Path, other: dict[str, Any]) -> None:
    before = contents(folder)

    with pytest.raises(sz.OutputError, match="made by other rules"):
        sz.run(DAYS[3], folder, keep_dates=True, **FOLDER, **other)

    assert contents(folder) == before


def test_the_command_line_has_it(folder: Path) -> None:
    run_command("run", DAYS[3], "-o", folder, "--partition-by", "date", "--keep-dates")

    assert dates(folder) == ["02", "03", "04", "05"]


def test_a_file_has_no_dates_to_keep(tmp_path: Path) -> None:
    done = run_command("run", DAYS[0], "-o", tmp_path / "s.csv", "--keep-dates", exit_code=2)

    assert "a file has no dates to keep" in done.stderr
