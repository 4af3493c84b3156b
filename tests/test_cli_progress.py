"""What a command shows on a terminal while it works, and where it shows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import sessionize as sz
from tests.command_line import call
from tests.terminal import call_watched

LOG = "user_id,timestamp\nada,2026-11-23T09:00:00Z\nbob,2026-11-24T09:00:00Z\n"

READ = {
    "run": "run logs -o out.csv",
    "run of Parquet": "run log.parquet -o out.csv",
    "label": "label logs -o out.csv",
    "gaps": "gaps logs",
    "explain": "explain logs --id ada",
    "update": "update new logs",
    "backfill": "backfill history logs --from 2026-11-23 --to 2026-11-24",
    "verify": "verify store",
    "report": "report store -o out.html",
}
"""Commands of which one knows how much they read."""

LOOK = {
    "user": "user store ada",
    "changes": "changes store --since 0 -o out.csv",
    "compact": "compact store",
    "standard input": "run - -o out.csv --allow-empty",
}
"""Commands of which nobody knows."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "logs").mkdir()
    (folder / "logs" / "2026-11-23.csv").write_text(LOG)
    sz.label_files(folder / "logs", folder / "log.parquet", prefix="own_")
    sz.SessionStore(folder / "store").update([folder / "logs"])
    return folder


@pytest.mark.parametrize("words", READ.values(), ids=READ)
def test_a_terminal_shows_share_rows_rate_time_and_memory(words: str, shop: Path) -> None:
    outcome = call_watched(*words.split(), cwd=shop)

    assert outcome.exit_code == 0, outcome.stdout
    last = [line for line in outcome.stdout.splitlines() if " MB" in line and "% " in line][-1]
    assert "100% 2 rows, " in last
    assert "/s finishing " in last


@pytest.mark.parametrize("words", LOOK.values(), ids=LOOK)
def test_where_nobody_knows_how_much_there_is_the_time_passes(words: str, shop: Path) -> None:
    outcome = call_watched(*words.split(), cwd=shop, stdin="")

    assert outcome.exit_code == 0, outcome.stdout
    assert "s so far " in outcome.stdout
    assert "%" not in outcome.stdout.partition("s so far ")[0]


def test_steps_tell_how_much_of_a_backfill_is_done_and_remains(tmp_path: Path) -> None:
    for day in range(1, 5):
        (tmp_path / f"2026-11-0{day}.csv").write_text(LOG)
    words = "--from 2026-11-01 --to 2026-11-04 --step 1d --allow-same-content"

    outcome = call_watched("backfill", "store", ".", *words.split(), cwd=tmp_path)

    lines = outcome.stdout.replace("\r", "\n").splitlines()
    assert "[2/4] 2026-11-02 to 2026-11-02: 1 new; sessions 0 added, 2 extended, 0 merged, 0 removed" in lines
    shown = next(line for line in lines if "1 of 4 steps" in line)
    assert " 25% " in shown
    assert " left " in shown


def test_the_line_is_one_line_on_a_plain_terminal(shop: Path) -> None:
    outcome = call_watched("run", "logs", "-o", "out.csv", cwd=shop, columns=60)

    assert all(
        len(line) <= 60 for part in outcome.stdout.split("\r") for line in part.splitlines() if " MB" in line
    )


@pytest.mark.parametrize("words", [*READ.values(), *LOOK.values()], ids=[*READ, *LOOK])
def test_quiet_shows_none(words: str, shop: Path) -> None:
    outcome = call_watched(*words.split(), "--quiet", cwd=shop, stdin="")

    assert outcome.exit_code == 0
    assert " MB" not in outcome.stdout


def test_no_terminal_shows_none(shop: Path) -> None:
    outcome = call("run", "logs", "-o", "out.csv", cwd=shop)

    assert [line.split()[0] for line in outcome.stderr.splitlines()] == [
        *("sessions", "events", "took", "output", "look")
    ]
