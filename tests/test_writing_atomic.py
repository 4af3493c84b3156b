"""The old output stands until the new one is finished, and nothing else is left behind."""

from __future__ import annotations

import errno
import os
import resource
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from sessionize.errors import OutputError
from sessionize.writing import atomic
from sessionize.writing.output import open_output
from sessionize.writing.target import Target, output_target

NAMES = ["s.parquet", "s.arrow", "s.csv", "s.jsonl", "s.csv.gz", "s.jsonl.zst"]


def table(rows: int = 3) -> pa.Table:
    return pa.table({"session_id": [f"{row * 7919:x}" for row in range(rows)], "event_count": range(rows)})


def some_dates(rows: pa.Table) -> pa.Array:
    return pa.array([row % 3 for row in range(len(rows))], pa.int32()).cast(pa.date32())


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_and_fail(target: Target, error: type[BaseException], rows: int = 3) -> None:
    with open_output(target, table().schema, metadata={}, dates=some_dates) as writer:
        writer.write(table(rows))
        raise error


def write(target: Target, rows: pa.Table) -> None:
    with open_output(target, rows.schema, metadata={}, dates=some_dates) as writer:
        writer.write(rows)


@contextmanager
def a_full_disk_at(size: int) -> Iterator[None]:
    """Let no file grow past `size` bytes, as on a disk that is full."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_leaves_the_old_file_and_no_other(
    tmp_path: Path, name: str, interruption: type[BaseException]
) -> None:
    (tmp_path / name).write_text("old")

    with pytest.raises(interruption):
        write_and_fail(output_target(tmp_path / name), interruption)

    assert (tmp_path / name).read_text() == "old"
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")
    target = output_target(tmp_path / name)

    with a_full_disk_at(5000), pytest.raises(OutputError, match=f"{name}: cannot be written") as failure:
        write(target, table(200_000))

    assert "\n" not in str(failure.value)
    assert (tmp_path / name).read_text() == "old"
    assert names_in(tmp_path) == [name]


def test_a_full_disk_leaves_the_old_folder(tmp_path: Path) -> None:
    target = output_target(tmp_path / "out", partition_by="date")
    write(target, table())
    before = sorted(tmp_path.rglob("*"))

    with a_full_disk_at(5000), pytest.raises(OutputError, match="out: cannot be written"):
        write(target, table(200_000))

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("format_", ["parquet", "arrow", "csv", "jsonl"])
def test_a_full_device_says_so(format_: str) -> None:
    target = output_target("/dev/full", output_format=format_)

    with pytest.raises(OutputError, match="/dev/full: cannot be written: no space left"):
        write(target, table(200_000))


def test_a_device_is_written_to_and_stays_a_device() -> None:
    write(output_target("/dev/null", output_format="csv"), table())

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_an_error_of_the_body_keeps_its_type(tmp_path: Path) -> None:
    """A log that cannot be read is no fault of the output."""
    with pytest.raises(PermissionError):
        write_and_fail(output_target(tmp_path / "s.csv"), PermissionError)


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    usual = os.umask(0o027)
    try:
        write(output_target(tmp_path / "s.csv"), table())
    finally:
        os.umask(usual)

    assert stat.S_IMODE((tmp_path / "s.csv").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "s.csv").touch()
    (tmp_path / "s.csv").chmod(0o604)

    write(output_target(tmp_path / "s.csv"), table())

    assert stat.S_IMODE((tmp_path / "s.csv").stat().st_mode) == 0o604


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")

    write(output_target(tmp_path / "link.csv"), table())

    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("session_id,")


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".csv")

    write(output_target(path), table())

    assert path.exists()


def test_a_folder_is_exchanged_whole(tmp_path: Path) -> None:
    target = output_target(tmp_path / "out", partition_by="date")
    write(target, table(3))
    (tmp_path / "out").chmod(0o750)

    write(target, table(1))

    assert names_in(tmp_path / "out") == ["_sessionize.json", "session_date=1970-01-01"]
    assert names_in(tmp_path) == ["out"]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o750


def test_a_folder_is_renamed_in_turn_where_it_cannot_be_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name, use_errno: object())
    target = output_target(tmp_path / "out", partition_by="date")
    write(target, table(3))

    write(target, table(1))

    assert len(names_in(tmp_path / "out")) == 2
    assert names_in(tmp_path) == ["out"]


def test_a_failed_second_rename_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = output_target(tmp_path / "out", partition_by="date")
    write(target, table(3))
    monkeypatch.setattr(atomic, "_exchanged", lambda temporary, final: False)
    rename, renamed = Path.rename, []

    def fail_second(self: Path, to: Path) -> Path:
        renamed.append(to)
        if len(renamed) == 2:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail_second)

    with pytest.raises(OutputError, match="the disk failed"):
        write(target, table(1))

    assert len(names_in(tmp_path / "out")) == 4
    assert names_in(tmp_path) == ["out"]


def test_an_interrupted_folder_leaves_the_old_one(tmp_path: Path) -> None:
    target = output_target(tmp_path / "out", partition_by="date")
    write(target, table(2))

    with pytest.raises(KeyboardInterrupt):
        write_and_fail(target, KeyboardInterrupt, rows=200_000)

    assert len(names_in(tmp_path / "out")) == 3
    assert names_in(tmp_path) == ["out"]


def test_files_that_others_put_there_meanwhile_are_kept(tmp_path: Path) -> None:
    target = output_target(tmp_path / "out", partition_by="date")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()

    with pytest.raises(OutputError, match=r"notes\.txt"):
        write(target, table())

    assert names_in(tmp_path / "out") == ["notes.txt"]
    assert names_in(tmp_path) == ["out"]


def test_a_broken_pipe_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)

    with os.fdopen(write_end, "w", closefd=True) as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(BrokenPipeError):
            write(output_target("-"), table(200_000))
        os.dup2(os.open(os.devnull, os.O_WRONLY), pipe.fileno())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.EROFS, "Read-only file system"), "the file system is read-only"),
        (
            OSError("[Errno 28] Error writing bytes. Detail: [errno 28] No space left on device"),
            "no space left",
        ),
        (OSError(errno.ELOOP, "Too many levels of symbolic links"), "Too many levels of symbolic links"),
        (OSError("of unknown origin"), "of unknown origin"),
    ],
    ids=["by number", "by Arrow's text", "without advice", "without number"],
)
def test_what_the_system_says_becomes_one_line(error: OSError, message: str) -> None:
    with pytest.raises(OutputError, match=f"^s.csv: cannot be written: {message}"), atomic.explained("s.csv"):
        raise error
