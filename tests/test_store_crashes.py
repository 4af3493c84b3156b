"""An update that goes wrong at any step: the old table or the new one stands, and the next heals."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest

import sessionize as sz
from sessionize.errors import OutputError
from sessionize.store.table import SessionsTable
from tests.crashes import Died, Disk, Steps, dying_at, full_at
from tests.nights import Nights, spans

GoesWrong = Callable[[int], AbstractContextManager[Steps]]
HOURS = ["09:00", "12:00", "15:00"]
OLD, NEW = ["09:00"], ["09:00–09:10", "01-02 12:00"]


def failures_at_each_step(goes_wrong: GoesWrong, update: Callable[[], object]) -> Iterator[int]:
    """Repeat an update that fails at its first step, its second, and so on, until there is no such step."""
    for fatal in itertools.count():
        with goes_wrong(fatal) as steps, suppress(Died, OutputError):
            update()
        if not steps.has_failed:
            return
        yield fatal


@pytest.mark.parametrize("goes_wrong", [dying_at, full_at])
@pytest.mark.parametrize(
    ("rules", "users"),
    [({}, pa.int64()), ({"max_events": 5}, pa.int64()), ({}, pa.int32())],
    ids=["commutative", "sequential", "widening"],
)
def test_after_a_failure_at_any_step_the_old_or_the_new_table_stands(
    tmp_path: Path, goes_wrong: GoesWrong, rules: dict[str, int], users: pa.DataType
) -> None:
    nights = Nights(tmp_path, **rules)
    nights.update(nights.write("a", "09:00", who=pa.array([1], users)))
    late = nights.write("late", "09:10", "2026-01-02 12:00", who=[1, 1])
    kept = shutil.copytree(tmp_path / "store", tmp_path / "kept")
    found = []

    for _ in failures_at_each_step(goes_wrong, lambda: nights.update(late)):
        found.append(spans(nights.rows()))
        nights.update(late)
        assert spans(nights.rows()) == NEW
        shutil.rmtree(tmp_path / "store")
        shutil.copytree(kept, tmp_path / "store")

    assert OLD in found
    assert NEW in found
    assert [rows for rows in found if rows not in (OLD, NEW)] == []


@pytest.mark.parametrize("goes_wrong", [dying_at, full_at])
def test_after_a_failure_at_any_step_of_the_first_update_another_makes_the_store(
    tmp_path: Path, goes_wrong: GoesWrong
) -> None:
    nights = Nights(tmp_path)
    day = nights.write("day", "09:00")
    failures = 0

    for _ in failures_at_each_step(goes_wrong, lambda: nights.update(day)):
        failures += 1
        nights.update(day, agg={"events": "count:user_id"} if not has_sessions(nights) else {})
        assert spans(nights.store.sessions().to_pylist()) == OLD
        shutil.rmtree(tmp_path / "store")

    assert failures > 10


def has_sessions(nights: Nights) -> bool:
    """Whether a first update has ended."""
    try:
        return len(nights.store.sessions()) > 0
    except sz.StoreError:
        return False


def test_a_power_loss_after_two_deaths_takes_the_last_commit_alone(tmp_path: Path) -> None:
    nights, disk = Nights(tmp_path), Disk(tmp_path / "store")
    first, second, third = (nights.write(name, time) for name, time in zip("abc", HOURS, strict=True))

    with disk.watched():
        nights.update(first)
        for path in (second, third):
            with dying_before_the_entry_is_synced(), suppress(Died):
                nights.update(path)
    disk.lose_power()

    assert spans(nights.rows()) == HOURS[:2]
    nights.update(third)
    assert spans(nights.rows()) == HOURS


def test_a_power_loss_takes_nothing_of_an_update_that_has_ended(tmp_path: Path) -> None:
    nights, disk = Nights(tmp_path), Disk(tmp_path / "store")

    with disk.watched():
        for name, time in zip("abc", HOURS, strict=True):
            nights.update(nights.write(name, time))
    disk.lose_power()

    assert spans(nights.rows()) == HOURS


def dying_before_the_entry_is_synced() -> AbstractContextManager[object]:
    return patch("sessionize.store.table.sync_entries", side_effect=Died)


def test_a_ledger_that_is_damaged_leaves_the_table(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00"))
    table = SessionsTable.open(nights.store.location)
    (ledger,) = (tmp_path / "store" / "_sessionize" / "ledger").iterdir()
    ledger.write_bytes(ledger.read_bytes()[:-8])

    with pytest.raises(sz.StoreMismatchError, match=r"ledger cannot be read: .* Restore it from a backup"):
        nights.update(nights.write("next", "12:00"))

    assert SessionsTable.open(nights.store.location).version == table.version
