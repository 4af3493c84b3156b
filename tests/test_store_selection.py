"""Which files an update takes in, and what became of those that it knows."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest
from attrs import evolve

from sessionize.engine.pool import Pool
from sessionize.errors import InputError, StoreMismatchError, UnreadableFileError
from sessionize.reading.folders import Place
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import Source
from sessionize.store import selection
from sessionize.store.fingerprint import Fingerprint
from sessionize.store.ledger import Ledger
from sessionize.store.selection import Comparison, compare, entries_named, reopen
from tests.store_files import MONDAY, NO_ROWS, TUESDAY, WEDNESDAY, definition, entry, ledger, put, sources


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(store: Ledger, *inputs: str, **options: Any) -> Comparison:
    return compare(store, sources(*inputs), **options)


def found(comparison: Comparison) -> dict[str, Any]:
    """What is not empty of a comparison, by file names."""
    names: dict[str, Any] = {
        "new": [each.source.name for each in comparison.new],
        "changed": [each.after.source.name for each in comparison.changed],
        "moved": [(Path(each.before.path).name, each.after.source.name) for each in comparison.moved],
        "displaced": [Path(each.path).name for each in comparison.displaced],
        "same": [Path(each.path).name for each in comparison.same],
        "touched": [each.after.source.name for each in comparison.touched],
    }
    return {name: files for name, files in names.items() if files}


def test_file_that_the_store_does_not_have_is_new() -> None:
    store = ledger(put("a.csv"))
    put("b.csv", TUESDAY)

    comparison = compared(store, "b.csv")

    assert found(comparison) == {"new": ["b.csv"]}
    assert not comparison.changes_nothing


def test_file_that_is_as_it_was_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fingerprint(source: Source, columns: Any) -> Fingerprint:
        raise AssertionError("read")

    store = ledger(put("a.csv"))
    monkeypatch.setattr(selection, "fingerprint", fingerprint)

    comparison = compared(store, "a.csv")

    assert found(comparison) == {"same": ["a.csv"]}
    assert comparison.changes_nothing


def test_file_named_twice_counts_once() -> None:
    put("a.csv")
    once = [*sources("a.csv"), *sources("./a.csv")]

    assert found(compare(ledger(), once)) == {"new": ["./a.csv"]}


def test_file_written_anew_with_the_same_content_is_the_same() -> None:
    store = ledger(put("a.csv"))
    put("a.csv")

    comparison = compared(store, "a.csv")

    assert found(comparison) == {"same": ["a.csv"], "touched": ["a.csv"]}
    assert comparison.changes_nothing
    assert comparison.touched[0].entry().stamp.modified == str(Path("a.csv").stat().st_mtime_ns)


@pytest.mark.parametrize("content", [TUESDAY, NO_ROWS], ids=["corrected", "re-delivered empty"])
def test_file_of_other_content_has_changed(content: str) -> None:
    store = ledger(put("a.csv"))
    put("a.csv", content)

    assert found(compared(store, "a.csv")) == {"changed": ["a.csv"]}


def test_correction_that_keeps_size_and_time_is_seen_where_stamps_are_not_trusted() -> None:
    store = ledger(put("a.csv", MONDAY))
    status = Path("a.csv").stat()
    put("a.csv", TUESDAY)
    os.utime("a.csv", ns=(status.st_mtime_ns, status.st_mtime_ns))

    assert found(compared(store, "a.csv")) == {"same": ["a.csv"]}
    assert found(compared(store, "a.csv", trust_stamps=False)) == {"changed": ["a.csv"]}


def test_file_that_is_as_it_was_is_the_same_where_stamps_are_not_trusted() -> None:
    store = ledger(put("a.csv"))

    assert compared(store, "a.csv", trust_stamps=False).changes_nothing


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.csv", MONDAY.encode()),
        ("archive/a.csv", MONDAY.encode()),
        ("a.csv.gz", gzip.compress(MONDAY.encode())),
    ],
    ids=["renamed", "archived", "gzipped"],
)
def test_known_content_whose_old_path_is_gone_has_moved(name: str, content: bytes) -> None:
    store = ledger(put("a.csv"))
    Path("a.csv").unlink()
    put(name, content)

    comparison = compared(store, name)

    assert found(comparison) == {"moved": [("a.csv", name)]}
    (move,) = comparison.moved
    assert (move.entry().id, move.entry().path) == (move.before.id, str(Path(name).resolve()))


@pytest.mark.parametrize(
    ("name", "content"),
    [("b.csv", MONDAY.encode()), ("a.csv.gz", gzip.compress(MONDAY.encode()))],
    ids=["re-delivered under another name", "gzipped"],
)
def test_copy_of_a_file_in_the_store_is_refused_with_both_names(
    folder: Path, name: str, content: bytes
) -> None:
    store = ledger(put("a.csv"))
    put(name, content)

    with pytest.raises(InputError) as refused:
        compared(store, name)

    assert str(refused.value) == (
        f"{name}: holds the same events as {folder}/a.csv; they would count twice. "
        "Leave one of the two out, or take in both with --allow-same-content."
    )


def test_copy_is_refused_where_the_file_in_the_store_is_named_too() -> None:
    store = ledger(put("a.csv"))
    put("b.csv")

    with pytest.raises(InputError, match=r"b\.csv: holds the same events as .*a\.csv"):
        compared(store, "a.csv", "b.csv")


def test_two_new_files_of_one_content_are_refused() -> None:
    put("a.csv")
    put("b.csv")

    with pytest.raises(InputError, match=r"b\.csv: holds the same events as a\.csv"):
        compared(ledger(), "a.csv", "b.csv")


def test_two_files_of_the_content_that_moved_are_refused() -> None:
    store = ledger(put("a.csv"))
    Path("a.csv").unlink()
    put("b.csv")
    put("c.csv")

    with pytest.raises(InputError, match=r"c\.csv: holds the same events as b\.csv"):
        compared(store, "b.csv", "c.csv")


def test_file_that_became_a_copy_of_another_is_refused() -> None:
    store = ledger(put("a.csv"), put("b.csv", TUESDAY))
    put("b.csv", MONDAY)

    with pytest.raises(InputError, match=r"b\.csv: holds the same events as .*a\.csv"):
        compared(store, "b.csv")


def test_copies_come_in_where_they_are_wanted() -> None:
    store = ledger(put("a.csv"))
    put("b.csv")
    put("c.csv")

    comparison = compared(store, "a.csv", "b.csv", "c.csv", allow_same_content=True)

    assert found(comparison) == {"new": ["b.csv", "c.csv"], "same": ["a.csv"]}


def test_files_without_rows_are_no_copies() -> None:
    store = ledger(put("a.csv", NO_ROWS))
    put("b.csv", NO_ROWS)
    put("c.csv", NO_ROWS)
    Path("a.csv").unlink()

    assert found(compared(store, "b.csv", "c.csv")) == {"new": ["b.csv", "c.csv"]}


def test_rotated_logs_have_moved_and_the_new_one_is_new() -> None:
    store = ledger(put("a.csv", TUESDAY), put("a1.csv", MONDAY))
    Path("a1.csv").rename("a2.csv")
    Path("a.csv").rename("a1.csv")
    put("a.csv", WEDNESDAY)

    assert found(compared(store, "a.csv", "a1.csv", "a2.csv")) == {
        "new": ["a.csv"],
        "moved": [("a.csv", "a1.csv"), ("a1.csv", "a2.csv")],
    }


def test_what_a_rotation_drops_is_displaced() -> None:
    store = ledger(put("a.csv", TUESDAY), put("a1.csv", MONDAY))
    Path("a.csv").rename("a1.csv")
    put("a.csv", WEDNESDAY)

    assert found(compared(store, "a.csv", "a1.csv")) == {
        "new": ["a.csv"],
        "moved": [("a.csv", "a1.csv")],
        "displaced": ["a1.csv"],
    }


def test_known_content_has_moved_where_its_old_path_holds_something_else_unnamed() -> None:
    store = ledger(put("a.csv", MONDAY))
    put("a.csv", TUESDAY)
    put("b.csv", MONDAY)

    assert found(compared(store, "b.csv")) == {"moved": [("a.csv", "b.csv")]}


@pytest.mark.parametrize("content", [MONDAY, None], ids=["written anew", "as it was"])
def test_copy_is_refused_where_the_old_path_still_holds_it_unnamed(content: str | None) -> None:
    store = ledger(put("a.csv"))
    if content:
        put("a.csv", content)
    put("b.csv")

    with pytest.raises(InputError, match="they would count twice"):
        compared(store, "b.csv")


def test_fingerprints_are_taken_by_several_threads() -> None:
    names = [f"{number}.csv" for number in range(20)]
    for number, name in enumerate(names):
        put(name, f"user_id,timestamp\n{number},2026-11-23\n")

    with Pool(4) as pool:
        assert found(compared(ledger(), *names, workers=pool)) == {"new": names}


def test_standard_input_has_no_place_in_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MONDAY.encode())))

    with pytest.raises(InputError, match="this is a stream"):
        compared(ledger(), "-")


def test_file_that_disappears_is_named() -> None:
    found = sources(put("a.csv"))
    Path("a.csv").unlink()

    with pytest.raises(UnreadableFileError, match=r"a\.csv: cannot be read"):
        compare(ledger(), found)


def test_file_of_the_ledger_is_found_again_with_the_folders_that_it_came_in_by(folder: Path) -> None:
    put("pool/x.csv")
    Path("dt=2026-11-23").symlink_to("pool")
    (named,) = sources("dt=2026-11-23/x.csv")
    file = entry(named.name, partition=named.partition)

    again = reopen(file, ReadOptions())

    assert again is not None
    assert (again.name, again.partition) == (f"{folder}/pool/x.csv", {"dt": "2026-11-23"})


@pytest.mark.parametrize("content", [None, ""], ids=["gone", "0 bytes"])
def test_file_of_the_ledger_that_is_gone_is_not_found_again(content: str | None) -> None:
    file = entry(put("a.csv"))
    Path("a.csv").unlink()
    if content is not None:
        put("a.csv", content)

    assert reopen(file, ReadOptions()) is None


@pytest.mark.parametrize("name", ["a.csv", "./x/../a.csv", "{}/a.csv"], ids=["relative", "dots", "absolute"])
def test_entry_is_found_by_any_spelling_of_its_path(folder: Path, name: str) -> None:
    store = ledger(put("a.csv"), put("b.csv", TUESDAY))
    Path("a.csv").unlink()

    (file,) = entries_named(store, [name.format(folder), Path("a.csv")], "shop/")

    assert file.path == str(folder / "a.csv")


def test_entry_is_found_by_its_uri() -> None:
    file = evolve(entry(put("a.csv")), path="s3://bucket/a.csv")
    store = Ledger.empty(definition()).next(added=[file])

    assert entries_named(store, ["s3://bucket/a.csv"], "shop/") == [file]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("other/a.csv", "; did you mean '{}/a.csv'?"), ("aa.csv", "; did you mean '{}/a.csv'?"), ("zz.pq", ".")],
    ids=["same name elsewhere", "nearly the name", "nothing near"],
)
def test_name_that_the_ledger_does_not_have_is_a_mismatch(folder: Path, name: str, hint: str) -> None:
    store = ledger(put("a.csv"))

    with pytest.raises(StoreMismatchError) as refused:
        entries_named(store, [name], "shop/")

    assert str(refused.value) == f"{name}: no file of the store shop/{hint.format(folder)}"


def test_comparison_on_an_object_store_goes_by_its_stamps() -> None:
    filesystem = pafs._MockFileSystem()
    with filesystem.open_output_stream("a.csv") as stream:
        stream.write(MONDAY.encode())
    remote = Source(Place("mock://a.csv", "a.csv", filesystem), "csv")
    (arrival,) = compare(ledger(), [remote]).new
    now = arrival.fingerprint
    file = evolve(entry(put("x.csv")), path=now.path, stamp=now.stamp, content=now.content)

    comparison = compare(Ledger.empty(definition()).next(added=[file]), [remote])

    assert comparison.same == (file,)
