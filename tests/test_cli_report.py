"""The summary for people."""

from __future__ import annotations

from collections import Counter

import click
import pytest

from sessionize.cli.report import describe
from sessionize.events import Tally
from sessionize.rules import SessionRules
from sessionize.summary import Summary
from tests.test_cli import summary


def lines(of: Summary, rejects: str | None = "out.csv.rejected.jsonl") -> list[str]:
    return click.unstyle(describe(of, rejects)).splitlines()


def test_summary_says_what_came_out() -> None:
    of = summary(tally=Tally(input_rows=4210), sessions=1305, single_event_sessions=402, open_sessions=12)

    assert lines(of) == [
        "sessions  1,305, 402 (30.8%) of a single event, 12 still open",
        "events    4,210, from 2026-01-01 09:00:00 to 2026-01-01 10:00:00 UTC",
        "took      0.5 s, peak memory 120 MB",
        "output    out.csv",
        "look      head out.csv",
    ]


def test_summary_of_a_run_that_took_its_time_says_how_fast_it_was() -> None:
    of = summary(tally=Tally(input_rows=4210), seconds=2.0)

    assert "took      2.0 s (2,105 rows/s), peak memory 120 MB" in lines(of)


def test_summary_of_an_empty_log_has_no_times_and_no_shares() -> None:
    of = summary(
        tally=Tally(), sessions=0, single_event_sessions=0, open_sessions=0, first_event=None, last_event=None
    )

    assert lines(of)[:2] == ["sessions  0", "events    0"]


def test_summary_says_what_was_left_out() -> None:
    reasons = Counter(unparseable_time=1, malformed_row=2)
    of = summary(tally=Tally(input_rows=1000, filtered=113, rejected_by_reason=reasons, dst_resolved=1))

    assert lines(of)[2:5] == [
        "filtered  113 (11.3%) of 1,000 input rows",
        "rejected  3 (0.3%) of 1,000 input rows: 2 malformed_row, 1 unparseable_time; "
        "kept in out.csv.rejected.jsonl",
        "clock     1 local time resolved at a clock change",
    ]


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        pytest.param(SessionRules.preset("ga4"), "preset    ga4", id="as it is"),
        pytest.param(
            SessionRules.preset("matomo").evolve(timeout="45m", timezone="Europe/Paris", split_daily=False),
            "preset    matomo, with --timeout 45m --no-split-daily --timezone Europe/Paris",
            id="with options beside it",
        ),
    ],
)
def test_summary_names_the_preset(rules: SessionRules, line: str) -> None:
    assert lines(summary(rules=rules, preset=rules.based_on))[1] == line


def test_summary_counts_repeated_deliveries() -> None:
    of = summary(rules=SessionRules(dedupe="event_id"), tally=Tally(input_rows=1000, deduplicated=12))

    assert lines(of)[2] == "dedupe    12 (1.2%) of 1,000 input rows deduplicated by event_id"


def test_run_of_no_measurable_time_has_no_rate() -> None:
    assert lines(summary(seconds=0.0))[2] == "took      0.0 s, peak memory 120 MB"


@pytest.mark.parametrize(
    ("output", "command"),
    [
        pytest.param("my out.csv", "head 'my out.csv'", id="text"),
        pytest.param("out.csv.gz", "zcat out.csv.gz | head", id="gzip"),
        pytest.param("out.jsonl.zst", "zstdcat out.jsonl.zst | head", id="zstd"),
        pytest.param(
            "out.arrow",
            "python -c \"import pandas; print(pandas.read_feather('out.arrow').head())\"",
            id="arrow",
        ),
        pytest.param(
            "out.parquet",
            "python -c \"import pandas; print(pandas.read_parquet('out.parquet').head())\"",
            id="parquet",
        ),
        pytest.param(
            "sessions",
            "python -c \"import pandas; print(pandas.read_parquet('sessions').head())\"",
            id="folder",
        ),
        pytest.param(
            "$HOME",
            "python -c 'import pandas; print(pandas.read_parquet('\"'\"'$HOME'\"'\"').head())'",
            id="a name that the shell would change",
        ),
    ],
)
def test_summary_ends_with_a_command_that_shows_the_sessions(output: str, command: str) -> None:
    assert lines(summary(output=output))[-1] == f"look      {command}"


def test_summary_of_stdout_names_no_output() -> None:
    assert lines(summary(output="-"))[-1].startswith("took")
