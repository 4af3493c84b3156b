"""Options from the environment and from a file, and which of them wins."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sessionize.rules import SessionRules
from tests.command_line import call_here
from tests.test_cli import OPTIONS, Job, job

__all__ = ["job"]


def config(text: str) -> str:
    Path("sessionize.toml").write_text(text, encoding="utf-8")
    return "sessionize.toml"


def test_file_sets_options_of_each_kind(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(
        'by = ["user", "device"]\ntimeout = "45m"\nsplit_daily = true\nthreads = 2\nmax_rejected = 7\n'
        'as_of = 2026-01-01T00:00:00Z\noutput = "out.csv"\ntype = ["n=int64"]\nquiet = true\n'
    )

    outcome = call_here(capsys, "run", "a.csv", "--config", path)

    assert outcome == (0, "", "")
    assert job.asked["rules"] == SessionRules(by=("user", "device"), timeout="45m", split_daily=True)
    assert job.asked["threads"] == 2
    assert job.asked["max_rejected"] == "7"
    assert job.asked["as_of"] == "2026-01-01 00:00:00+00:00"
    assert job.asked["output"] == "out.csv"


def test_file_sets_the_rules(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(
        'preset = "adobe"\nmax_events = 100\nmax_duration = "none"\n'
        'split_on = ["plan"]\nsplit_from_null = true\nsplit_before = ["event=app_open"]\n'
        'split_after = ["none"]\ndedupe = "event_id"\n'
    )

    call_here(capsys, "run", "a.csv", "-o", "out.csv", "--config", path)

    assert job.asked["rules"] == SessionRules(
        max_events=100,
        split_on="plan",
        split_from_null=True,
        split_before="event=app_open",
        dedupe="event_id",
    )
    assert job.asked["rules"].based_on == "adobe"


def test_file_is_read_only_when_named(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    config('timeout = "45m"\n')

    call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert job.asked["rules"] == SessionRules()


def test_environment_sets_an_option(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SESSIONIZE_TIMEOUT", "45m")
    monkeypatch.setenv("SESSIONIZE_SPLIT_DAILY", "true")

    call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert job.asked["rules"] == SessionRules(timeout="45m", split_daily=True)


def test_environment_sets_the_rules(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SESSIONIZE_PRESET", "posthog")
    monkeypatch.setenv("SESSIONIZE_MAX_EVENTS", "100")
    monkeypatch.setenv("SESSIONIZE_SPLIT_AFTER", "event=logout;event=quit")
    monkeypatch.setenv("SESSIONIZE_SPLIT_ON", "none")

    call_here(capsys, "run", "a.csv", "-o", "out.csv", "--max-duration", "none")

    assert job.asked["rules"] == SessionRules(max_events=100, split_after=["event=logout", "event=quit"])


def test_environment_separates_values_by_semicolons(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SESSIONIZE_BY", "user name;device, kind")

    call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert job.asked["rules"].by == ("user name", "device, kind")


def test_command_line_beats_environment_beats_file(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config('timeout = "1m"\nboundary = "reaches"\nprefix = "file_"\nsplit_daily = true\n')
    monkeypatch.setenv("SESSIONIZE_TIMEOUT", "2m")
    monkeypatch.setenv("SESSIONIZE_PREFIX", "environment_")

    call_here(
        capsys, "run", "a.csv", "-o", "out.csv", "--config", path, "--timeout", "3m", "--no-split-daily"
    )

    assert job.asked["rules"] == SessionRules(
        timeout=timedelta(minutes=3), boundary="reaches", prefix="environment_", split_daily=False
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param('timeuot = "1m"', "unknown key 'timeuot'; did you mean 'timeout'?", id="unknown key"),
        pytest.param('time-unit = "s"', "unknown key 'time-unit'; did you mean 'time_unit'?", id="hyphen"),
        pytest.param('config = "x"', "unknown key 'config'", id="a file in the file"),
        pytest.param("timeout = 900", "key 'timeout' takes text, not 900.", id="number for text"),
        pytest.param('by = "user"', "key 'by' takes a list of texts, not 'user'.", id="text for list"),
        pytest.param("by = [1]", "key 'by' takes a list of texts, not [1].", id="list of numbers"),
        pytest.param('prefix = ["a"]', "key 'prefix' takes text, not ['a'].", id="list for text"),
        pytest.param('json = "yes"', "key 'json' takes true or false, not 'yes'.", id="text for boolean"),
        pytest.param("threads = true", "key 'threads' takes a number, not True.", id="boolean for number"),
        pytest.param(
            "max_rejected = 0.5", "key 'max_rejected' takes text or a number, not 0.5.", id="fraction"
        ),
        pytest.param("max_events = 1.5", "key 'max_events' takes text or a number", id="part of an event"),
        pytest.param('preset = "ga5"', "did you mean 'ga4'?", id="unknown preset"),
        pytest.param("timeout = ", "not TOML", id="no TOML"),
        pytest.param('timeout = "900"', "(from sessionize.toml)", id="refused value"),
    ],
)
def test_mistake_in_the_file_names_file_and_key(
    text: str, says: str, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv", "--config", config(text))

    assert outcome.exit_code == 2
    assert says in outcome.stderr
    assert "sessionize.toml" in outcome.stderr
    assert job.asked == {}


def test_missing_file_is_a_usage_error(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv", "--config", "absent.toml")

    assert outcome.exit_code == 2
    assert "'absent.toml' does not exist" in outcome.stderr


def test_file_in_another_encoding_is_a_usage_error(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    Path("latin.toml").write_bytes('prefix = "é"'.encode("latin-1"))

    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv", "--config", "latin.toml")

    assert outcome.exit_code == 2
    assert "latin.toml: not TOML" in outcome.stderr


def test_refused_value_of_the_environment_names_the_variable(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SESSIONIZE_TIMEOUT", "900")

    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert outcome.exit_code == 2
    assert "(from SESSIONIZE_TIMEOUT)" in outcome.stderr


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_has_its_variable(name: str) -> None:
    assert OPTIONS[name].envvar == f"SESSIONIZE_{name.upper()}"
    assert f"--{name.replace('_', '-')}" in OPTIONS[name].opts
