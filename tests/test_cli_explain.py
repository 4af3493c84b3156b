"""`sessionize explain`: what a person reads, what a program reads, and how it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from sessionize.cli.main import cli
from sessionize.cli.timeline import show
from sessionize.explaining.timeline import explain
from tests.command_line import ROOT, Outcome, call, call_here, environment
from tests.terminal import call_watched

LOG = """\
user_id,timestamp,account
ada,2026-03-28T22:50:00Z,x
ada,2026-03-28T23:10:00Z,
ada,2026-03-28T23:41:12Z,y
bob,2026-03-28T23:42:00Z,x
ada,soon,y
"""
NEW_DAY = "new day in Europe/Paris: 2026-03-29"
SILENCE = "31 min 12 s of silence > 30 min"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.csv").write_text(LOG)
    busy = [f"ada,2026-01-01T09:{minute:02}:00Z,x\n" for minute in range(30)]
    (tmp_path / "busy.csv").write_text("user_id,timestamp,account\n" + "".join(busy))
    daily = [f"ada,2026-01-{day:02}T09:00:00Z,x\n" for day in range(1, 26)]
    (tmp_path / "daily.csv").write_text("user_id,timestamp,account\n" + "".join(daily))
    return tmp_path


Explained = Callable[[str], Outcome]


@pytest.fixture
def explained(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Explained:
    """`sessionize explain` inside this process, in the folder."""
    monkeypatch.chdir(folder)
    return lambda words: call_here(capsys, "explain", *words.split())


def cells(outcome: Outcome) -> list[list[str]]:
    """The table's lines, cell by cell."""
    assert outcome.exit_code == 0, outcome.stderr
    _, _, table = outcome.stdout.partition("─\n")
    lines = table.splitlines()
    return [[cell for cell in line.strip().split("   ") if cell] for line in lines if line.strip()]


def test_timeline_says_when_how_long_where_and_why(folder: Path) -> None:
    words = "log.csv --id ada --split-on account --split-daily --timezone Europe/Paris"

    outcome = call("explain", *words.split(), cwd=folder)

    title, rules = outcome.stdout.splitlines()[:2]
    assert title == "user_id 'ada': 3 sessions, 3 events, 1 rejected row"
    assert rules == "rules: --split-daily --timezone Europe/Paris --split-on account"
    assert [[cell.strip() for cell in row] for row in cells(outcome)[:3]] == [
        ["2026-03-28 23:50:00+01:00", "1  ada:1774738200000000", "1", "x", "first event"],
        ["2026-03-29 00:10:00+01:00", "20 min", "2  ada:1774739400000000", "1", NEW_DAY],
        ["2026-03-29 00:41:12+01:00", "31 min 12 s", "3  ada:1774741272000000", "1", "y", SILENCE],
    ]


def test_rejected_rows_stand_below_with_their_place_and_reason(explained: Explained) -> None:
    outcome = explained("log.csv --id ada")

    assert [cell.strip() for cell in cells(outcome)[-1]] == ["log.csv", "5", "unparseable_time", "ada,soon,y"]


def test_an_identity_of_rejected_rows_alone_has_no_timeline(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,timestamp\nada,soon\nbob,2026-01-01T09:00\n")

    outcome = call("explain", "log.csv", "--id", "ada", cwd=tmp_path)

    assert outcome.exit_code == 0
    assert "user_id 'ada': 0 sessions, 0 events, 1 rejected row" in outcome.stdout
    assert "time (UTC)" not in outcome.stdout


def test_a_reader_that_goes_away_ends_it_in_silence(folder: Path) -> None:
    (folder / "long.csv").write_text(
        "user_id,timestamp\n" + "".join(f"ada,{year}-01-01\n" for year in range(1000, 9000))
    )
    command = f"set -o pipefail; {sys.executable} -m sessionize explain long.csv --id ada --all | head -1"

    ended = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (141, "")


def test_rules_by_default_are_said_to_be_the_defaults(explained: Explained) -> None:
    outcome = explained("log.csv --id bob")

    assert "rules: the defaults (--timeout 30m --boundary exceeds)\n" in outcome.stdout


def test_rules_of_a_preset_are_said_with_what_was_given_beside(explained: Explained) -> None:
    outcome = explained("log.csv --id bob --preset ga4 --timeout 45m")

    assert "rules: --preset ga4 --timeout 45m\n" in outcome.stdout


def test_a_long_run_of_events_is_one_line(explained: Explained) -> None:
    rows = cells(explained("busy.csv --id ada"))

    assert [row[-1].strip() for row in rows] == ["first event", "28 events, gaps up to 1 min", "30"]


def test_all_gives_every_event_its_line(explained: Explained) -> None:
    assert len(cells(explained("busy.csv --id ada --all"))) == 30


@pytest.mark.parametrize(
    ("words", "sessions"),
    [
        ("", 20),
        ("--last 3", 3),
        ("--from 2026-01-24", 2),
        ("--to 2026-01-22", 22),
        ("--from 2026-01-10 --to 2026-01-12", 3),
        ("--from 2026-01-10 --last 1", 1),
        ("--all", 25),
    ],
    ids=["by default", "last", "from", "to", "from and to", "from and last", "all"],
)
def test_options_say_which_sessions_are_shown(explained: Explained, words: str, sessions: int) -> None:
    outcome = explained(f"daily.csv --id ada {words}")

    shown = [row for row in cells(outcome) if row[0].startswith("2026-")]
    assert len(shown) == sessions
    assert (f"{sessions} of 25 sessions are shown" in outcome.stdout) == (sessions < 25)


def test_what_filters_leave_out_is_said(explained: Explained) -> None:
    assert "--include and --exclude leave out 1 of its rows." in (
        explained("log.csv --id ada --exclude account=x").stdout
    )
    assert "--include and --exclude leave out 3 of its rows." in (
        explained("log.csv --id ada --include account=x").stdout
    )


@pytest.mark.parametrize(("records", "said"), [(1, "1 record of the log"), (2, "2 records of the log")])
def test_records_that_are_no_rows_are_said_to_be_nobodys(
    folder: Path, explained: Explained, records: int, said: str
) -> None:
    (folder / "log.csv").write_text(LOG + records * "ada,2026-03-28T22:50:00Z,x,more\n")

    assert f"{said} could not be read as rows" in explained("log.csv --id ada").stdout


def test_json_holds_every_event_and_the_rules(explained: Explained) -> None:
    outcome = explained("daily.csv --id ada --json --timeout 1h")

    told = json.loads(outcome.stdout)
    assert (told["identity"], told["sessions"], len(told["events"])) == ({"user_id": "ada"}, 25, 25)
    assert told["rules"]["timeout"] == "1h"
    assert told["events"][1] == {
        "time": "2026-01-02T09:00:00.000000Z",
        "gap_seconds": 86400.0,
        "session_id": "ada:1767344400000000",
        "session_number": 2,
        "event_index": 1,
        "start_reason": "inactivity",
        "opens": True,
        "why": "1 d of silence > 1 h",
    }


def test_json_holds_the_sessions_that_were_asked_for(explained: Explained) -> None:
    told = json.loads(explained("daily.csv --id ada --json --last 2").stdout)

    assert [event["session_number"] for event in told["events"]] == [24, 25]


def test_json_holds_the_rejected_rows(explained: Explained) -> None:
    told = json.loads(explained("log.csv --id ada --json").stdout)

    assert told["rejected"] == [
        {"file": "log.csv", "record": 5, "reason": "unparseable_time", "raw": "ada,soon,y"}
    ]


def test_standard_input_is_explained(folder: Path) -> None:
    outcome = call("explain", "-", "--id", "bob", cwd=folder, stdin=LOG)

    assert "user_id 'bob': 1 session, 1 event\n" in outcome.stdout


def test_nobody_of_that_name_is_refused_with_the_nearest(folder: Path) -> None:
    outcome = call("explain", "log.csv", "--id", "adda", cwd=folder)

    assert (outcome.exit_code, outcome.stdout) == (3, "")
    assert outcome.stderr == "Error: log.csv: no row of user_id 'adda'; did you mean 'ada'?\n"


def test_a_value_is_asked_for_each_identity_column(explained: Explained) -> None:
    outcome = explained("log.csv --by user_id --by account --id ada")

    assert outcome.exit_code == 2
    assert "--id is given 1 times, but the identity is user_id and account." in outcome.stderr


def test_a_time_that_is_none_names_its_option(explained: Explained) -> None:
    outcome = explained("log.csv --id ada --from yesterday")

    assert outcome.exit_code == 2
    assert "Invalid value for '--from': 'yesterday' is not a time." in outcome.stderr


@pytest.mark.parametrize("option", ["--agg", "--max-rejected", "--rejects", "--as-of", "--memory-limit"])
def test_options_that_would_say_nothing_are_none(explained: Explained, option: str) -> None:
    outcome = explained(f"log.csv --id ada {option} x")

    assert outcome.exit_code == 2
    assert f"no option '{option}'" in outcome.stderr


def test_a_value_that_looks_like_markup_is_shown_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text("user_id,timestamp\n[red]a[/red],2026-01-01T09:00\n")

    outcome = call_here(capsys, "explain", tmp_path / "log.csv", "--id", "[red]a[/red]")

    assert "[red]a[/red]:1767258000000000" in outcome.stdout


@pytest.mark.parametrize(("columns", "shown"), [(90, False), (120, True)], ids=["narrow", "wide"])
def test_a_terminal_without_room_shows_sessions_without_their_ids(
    folder: Path, columns: int, shown: bool
) -> None:
    outcome = call_watched("explain", "log.csv", "--id", "ada", cwd=folder, columns=columns)

    table = outcome.stdout.partition("time (UTC)")[2]
    assert outcome.exit_code == 0
    assert ("ada:1774738200000000" in table) is shown
    assert max(map(len, table.splitlines())) <= columns


def test_a_time_that_is_beyond_the_calendar_of_its_zone_is_shown_in_utc(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = pa.table({"user_id": ["A"], "timestamp": ["9999-12-31T23:30:00Z"]})
    found = explain(log, "A", timezone="Europe/Paris")

    show(found, found, every_event=False)

    assert "9999-12-31 23:30:00.000000Z" in capsys.readouterr().out


def test_help_shows_an_example() -> None:
    command = cli.commands["explain"]

    assert "sessionize explain logs/ --id ada" in str(command.epilog)


def test_the_page_shows_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"^```\n\$ sessionize (.*?)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    monkeypatch.chdir(ROOT)

    outcome = call_here(capsys, *command.split())

    assert [line.rstrip() for line in outcome.stdout.splitlines()] == shown.splitlines()
