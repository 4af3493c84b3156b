"""What is read of what the caller names."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from sessionize.errors import InputError, UnreadableFileError
from sessionize.reading.folders import Place, expand_glob, list_folder
from sessionize.reading.options import ReadOptions
from sessionize.reading.ours import COLUMNS
from sessionize.reading.sources import Source, find_sources
from sessionize.reading.suffixes import format_of, hive_columns

LOG = "user_id,timestamp\nada,2026-01-01\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, text: str = LOG) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def names(
    *inputs: str, notes: list[str] | None = None, own: tuple[str, ...] = (), **options: Any
) -> list[str]:
    notify = ([] if notes is None else notes).append
    allow_empty = options.pop("allow_empty", False)
    sources = find_sources(inputs, ReadOptions(**options), own=own, notify=notify, allow_empty=allow_empty)
    return [source.name for source in sources]


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.parquet", ("parquet", None)),
        ("a.PQ", ("parquet", None)),
        ("a.csv.gz", ("csv", "gzip")),
        ("a.tsv.zst", ("tsv", "zstd")),
        ("a.ndjson", ("jsonl", None)),
        ("a.feather", ("arrow", None)),
        ("a.parquet.gz", (None, "gzip")),
        ("a.d/README", (None, None)),
    ],
)
def test_suffix_tells_format_and_compression(name: str, expected: tuple[str | None, str | None]) -> None:
    assert format_of(name) == expected


def test_hive_folders_are_decoded_and_their_null_is_null() -> None:
    path = "x/a%20b=c%2Fd/dt=__HIVE_DEFAULT_PARTITION__/=odd/e=1.csv"

    assert hive_columns(path) == {"a b": "c/d", "dt": None}


def test_folder_is_read_recursively_sorted_by_path(folder: Path) -> None:
    for path in ["logs/b.csv", "logs/a/z.csv", "logs/a.csv"]:
        put(path)

    assert names("logs") == ["logs/a/z.csv", "logs/a.csv", "logs/b.csv"]


def test_glob_is_sorted_and_reaches_into_folders(folder: Path) -> None:
    for path in ["logs/b.csv", "logs/deep/er/c.csv", "logs/a.csv", "logs/a.parquet"]:
        put(path)

    assert names("logs/**/*.csv") == ["logs/a.csv", "logs/b.csv", "logs/deep/er/c.csv"]


def test_glob_of_folders_reads_the_folders(folder: Path) -> None:
    put("logs/dt=1/a.csv")
    put("logs/dt=2/a.csv")

    sources = find_sources(["logs/dt=*"], ReadOptions())

    assert [source.partition for source in sources] == [{"dt": "1"}, {"dt": "2"}]


def test_glob_leaves_hidden_files_out_unless_it_asks_for_them(folder: Path) -> None:
    put("_a.csv")
    put("b.csv")
    notes: list[str] = []

    assert names("*.csv", notes=notes) == ["b.csv"]
    assert notes == ["skipped _a.csv (hidden)"]
    assert names("_*.csv") == ["_a.csv"]


def test_glob_that_matches_nothing_is_an_error(folder: Path) -> None:
    with pytest.raises(InputError, match=r"x\*\.csv: no file matches"):
        names("x*.csv")


def test_file_reached_twice_is_read_once(folder: Path) -> None:
    put("logs/a.csv")
    Path("logs/link.csv").symlink_to("a.csv")

    notes: list[str] = []
    found = names("logs/a.csv", "logs", str(folder / "logs" / "a.csv"), notes=notes)

    assert found == ["logs/a.csv"]
    assert notes == ["skipped 3 files (named already), such as logs/a.csv"]


def test_link_back_to_a_parent_ends(folder: Path) -> None:
    put("logs/deep/a.csv")
    Path("logs/deep/up").symlink_to("..")

    assert names("logs") == ["logs/deep/a.csv"]


def test_dangling_link_is_no_file(folder: Path) -> None:
    put("logs/a.csv")
    Path("logs/b.csv").symlink_to("gone.csv")

    assert names("logs") == ["logs/a.csv"]


def test_what_is_no_log_is_skipped_with_one_message_for_each_reason(folder: Path) -> None:
    header = ",".join(["user_id", *(f"my_{name}" for name in sorted(COLUMNS))])
    ours = pa.table({"a": [1]}).replace_schema_metadata({"sessionize": "1"})
    for path in [
        "a.csv",
        ".git/a.csv",
        "_delta_log/0.json",
        "x/_b.csv",
        "out.csv.rejected.jsonl",
        "README.md",
    ]:
        put(f"logs/{path}")
    put("logs/Makefile")
    put("logs/x/sessions.csv", header + "\n")
    put("logs/sessions.jsonl", json.dumps(dict.fromkeys(COLUMNS)) + "\n")
    put("logs/parts/_sessionize.json", "{}")
    put("logs/parts/session_date=2026-01-01/part-0.csv")
    pq.write_table(ours, "logs/sessions.parquet")
    with pa.ipc.new_file("logs/sessions.arrow", ours.schema) as writer:
        writer.write(ours)
    put("logs/out/a.csv")
    put("logs/result.csv")
    notes: list[str] = []

    found = names("logs", own=("logs/out", "logs/result.csv", "-"), notes=notes)

    assert found == ["logs/a.csv"]
    assert sorted(notes) == [
        "skipped 2 files (an output of this run), such as logs/out",
        "skipped 2 files (unknown format), such as logs/Makefile",
        "skipped 3 files (hidden), such as logs/.git",
        "skipped 5 files (made by sessionize), such as logs/parts",
        "skipped logs/out.csv.rejected.jsonl (rejected rows)",
    ]


def test_own_output_among_the_matches_of_a_glob_is_skipped(folder: Path) -> None:
    put("a.csv")
    put("b.csv")

    assert names("*.csv", own=("b.csv",)) == ["a.csv"]


def test_folder_made_by_sessionize_holds_no_log(folder: Path) -> None:
    put("out/_sessionize.json", "{}")
    put("out/a.csv")

    with pytest.raises(InputError, match="out: no file to read"):
        names("out")


def test_broken_file_in_a_folder_is_left_to_its_reader(folder: Path) -> None:
    put("logs/a.parquet", "no parquet")
    put("logs/a.jsonl", "[]\n")

    assert names("logs") == ["logs/a.jsonl", "logs/a.parquet"]


def test_named_file_is_never_skipped(folder: Path) -> None:
    put("_a.csv", ",".join(COLUMNS) + "\n")

    assert names("_a.csv") == ["_a.csv"]


def test_named_file_of_unknown_format_asks_for_the_format(folder: Path) -> None:
    put("events.log")

    with pytest.raises(InputError, match=r"events\.log: unknown format\. .*--input-format csv"):
        names("events.log")
    assert find_sources(["events.log"], ReadOptions(input_format="csv"))[0].format == "csv"


def test_input_that_is_also_output_is_refused(folder: Path) -> None:
    put("logs/a.csv")

    with pytest.raises(InputError, match=r"logs/a\.csv is both an input and an output"):
        names("logs/a.csv", own=("logs/../logs/a.csv",))


def test_missing_path_suggests_a_name_beside_it(folder: Path) -> None:
    put("logs/events.csv")

    with pytest.raises(
        InputError, match=r"logs/event\.csv: no such file or folder; did you mean 'events\.csv'\?"
    ):
        names("logs/event.csv")
    with pytest.raises(InputError, match=r"nowhere/event\.csv: no such file or folder\."):
        names("nowhere/event.csv")


def test_no_input_is_misuse() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        names()


def test_folder_without_files_is_an_error_unless_allowed(folder: Path) -> None:
    Path("logs").mkdir()

    with pytest.raises(InputError, match="logs: no file to read"):
        names("logs")
    assert names("logs", "x*.csv", allow_empty=True) == []


def test_file_of_0_bytes_is_an_error_unless_allowed(folder: Path) -> None:
    put("logs/a.csv", "")
    notes: list[str] = []

    with pytest.raises(UnreadableFileError, match=r"logs/a\.csv: empty file"):
        names("logs")
    assert names("logs", allow_empty=True, notes=notes) == []
    assert notes == ["skipped logs/a.csv (empty)"]


def test_home_folder_is_understood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("a.csv")
    monkeypatch.setenv("HOME", str(folder))

    assert names("~/a.csv") == ["~/a.csv"]


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        (b'\xef\xbb\xbf \n {"a": 1}\n', "jsonl"),
        (b"a,b\n", "csv"),
        (b" " * 9000 + b'{"a": 1}\n', "jsonl"),
        (b" \n", "csv"),
    ],
    ids=["object", "text", "object after many blanks", "only blanks"],
)
def test_standard_input_is_json_if_it_opens_an_object(
    monkeypatch: pytest.MonkeyPatch, content: bytes, format_: str
) -> None:
    standard_input(monkeypatch, content)

    (source,) = find_sources(["-"], ReadOptions())

    assert (source.name, source.format) == ("-", format_)
    assert source.open_text().read(len(content)) == content


def test_standard_input_takes_a_named_format(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"{x}\ty\n")

    (source,) = find_sources(["-"], ReadOptions(input_format="tsv"))

    assert (source.format, source.delimiter) == ("tsv", "\t")


def test_empty_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"")

    with pytest.raises(UnreadableFileError, match="-: empty file"):
        find_sources(["-"], ReadOptions())


def test_pipe_is_read_once(folder: Path) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(LOG,))
    writer.start()

    (source,) = find_sources(["pipe"], ReadOptions())
    content = source.once.peek_all() if source.once else b""
    writer.join()

    assert (source.format, content) == ("csv", LOG.encode())


def test_file_uri_is_a_local_path(folder: Path) -> None:
    put("logs/a.csv")
    put("logs/_b.csv")
    put("logs/c.csv.gz")
    base = (folder / "logs").as_uri()

    assert names(base) == [f"{base}/a.csv", f"{base}/c.csv.gz"]
    assert names(f"{base}/*.csv") == [str(folder / "logs" / "a.csv")]
    assert names(f"{base}/a.csv", str(folder))[:1] == [f"{base}/a.csv"]


def test_uri_of_no_filesystem_is_an_error() -> None:
    with pytest.raises(InputError, match=r"gopher://x/y: "):
        names("gopher://x/y")


def test_path_that_cannot_be_looked_up_is_an_error() -> None:
    with pytest.raises(InputError, match="cannot be looked up"):
        names("a" * 5000)


@pytest.fixture
def bucket() -> Place:
    """A folder on a filesystem that is not the operating system's."""
    filesystem = pafs._MockFileSystem()
    for path in ["b/logs/dt=1/a.csv", "b/logs/dt=2/b.csv", "b/logs/_tmp/deep/c.csv", "b/logs/x.txt"]:
        filesystem.create_dir(path.rpartition("/")[0])
        with filesystem.open_output_stream(path) as file:
            file.write(LOG.encode())
    return Place("mock://b/logs", "b/logs", filesystem)


def test_remote_folder_is_listed_without_the_folders_refused(bucket: Place) -> None:
    files = list(list_folder(bucket, lambda folder: not folder.startswith("_tmp")))

    assert files == [("dt=1/a.csv", len(LOG)), ("dt=2/b.csv", len(LOG)), ("x.txt", len(LOG))]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("b/logs/dt=*", ["mock://b/logs/dt=1", "mock://b/logs/dt=2"]),
        ("b/logs/**/[!b].csv", ["mock://b/logs/_tmp/deep/c.csv", "mock://b/logs/dt=1/a.csv"]),
        ("b/logs/**.txt", ["mock://b/logs/x.txt"]),
        ("b/logs/dt=[", []),
    ],
)
def test_remote_glob_matches_whole_paths(bucket: Place, pattern: str, expected: list[str]) -> None:
    found = expand_glob(Place(f"mock://{pattern}", pattern, bucket.filesystem))

    assert [place.name for place in found] == expected


def test_remote_file_is_opened_and_keyed_by_its_filesystem(bucket: Place) -> None:
    source = Source(bucket.child("dt=1/a.csv"), "csv")

    assert source.name == "mock://b/logs/dt=1/a.csv"
    assert source.place.key == "mock:b/logs/dt=1/a.csv"
    assert source.peek(7) == b"user_id"


def test_compressed_file_is_read_plain(folder: Path) -> None:
    Path("a.csv.gz").write_bytes(gzip.compress(LOG.encode()))

    (source,) = find_sources(["a.csv.gz"], ReadOptions())

    assert source.open_text().read(1000) == LOG.encode()


def test_a_recursive_glob_does_not_enter_hidden_folders(folder: Path) -> None:
    """Staging folders would be read twice."""
    for path in ("logs/a.csv", "logs/_tmp/a.csv", "logs/_tmp/deep/b.csv", "logs/sub/c.csv"):
        put(path)

    assert names("logs/**/*.csv") == names("logs") == ["logs/a.csv", "logs/sub/c.csv"]


def test_a_hidden_folder_that_a_glob_names_is_read(folder: Path) -> None:
    put("_logs/a.csv")
    put("_logs/_tmp/b.csv")

    assert names("_logs/**/*.csv") == ["_logs/a.csv"]
    assert names("_logs/_tmp/*.csv") == ["_logs/_tmp/b.csv"]
