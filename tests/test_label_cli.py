"""`sessionize label` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sessionize.labelling.labels import LABELS
from tests.command_line import ROOT, call

SAMPLE = ROOT / "sample_data"
HEADER = "user_id,timestamp,page"
EVENT = "ada,2026-01-01T09:00:00Z,/"


def log(folder: Path, *rows: str) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_rows_go_to_standard_output_with_their_labels(tmp_path: Path) -> None:
    log(tmp_path, EVENT, "ada,2026-01-01T09:31:00Z,/cart", "ada,2026-01-01T09:10:00Z,/")

    outcome = call("label", "log.csv", "-o", "-", cwd=tmp_path)

    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout.splitlines() == [
        ",".join([HEADER, *LABELS.names]),
        EVENT + ",ada:1767258000000000,1,1,,inactivity",
        "ada,2026-01-01T09:31:00Z,/cart,ada:1767258000000000,1,3,1260.0,inactivity",
        "ada,2026-01-01T09:10:00Z,/,ada:1767258000000000,1,2,600.0,inactivity",
    ]
    assert "sessions  1, 0 (0.0%) of a single event, 1 still open" in outcome.stderr


def test_standard_input_is_labelled(tmp_path: Path) -> None:
    outcome = call("label", "-", "-o", "-", cwd=tmp_path, stdin=f"{HEADER}\n{EVENT}\n")

    assert outcome.stdout.splitlines()[1] == EVENT + ",ada:1767258000000000,1,1,,inactivity"


def test_the_summary_counts_every_row(tmp_path: Path) -> None:
    log(tmp_path, EVENT, EVENT, "bot,2026-01-01T09:00:00Z,/", ",2026-01-01T09:00:00Z,/")

    outcome = call(
        "label", "log.csv", "-o", "out.parquet", "--json", "--exclude", "user_id=bot", "--dedupe", "page",
        "--max-rejected", "1", cwd=tmp_path,
    )  # fmt: skip

    summary = json.loads(outcome.stdout)
    counts = ("input_rows", "events", "filtered", "rejected", "deduplicated", "sessions", "output")
    assert [summary[name] for name in counts] == [4, 1, 1, 1, 1, 1, "out.parquet"]
    assert len(pq.read_table(tmp_path / "out.parquet")) == 4
    assert '"record":4' in (tmp_path / "out.parquet.rejected.jsonl").read_text()


def test_a_preset_says_what_a_session_is(tmp_path: Path) -> None:
    outcome = call("label", SAMPLE / "daily", "-o", "out.csv", "--preset", "matomo", "--json", cwd=tmp_path)

    assert json.loads(outcome.stdout)["preset"] == "matomo"
    assert ",change:utm_campaign\n" in (tmp_path / "out.csv").read_text()


@pytest.mark.parametrize("option", ["--agg", "--as-of", "--partition-by", "--emit"])
def test_an_option_of_sessions_only_is_none_of_labels(option: str, tmp_path: Path) -> None:
    outcome = call("label", "log.csv", "-o", "out.csv", option, "x", cwd=tmp_path)

    assert outcome.exit_code == 2
    assert f"no option '{option}'" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        pytest.param(["log.csv"], 3, "1 of 2 input rows rejected: 1 unparseable_time", id="rejected rows"),
        pytest.param(["none.csv"], 3, "none.csv: no such file or folder", id="no file"),
        pytest.param(["log.csv", "--by", "id"], 3, "no column 'id'", id="no column"),
        pytest.param(["log.csv", "--timeout", "900"], 2, "Invalid value for '--timeout'", id="no unit"),
    ],
)
def test_an_error_leaves_the_old_output(
    arguments: list[str], exit_code: int, message: str, tmp_path: Path
) -> None:
    log(tmp_path, EVENT, "ada,yesterday,/")
    (tmp_path / "out.csv").write_text("old")

    outcome = call("label", *arguments, "-o", "out.csv", cwd=tmp_path)

    assert outcome.exit_code == exit_code
    assert message in outcome.stderr
    assert (tmp_path / "out.csv").read_text() == "old"


def test_the_help_says_that_the_log_is_read_twice(tmp_path: Path) -> None:
    outcome = call("label", "--help", cwd=tmp_path)

    assert outcome.exit_code == 0
    assert "The log is read twice." in outcome.stdout
    assert "-o, --output OUTPUT" in outcome.stdout
