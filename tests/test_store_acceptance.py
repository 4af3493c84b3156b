"""Updates of a store that are easy to get wrong, each with its rows spelt out."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sessionize as sz
from sessionize.store import contribution
from sessionize.store.intake import Intake
from tests.nights import Nights, PartitionsRead, spans
from tests.small_logs import column

# ---------------------------------------------------------------- sequential rules


def test_a_late_event_pushes_later_ones_over_the_limit_of_events(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(nights.write("day", "09:01", "09:03", "09:05", "09:07"))

    nights.update(nights.write("late", "09:02"))

    assert spans(nights.rows()) == ["09:01–09:02", "09:03–09:05", "09:07"]


def test_a_forgotten_start_marker_joins_what_it_parted(tmp_path: Path) -> None:
    nights = Nights(tmp_path, split_before=["event=open"])
    day = nights.write("day", "09:01", "09:09", event=["view", "view"])
    nights.update(day, marker := nights.write("marker", "09:05", event=["open"]))
    assert spans(nights.rows()) == ["09:01", "09:05–09:09"]

    nights.update(forget=marker)

    assert spans(nights.rows()) == ["09:01–09:09"]


def test_without_the_event_before_midnight_the_next_day_starts_by_inactivity(tmp_path: Path) -> None:
    nights = Nights(tmp_path, timeout="30m", split_daily=True)
    evening = nights.write("a", "2026-01-01 23:35", "2026-01-02 00:06")
    nights.update(evening, last := nights.write("b", "2026-01-01 23:59"))
    assert column("start_reason", nights.rows()) == ["inactivity", "calendar"]

    nights.update(forget=last)

    assert spans(nights.rows()) == ["23:35", "01-02 00:06"]
    assert column("start_reason", nights.rows()) == ["inactivity", "inactivity"]


def test_a_tie_at_the_stored_end_that_sorts_before_it_changes_the_split(tmp_path: Path) -> None:
    nights = Nights(tmp_path, split_on=["account"])
    nights.update(nights.write("day", "09:00", "09:05", account=["ada", "cy"]))

    nights.update(nights.write("tie", "09:05", account=["bob"]))

    assert column("account", nights.rows()) == ["ada", "bob", "cy"]
    assert column("session_id", nights.rows())[2].endswith(".2")


def test_of_two_sessions_that_share_a_microsecond_the_second_can_be_disturbed(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(nights.write("day", "09:00", "09:05", "09:05", "09:20"))
    assert spans(nights.rows()) == ["09:00–09:05", "09:05–09:20"]

    nights.update(nights.write("late", "09:10"))

    assert spans(nights.rows()) == ["09:00–09:05", "09:05–09:10", "09:20"]


def test_what_follows_a_stored_end_marker_opens_a_session(tmp_path: Path) -> None:
    nights = Nights(tmp_path, split_after=["event=close"])
    nights.update(nights.write("day", "09:00", "09:05", event=["view", "close"]))

    nights.update(nights.write("next", "09:06", event=["view"]))

    assert spans(nights.rows()) == ["09:00–09:05", "09:06"]
    assert column("start_reason", nights.rows()) == ["inactivity", "marker"]


def test_a_repeated_delivery_revives_when_its_keeper_is_forgotten(tmp_path: Path) -> None:
    nights = Nights(tmp_path, dedupe="delivery", agg={"page": "first:page"})
    first = nights.write("first", "09:00", delivery=[1], page=["/a"])
    nights.update(first, nights.write("again", "09:00", "09:10", delivery=[1, 2], page=["/b", "/c"]))
    assert column("event_count", nights.rows()) == [2]

    nights.update(forget=first)

    assert column("event_count", nights.rows()) == [2]
    assert column("page", nights.rows()) == ["/b"]


def test_forgetting_a_repeated_delivery_leaves_its_keeper(tmp_path: Path) -> None:
    nights = Nights(tmp_path, dedupe="delivery")
    again = nights.write("again", "09:00", delivery=[1], other=[1])
    nights.update(nights.write("first", "09:00", "09:10", delivery=[1, 2]), again)

    nights.update(forget=again)

    assert column("event_count", nights.rows()) == [2]


def test_a_file_that_a_rebuild_needs_and_that_is_gone_is_named(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(day := nights.write("day", "09:01", "09:03"))
    before = nights.store.sessions()
    day.unlink()

    with pytest.raises(sz.StoreError, match=r"day\.parquet: this update must read the file again, .* gone"):
        nights.update(nights.write("late", "09:02"))

    assert nights.store.sessions().equals(before)


def test_a_file_that_is_gone_and_has_nothing_of_what_is_rebuilt_is_not_needed(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    of_others = nights.write("others", "09:00", "09:10", who=["B", "B"])
    nights.update(nights.write("day", "09:01", "09:03"), of_others)
    content = of_others.read_bytes()
    of_others.unlink()

    nights.update(nights.write("late", "09:02"))

    of_others.write_bytes(content)
    assert spans(nights.rows()) == ["09:01–09:02", "09:03", "09:00–09:10"]


def test_a_rebuild_ends_where_a_stored_session_is_found_again(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_duration="10m")
    first = nights.write("first", "09:00", "09:05", "09:10", "09:15")
    nights.update(first, later := nights.write("later", "09:20", "09:25", "09:30"))
    away = later.rename(tmp_path / "away")

    done = nights.update(nights.write("late", "09:03"))

    away.rename(later)
    assert spans(nights.rows()) == ["09:00–09:05", "09:10–09:15", "09:20–09:25", "09:30"]
    assert (done.sessions.extended, done.sessions.added) == (1, 0)


def test_a_rebuild_goes_on_for_as_long_as_sessions_are_others(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2, split_before=["event=open"])
    minutes = [f"09:{minute:02}" for minute in range(19)]
    opens = ["open" if minute == "09:11" else "view" for minute in minutes]
    day = nights.write("day", *minutes[:17], event=opens[:17])
    nights.update(day, later := nights.write("later", *minutes[17:], event=opens[17:]))
    away = later.rename(tmp_path / "away")

    nights.update(nights.write("late", "09:00:30", event=["view"]))

    away.rename(later)
    assert spans(nights.rows())[4:7] == ["09:07–09:08", "09:09–09:10", "09:11–09:12"]


def test_a_later_session_leaves_the_one_before_it_alone(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(nights.write("day", "09:00", "09:01"))

    done = nights.update(nights.write("later", "09:02"))

    assert (done.sessions.extended, done.sessions.added) == (0, 1)


def test_later_events_continue_a_session_whose_file_is_gone(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(day := nights.write("day", "09:01", "09:02", "09:03"))
    day.unlink()

    nights.update(nights.write("next", "09:04", "09:05"))

    assert spans(nights.store.sessions().to_pylist()) == ["09:01–09:02", "09:03–09:04", "09:05"]


def test_a_file_that_was_renamed_is_read_again_under_its_new_name(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(day := nights.write("day", "09:01", "09:03"))
    moved = day.rename(day.with_name("archived.parquet"))

    summary = nights.update(moved, nights.write("late", "09:02"))

    assert list(summary.moved) == [str(moved)]
    assert spans(nights.rows()) == ["09:01–09:02", "09:03"]


# ---------------------------------------------------------------- files that change, move, go


def test_a_file_that_changed_unnamed_joins_the_update_that_must_read_it(tmp_path: Path) -> None:
    nights = Nights(tmp_path, max_events=2)
    nights.update(nights.write("day", "09:01", "09:03"))
    changed = nights.write("day", "09:01", "09:03", "09:04")

    summary = nights.update(nights.write("late", "09:02"))

    assert list(summary.changed) == [str(changed)]
    assert spans(nights.rows()) == ["09:01–09:02", "09:03–09:04"]


def test_a_file_in_hive_folders_that_changed_unnamed_keeps_their_columns(tmp_path: Path) -> None:
    nights = Nights(tmp_path, by=["user_id", "site"], max_events=2)
    folder = nights.raw / "site=shop"
    folder.mkdir()
    nights.update(nights.write("site=shop/day", "09:01", "09:03").parent.parent)
    nights.write("site=shop/day", "09:01", "09:03", "09:04")

    nights.update(nights.write("late", "09:02", site=["shop"]))

    assert column("site", nights.store.sessions().to_pylist()) == ["shop", "shop"]
    assert spans(nights.store.sessions().to_pylist()) == ["09:01–09:02", "09:03–09:04"]


def test_a_file_that_changed_unnamed_stays_as_it_was_where_nobody_reads_it(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:01", "09:03"))
    nights.write("day", "11:00")

    nights.update(nights.write("late", "09:02"))

    assert column("event_count", nights.store.sessions().to_pylist()) == [3]


def test_a_file_delivered_again_empty_takes_its_events_out(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"), nights.write("b", "09:10"))

    summary = nights.update(nights.write("a"))

    assert len(summary.changed) == 1
    assert spans(nights.rows()) == ["09:10"]


def test_a_file_delivered_again_with_no_bytes_takes_its_events_out(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(empty := nights.write("a", "09:00"), nights.write("b", "09:10"))
    empty.write_bytes(b"")

    summary = nights.update(nights.raw, allow_empty=True)

    assert list(summary.forgotten) == [str(empty)]
    assert spans(nights.rows()) == ["09:10"]
    assert nights.update(nights.raw, allow_empty=True).changed_nothing


def test_the_last_events_can_go(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(only := nights.write("only", "09:00"))

    summary = nights.update(forget=only)

    assert summary.sessions.removed == 1
    assert len(nights.store.sessions()) == 0


def test_a_forgotten_file_comes_in_again(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(day := nights.write("day", "09:00"), nights.write("other", "12:00"))
    nights.update(forget=day)

    nights.update(day)

    assert spans(nights.rows()) == ["09:00", "12:00"]


def test_deleting_a_file_is_not_forgetting_it(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(gone := nights.write("gone", "09:00"))
    gone.unlink()

    nights.update(nights.write("next", "12:00"))

    assert spans(nights.store.sessions().to_pylist()) == ["09:00", "12:00"]


def test_a_file_that_is_gone_can_be_forgotten(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(gone := nights.write("gone", "09:00"), nights.write("other", "09:10"))
    gone.unlink()

    nights.update(forget=gone)

    assert spans(nights.rows()) == ["09:10"]


def test_a_correction_reads_no_other_file(tmp_path: Path) -> None:
    nights = Nights(tmp_path, agg={"pages": "set:page"})
    nights.update(
        wrong := nights.write("wrong", "09:10", page=["/wrong"]),
        other := nights.write("other", "09:00", "09:20", page=["/a", "/b"]),
    )
    wrong = nights.write("wrong", "09:11", "09:12", page=["/right", "/right"])
    content = other.read_bytes()
    other.unlink()

    nights.update(wrong)

    other.write_bytes(content)
    assert column("pages", nights.rows()) == [["/a", "/b", "/right"]]


def test_a_file_of_a_folder_can_be_forgotten_in_the_update_of_the_folder(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("good", "09:00"), bad := nights.write("bad", "09:10"))
    nights.write("next", "12:00")

    summary = nights.update(nights.raw, forget=bad)

    assert list(summary.forgotten) == [str(bad)]
    assert spans(nights.rows()) == ["09:00", "12:00"]


def test_a_file_that_changed_can_be_forgotten_in_the_update_of_its_folder(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("good", "09:00"), nights.write("bad", "09:10"))
    bad = nights.write("bad", "09:11")

    nights.update(nights.raw, forget=bad)

    assert spans(nights.rows()) == ["09:00"]


def test_a_file_can_be_forgotten_while_its_content_comes_in_under_another_name(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(old := nights.write("old", "09:00"))
    new = old.rename(old.with_name("new.parquet"))

    nights.update(new, forget=old)

    assert spans(nights.rows()) == ["09:00"]
    assert nights.files() == [new]


def change_while_it_is_read(patch: pytest.MonkeyPatch, path: Path) -> None:
    """Let a file be written to right before its rows are read."""
    read = contribution.contributions

    def reading(parts: Iterable[contribution.PartRead], *args: Any) -> Any:
        os.utime(path, ns=(1, 1))
        return read(parts, *args)

    patch.setattr("sessionize.store.intake.contributions", reading)


def test_a_file_that_changes_between_stat_and_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00"))
    growing = nights.write("growing", "09:10")
    change_while_it_is_read(monkeypatch, growing)

    with pytest.raises(sz.UnreadableFileError, match=r"growing\.parquet: changed while it was read"):
        nights.update(growing)

    assert spans(nights.rows()) == ["09:00"]


DAY_LOG = "user_id,timestamp\nada,2026-01-01T09:00:00Z\n"


def test_a_file_that_was_gzipped_has_moved(tmp_path: Path) -> None:
    (day := tmp_path / "day.csv").write_text(DAY_LOG)
    store = sz.SessionStore(tmp_path / "store")
    store.update(day)
    zipped = tmp_path / "day.csv.gz"
    zipped.write_bytes(gzip.compress(day.read_bytes()))
    day.unlink()

    summary = store.update(zipped)

    assert list(summary.moved) == [str(zipped)]
    assert len(store.sessions()) == 1
    assert store.update(zipped).changed_nothing


def test_a_file_delivered_again_under_another_name_is_refused_with_both(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(day := nights.write("day", "09:00"))
    copy = Path(shutil.copy(day, day.with_name("copy.parquet")))

    with pytest.raises(sz.InputError, match=r"copy\.parquet: holds the same events as .*day\.parquet"):
        nights.update(copy)

    assert column("event_count", nights.rows()) == [1]


def test_a_wanted_copy_counts_twice(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(day := nights.write("day", "09:00"))
    copy = Path(shutil.copy(day, day.with_name("copy.parquet")))

    nights.update(copy, allow_same_content=True)

    assert column("event_count", nights.rows()) == [2]


# ---------------------------------------------------------------- days and statistics


def test_a_local_day_that_a_clock_change_repeats_stays_one_partition(tmp_path: Path) -> None:
    # A minute past midnight the clocks of St John's went back to the evening before.
    nights = Nights(tmp_path, timeout="2h", timezone="America/St_Johns", split_daily=True)
    nights.update(nights.write("day", "2006-10-29 02:29:30", "2006-10-29 02:30:30"))

    summary = nights.update(nights.write("late", "2006-10-29 02:31:30", "2006-10-29 03:31:00"))

    assert [str(day) for day in summary.partitions] == ["2006-10-29"]
    assert column("event_count", nights.rows()) == [1, 3]


def test_a_late_event_within_the_millisecond_of_the_last_end_finds_its_session(tmp_path: Path) -> None:
    nights = Nights(tmp_path, timeout="1s")
    nights.update(nights.write("day", "09:00:00.000999"))

    nights.update(nights.write("late", "09:00:01.000998"))

    assert column("event_count", nights.rows()) == [2]


def test_an_update_reads_only_partitions_that_its_events_can_touch(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    days = [f"2026-01-{day:02} 12:00" for day in range(1, 11)]
    nights.update(nights.write("days", *days))

    with PartitionsRead() as read:
        summary = nights.update(nights.write("late", "2026-01-04 12:10"))

    assert read.days == ["2026-01-04"]
    assert [str(day) for day in summary.partitions] == ["2026-01-04"]


def test_a_start_that_moves_over_midnight_changes_two_partitions(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "2026-01-02 00:10"))

    summary = nights.update(nights.write("late", "2026-01-01 23:50"))

    assert [str(day) for day in summary.partitions] == ["2026-01-01", "2026-01-02"]
    assert spans(nights.rows()) == ["23:50–01-02 00:10"]


# ---------------------------------------------------------------- first updates


def test_a_first_update_that_died_is_followed_by_one_with_other_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(tmp_path)
    day = nights.write("day", "09:00", page=pa.array(["/"]))
    with monkeypatch.context() as patch:
        patch.setattr("sessionize.store.table.SessionsTable.replace", die)
        with pytest.raises(KeyboardInterrupt):
            nights.update(day)

    nights.options = {"agg": {"pages": "set:page"}, "prefix": "s_", "max_events": 3}
    nights.update(day)

    assert column("pages", nights.rows()) == [["/"]]


@pytest.mark.parametrize("left", [{}, {".json#1": "half"}, {".json": "{"}], ids=["folder", "staged", "torn"])
def test_a_creation_that_died_is_followed_by_another(tmp_path: Path, left: dict[str, str]) -> None:
    nights = Nights(tmp_path)
    log = tmp_path / "store" / "_delta_log"
    log.mkdir(parents=True)
    for suffix, content in left.items():
        (log / f"{0:020}{suffix}").write_text(content)

    nights.update(nights.write("day", "09:00"))

    assert spans(nights.rows()) == ["09:00"]


def test_of_two_first_updates_at_once_by_other_rules_one_makes_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(tmp_path)
    day = nights.write("day", "09:00")
    keep, others = Intake.keep, [lambda: nights.update(day, split_daily=True)]

    def interrupted(*args: Any) -> None:
        while others:
            others.pop()()
        keep(*args)

    monkeypatch.setattr(Intake, "keep", interrupted)
    with pytest.raises(sz.StoreMismatchError, match="--split-daily: the store has yes, given no"):
        nights.update(day, split_daily=False)

    nights.options = {"split_daily": True}
    nights.update(other := nights.write("other", "09:10"))
    nights.update(forget=other)
    assert spans(nights.rows()) == ["09:00"]


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
