"""The ledger: what a store remembers of its files, and what it refuses to believe."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import evolve

from sessionize.errors import StoreMismatchError
from sessionize.events import Tally
from sessionize.store.ledger import Ledger, ledger_path
from tests.store_files import TUESDAY, definition, entry, ledger, put, taken

FULL_TALLY = Tally(
    input_rows=10,
    filtered=1,
    rejected_by_reason=Counter(missing_time=2, malformed_row=1),
    deduplicated=3,
    dst_resolved=1,
    bare_numbers=1,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewritten(store: Path, version: int, key: str, value: object) -> None:
    """Change one value of a ledger's metadata."""
    path = store / ledger_path(version)
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[b"sessionize_ledger"]) | {key: value}
    pq.write_table(table.replace_schema_metadata({"sessionize_ledger": json.dumps(metadata)}), path)


def test_ledger_comes_back_as_it_was_written(folder: Path) -> None:
    full = entry(put("a.csv"), tally=FULL_TALLY, partition={"dt": None, "b": "é"}, first_us=-5, last_us=7)
    written = Ledger.empty(definition(preset="matomo", timezone="Europe/Paris", time="ts")).next(
        added=[full, entry(put("b.csv", TUESDAY))],
        types={"user_id": pa.uuid(), "price": pa.decimal128(9, 2), "seen": pa.timestamp("ns", "UTC")},
    )

    written.write(str(folder))

    assert Ledger.read(str(folder), written.version) == written


def test_ledger_without_files_comes_back(folder: Path) -> None:
    written = Ledger.empty(definition())

    written.write(str(folder))

    assert Ledger.read(f"{folder}/", written.version) == written


def test_files_stand_in_the_order_of_their_paths(folder: Path) -> None:
    made = ledger(put("b.csv"), put("a.csv", TUESDAY))

    assert list(made.files) == [str(folder / "a.csv"), str(folder / "b.csv")]


def test_version_grows_and_is_exact_in_every_reader_of_json() -> None:
    first = Ledger.empty(definition())
    second = first.next()

    assert 0 < first.version < second.version < 2**53


def test_two_ledgers_after_the_same_one_have_two_names() -> None:
    first = Ledger.empty(definition())

    names = {ledger_path(first.next().version) for _ in range(20)}

    assert len(names) > 1


def test_update_removes_and_adds(folder: Path) -> None:
    before = ledger(put("a.csv"), put("b.csv", TUESDAY))
    (gone,) = (file for path, file in before.files.items() if path.endswith("a.csv"))
    moved = evolve(gone, path="/zzz.csv")

    after = before.next(removed=[gone], added=[moved])

    assert list(after.files) == [str(folder / "b.csv"), "/zzz.csv"]
    assert list(before.files) == [str(folder / "a.csv"), str(folder / "b.csv")]


def test_update_may_bring_a_definition(folder: Path) -> None:
    newer = evolve(definition(), tzdata="2099a")

    assert ledger(put("a.csv")).next(definition=newer).definition == newer


def test_removing_what_is_not_there_is_misuse(folder: Path) -> None:
    stranger = entry(put("a.csv"))

    with pytest.raises(ValueError, match="not in the ledger"):
        Ledger.empty(definition()).next(removed=[stranger])


@pytest.mark.parametrize("change", [{"id": "other"}, {"path": "/other"}], ids=["same path", "same id"])
def test_adding_what_is_there_is_misuse(folder: Path, change: dict[str, Any]) -> None:
    made = ledger(put("a.csv"))
    (file,) = made.files.values()

    with pytest.raises(ValueError, match="in the ledger already"):
        made.next(added=[evolve(file, **change)])


def test_id_is_that_of_path_and_content_and_safe_as_a_file_name(folder: Path) -> None:
    before, after = taken(put("a.csv")), taken(put("a.csv", TUESDAY))
    made = Ledger.empty(definition())
    (first,), (again,), (second,) = (made.new_ids([each]) for each in (before, before, after))

    assert first == again != second
    assert re.fullmatch("[0-9a-f]{32}", first)


def test_id_that_a_moved_file_took_along_is_not_given_again(folder: Path) -> None:
    made = ledger(put("a.csv"))
    (file,) = made.files.values()
    moved = made.next(removed=[file], added=[evolve(file, path="/elsewhere.csv")])

    (found,) = moved.new_ids([taken("a.csv")])

    assert found != file.id


def test_totals_are_those_of_all_files(folder: Path) -> None:
    made = Ledger.empty(definition()).next(
        added=[
            entry(put("a.csv"), tally=FULL_TALLY, first_us=5, last_us=9),
            entry(put("b.csv", TUESDAY), tally=FULL_TALLY, first_us=0, last_us=7),
            entry(put("c.csv", "user_id,timestamp\n"), tally=Tally()),
        ]
    )

    assert made.tally == FULL_TALLY + FULL_TALLY
    assert (made.first_us, made.last_us) == (0, 9)


def test_ledger_without_events_has_no_times() -> None:
    empty = Ledger.empty(definition())

    assert (empty.tally, empty.first_us, empty.last_us) == (Tally(), None, None)


def test_missing_ledger_is_a_mismatch_that_says_what_to_do(folder: Path) -> None:
    with pytest.raises(StoreMismatchError, match=r"no such file, but the store's table names it.*backup"):
        Ledger.read(str(folder), 1)


@pytest.mark.parametrize("keep", [0, 4, -1, -100], ids=["nothing", "magic", "all but a byte", "footer cut"])
def test_torn_ledger_is_a_mismatch(folder: Path, keep: int) -> None:
    made = ledger(put("a.csv"))
    made.write(str(folder))
    path = folder / ledger_path(made.version)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(StoreMismatchError, match=r"\.parquet: the store's ledger cannot be read: "):
        Ledger.read(str(folder), made.version)


def test_other_parquet_in_the_place_of_a_ledger_is_a_mismatch(folder: Path) -> None:
    put(folder / ledger_path(1), b"")
    pq.write_table(pa.table({"path": ["a"]}), folder / ledger_path(1))

    with pytest.raises(StoreMismatchError, match="cannot be read"):
        Ledger.read(str(folder), 1)


@pytest.mark.parametrize(("key", "value"), [("definition", {}), ("definition", None), ("format", None)])
def test_ledger_whose_metadata_make_no_sense_is_a_mismatch(folder: Path, key: str, value: object) -> None:
    made = ledger(put("a.csv"))
    made.write(str(folder))
    rewritten(folder, made.version, key, value)

    with pytest.raises(StoreMismatchError, match="cannot be read"):
        Ledger.read(str(folder), made.version)


def test_ledger_of_a_later_format_asks_for_a_newer_sessionize(folder: Path) -> None:
    made = ledger(put("a.csv"))
    made.write(str(folder))
    rewritten(folder, made.version, "format", 2)

    with pytest.raises(StoreMismatchError, match=r"ledger format 2; this one knows 1\. Update sessionize"):
        Ledger.read(str(folder), made.version)
