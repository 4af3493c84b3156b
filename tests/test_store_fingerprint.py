"""How a store knows a file again."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from sessionize.errors import InputError, UnreadableFileError
from sessionize.reading.folders import Place, place_of
from sessionize.reading.options import ReadOptions
from sessionize.reading.sources import Source, find_sources
from sessionize.store import fingerprint as subject
from sessionize.store.fingerprint import NO_ROWS, canonical_path, check_unchanged, fingerprint, stamp_of
from tests.store_files import MONDAY, TUESDAY, put, source, taken

ROWS = pa.table({"user_id": ["ada", "bob"], "timestamp": [1, 2], "page": ["/a", "/b"]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put_parquet(path: str, rows: pa.Table = ROWS, **options: Any) -> None:
    pq.write_table(rows, path, **options)


def put_ipc(path: str, rows: pa.Table, opener: Callable[..., Any]) -> None:
    with pa.OSFile(path, "wb") as file, opener(file, rows.schema) as writer:
        writer.write_table(rows)


@pytest.mark.parametrize("spelling", ["./a.csv", "logs/../a.csv", "link.csv", "file://{}/a.csv"])
def test_all_spellings_of_a_path_are_one(folder: Path, spelling: str) -> None:
    put("a.csv")
    Path("logs").mkdir()
    Path("link.csv").symlink_to("a.csv")

    path = canonical_path(place_of(spelling.format(folder)))

    assert path == os.path.realpath(folder / "a.csv")


def test_path_on_another_filesystem_keeps_its_scheme_and_no_query() -> None:
    place = Place("mock://logs/a.csv?secret_key=x", "logs/a.csv", pafs._MockFileSystem())

    assert canonical_path(place) == "mock://logs/a.csv"


@pytest.mark.parametrize(
    ("name", "compress"),
    [("b.csv.gz", gzip.compress), ("b.csv.bz2", bz2.compress), ("b.csv", bytes)],
    ids=["gzip", "bzip2", "plain"],
)
def test_text_holds_the_same_however_it_is_compressed(
    folder: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    put("a.csv", MONDAY)
    put(name, compress(MONDAY.encode()))

    assert taken("a.csv").content == taken(name).content


def test_gzip_of_several_members_is_one_content(folder: Path) -> None:
    put("a.csv", MONDAY)
    put("b.csv.gz", b"".join(gzip.compress(line.encode()) for line in MONDAY.splitlines(keepends=True)))

    assert taken("a.csv").content == taken("b.csv.gz").content


def test_correction_in_the_middle_that_keeps_size_and_ends_is_other_content(folder: Path) -> None:
    lines = [f"user{number:06},2026-11-23T09:00:00Z\n" for number in range(40_000)]
    put("a.csv", "user_id,timestamp\n" + "".join(lines))
    lines[20_000] = "other00000,2026-11-23T09:00:00Z\n"
    put("b.csv", "user_id,timestamp\n" + "".join(lines))

    assert Path("a.csv").stat().st_size == Path("b.csv").stat().st_size
    assert taken("a.csv").content != taken("b.csv").content


@pytest.mark.parametrize("name", ["b.tsv", "b.jsonl"])
def test_the_same_bytes_read_another_way_are_other_content(folder: Path, name: str) -> None:
    put("a.csv")
    put(name)

    assert taken("a.csv").content != taken(name).content


def test_needed_column_that_folders_name_is_part_of_the_content(folder: Path) -> None:
    put("site=a/x.csv")
    put("site=b/x.csv")
    needed = ("user_id", "timestamp", "site")

    assert taken("site=a/x.csv", needed).content != taken("site=b/x.csv", needed).content


def test_folder_column_that_nothing_reads_is_no_part_of_the_content(folder: Path) -> None:
    put("dt=2026-11-23/x.csv")
    put("dt=2026-11-24/x.csv")

    assert taken("dt=2026-11-23/x.csv").content == taken("dt=2026-11-24/x.csv").content


@pytest.mark.parametrize("use_dictionary", [True, False], ids=["dictionary", "plain"])
def test_needed_column_of_parquet_is_part_of_the_content(folder: Path, use_dictionary: bool) -> None:
    corrected = ROWS.set_column(0, "user_id", pa.array(["ada", "bib"]))
    for name, rows in (("a.parquet", ROWS), ("b.parquet", corrected)):
        put_parquet(name, rows, use_dictionary=use_dictionary, write_statistics=False, compression="none")

    assert Path("a.parquet").stat().st_size == Path("b.parquet").stat().st_size
    assert taken("a.parquet").content != taken("b.parquet").content


def test_column_of_parquet_that_nothing_reads_is_not_read_for_the_fingerprint(folder: Path) -> None:
    other = ROWS.set_column(2, "page", pa.array(["/a", "/c"]))
    for name, rows in (("a.parquet", ROWS), ("b.parquet", other)):
        put_parquet(name, rows, write_statistics=False, compression="none", use_dictionary=False)

    assert taken("a.parquet").content == taken("b.parquet").content


@pytest.mark.parametrize("opener", [pa.ipc.new_file, pa.ipc.new_stream], ids=["file", "stream"])
def test_arrow_content_is_all_its_bytes(folder: Path, opener: Callable[..., Any]) -> None:
    put_ipc("a.arrow", ROWS, opener)
    put_ipc("b.arrow", ROWS, opener)
    put_ipc("c.arrow", ROWS.slice(1), opener)

    contents = [taken(name).content for name in ("a.arrow", "b.arrow", "c.arrow")]

    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("header.csv", "user_id,timestamp\n"),
        ("bom.csv", "\ufeffuser_id,timestamp\r\n\r\n"),
        ("bare.tsv", "user_id\ttimestamp"),
        ("blank.jsonl", "\n\n"),
    ],
)
def test_text_without_rows_has_no_content(folder: Path, name: str, text: str) -> None:
    put(name, text)

    assert taken(name).content == NO_ROWS


def test_utf16_text_without_rows_has_no_content(folder: Path) -> None:
    put("a.csv", "user_id,timestamp\n".encode("utf-16"))

    assert taken("a.csv", encoding="utf-16").content == NO_ROWS


def test_header_longer_than_what_is_looked_at_counts_as_content(folder: Path) -> None:
    put("a.csv", ",".join(f"column{number}" for number in range(10_000)))

    assert taken("a.csv").content != NO_ROWS


def test_one_json_line_is_content(folder: Path) -> None:
    put("a.jsonl", '{"user_id": "ada", "timestamp": "2026-11-23"}')

    assert taken("a.jsonl").content != NO_ROWS


def test_parquet_without_rows_has_no_content(folder: Path) -> None:
    put_parquet("a.parquet", ROWS.slice(0, 0))

    assert taken("a.parquet").content == NO_ROWS


@pytest.mark.parametrize("opener", [pa.ipc.new_file, pa.ipc.new_stream], ids=["file", "stream"])
def test_arrow_without_rows_has_no_content(folder: Path, opener: Callable[..., Any]) -> None:
    put_ipc("a.arrow", ROWS.slice(0, 0), opener)

    assert taken("a.arrow").content == NO_ROWS


def test_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MONDAY.encode())))
    (found,) = find_sources(["-"], ReadOptions())

    with pytest.raises(InputError, match="this is a stream"):
        stamp_of(found)


def test_file_that_is_gone_is_named(folder: Path) -> None:
    found = source(put("a.csv"))
    Path("a.csv").unlink()

    with pytest.raises(UnreadableFileError, match=r"a\.csv: cannot be read"):
        stamp_of(found)


def test_damaged_file_is_named(folder: Path) -> None:
    put("a.csv.gz", gzip.compress(MONDAY.encode())[:-9])

    with pytest.raises(UnreadableFileError, match=r"a\.csv\.gz: cannot be read"):
        taken("a.csv.gz")


def test_file_that_changes_after_it_was_looked_at_is_refused(folder: Path) -> None:
    found = source(put("a.csv", MONDAY))
    stamp = stamp_of(found)
    put("a.csv", TUESDAY)

    with pytest.raises(UnreadableFileError, match=r"a\.csv: changed while it was read"):
        check_unchanged(found, stamp)


def test_file_that_nobody_touches_is_unchanged(folder: Path) -> None:
    found = source(put("a.csv"))

    check_unchanged(found, stamp_of(found))


def test_file_that_changes_while_its_fingerprint_is_taken_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_text(found: Source, digest: Any) -> bool:
        put(found.name, TUESDAY)
        return True

    monkeypatch.setattr(subject, "_hash_text", hash_text)

    with pytest.raises(UnreadableFileError, match=r"a\.csv: changed while it was read"):
        fingerprint(source(put("a.csv")), ["user_id"])


class WithMetadata:
    """An open file of an object store, which tells an ETag."""

    def __init__(self, file: Any, metadata: dict[bytes, bytes]) -> None:
        self._file = file
        self.metadata = lambda: metadata

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *ending: object) -> None:
        self._file.close()

    def size(self) -> int:
        return int(self._file.size())


@pytest.mark.parametrize(("metadata", "modified"), [({b"ETag": b'"abc"'}, '"abc"'), ({}, None)])
def test_object_store_is_asked_for_its_etag(
    monkeypatch: pytest.MonkeyPatch, metadata: dict[bytes, bytes], modified: str | None
) -> None:
    filesystem = pafs._MockFileSystem()
    with filesystem.open_output_stream("a.csv") as stream:
        stream.write(MONDAY.encode())
    found = Source(Place("mock://a.csv", "a.csv", filesystem), "csv")
    opened = Source.open_file
    monkeypatch.setattr(Source, "open_file", lambda self: WithMetadata(opened(self), metadata))

    stamp = stamp_of(found)

    assert stamp.size == len(MONDAY)
    assert stamp.modified == (modified or str(found.place.info().mtime_ns))
