"""The benchmarks: their logs, how answers are compared, and that a row runs to its end."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from benchmarks import traffic
from benchmarks.contenders import sessionize
from benchmarks.contest import contest
from benchmarks.cost import BenchmarkError, Cost, environment
from benchmarks.digest import digest
from benchmarks.goals import Goal
from benchmarks.logs import VERSION, log_path
from benchmarks.rows import Row
from benchmarks.traffic import Events

ROWS = 4_000
VISITS = 30 * 24 * 6
COSTS = {"sessionize": Cost(2, 4, 100e6), "duckdb": Cost(10, 10, 1e9), "polars": Cost(8, 16, 2e9)}


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (traffic.ordered, ROWS),
        (traffic.long, ROWS),
        (traffic.giant, ROWS),
        (traffic.bot, ROWS + VISITS),
    ],
    ids=["ordered", "long", "giant", "bot"],
)
def test_a_log_made_day_by_day_is_in_time_order(made: Callable[[int], Iterator[Events]], count: int) -> None:
    events = Events.joined(made(ROWS))

    assert (len(events), bool((np.diff(events.time_us) >= 0).all())) == (count, True)


def test_the_same_arguments_give_the_same_events() -> None:
    first, second = (Events.joined(traffic.shuffled(ROWS)) for _ in range(2))

    assert first.time_us.tolist() == second.time_us.tolist()
    assert first.user.tolist() == second.user.tolist()


def test_shuffled_rows_are_the_first_of_the_ordered_log() -> None:
    shuffled = Events.joined(traffic.shuffled(ROWS))

    ordered = Events.joined(traffic.ordered(ROWS * 5 // 2))[:ROWS]
    assert shuffled.by_time().time_us.tolist() == ordered.time_us.tolist()
    assert shuffled.time_us.tolist() != ordered.time_us.tolist()


def test_one_user_of_the_giant_log_has_a_third_of_it() -> None:
    user = Events.joined(traffic.giant(ROWS)).user

    assert np.bincount(user).max() / ROWS == pytest.approx(0.3, abs=0.05)


def test_the_long_log_has_the_users_of_a_quarter_of_its_rows() -> None:
    long, short = (Events.joined(made) for made in (traffic.long(4 * ROWS), traffic.ordered(ROWS)))

    assert set(long.user) >= set(short.user)
    assert long.user.max() < ROWS // traffic.EVENTS_PER_USER


@pytest.mark.parametrize("rows", [1, 7, ROWS, 2 * ROWS], ids=["one", "seven", "all", "more than all"])
def test_pieces_have_the_rows_asked_for(rows: int) -> None:
    pieces = list(traffic.pieces(traffic.ordered(ROWS), rows))

    assert {len(piece) for piece in pieces[:-1]} <= {rows}
    assert Events.joined(pieces).time_us.tolist() == Events.joined(traffic.ordered(ROWS)).time_us.tolist()


PARQUET_KINDS = ("ordered", "long", "shuffled", "giant", "devices", "daily", "tiny", "narrow", "wide")


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        *((kind, pq.read_table) for kind in PARQUET_KINDS),
        ("csv", pyarrow.csv.read_csv),
        ("jsonl", pyarrow.json.read_json),
    ],
)
def test_a_log_holds_the_rows_asked_for(kind: str, read: Callable[[Path], pa.Table], tmp_path: Path) -> None:
    assert len(read(log_path(kind, 200, tmp_path))) == 200


@pytest.mark.parametrize(("kind", "groups"), [("narrow", 20), ("wide", 1)])
def test_row_groups_are_as_narrow_or_wide_as_the_log_says(kind: str, groups: int, tmp_path: Path) -> None:
    assert pq.ParquetFile(log_path(kind, 200, tmp_path)).num_row_groups == groups


def _sessions(**columns: list[object]) -> pa.Table:
    start = pa.array([1_000, 2_000], pa.timestamp("us", "UTC"))
    plain = {"user_id": ["A", "B"], "start_time": start, "end_time": start, "event_count": [1, 2]}
    return pa.table(plain | columns)


def test_a_digest_does_not_depend_on_the_order_of_rows() -> None:
    assert digest(_sessions()) == digest(_sessions().take([1, 0]))


@pytest.mark.parametrize(
    "columns",
    [{"user_id": ["B", "A"]}, {"event_count": [2, 1]}, {"landing": ["/", "/"]}],
    ids=["users", "counts", "an aggregate"],
)
def test_a_digest_differs_where_values_stand_in_other_sessions(columns: dict[str, list[object]]) -> None:
    assert digest(_sessions()) != digest(_sessions(**columns))


@pytest.mark.parametrize(
    ("goal", "figure"),
    [
        (Goal("wall", 1 / 5), 0.25),
        (Goal("cpu", 1 / 5), 0.4),
        (Goal("memory", 700e6, ()), 100e6),
        (Goal("cpu", 1.15, ("polars",), "duckdb", times=4), 0.15625),
    ],
    ids=["faster of two", "cheaper of two", "bytes", "per event"],
)
def test_a_goal_is_held_against_the_lowest_of_the_others(goal: Goal, figure: float) -> None:
    assert goal.reached(COSTS) == pytest.approx(figure)


@pytest.mark.parametrize(
    "goal",
    [Goal("wall", 1, ("floor",)), Goal("wall", 1, ("duckdb",), "nobody")],
    ids=["against", "contender"],
)
def test_a_goal_without_its_contenders_has_no_figure(goal: Goal) -> None:
    assert goal.reached(COSTS) is None


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (Goal("wall", 1 / 5, ("duckdb", "polars")), "wall ≤ 0.20 × the lowest of duckdb, polars"),
        (Goal("memory", 700e6, ()), "peak memory ≤ 700 MB"),
        (Goal("wall", 0.3, (), "help"), "help: wall ≤ 0.30 s"),
        (Goal("cpu", 1.15, ("short",), "long", times=4), "long: CPU per event ≤ 1.15 × short"),
    ],
    ids=["ratio", "bytes", "seconds", "per event"],
)
def test_a_goal_says_itself_in_words(goal: Goal, words: str) -> None:
    assert str(goal) == words


def test_contenders_that_find_other_sessions_fail_the_row(tmp_path: Path) -> None:
    other = sessionize("--timeout", "1m", name="other")
    row = Row("odd", "a log", "ordered", 200, (sessionize(), other))

    with pytest.raises(BenchmarkError, match="not the same sessions"):
        contest(row, 1, tmp_path)


def test_a_contender_that_fails_fails_the_row(tmp_path: Path) -> None:
    row = Row("odd", "a log", "ordered", 200, (sessionize("--by", "nobody"),))

    with pytest.raises(BenchmarkError, match="exit 3: python -m sessionize run"):
        contest(row, 1, tmp_path)


def _printed(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(
        command, env=environment(), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def test_a_row_prints_its_contenders_and_its_goals(tmp_path: Path) -> None:
    printed = _printed(
        *("benchmarks.run", "everyone", "ordered", "--rows", "2000", "--rounds", "1", "--folder", tmp_path),
        *("--contenders", "pandas", "floor"),
    )

    contenders, goals = printed.split("**Goals**")
    assert re.findall(r"^\| (\w+) \|", contenders, re.MULTILINE) == [
        *("sessionize", "pandas", "floor"),
        *("sessionize", "floor"),
    ]
    assert re.findall(r"wall ≤ 1\.50 × floor \| [0-9.]+ × \| (?:yes|no) \|", goals) != []


def test_a_failed_row_fails_the_command_after_the_others(tmp_path: Path) -> None:
    (tmp_path / f"csv-200-v{VERSION}.csv").write_text("user_id\n")

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "csv", "ordered", "--rows", "200", "--rounds", "1",
         "--contenders", "floor", "--folder", tmp_path],
        env=environment(), check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "csv: exit 3: python -m sessionize run" in ended.stderr
    assert "| sessionize | " in ended.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_profile_names_modules_and_functions(tmp_path: Path) -> None:
    printed = _printed("benchmarks.profile", "ordered", "--rows", "50000", "--folder", tmp_path)

    _, modules, functions = printed.split("| where | CPU | share |")
    assert re.findall(r"^\| [a-z_/]+\.py \|", modules, re.MULTILINE) != []
    assert re.findall(r"^\| [a-z_/]+\.py [\w.<>]+ \|", functions, re.MULTILINE) != []
