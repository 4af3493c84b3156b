"""From words on the command line to one call of the job, and back to exit codes and stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import click
import pyarrow as pa
import pytest

from sessionize.cli.commands import Option
from sessionize.cli.main import cli
from sessionize.cli.run import run
from sessionize.events import REJECTED, Tally
from sessionize.reading.options import InputFormat, ReadOptions, TimeUnit
from sessionize.rules import Aggregate, Boundary, SessionRules
from sessionize.summary import Summary
from sessionize.version import __version__
from sessionize.zones import DstPolicy
from tests.command_line import call, call_here, environment

OPTIONS = {str(option.name): option for option in run.params if isinstance(option, Option)}


class Job:
    """A job that does nothing but remember what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.notices: list[str] = []

    def run(self, inputs: tuple[str, ...], output: str, **options: Any) -> Summary:
        self.asked = {"inputs": inputs, "output": output, **options}
        for notice in self.notices:
            options["notify"](notice)
        return summary(output=output)


def summary(**changes: Any) -> Summary:
    values = {
        "version": "0.1.0",
        "rules": SessionRules(),
        "preset": None,
        "tally": Tally(input_rows=4),
        "sessions": 2,
        "single_event_sessions": 1,
        "open_sessions": 1,
        "first_event": datetime(2026, 1, 1, 9, tzinfo=UTC),
        "last_event": datetime(2026, 1, 1, 10, tzinfo=UTC),
        "seconds": 0.5,
        "peak_memory_bytes": 120_000_000,
        "output": "out.csv",
        "rejected": pa.table([[]] * 4, schema=REJECTED),
    }
    return Summary(**(values | changes))


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Job:
    stand_in = Job()
    monkeypatch.setattr("sessionize.job.run", stand_in.run)
    monkeypatch.chdir(tmp_path)
    return stand_in


def test_rules_come_from_the_options(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    words = "a.csv -o out.csv --by u --by device --timeout PT15M --boundary reaches --split-daily"
    more = "--timezone Europe/Paris --tie-break seq --agg landing=first:page --prefix s_"

    outcome = call_here(capsys, "run", *words.split(), *more.split())

    assert outcome.exit_code == 0, outcome.stderr
    assert job.asked["inputs"] == ("a.csv",)
    assert job.asked["output"] == "out.csv"
    assert job.asked["rules"] == SessionRules(
        by=("u", "device"),
        timeout=timedelta(minutes=15),
        boundary="reaches",
        split_daily=True,
        timezone="Europe/Paris",
        tie_break=("seq",),
        agg=(Aggregate("landing", "first", "page"),),
        prefix="s_",
    )


def test_reading_options_come_from_the_options(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "a.csv -o out.csv --time ts --time-format %d.%m.%Y --time-unit ms --dst-policy reject --type n=int64"
    )
    more = "--null-value NA --include event=view --exclude bot=true --not-before 2020-01-01"
    codec = ("--encoding", "latin-1")
    last = "--not-after 2030-01-01 --input-format csv --csv-delimiter ; --timezone Asia/Tokyo"

    outcome = call_here(capsys, "run", *words.split(), *more.split(), *last.split(), *codec)

    assert outcome.exit_code == 0, outcome.stderr
    assert job.asked["reading"] == ReadOptions(
        time="ts",
        time_format=("%d.%m.%Y",),
        time_unit="ms",
        timezone="Asia/Tokyo",
        dst_policy="reject",
        types=("n=int64",),
        null_value=("NA",),
        include=("event=view",),
        exclude=("bot=true",),
        not_before="2020-01-01",
        not_after="2030-01-01",
        input_format="csv",
        csv_delimiter=";",
        encoding="latin-1",
    )


def test_working_options_reach_the_job(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "a.csv b.csv -o out --output-format parquet --partition-by date --max-rejected 0.5% --rejects r.jsonl"
    )

    outcome = call_here(capsys, "run", *words.split(), "--allow-empty", "--threads", "3")

    assert outcome.exit_code == 0, outcome.stderr
    assert job.asked["inputs"] == ("a.csv", "b.csv")
    assert {
        name: job.asked[name] for name in ("output_format", "partition_by", "max_rejected", "rejects")
    } == {
        "output_format": "parquet",
        "partition_by": "date",
        "max_rejected": "0.5%",
        "rejects": "r.jsonl",
    }
    assert job.asked["allow_empty"] is True
    assert job.asked["threads"] == 3


def test_option_that_is_not_given_is_left_to_the_library(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert job.asked["rules"] == SessionRules()
    assert job.asked["reading"] == ReadOptions()
    assert "max_rejected" not in job.asked


def test_watermark_and_limit_reach_the_job_as_written(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    call_here(capsys, "run", "a.csv", "-o", "out.csv", "--as-of", "2026-01-01", "--max-rejected", "100")

    assert job.asked["as_of"] == "2026-01-01"
    assert job.asked["max_rejected"] == "100"


def test_json_prints_the_summary_on_stdout(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv", "--json")

    assert json.loads(outcome.stdout) == summary(output="out.csv").as_dict()
    assert outcome.stderr == ""


def test_summary_goes_to_stderr(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert outcome.stdout == ""
    assert outcome.stderr.startswith("sessions  2,")


def test_quiet_says_nothing(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.notices = ["skipped a.txt"]

    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv", "--quiet")

    assert outcome == (0, "", "")


def test_many_notices_are_counted(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.notices = [f"skipped {number}.txt" for number in range(10)]

    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert outcome.stderr.splitlines()[:4] == [
        *job.notices[:3],
        "… and 7 more such messages; --verbose shows them all.",
    ]


def test_verbose_shows_every_notice(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.notices = [f"skipped {number}.txt" for number in range(10)]

    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv", "--verbose")

    assert outcome.stderr.splitlines()[:10] == job.notices


def test_bug_in_the_job_is_no_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object, **options: object) -> Summary:
        raise TypeError("no len()")

    monkeypatch.setattr("sessionize.job.run", broken)
    monkeypatch.chdir(tmp_path)

    outcome = call_here(capsys, "run", "a.csv", "-o", "out.csv")

    assert outcome.exit_code == 1
    assert outcome.stderr.startswith("Unexpected: TypeError: no len()\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param("a.csv -o - --json", "'--json'", id="two things on stdout"),
        pytest.param("a.csv -o - --max-rejected 5", "--rejects", id="rejected rows without a place"),
        pytest.param("a.csv", "'--output'", id="no output"),
        pytest.param("-o out.csv", "INPUT", id="no input"),
        pytest.param("a.csv -o out.csv --threads 0", "'--threads'", id="no thread"),
        pytest.param("a.csv -o out.csv --boundary above", "'exceeds', 'reaches'", id="unknown boundary"),
        pytest.param("a.csv -o out.csv --csv-delimiter ab", "'--csv-delimiter'", id="long delimiter"),
        pytest.param("a.csv -o out.csv --type n=integer", "'--type'", id="unknown type"),
        pytest.param("a.csv -o out.csv --include event", "'--include'", id="include without value"),
        pytest.param("a.csv -o out.csv --not-before soon", "'--not-before'", id="no time"),
        pytest.param("a.csv -o out.csv --max-rejected few", "'--max-rejected'", id="no number"),
    ],
)
def test_misuse_is_2_and_names_the_option(
    words: str, says: str, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "run", *words.split())

    assert outcome.exit_code == 2
    assert says in outcome.stderr
    assert outcome.stderr.splitlines()[-1] == "Try 'sessionize run --help'."
    assert job.asked == {}


def test_misspelt_command_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "rum")

    assert outcome == (2, "", "Error: no command 'rum'; did you mean 'run'?\nTry 'sessionize --help'.\n")


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys)

    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert "sessionize run events.parquet" in outcome.stderr


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], ["run"], ["presets"]], ids=["group", "run", "presets"])
def test_help_has_an_example(command: list[str], flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, *command, flag)

    assert outcome.exit_code == 0
    assert "Examples:\n    sessionize " in outcome.stdout


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "--version")

    assert outcome.exit_code == 0
    assert outcome.stdout == f"sessionize {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    """An import of pyarrow, pandas, NumPy or rich is felt at every `--help` and every completion."""
    script = (
        "import sys\n"
        "from sessionize.cli.main import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({'pyarrow', 'pandas', 'numpy', 'rich', 'polars'} & set(sys.modules)), file=sys.stderr)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )

    assert ended.stderr == "\n"


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        pytest.param("boundary", Boundary, id="boundary"),
        pytest.param("max_duration_boundary", Boundary, id="boundary of the maximum"),
        pytest.param("time_unit", TimeUnit, id="time unit"),
        pytest.param("dst_policy", DstPolicy, id="dst policy"),
        pytest.param("input_format", InputFormat, id="input format"),
    ],
)
def test_choices_are_those_of_the_library(name: str, choices: object) -> None:
    kind = OPTIONS[name].type

    assert isinstance(kind, click.Choice)
    assert tuple(kind.choices) == get_args(choices)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        *(
            (name, value)
            for name, value in SessionRules().as_dict().items()
            if value not in ("", [], {}, False, None)
        ),
        pytest.param("time", ReadOptions().time, id="time"),
        pytest.param("dst_policy", ReadOptions().dst_policy, id="dst_policy"),
        pytest.param("encoding", ReadOptions().encoding, id="encoding"),
    ],
)
def test_default_shown_is_that_of_the_library(name: str, default: Any) -> None:
    shown = default[0] if isinstance(default, list) else default

    assert f"[default: {shown}]" in str(OPTIONS[name].help)


def test_every_option_has_help_and_a_section() -> None:
    assert [name for name, option in OPTIONS.items() if not option.help or not option.section] == []


def test_module_runs_as_the_command(tmp_path: Path) -> None:
    outcome = call("--version", cwd=tmp_path)

    assert outcome.stdout == f"sessionize {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_names_the_program(shell: str, tmp_path: Path) -> None:
    outcome = call(cwd=tmp_path, variables={"_SESSIONIZE_COMPLETE": f"{shell}_source"})

    assert outcome.exit_code == 0
    assert "_SESSIONIZE_COMPLETE" in outcome.stdout


def test_completion_offers_the_options(tmp_path: Path) -> None:
    words = {
        "_SESSIONIZE_COMPLETE": "bash_complete",
        "COMP_WORDS": "sessionize run --split",
        "COMP_CWORD": "2",
    }

    outcome = call(cwd=tmp_path, variables=words)

    assert outcome.stdout.split() == [
        f"plain,--split-{name}" for name in ("daily", "on", "from-null", "before", "after")
    ]


def test_group_lists_its_commands() -> None:
    assert set(cli.commands) >= {"run", "presets"}
