"""Whether a store holds what one run over its files gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import sessionize as sz
from sessionize.store.sample import Sample
from sessionize.store.snapshot import ledger_of
from sessionize.store.table import SessionsTable
from sessionize.writing.atomic import DATE
from tests.command_line import ROOT
from tests.nights import Nights, spans
from tests.small_logs import column

SAMPLE = ROOT / "sample_data" / "daily"
RULES: dict[str, dict[str, Any]] = {
    "silence": {"agg": {"revenue": "sum:amount", "typical": "mean:amount"}, "types": {"amount": "float64"}},
    "days": {"split_daily": True, "timezone": "Europe/Paris", "by": ["user_id", "platform"], "prefix": "s_"},
    "events": {"max_events": 5, "agg": {"pages": "set:page"}},
    "changes": {"split_on": "platform", "split_after": ["event=purchase"], "dedupe": "event"},
    "no timeout": {"timeout": None, "split_daily": True},
}


def tampered(store: sz.SessionStore, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite a store's partitions behind its back."""
    source = SessionsTable.open(store.location)
    ledger = source.ledger
    assert ledger is not None
    dates = sorted({file.session_date for file in source.files()})
    rows = change(source.read(source.files(), [*source.schema.names, DATE]))
    source.replace(dates, rows, ledger=ledger)


def replaced(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_store_agrees_with_its_files(tmp_path: Path, rules: dict[str, Any]) -> None:
    store = sz.SessionStore(tmp_path / "store")
    for file in sorted(SAMPLE.iterdir(), reverse=True):
        store.update(file, **rules)

    found = store.verify()

    assert found.agrees
    assert (found.sessions, found.unchecked, len(found.differences)) == (len(store.sessions()), 0, 0)


@pytest.mark.parametrize(
    "identities",
    [
        pa.array([2**63, 2**64 - 1], pa.uint64()),
        pa.array([b"\x00" * 16, b"\xff" * 16], pa.binary(16)),
        pa.array([Decimal("0.10"), Decimal("-7.00")], pa.decimal128(9, 2)),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"\x01" * 16, b"\x02" * 16], pa.binary(16))),
        pa.array([True, False]),
        pa.array(["a", ""]).dictionary_encode(),
    ],
    ids=["uint64", "binary", "decimal", "uuid", "bool", "dictionary"],
)
def test_identities_of_any_type_agree(tmp_path: Path, identities: pa.Array) -> None:
    nights = Nights(tmp_path)
    nights.update(nights.write("day", "09:00", "09:05", who=identities))
    nights.update(nights.write("late", "09:10", "12:00", who=identities))

    assert nights.store.verify().agrees
    assert nights.store.verify(sample="50%").agrees
    assert nights.store.changes(1).count("changed") == 1


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """Three days, each with a session of its own."""
    nights = Nights(tmp_path)
    for day in (1, 2, 3):
        nights.update(nights.write(f"{day}", f"2026-01-0{day} 09:00", f"2026-01-0{day} 09:10"))
    return nights


def test_a_session_that_is_not_in_the_store_is_missing(nights: Nights) -> None:
    tampered(nights.store, lambda rows: rows.slice(1))

    found = nights.store.verify()

    assert not found.agrees
    assert column("difference", found.differences.to_pylist()) == ["missing"]
    assert spans(found.differences.to_pylist()) == ["09:00–09:10"]


def test_a_session_that_is_only_in_the_store_is_extra(nights: Nights) -> None:
    first = SessionsTable.open(nights.store.location)
    stranger = first.read(first.files()[:1], [*first.schema.names, DATE])
    stranger = stranger.set_column(0, "session_id", pa.array(["B:1"])).set_column(
        1, "user_id", pa.array(["B"])
    )
    tampered(nights.store, lambda rows: pa.concat_tables([stranger, rows]))

    found = nights.store.verify()

    assert [found.count(kind) for kind in ("missing", "extra", "different")] == [0, 1, 0]
    assert column("user_id", found.differences.to_pylist()) == ["B"]


def test_a_session_that_is_there_twice_is_extra(nights: Nights) -> None:
    tampered(nights.store, lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]))

    found = nights.store.verify()

    assert [found.count(kind) for kind in ("missing", "extra", "different")] == [0, 1, 0]


def test_a_session_with_another_value_is_different_in_that_column(nights: Nights) -> None:
    tampered(nights.store, lambda rows: replaced(rows, "event_count", pc.multiply(rows["event_count"], 2)))

    found = nights.store.verify()

    assert found.as_dict()["different"] == 3
    assert found.as_dict()["differences"][0] == {
        "difference": "different",
        "columns": ["event_count"],
        "session_id": "A:1767258000000000",
    }
    assert column("event_count", found.differences.to_pylist()) == [2, 2, 2]


@pytest.mark.parametrize(
    ("factor", "differing"), [(1 + 1e-15, ["_state"]), (1.001, ["revenue", "_state"])], ids=["bits", "more"]
)
def test_a_sum_of_floats_may_differ_from_one_run_in_its_last_bits(
    tmp_path: Path, factor: float, differing: list[str]
) -> None:
    nights = Nights(tmp_path, agg={"revenue": "sum:amount"})
    nights.update(nights.write("day", "09:00", amount=[0.3]))

    tampered(nights.store, lambda rows: replaced(rows, "revenue", pc.multiply(rows["revenue"], factor)))

    assert column("columns", nights.store.verify().differences.to_pylist()) == [differing]


def test_hidden_state_that_says_something_else_is_a_difference(tmp_path: Path) -> None:
    nights = Nights(tmp_path, agg={"pages": "nunique:page"})
    nights.update(nights.write("day", "09:00", "12:00", page=["x", "y"]))

    def swapped(rows: pa.Table) -> pa.Table:
        return replaced(rows, "_state", rows["_state"].take(pa.array([1, 0])))

    tampered(nights.store, lambda rows: replaced(swapped(rows), "pages", pa.array([1, 1])))
    assert nights.store.verify().agrees
    tampered(nights.store, lambda rows: replaced(rows, "pages", pa.array([1, 2])))

    assert column("columns", nights.store.verify().differences.to_pylist()) == [["pages", "_state"]]


def test_sessions_near_a_file_that_is_gone_are_left_unchecked(nights: Nights) -> None:
    (nights.raw / "2.parquet").unlink()

    found = nights.store.verify()

    assert not found.agrees
    assert found.gone == [str(nights.raw / "2.parquet")]
    assert (found.sessions, found.unchecked, len(found.differences)) == (2, 1, 0)


def test_sessions_far_from_a_file_that_is_gone_are_still_checked(nights: Nights) -> None:
    (nights.raw / "2.parquet").unlink()
    tampered(nights.store, lambda rows: rows.slice(1))

    assert spans(nights.store.verify().differences.to_pylist()) == ["09:00–09:10"]


def test_a_session_that_a_missing_file_may_have_bridged_is_left_unchecked(tmp_path: Path) -> None:
    nights = Nights(tmp_path, split_on="page")
    nights.update(nights.write("a", "09:00", "09:40", "12:00", page=["x", "x", "x"]))
    nights.update(bridge := nights.write("b", "09:20", page=["x"]))
    bridge.unlink()

    found = nights.store.verify()

    assert (found.sessions, found.unchecked, len(found.differences)) == (1, 1, 0)


def test_a_missing_file_without_events_leaves_nothing_unchecked(nights: Nights) -> None:
    quiet = nights.raw / "quiet.csv"
    quiet.write_text("user_id,timestamp\n")
    nights.update(quiet)
    quiet.unlink()

    found = nights.store.verify()

    assert (found.gone, found.sessions, found.unchecked) == ([str(quiet)], 3, 0)


def test_a_file_that_has_changed_is_named(nights: Nights) -> None:
    nights.write("3", "2026-01-03 10:00")

    found = nights.store.verify()

    assert (found.changed, found.unchecked, len(found.differences)) == ([str(nights.raw / "3.parquet")], 1, 0)


def test_a_file_that_was_only_written_anew_has_not_changed(nights: Nights) -> None:
    os.utime(nights.raw / "1.parquet", ns=(1, 1))

    assert nights.store.verify().agrees


# ---------------------------------------------------------------- samples


def test_a_sample_looks_at_some_identities_and_always_the_same(tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(SAMPLE)

    found = store.verify(sample="20%")

    assert found.agrees
    assert 0 < found.sessions < len(store.sessions()) / 2
    assert store.verify(sample="20%").sessions == found.sessions
    assert store.verify(sample="40%").sessions > found.sessions


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_sample_agrees_as_well(tmp_path: Path, rules: dict[str, Any]) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(SAMPLE, **rules)

    assert store.verify(sample="30%").agrees


def test_a_sample_finds_what_is_wrong_in_it(tmp_path: Path) -> None:
    store = sz.SessionStore(tmp_path / "store")
    store.update(SAMPLE)
    tampered(store, lambda rows: rows.slice(0, 0))

    found = store.verify(sample="30%")

    assert 0 < found.count("missing") < 600 / 2
    assert len(found.as_dict()["differences"]) == 20


@pytest.mark.parametrize("text", ["1", "0%", "101%", "some"])
def test_what_is_no_share_is_no_sample(text: str) -> None:
    with pytest.raises(ValueError, match=r"sample|share"):
        Sample.parse(text)


def test_the_smallest_share_is_one_part_of_all() -> None:
    assert Sample.parse("0.0001%").share == 1 / 65_536


def test_verifying_changes_nothing(nights: Nights) -> None:
    before = SessionsTable.open(nights.store.location)

    nights.store.verify()

    after = SessionsTable.open(nights.store.location)
    assert after.version == before.version
    assert ledger_of(after) == ledger_of(before)
