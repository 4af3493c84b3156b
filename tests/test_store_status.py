"""What a store says of itself: its numbers, what is open, its rejected rows, its metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sessionize as sz
from sessionize.errors import StoreError, StoreMismatchError
from sessionize.store.metrics import metrics, write_metrics
from tests.command_line import ROOT
from tests.nights import Nights
from tests.small_logs import at

SAMPLE = ROOT / "sample_data" / "daily"
HEADER = "user_id,timestamp\n"


def gauges(text: str) -> dict[str, float]:
    """The values of a metrics file, by name."""
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.split(" ")
            values[name.partition("{")[0].removeprefix("sessionize_store_")] = float(value)
    return values


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"boundary": "reaches", "split_daily": True, "timezone": "Europe/Paris"},
        {"timeout": None, "max_events": 20},
        {"split_on": "platform", "split_after": ["event=purchase"]},
        {"dedupe": "event"},
    ],
    ids=["silence", "days", "events", "markers", "dedupe"],
)
def test_the_numbers_are_those_of_one_run(tmp_path: Path, rules: dict[str, Any]) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(SAMPLE, exclude=["event=heartbeat"], **rules)

    status = store.status()

    run = sz.run(SAMPLE, tmp_path / "run.parquet", exclude=["event=heartbeat"], **rules)
    assert status.tally == run.tally
    assert (status.sessions, status.open_sessions) == (run.sessions, run.open_sessions)
    assert (status.first_event, status.watermark) == (run.first_event, run.last_event)
    assert status.files == 7


def test_only_what_an_event_could_still_join_is_open(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00", "09:10", "09:40", "11:00", who=["A", "B", "B", "A"]))

    assert nights.store.status().open_since == at("11:00")
    assert nights.store.status(as_of="2026-01-01T10:00:00Z").open_since == at("09:10")
    assert nights.store.status(as_of="2026-01-02").open_sessions == 0
    assert nights.store.status(as_of="2026-01-02").open_since is None


def test_commits_are_told_newest_first_with_what_they_did(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(day := nights.write("day", "09:00"))
    nights.update(nights.write("late", "09:10"), forget=day)

    newest, first, creation = nights.store.status().as_dict()["commits"]

    assert (newest["version"], first["version"], creation["version"]) == (2, 1, 0)
    assert newest["update"]["files"]["forgotten"] == [str(day)]
    assert newest["update"]["table_version"] == 2
    assert creation["update"] is None


def test_freshness_is_what_the_watermark_is_behind_the_clock(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00"))

    status = nights.store.status()

    assert status.freshness == status.now - at("09:00")
    assert abs(datetime.now(UTC) - status.now) < timedelta(minutes=1)


def test_a_store_without_events_has_no_watermark(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.csv"
    quiet.write_text(HEADER)
    store = sz.SessionStore(tmp_path / "store")
    store.update(quiet)

    status = store.status()

    assert (status.files, status.sessions, status.open_sessions) == (1, 0, 0)
    assert status.as_dict()["watermark"] is status.as_dict()["freshness_seconds"] is None
    assert "watermark" not in metrics(status)


def test_where_there_is_no_store_there_is_no_status(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing: no sessions store\. `sessionize update` makes one\."):
        sz.SessionStore(tmp_path / "nothing").status()


# ---------------------------------------------------------------- rejected rows


@pytest.fixture
def with_rejects(tmp_path: Path) -> sz.SessionStore:
    """A store of two files, each with one row that is none of an event."""
    store = sz.SessionStore(tmp_path / "store")
    for name, row in (("a", ",2026-01-01T09:00:00Z"), ("b", "ada,yesterday")):
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}ada,2026-01-01T09:00:0{ord(name) % 10}Z\n{row}\n")
        store.update(tmp_path / f"{name}.csv", max_rejected=1)
    return store


def test_rejected_rows_of_every_update_are_kept(with_rejects: sz.SessionStore, tmp_path: Path) -> None:
    assert with_rejects.rejected().to_pylist() == [
        {
            "file": str(tmp_path / "a.csv"),
            "record": 2,
            "reason": "missing_identity",
            "raw": ",2026-01-01T09:00:00Z",
        },
        {"file": str(tmp_path / "b.csv"), "record": 2, "reason": "unparseable_time", "raw": "ada,yesterday"},
    ]


def test_rejected_rows_go_with_their_file(with_rejects: sz.SessionStore, tmp_path: Path) -> None:
    with_rejects.update(forget=tmp_path / "a.csv")

    assert with_rejects.rejected()["reason"].to_pylist() == ["unparseable_time"]


def test_rejected_rows_move_with_their_file(with_rejects: sz.SessionStore, tmp_path: Path) -> None:
    moved = (tmp_path / "a.csv").rename(tmp_path / "archived.csv")
    with_rejects.update(moved)

    assert with_rejects.rejected()["file"].to_pylist() == [str(moved), str(tmp_path / "b.csv")]


def test_two_files_of_one_update_keep_their_own_rejected_rows(tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    for name, rows in (("a", 1), ("b", 2), ("c", 0)):
        (tmp_path / f"{name}.csv").write_text(HEADER + f"{name},2026-01-01T09:00:00Z\n" + f"{name},\n" * rows)

    store.update(tmp_path, max_rejected=3, include=["user_id=a", "user_id=b", "user_id=c"])

    assert [Path(file).name for file in store.rejected()["file"].to_pylist()] == ["a.csv", "b.csv", "b.csv"]


def test_damaged_rejected_rows_are_a_mismatch(with_rejects: sz.SessionStore) -> None:
    for file in Path(with_rejects.location, "_sessionize/rejected").iterdir():
        file.write_bytes(b"PAR1")

    with pytest.raises(StoreMismatchError, match=r"rejected rows of .*a\.csv cannot be read"):
        with_rejects.rejected()


# ---------------------------------------------------------------- metrics


def test_metrics_say_the_numbers_of_the_status(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    summary = nights.update(nights.write("day", "09:00", "11:00"))
    status = nights.store.status()

    values = gauges(metrics(status))

    assert values["watermark_timestamp_seconds"] == at("11:00").timestamp()
    assert values["last_success_timestamp_seconds"] == status.commits[0].time.timestamp()
    assert (values["files"], values["events"], values["sessions"], values["open_sessions"]) == (1, 2, 2, 1)
    assert (values["table_version"], values["rejected_rows"]) == (1, 0)
    assert 0 < values["last_duration_seconds"] <= summary.seconds


def test_an_update_that_changed_nothing_still_succeeded(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00"))

    values = gauges(metrics(nights.store.status(), success=at("10:00"), seconds=2.5))

    assert values["last_success_timestamp_seconds"] == at("10:00").timestamp()
    assert values["last_duration_seconds"] == 2.5


def test_every_metric_has_its_help_and_type(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00"))

    lines = metrics(nights.store.status()).splitlines()

    for helps, types, value in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        name = value.partition("{")[0]
        assert helps.startswith(f"# HELP {name} ")
        assert types == f"# TYPE {name} gauge"


def test_a_quote_in_the_name_of_the_store_is_escaped(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.store = sz.SessionStore(tmp_path / 'a "good" one')
    nights.update(nights.write("day", "09:00"))

    assert r'a \"good\" one"} 1' in metrics(nights.store.status())


def test_a_metrics_file_is_replaced_whole(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00"))
    place = tmp_path / "store.prom"
    place.write_text("old")

    write_metrics(place, nights.store.status())

    assert gauges(place.read_text())["sessions"] == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
