"""What an output's name says, and what is refused before anything is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sessionize.errors import OutputError
from sessionize.writing.atomic import MARKER
from sessionize.writing.target import output_target


@pytest.mark.parametrize(
    ("name", "format_", "compression"),
    [
        ("s.parquet", "parquet", None),
        ("s.csv", "csv", None),
        ("S.CSV", "csv", None),
        ("s.csv.gz", "csv", "gzip"),
        ("s.jsonl.zst", "jsonl", "zstd"),
        ("s.arrow", "arrow", None),
    ],
)
def test_the_name_says_format_and_compression(
    tmp_path: Path, name: str, format_: str, compression: str | None
) -> None:
    target = output_target(tmp_path / name)

    assert (target.format, target.compression) == (format_, compression)
    assert target.path == tmp_path / name


def test_output_format_overrides_the_name(tmp_path: Path) -> None:
    assert output_target(tmp_path / "s.txt.gz", output_format="csv").compression == "gzip"
    assert output_target(tmp_path / "s.csv", output_format="jsonl").format == "jsonl"


def test_a_dash_is_csv_on_standard_output_unless_told() -> None:
    assert output_target("-").format == "csv"
    assert output_target("-", output_format="jsonl").format == "jsonl"
    assert output_target("-").path is None


def test_rejects_stand_beside_the_output_by_default(tmp_path: Path) -> None:
    assert output_target(tmp_path / "s.csv").default_rejects == tmp_path / "s.csv.rejected.jsonl"
    assert output_target("-").default_rejects is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        pytest.param("s.xlsx", {}, r"s\.xlsx: the name says no format.*--output-format", id="unknown suffix"),
        pytest.param("s", {}, "the name says no format", id="no suffix"),
        pytest.param("s.gz", {}, "the name says no format", id="compression only"),
        pytest.param("s.parquet.gz", {}, "not compressed from outside", id="compressed Parquet"),
        pytest.param("s.csv", {"output_format": "parqet"}, "did you mean 'parquet'", id="misspelt format"),
        pytest.param("-", {"output_format": "arrow"}, "carries csv or jsonl", id="binary on stdout"),
        pytest.param("s3://bucket/s.csv", {}, "outputs are local files", id="URI"),
        pytest.param("out", {"partition_by": "user"}, "only date is known", id="unknown partition"),
        pytest.param("-", {"partition_by": "date"}, "name one, not -", id="folder on stdout"),
        pytest.param("s.csv", {"keep_dates": True}, "a file has no dates to keep", id="dates of a file"),
        pytest.param(
            "out", {"partition_by": "date", "output_format": "csv"}, "writes Parquet", id="folder of CSV"
        ),
    ],
)
def test_what_can_never_be_written_is_misuse(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        output_target(name, **options)


def test_a_missing_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder .*missing"):
        output_target(tmp_path / "missing" / "s.csv")


def test_a_folder_that_cannot_be_written_to_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    with pytest.raises(OutputError, match="is not writable"):
        output_target(tmp_path / "s.csv")


@pytest.mark.parametrize("ending", ["", "/"], ids=["existing folder", "trailing slash"])
def test_a_folder_needs_partitions(tmp_path: Path, ending: str) -> None:
    name = f"{tmp_path}/new/" if ending else tmp_path

    with pytest.raises(OutputError, match="--partition-by date"):
        output_target(name)


@pytest.mark.parametrize("content", [None, [], [MARKER], [MARKER, "session_date=2026-01-01"]])
def test_a_folder_may_be_absent_empty_or_ours(tmp_path: Path, content: list[str] | None) -> None:
    folder = tmp_path / "out"
    for name in content or []:
        folder.mkdir(exist_ok=True)
        (folder / name).touch()

    target = output_target(folder, partition_by="date")

    assert target.partition_by == "date"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(["notes.txt"], "notes.txt", id="not ours"),
        pytest.param([MARKER, "notes.txt"], "notes.txt", id="ours with another's file"),
        pytest.param(["session_date=2026-01-01"], "session_date=2026-01-01", id="partitions without marker"),
    ],
)
def test_a_folder_with_files_of_others_is_refused(tmp_path: Path, content: list[str], named: str) -> None:
    for name in content:
        (tmp_path / name).touch()

    with pytest.raises(OutputError, match=f"did not write \\({named}\\)"):
        output_target(tmp_path, partition_by="date")


def test_partitions_do_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").touch()

    with pytest.raises(OutputError, match="a file, but partitions need a folder"):
        output_target(tmp_path / "out", partition_by="date")
