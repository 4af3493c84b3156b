"""`sessionize presets`, and `--preset` with the options beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionize.presets import PRESETS, Preset, preset
from sessionize.rules import SessionRules
from tests.command_line import call, call_here
from tests.terminal import call_watched
from tests.test_cli import Job, job

__all__ = ["job"]

LOG = """\
device_id,user_id,timestamp
d,ada,2026-01-01T09:00:00Z
d,ada,2026-01-01T09:30:00Z
d,bob,2026-01-01T09:31:00Z
"""
RUN = ("run", "a.csv", "-o", "out.csv")


def asked(job: Job, capsys: pytest.CaptureFixture[str], words: str) -> SessionRules:
    outcome = call_here(capsys, *RUN, *words.split())
    assert outcome.exit_code == 0, outcome.stderr
    rules = job.asked["rules"]
    assert isinstance(rules, SessionRules)
    return rules


# ---------------------------------------------------------------- the command


def test_table_has_a_line_for_each_preset(tmp_path: Path) -> None:
    outcome = call("presets", cwd=tmp_path)

    titles, _, *lines = outcome.stdout.splitlines()
    assert outcome.exit_code == 0
    assert " ".join(titles.split()) == "preset system identity boundary timeout extra splits source"
    assert [line.split()[0] for line in lines] == [each.name for each in PRESETS]


def test_line_of_the_table_says_what_is_special(tmp_path: Path) -> None:
    lines = call("presets", cwd=tmp_path).stdout.splitlines()

    assert "matomo Matomo user_id reaches 30m --split-daily --split-on utm_campaign --split-from-null" in [
        " ".join(line.split()[:9]) for line in lines
    ]


def test_a_narrow_terminal_shows_what_presets_do_and_not_who_said_so(tmp_path: Path) -> None:
    outcome = call_watched("presets", cwd=tmp_path, columns=80)

    titles, *lines = outcome.stdout.splitlines()
    assert titles.split() == ["preset", "identity", "boundary", "timeout", "extra", "splits"]
    assert max(map(len, lines)) <= 80


def test_json_lists_the_presets(tmp_path: Path) -> None:
    listed = json.loads(call("presets", "--json", cwd=tmp_path).stdout)

    assert [each["preset"] for each in listed] == [each.name for each in PRESETS]


@pytest.mark.parametrize("each", PRESETS, ids=lambda each: each.name)
def test_json_of_one_holds_rules_that_python_reads_back(
    each: Preset, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = json.loads(call_here(capsys, "presets", each.name, "--json").stdout)

    assert SessionRules(**shown["rules"]) == each.rules
    assert shown["differs"] == list(each.differs)
    assert shown["options"] == each.options


def test_preset_is_explained_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "presets", "braze-web")

    assert outcome.exit_code == 0
    assert outcome.stdout.startswith(
        "braze-web: Braze web SDK\n"
        "\n"
        "An event opens a session when\n"
        "  * it is the first of its device_id, or 30m or more have passed since the one before\n"
        "  * its user_id is another than the session's, or the session had none until then\n"
        "\n"
        "The end of a session\n"
        "  * It ends with its last event: the timeout is no part of it.\n"
    )
    assert "compares with >: write --boundary exceeds" in outcome.stdout
    assert "  * --by device_id --boundary reaches --split-on user_id --split-from-null\n" in outcome.stdout
    assert outcome.stdout.endswith(f"  * {preset('braze-web').url}\n")


def test_explanation_of_a_daily_preset_asks_for_its_zone(capsys: pytest.CaptureFixture[str]) -> None:
    assert "name that with --timezone" in call_here(capsys, "presets", "mixpanel").stdout
    assert "name that with --timezone" not in call_here(capsys, "presets", "posthog").stdout


def test_explanation_of_the_defaults_needs_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert "  * none: these are the defaults\n" in call_here(capsys, "presets", "ga4").stdout


def test_explained_options_do_not_break_within_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    words = call_here(capsys, "presets", "posthog").stdout.split()

    assert {"--max-duration", "--max-duration-boundary", "'$session_id'"} <= set(words)


@pytest.mark.parametrize("words", [("presets", "braze"), (*RUN, "--preset", "braze")], ids=["presets", "run"])
def test_unknown_preset_is_2_with_a_suggestion(
    words: tuple[str, ...], job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, *words)

    assert outcome.exit_code == 2
    assert "no preset 'braze'; did you mean 'braze-web'? Known: " in outcome.stderr
    assert job.asked == {}


@pytest.mark.parametrize(
    "words", ["sessionize presets am", "sessionize run --preset am"], ids=["name", "option"]
)
def test_completion_offers_the_presets(words: str, tmp_path: Path) -> None:
    completion = {
        "_SESSIONIZE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }

    assert call(cwd=tmp_path, variables=completion).stdout.split() == ["plain,amplitude"]


# ---------------------------------------------------------------- --preset, and what overrides it


@pytest.mark.parametrize("each", PRESETS, ids=lambda each: each.name)
def test_options_of_a_preset_say_the_same_without_it(
    each: Preset, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    zone = ["--timezone", "UTC"] if each.rules.split_daily else []

    call_here(capsys, *RUN, *each.options)
    spelt_out = job.asked["rules"]
    call_here(capsys, *RUN, "--preset", each.name, *zone)

    assert spelt_out == job.asked["rules"] == each.rules
    assert (spelt_out.based_on, job.asked["rules"].based_on) == (None, each.name)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        pytest.param("--timeout 45m", {"timeout": "45m"}, id="timeout"),
        pytest.param("--by cookie --by site", {"by": ["cookie", "site"]}, id="identity"),
        pytest.param("--boundary exceeds", {"boundary": "exceeds"}, id="boundary"),
        pytest.param("--no-split-daily", {"split_daily": False}, id="daily"),
        pytest.param("--split-on source", {"split_on": ["source"]}, id="a list replaces the list"),
        pytest.param("--no-split-from-null", {"split_from_null": False}, id="from null"),
        pytest.param("--split-on none", {"split_on": []}, id="none empties a list"),
        pytest.param("--timeout none", {"timeout": None}, id="none switches the timeout off"),
        pytest.param("--max-events 5", {"max_events": 5}, id="a rule that the preset has not"),
    ],
)
def test_given_option_overrides_the_preset(
    words: str, changes: dict[str, object], job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = asked(job, capsys, f"--preset matomo --timezone Europe/Paris {words}")

    assert rules == SessionRules.preset("matomo").evolve(timezone="Europe/Paris", **changes)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        pytest.param("--max-duration none", {"max_duration": None}, id="no maximum"),
        pytest.param("--max-events none", {"max_events": None}, id="any number"),
        pytest.param("--max-duration 2h", {"max_duration": "2h"}, id="another maximum"),
        pytest.param(
            "--max-duration-boundary exceeds", {"max_duration_boundary": "exceeds"}, id="another boundary"
        ),
    ],
)
def test_given_limit_overrides_the_preset(
    words: str, changes: dict[str, object], job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(job, capsys, f"--preset adobe {words}") == SessionRules.preset("adobe").evolve(**changes)


def test_maximum_that_is_switched_off_takes_its_boundary_along(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(job, capsys, "--preset posthog --max-duration none") == SessionRules()


@pytest.mark.parametrize("option", ["split-before", "split-after", "tie-break", "agg", "dedupe"])
def test_none_is_the_same_as_nothing_where_there_is_no_preset(
    option: str, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(job, capsys, f"--{option} none") == SessionRules()


def test_options_of_every_rule_reach_the_job(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    rules = asked(
        job,
        capsys,
        "--split-on user --split-on plan --split-from-null --split-before event=app_open "
        "--split-after event=logout --split-after event=quit --max-duration 24h "
        "--max-duration-boundary exceeds --max-events 100 --dedupe event_id --by device",
    )

    assert rules == SessionRules(
        by="device",
        split_on=("user", "plan"),
        split_from_null=True,
        split_before=("event=app_open",),
        split_after=("event=logout", "event=quit"),
        max_duration="24h",
        max_duration_boundary="exceeds",
        max_events=100,
        dedupe="event_id",
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param("--split-from-null", "--split-from-null says nothing without --split-on", id="null"),
        pytest.param(
            "--preset matomo --split-from-null --split-on none",
            "--split-from-null says nothing without --split-on",
            id="null beside an emptied list",
        ),
        pytest.param(
            "--max-duration-boundary reaches",
            "--max-duration-boundary says nothing without --max-duration",
            id="boundary of no maximum",
        ),
        pytest.param(
            "--preset adobe --max-duration none --max-duration-boundary exceeds",
            "--max-duration-boundary says nothing without --max-duration",
            id="boundary of a maximum switched off",
        ),
        pytest.param(
            "--timeout none --boundary reaches",
            "--boundary says nothing without a timeout",
            id="boundary of no timeout",
        ),
        pytest.param(
            "--not-before 2026-01-02 --not-after 2026-01-01",
            "--not-before 2026-01-02 is later than --not-after 2026-01-01",
            id="no plausible time",
        ),
        pytest.param(
            "--split-on user_id", "--split-on and --by both name 'user_id'", id="the default identity"
        ),
        pytest.param(
            "--preset braze-web --by user_id", "--split-on and --by both name 'user_id'", id="the preset's"
        ),
        pytest.param("--split-on a --split-on a", "'--split-on': split_on: 'a' is given twice", id="twice"),
        pytest.param("--split-before app_open", "'--split-before': split_before 'app_open'", id="no value"),
        pytest.param("--max-duration 24", "'--max-duration'", id="no unit"),
        pytest.param("--max-duration 1ms", "the minimum is 1s. Write none", id="short"),
        pytest.param("--max-events 0", "'--max-events': max_events 0: the minimum is 1", id="no event"),
        pytest.param("--max-events few", "'--max-events'", id="no number"),
    ],
)
def test_contradiction_is_2_and_names_the_options(
    words: str, says: str, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, *RUN, *words.split())

    assert outcome.exit_code == 2
    assert says in outcome.stderr
    assert outcome.stderr.splitlines()[-1] == "Try 'sessionize run --help'."
    assert job.asked == {}


def test_daily_preset_without_timezone_is_noticed(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, *RUN, "--preset", "matomo")

    assert outcome.stderr.splitlines()[0] == (
        "preset matomo: sessions end at midnight UTC; Matomo uses the zone of its settings. "
        "Name it with --timezone."
    )


@pytest.mark.parametrize("words", ["--timezone UTC", "--no-split-daily", "--quiet"])
def test_preset_whose_midnight_is_settled_is_not_noticed(
    words: str, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, *RUN, "--preset", "matomo", *words.split())

    assert "midnight" not in outcome.stderr


# ---------------------------------------------------------------- as a process


def test_run_by_a_preset_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(LOG)

    outcome = call(*RUN, "--preset", "braze-web", "--timeout", "20m", cwd=tmp_path)

    assert outcome.exit_code == 0, outcome.stderr
    assert "preset    braze-web, with --timeout 20m" in outcome.stderr.splitlines()
    assert [row.split(",")[6] for row in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [
        "inactivity",
        "inactivity",
        "change:user_id",
    ]


def test_column_that_the_preset_needs_is_3_and_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(LOG)

    outcome = call(*RUN, "--preset", "universal-analytics", "--timezone", "UTC", cwd=tmp_path)

    assert outcome.exit_code == 3
    assert outcome.stderr == (
        "Error: a.csv: no column 'utm_campaign'. Found: device_id, user_id, timestamp. It is named by "
        "--split-on (of --preset universal-analytics). Name yours there, or switch it off with "
        "--split-on none.\n"
    )
