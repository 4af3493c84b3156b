"""What became of the sessions between two versions of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sessionize as sz
from sessionize.errors import StoreError, StoreMismatchError
from tests.command_line import ROOT
from tests.nights import Nights, PartitionsRead, spans

SAMPLE = sorted((ROOT / "sample_data" / "daily").iterdir())


def changed(changes: sz.Changes) -> list[tuple[str, str]]:
    rows = changes.sessions.to_pylist()
    return list(zip([row["change"] for row in rows], spans(rows), strict=True))


def test_a_session_where_none_was_is_added(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"))
    nights.update(nights.write("b", "12:00"))

    assert changed(nights.store.changes(1)) == [("added", "12:00")]


def test_a_session_that_was_extended_has_changed(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"))
    nights.update(nights.write("b", "09:10"))

    assert changed(nights.store.changes(1)) == [("changed", "09:00–09:10")]


def test_two_sessions_bridged_by_a_late_event_become_one_and_the_other_is_removed(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00", "09:40"))
    nights.update(nights.write("b", "09:20"))

    assert changed(nights.store.changes(1)) == [("changed", "09:00–09:40"), ("removed", "09:40")]


def test_a_late_first_event_gives_the_session_another_id(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:10"))
    nights.update(nights.write("b", "09:00"))

    assert changed(nights.store.changes(1)) == [("added", "09:00–09:10"), ("removed", "09:10")]


def test_a_forgotten_session_is_removed(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(gone := nights.write("a", "09:00"), nights.write("b", "12:00"))
    nights.update(forget=gone)

    assert changed(nights.store.changes(1)) == [("removed", "09:00")]


def test_hidden_state_alone_is_no_change(tmp_path: Path) -> None:
    nights = Nights(tmp_path, agg={"pages": "nunique:page"}, split_before=["page=x"])
    nights.update(a := nights.write("a", "09:00", "09:10", page=["u", "v"]))
    nights.update(nights.write("b", "09:00", "09:10", page=["v", "w"]), forget=a)

    assert changed(nights.store.changes(1)) == []


def test_nothing_has_changed_since_the_newest_version(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"))

    changes = nights.store.changes(1)

    assert changes.as_dict() == {
        "store": nights.store.location,
        "since": 1,
        "version": 1,
        "added": 0,
        "changed": 0,
        "removed": 0,
    }
    assert changes.sessions.column_names == ["change", *nights.store.sessions().column_names, "session_date"]


def test_since_the_empty_table_every_session_is_added(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00", "12:00"))

    changes = nights.store.changes(0)

    assert changes.count("added") == 2
    assert changes.sessions.select(nights.store.sessions().column_names).equals(nights.store.sessions())


def test_only_partitions_that_changed_are_read(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "2026-01-01 09:00", "2026-01-03 09:00"))
    nights.update(nights.write("b", "2026-01-05 09:00"))

    with PartitionsRead() as read:
        nights.store.changes(1)

    assert read.days == ["2026-01-05"]


@pytest.mark.parametrize(
    "rules",
    [{}, {"max_events": 5, "agg": {"landing": "first:page"}}, {"split_daily": True, "prefix": "s_"}],
    ids=["silence", "events", "days"],
)
def test_a_table_that_follows_the_changes_stays_equal(tmp_path: Path, rules: dict[str, Any]) -> None:
    store = sz.SessionStore(tmp_path / "store")
    followed: dict[str, dict[str, Any]] = {}
    version = 0
    for file in (SAMPLE[2], SAMPLE[0], SAMPLE[3], SAMPLE[1]):
        store.update(file, **rules)

        changes = store.changes(version)

        for row in changes.sessions.to_pylist():
            change, name = row.pop("change"), row[f"{rules.get('prefix', '')}session_id"]
            del row["session_date"]
            assert (change == "added") == (name not in followed)
            followed.pop(name, None)
            if change != "removed":
                followed[name] = row
        version = changes.version
    table = store.sessions()
    assert sorted(followed) == sorted(table.column(0).to_pylist())
    assert (
        pa.Table.from_pylist([followed[name] for name in table.column(0).to_pylist()], table.schema) == table
    )


@pytest.mark.parametrize("version", [2, -1], ids=["later", "negative"])
def test_a_version_that_never_was_is_a_mismatch(tmp_path: Path, version: int) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"))

    with pytest.raises(StoreMismatchError, match=rf"no version {version}: it has 0 to 1\."):
        nights.store.changes(version)


def test_a_version_that_compact_has_removed_is_a_mismatch(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("a", "09:00"))
    nights.update(nights.write("b", "09:10"))
    nights.store.compact(keep="0s")

    with pytest.raises(StoreMismatchError, match=r"version 1 is not all there .* go on with --since 2\."):
        nights.store.changes(1)


def test_a_version_whose_log_entry_is_gone_is_a_mismatch(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    for name, time in (("a", "09:00"), ("b", "12:00")):
        nights.update(nights.write(name, time))
        nights.store.compact()
    for version in (0, 1):
        Path(nights.store.location, "_delta_log", f"{version:020}.json").unlink()
        Path(nights.store.location, "_delta_log", f"{version:020}.checkpoint.parquet").unlink(missing_ok=True)

    with pytest.raises(StoreMismatchError, match="version 0 is not all there any more"):
        nights.store.changes(0)


def test_sessions_with_a_column_of_that_name_have_no_changes(tmp_path: Path) -> None:
    nights = Nights(tmp_path, agg={"change": "first:page"})
    nights.update(nights.write("a", "09:00", page=["x"]))

    with pytest.raises(StoreError, match="have a column 'change' of their own"):
        nights.store.changes(0)
