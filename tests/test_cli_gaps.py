"""`sessionize gaps` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sessionize as sz
from tests.command_line import ROOT, call, call_here
from tests.published import REAL_LOGS

SHOP = REAL_LOGS[0].events_file
SAMPLE = ROOT / "sample_data" / "events.parquet"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = [
        "A,2026-01-01T09:00:00Z",
        "A,2026-01-01T09:30:00Z",
        "A,2026-01-01T11:00:00Z",
        "B,2026-01-01T09:00:00Z",
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["user_id,timestamp", *rows]))
    return path


def test_the_report_goes_to_stdout_and_what_was_read_to_stderr(tmp_path: Path) -> None:
    outcome = call("gaps", SHOP, cwd=tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout.startswith("30,506 gaps between the events of 600 values of user_id\n")
    assert "Suggested timeout 59m: " in outcome.stdout
    assert outcome.stderr.startswith("31,106 events; ")


def test_the_report_is_what_python_prints(tmp_path: Path) -> None:
    outcome = call("gaps", SHOP, cwd=tmp_path)

    printed = "\n".join(line.rstrip() for line in outcome.stdout.splitlines())
    assert printed == str(sz.gap_files(SHOP))


def test_the_report_fits_eighty_columns(tmp_path: Path) -> None:
    outcome = call("gaps", SAMPLE, cwd=tmp_path)

    assert max(map(len, outcome.stdout.splitlines())) <= 80


def test_the_suggestion_is_marked_in_the_histogram(tmp_path: Path) -> None:
    outcome = call("gaps", SHOP, cwd=tmp_path)

    (marked,) = [line.split() for line in outcome.stdout.splitlines() if "◂" in line]
    assert marked[-5:] == ["30m", "45m", "59m", "◂", "suggested"]


def test_a_terminal_without_unicode_gets_plain_bars(tmp_path: Path) -> None:
    outcome = call("gaps", SHOP, "--quiet", cwd=tmp_path, variables={"PYTHONIOENCODING": "ascii:strict"})

    assert outcome.exit_code == 0
    assert "####" in outcome.stdout
    assert "59m < suggested" in outcome.stdout
    assert outcome.stdout.isascii()


def test_json_is_one_object(tmp_path: Path, log: Path) -> None:
    outcome = call("gaps", log, "--json", cwd=tmp_path)

    found = json.loads(outcome.stdout)
    assert (found["identities"], found["gaps"], found["events"]) == (2, 2, 4)
    assert [(row["timeout"], row["sessions"], row["gaps_at"]) for row in found["timeouts"]][4:7] == [
        ("20m", 4, 0),
        ("30m", 3, 1),
        ("45m", 3, 0),
    ]
    assert outcome.stderr == ""


@pytest.mark.parametrize(
    "options",
    [
        ["--timeouts", "1h,30m"],
        ["--timeouts", "30m", "--timeouts", "1h"],
        ["--timeouts", "PT30M,60m,1h"],
    ],
    ids=["a list", "repeated", "other spellings"],
)
def test_timeouts_may_be_named(log: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "gaps", log, *options, "--json")

    assert [row["timeout"] for row in json.loads(outcome.stdout)["timeouts"]] == ["30m", "1h"]


def test_the_boundary_decides_at_the_timeout(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "gaps", log, "--timeouts", "30m", "--boundary", "reaches", "--json")

    assert json.loads(outcome.stdout)["timeouts"][0]["sessions"] == 4


def test_options_come_from_a_file_and_the_environment(tmp_path: Path, log: Path) -> None:
    (tmp_path / "sessionize.toml").write_text('timeouts = ["10m", "20m"]\n')

    outcome = call(
        "gaps", log, "--config", "sessionize.toml", "--json",
        cwd=tmp_path, variables={"SESSIONIZE_BOUNDARY": "reaches"},
    )  # fmt: skip

    found = json.loads(outcome.stdout)
    assert ([row["timeout"] for row in found["timeouts"]], found["boundary"]) == (["10m", "20m"], "reaches")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timeouts", "900"], "Invalid value for '--timeouts': duration '900' has no unit"),
        (["--timeouts", "10ms"], "Invalid value for '--timeouts': timeout 10ms: write one from 1s"),
        (["--timeout", "30m"], "no option"),
        (["--split-daily"], "no option"),
        (["--as-of", "2026-01-01"], "no option"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_misuse_is_a_usage_error(
    log: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "gaps", log, *options)

    assert outcome.exit_code == 2
    assert message in outcome.stderr


def test_rejected_rows_refuse_the_input_unless_they_are_allowed(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(log.read_text() + "\n,2026-01-01T09:00:00Z\n")

    refused = call_here(capsys, "gaps", log)
    allowed = call_here(capsys, "gaps", log, "--max-rejected", "1", "--exclude", "user_id=B")

    assert (refused.exit_code, allowed.exit_code) == (3, 0)
    assert "1 of 5 input rows rejected" in refused.stderr
    assert allowed.stderr.startswith("3 events, 1 filtered, 1 rejected; ")


def test_a_log_without_rows_is_fine(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,timestamp\n")

    outcome = call("gaps", "log.csv", cwd=tmp_path)

    assert outcome.exit_code == 0
    assert "0 gaps above 0 are too few to show one." in outcome.stdout


def test_standard_input_is_a_log(tmp_path: Path, log: Path) -> None:
    outcome = call("gaps", "-", "--json", cwd=tmp_path, stdin=log.read_text())

    assert json.loads(outcome.stdout)["gaps"] == 2
