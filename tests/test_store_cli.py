"""The commands on a store, as people and cron call them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import sessionize as sz
from sessionize.cli.store_report import describe_update
from sessionize.store.lock import locked
from tests.command_line import PROGRAM, ROOT, Outcome, call, call_here, environment
from tests.store_files import put
from tests.test_store_backfill import event
from tests.test_store_status import gauges

HEADER = "user_id,timestamp\n"
SAMPLE = ROOT / "sample_data" / "daily"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with a file a day."""
    for day in (23, 24, 25):
        put(tmp_path / "logs" / f"2026-11-{day}.csv", event(f"2026-11-{day}"))
    return tmp_path / "logs"


@pytest.fixture
def store(tmp_path: Path, logs: Path) -> Path:
    """A store of them."""
    sz.SessionStore(tmp_path / "store").update(logs)
    return tmp_path / "store"


def said(outcome: Outcome) -> dict[str, str]:
    """The lines of a summary, by label."""
    return {line[:10].strip(): line[10:] for line in outcome.stderr.splitlines()}


def printed(outcome: Outcome) -> dict[str, Any]:
    return dict(json.loads(outcome.stdout))


# ---------------------------------------------------------------- update


def test_an_update_makes_the_store_and_says_what_it_did(tmp_path: Path, logs: Path) -> None:
    outcome = call("update", "store", "logs", cwd=tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout == ""
    assert said(outcome) | {"took": ""} == {
        "files": "3 new",
        "events": "3 of 3 input rows",
        "sessions": "3 added, 0 extended, 0 merged, 0 removed",
        "dates": "3 written: 2026-11-23, 2026-11-24, 2026-11-25",
        "watermark": "2026-11-25 09:00:00 UTC",
        "store": "store, version 1",
        "took": "",
        "look": "sessionize status store",
    }


def test_a_second_update_has_nothing_to_do(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", store, logs)

    assert outcome.exit_code == 0
    assert said(outcome)["files"] == "nothing to do: all 3 files are in already"
    assert said(outcome)["store"].endswith("version 1")


def test_new_changed_moved_and_forgotten_files_are_told_apart(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(logs / "2026-11-23.csv", event("2026-11-23", who="bob"))
    (logs / "2026-11-24.csv").rename(logs / "archived.csv")
    put(logs / "2026-11-26.csv", event("2026-11-26"))

    outcome = call_here(capsys, "update", store, logs, "--forget", logs / "2026-11-25.csv", "--json")

    files = printed(outcome)["files"]
    assert {name: [Path(path).name for path in files[name]] for name in ("new", "changed", "moved")} == {
        "new": ["2026-11-26.csv"],
        "changed": ["2026-11-23.csv"],
        "moved": ["archived.csv"],
    }
    assert files["forgotten"] == [str(logs / "2026-11-25.csv")]


def test_a_file_can_be_forgotten_alone(store: Path, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "update", store, "--forget", logs / "2026-11-24.csv")

    assert said(outcome)["files"] == "1 forgotten"
    assert said(outcome)["sessions"] == "0 added, 0 extended, 0 merged, 1 removed"


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "gone"])
def test_a_forgotten_file_that_will_come_back_is_named(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str], is_there: bool
) -> None:
    forgotten = logs / "2026-11-24.csv"
    if not is_there:
        forgotten.unlink()

    outcome = call_here(capsys, "update", store, "--forget", forgotten)

    notice = f"{forgotten}: is still there. An update of its folder will bring it in again."
    assert (notice in outcome.stderr) == is_there


def test_a_dry_run_says_what_would_change_and_writes_nothing(
    tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(
        capsys, "update", tmp_path / "store", logs, "--dry-run", "--metrics-file", tmp_path / "m.prom"
    )

    assert said(outcome)["dry run"] == "nothing was written; this is what would change"
    assert said(outcome)["store"].endswith("version none yet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs"]


def test_many_dates_are_told_by_the_first_and_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", tmp_path / "store", SAMPLE)

    assert said(outcome)["dates"] == "7 written: 2026-11-02 to 2026-11-08"


def test_an_option_that_is_not_the_stores_is_exit_5(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", store, logs, "--timeout", "15m", "--split-daily")

    assert outcome.exit_code == 5
    assert "--timeout: the store has 30m, given 15m" in outcome.stderr
    assert "--split-daily: the store has no, given yes" in outcome.stderr


def test_options_that_are_the_stores_may_be_given_again(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", store, logs, "--timeout", "1800s", "--split-on", "none")

    assert outcome.exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--split-from-null", "split_from_null says nothing without split_on"),
        ("--timeout none --boundary reaches", "--boundary says nothing without a timeout"),
        (
            "--not-before 2026-01-02 --not-after 2026-01-01",
            "--not-before 2026-01-02 is later than --not-after",
        ),
    ],
    ids=["split from null", "boundary", "bounds"],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    words: str, says: str, tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", tmp_path / "store", logs, *words.split())

    assert outcome.exit_code == 2
    assert says in outcome.stderr


def test_without_anything_to_do_it_is_wrong_usage(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "update", store)

    assert outcome.exit_code == 2
    assert "name an INPUT, or a file to --forget" in outcome.stderr


def test_a_daily_preset_without_zone_is_noticed_once(
    tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", tmp_path / "store", logs, "--preset", "mixpanel")

    assert outcome.exit_code == 0
    assert outcome.stderr.count("--timezone") == 1


def test_rejected_rows_are_exit_3_and_leave_the_store(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(logs / "2026-11-26.csv", f"{HEADER}ada,\n")

    outcome = call_here(capsys, "update", store, logs)

    assert outcome.exit_code == 3
    assert "1 of 1 input rows rejected: 1 missing_time" in outcome.stderr
    assert sz.SessionStore(store).status().table_version == 1


def test_allowed_rejected_rows_are_kept_and_written(
    store: Path, logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(logs / "2026-11-26.csv", f"{HEADER}ada,\n")
    options = ("--max-rejected", "1", "--rejects", tmp_path / "rejected.jsonl")

    outcome = call_here(capsys, "update", store, logs, *options)

    assert said(outcome)["rejected"].endswith(f"1 missing_time; kept in {tmp_path / 'rejected.jsonl'}")
    (row,) = (tmp_path / "rejected.jsonl").read_text().splitlines()
    assert json.loads(row)["reason"] == "missing_time"


def test_rejected_rows_of_every_night_can_be_had_from_the_store(
    store: Path, logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in (26, 27):
        put(logs / f"2026-11-{day}.csv", f"{HEADER}ada{day},\n")
        outcome = call_here(capsys, "update", store, logs, "--max-rejected", "1")
    assert "--rejects FILE' writes them" in said(outcome)["rejected"]

    call_here(capsys, "status", store, "--rejects", tmp_path / "all.jsonl")

    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["raw"] for row in rows] == ["ada26,", "ada27,"]


def test_the_metrics_file_is_written_also_where_nothing_was_to_do(
    store: Path, logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_here(capsys, "update", store, logs, "--metrics-file", tmp_path / "store.prom")

    values = gauges((tmp_path / "store.prom").read_text())
    assert values["sessions"] == 3
    newest = sz.SessionStore(store).status().commits[0]
    assert values["last_success_timestamp_seconds"] > newest.time.timestamp()


@pytest.mark.parametrize("option", ["--metrics-file", "--rejects"])
def test_a_place_that_cannot_be_written_is_refused_before_reading(
    tmp_path: Path, logs: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", tmp_path / "store", logs, option, tmp_path / "no" / "file")

    assert outcome.exit_code == 1
    assert "there is no folder" in outcome.stderr
    assert not (tmp_path / "store").exists()


def test_a_place_that_is_no_local_file_is_wrong_usage(
    tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "update", tmp_path / "store", logs, "--metrics-file", "s3://bucket/file")

    assert outcome.exit_code == 2


def test_a_store_that_another_process_writes_is_exit_4(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with locked(str(store), timedelta()):
        outcome = call("update", store, logs, "--lock-timeout", "0s", cwd=tmp_path)

    assert outcome.exit_code == 4
    assert "has been writing to it since" in outcome.stderr


def test_options_come_from_a_file_too(tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "store.toml").write_text('timeout = "10m"\nlock_timeout = "1m"\nforget = []\n')

    call_here(capsys, "update", tmp_path / "store", logs, "--config", tmp_path / "store.toml")

    assert sz.SessionStore(tmp_path / "store").status().rules.timeout == timedelta(minutes=10)


def test_a_summary_of_a_single_known_file_is_in_the_singular(tmp_path: Path, logs: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(logs / "2026-11-23.csv")

    summary = store.update(logs / "2026-11-23.csv")

    assert "nothing to do: the file is in already" in describe_update(summary, None)


def test_an_update_that_only_notes_a_move_writes_no_date(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (logs / "2026-11-24.csv").rename(logs / "archived.csv")

    outcome = call_here(capsys, "update", store, logs)

    assert said(outcome)["files"] == "1 moved, 2 in already"
    assert said(outcome)["dates"] == "none written"


# ---------------------------------------------------------------- backfill

PERIOD = ("--from", "2026-11-23", "--to", "2026-11-25")


def test_a_backfill_tells_of_each_step(tmp_path: Path, logs: Path) -> None:
    outcome = call("backfill", "store", "logs", *PERIOD, "--step", "2d", cwd=tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stderr.splitlines()[:3] == [
        "[1/2] 2026-11-23 to 2026-11-24: 2 new; sessions 2 added, 0 extended, 0 merged, 0 removed",
        "[2/2] 2026-11-25 to 2026-11-25: 1 new; sessions 1 added, 0 extended, 0 merged, 0 removed",
        "steps     2 of 2 done",
    ]


def test_a_backfill_run_again_has_nothing_to_do(
    store: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "backfill", store, logs, *PERIOD, "--json", "-q")

    (step,) = printed(outcome)["steps"]
    assert (step["from"], step["to"], step["files"]["same"]) == ("2026-11-23", "2026-11-25", 3)
    assert printed(outcome)["complete"]


def test_a_backfill_writes_metrics_and_rejected_rows(
    tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(logs / "2026-11-24.csv", f"{event('2026-11-24')}ada,\n")
    places = ("--rejects", tmp_path / "rejected.jsonl", "--metrics-file", tmp_path / "store.prom")

    outcome = call_here(capsys, "backfill", tmp_path / "store", logs, *PERIOD, "--max-rejected", "1", *places)

    assert "1 missing_time; kept in" in said(outcome)["rejected"]
    assert len((tmp_path / "rejected.jsonl").read_text().splitlines()) == 1
    assert gauges((tmp_path / "store.prom").read_text())["rejected_rows"] == 1


def test_a_period_may_hold_no_file_if_allowed(
    tmp_path: Path, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(
        capsys,
        *(
            "backfill",
            tmp_path / "store",
            logs,
            "--from",
            "2025-01-01",
            "--to",
            "2025-01-02",
            "--allow-empty",
        ),
        *("--metrics-file", tmp_path / "store.prom"),
    )

    assert outcome.exit_code == 0
    assert said(outcome)["steps"] == "0 of 0 done"
    assert not (tmp_path / "store.prom").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--from", "23.11.2026", "--to", "2026-11-24"),
            "Invalid value for '--from': '23.11.2026' is no date",
        ),
        ((*PERIOD, "--step", "7"), "Invalid value for '--step': duration '7' has no unit"),
        ((*PERIOD, "--date-pattern", "%d"), "Invalid value for '--date-pattern'"),
        (("--from", "2026-11-23"), "Missing option '--to'"),
    ],
    ids=["date", "step", "pattern", "no end"],
)
def test_wrong_usage_of_a_backfill_names_the_option(
    tmp_path: Path,
    logs: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcome = call_here(capsys, "backfill", tmp_path / "store", logs, *arguments)

    assert outcome.exit_code == 2
    assert message in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "2026-11-25", "--to", "2026-11-23"), "before it begins"),
        ((*PERIOD, "--step", "12h"), "write whole days"),
    ],
    ids=["wrong way round", "half a day"],
)
def test_a_period_or_step_without_sense_is_wrong_usage(
    tmp_path: Path,
    logs: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcome = call_here(capsys, "backfill", tmp_path / "store", logs, *arguments)

    assert outcome.exit_code == 2
    assert message in outcome.stderr


def test_a_backfill_without_input_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "backfill", tmp_path / "store", *PERIOD)

    assert outcome.exit_code == 2


@pytest.mark.parametrize(
    ("number", "exit_code", "message"),
    [(signal.SIGINT, 130, "Interrupted."), (signal.SIGTERM, 143, "Terminated.")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_lets_the_step_finish_and_the_next_run_goes_on(
    tmp_path: Path, number: int, exit_code: int, message: str
) -> None:
    for day in range(1, 31):
        put(tmp_path / "logs" / f"2026-11-{day:02}.csv", event(f"2026-11-{day:02}"))
    command = ["backfill", "store", "logs", "--from", "2026-11-01", "--to", "2026-11-30", "--step", "1d"]
    with subprocess.Popen(
        [*PROGRAM, *command], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(number)
        rest = process.stderr.read()

    assert first.startswith("[1/30] ")
    assert process.returncode == exit_code
    assert "Stopping after this step; once more to stop at once." in rest
    assert rest.splitlines()[-1] == message
    assert "of 30 done; run it again to go on" in rest
    store = sz.SessionStore(tmp_path / "store")
    assert 0 < store.status().files < 30
    assert store.verify().agrees
    call(*command, cwd=tmp_path)
    assert store.status().files == 30


# ---------------------------------------------------------------- status, verify, changes, compact


def test_status_shows_the_store(store: Path, tmp_path: Path) -> None:
    outcome = call("status", "store", cwd=tmp_path)

    lines = [line.rstrip() for line in outcome.stdout.splitlines()]
    assert outcome.exit_code == 0
    assert outcome.stderr == ""
    assert lines[:4] == [
        "store        store, version 1",
        "rules        the defaults",
        "files        3",
        "events       3 of 3 input rows",
    ]
    assert lines[4].startswith("sessions     3 on 3 dates, ")
    assert lines[5:7] == [
        "open         1 session, the longest since 2026-11-25 09:00:00 UTC",
        "first event  2026-11-23 09:00:00 UTC",
    ]
    assert lines[9].split() == ["version", "committed", "files", "sessions"]
    assert lines[10].endswith("3 new  3 added")


def test_status_shows_what_is_not_the_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = put(tmp_path / "log.csv", f"{HEADER}ada,2026-11-23T09:00:00Z\nada,2026-11-23T09:00:00Z\nada,\n")
    options = ("--timezone", "Europe/Paris", "--type", "user_id=text", "--dedupe", "user_id")
    call_here(capsys, "update", tmp_path / "store", log, *options, "--max-rejected", "1")

    outcome = call_here(capsys, "status", tmp_path / "store", "--as-of", "2026-11-24")

    shown = {line[:13].strip(): line[13:].rstrip() for line in outcome.stdout.splitlines()}
    assert shown["rules"] == "--timezone Europe/Paris --dedupe user_id --type user_id=text"
    assert shown["rejected"] == "1: 1 missing_time"
    assert shown["dedupe"] == "1 deduplicated"
    assert shown["open"] == "none"


@pytest.mark.parametrize(
    ("hours", "shown"),
    [(0.5, ", 30 min ago"), (47.2, ", 1 d 23 h ago"), (50, ", 2 d 2 h ago"), (-1, "")],
    ids=["minutes", "hours", "days", "in the future"],
)
def test_status_says_how_far_the_watermark_is_behind(hours: float, shown: str) -> None:
    from sessionize.cli.status_report import behind

    assert behind(timedelta(hours=hours)) == shown


def test_status_as_json_and_metrics(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "status", store, "--json", "--metrics-file", tmp_path / "store.prom")

    assert printed(outcome)["sessions"] == 3
    assert printed(outcome)["watermark"] == "2026-11-25T09:00:00.000000Z"
    assert gauges((tmp_path / "store.prom").read_text())["sessions"] == 3


def test_a_quiet_status_prints_nothing(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_here(capsys, "status", store, "--quiet") == Outcome(0, "", "")


def test_a_store_that_agrees_is_exit_0(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "verify", store)

    assert outcome.exit_code == 0
    assert said(outcome)["verified"] == "no difference in 3 sessions, version 1"


def test_a_store_that_differs_is_exit_5(
    store: Path, logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (logs / "2026-11-23.csv").unlink()
    put(logs / "2026-11-24.csv", event("2026-11-24", who="bob"))

    outcome = call_here(capsys, "verify", store)

    assert outcome.exit_code == 5
    lines = said(outcome)
    assert (lines["gone"], lines["changed"]) == ("1 file", "1 file")
    assert lines["unchecked"] == "2 sessions near files that are gone or changed"
    assert str(logs / "2026-11-23.csv") in outcome.stderr


def test_more_missing_files_than_fit_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in range(1, 13):
        put(tmp_path / "logs" / f"2026-11-{day:02}.csv", event(f"2026-11-{day:02}"))
    sz.SessionStore(tmp_path / "store").update(tmp_path / "logs")
    for file in (tmp_path / "logs").iterdir():
        file.unlink()

    assert "… and 2 more" in call_here(capsys, "verify", tmp_path / "store").stderr


def test_differing_sessions_are_shown(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in store.glob("session_date=2026-11-23/*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).slice(0, 0), file)

    outcome = call_here(capsys, "verify", store, "--quiet")

    assert outcome.exit_code == 5
    assert said(outcome)["verified"] == "1 difference in 2 sessions, version 1"
    assert said(outcome)["missing"] == "1 session"
    assert "ada:1795424400000000" in outcome.stderr


def test_a_sample_as_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "verify", store, "--sample", "50%", "--json")

    assert printed(outcome)["sample"] == 0.5
    assert printed(outcome)["agrees"]


def test_a_sample_is_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert " of 50.00% of the identities," in call_here(capsys, "verify", store, "--sample", "50%").stderr


def test_what_is_no_sample_is_wrong_usage(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "verify", store, "--sample", "1")

    assert outcome.exit_code == 2
    assert "Invalid value for '--sample': sample '1'" in outcome.stderr


def test_changes_go_to_stdout(store: Path, logs: Path, tmp_path: Path) -> None:
    sz.SessionStore(store).update(put(logs / "late.csv", event("2026-11-23", "09:10")))

    outcome = call("changes", "store", "--since", "1", cwd=tmp_path)

    header, row = outcome.stdout.splitlines()
    assert header.startswith("change,session_id,user_id,start_time,end_time,")
    assert row.startswith("changed,ada:1795424400000000,ada,")
    assert said(outcome) == {
        "sessions": "0 added, 1 changed, 0 removed",
        "version": "2; the next time: --since 2",
    }


def test_changes_go_to_a_file_and_the_numbers_to_stdout(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = call_here(capsys, "changes", store, "--since", "0", "-o", tmp_path / "c.parquet", "--json")

    assert printed(outcome) == {
        "store": str(store),
        "since": 0,
        "version": 1,
        "added": 3,
        "changed": 0,
        "removed": 0,
    }
    assert pq.read_table(tmp_path / "c.parquet").num_rows == 3


def test_changes_and_numbers_cannot_both_go_to_stdout(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call_here(capsys, "changes", store, "--since", "0", "--json").exit_code == 2


def test_changes_since_a_version_that_never_was_are_exit_5(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call_here(capsys, "changes", store, "--since", "7").exit_code == 5


def test_compact_says_what_went(store: Path, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sz.SessionStore(store).update(put(logs / "late.csv", event("2026-11-23", "09:10")))

    would = call_here(capsys, "compact", store, "--keep", "0s", "--dry-run")
    does = call_here(capsys, "compact", store, "--keep", "0s", "--json")
    again = call_here(capsys, "compact", store, "--keep", "0s")

    assert said(would)["would go"].startswith("2 files, ")
    assert [path.split("/")[0] for path in printed(does)["removed"]] == [
        "_sessionize",
        "session_date=2026-11-23",
    ]
    assert said(again)["removed"].startswith("0 files, ")


def test_compact_makes_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, "compact", tmp_path / "nothing")

    assert outcome.exit_code == 5
    assert list(tmp_path.iterdir()) == []


def lose_a_raw_file(store: Path, logs: Path) -> None:
    (logs / "2026-11-23.csv").unlink()


def damage_the_data_files(store: Path, logs: Path) -> None:
    for path in store.rglob("part-*.parquet"):
        path.write_bytes(b"PAR1")


def damage_the_log(store: Path, logs: Path) -> None:
    put(logs / "another.csv", event("2026-11-23", "08:50"))
    sz.SessionStore(store).update(logs)
    (store / "_delta_log" / f"{1:020}.json").write_text("{")


def put_something_else_there(store: Path, logs: Path) -> None:
    store.rename(store.with_name("away"))
    put(store / "notes.txt")


@pytest.mark.parametrize(
    ("happens", "message"),
    [
        (lose_a_raw_file, r"must read the file again, and it is gone\. Bring it back"),
        (damage_the_data_files, r"a data file of the store cannot be read"),
        (damage_the_log, r"the log of its table cannot be read"),
        (put_something_else_there, r"holds other files \(notes\.txt\)"),
    ],
)
def test_a_store_that_is_not_what_an_update_needs_is_exit_code_5(
    tmp_path: Path,
    logs: Path,
    happens: Callable[[Path, Path], None],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_here(capsys, "update", tmp_path / "store", logs, "--max-events", "2")
    happens(tmp_path / "store", logs)
    put(logs / "late.csv", event("2026-11-23", "08:55"))

    outcome = call_here(capsys, "update", tmp_path / "store", logs)

    assert outcome.exit_code == 5
    assert re.search(message, outcome.stderr)


@pytest.mark.parametrize("command", ["update", "backfill", "status", "verify", "changes", "compact"])
def test_every_command_has_an_example_in_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call_here(capsys, command, "--help")

    assert outcome.exit_code == 0
    assert f"  sessionize {command} sessions/" in outcome.stdout
