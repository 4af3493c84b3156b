"""Opening sessions tables again: every format that a run writes, and what is none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import sessionize as sz
from sessionize.written.layout import Layout, Origin, types_of
from sessionize.written.opening import open_written
from tests.command_line import ROOT

COLUMNS = [
    "session_id",
    "user_id",
    "start_time",
    "end_time",
    "duration_seconds",
    "event_count",
    "start_reason",
]
FILES = ["s.parquet", "s.arrow", "s.csv", "s.csv.gz", "s.csv.zst", "s.jsonl", "s.jsonl.gz", "s.jsonl.zst"]
NIGHT = "user_id,timestamp\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    path = tmp_path_factory.mktemp("whole") / "s.parquet"
    sz.run(ROOT / "sample_data/daily", path)
    return pq.read_table(path)


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_table(name: str, whole: pa.Table, tmp_path: Path) -> None:
    sz.run(ROOT / "sample_data/daily", tmp_path / name)

    written = open_written(tmp_path / name)

    assert pa.concat_tables(written.tables(COLUMNS)).equals(whole)
    assert written.layout.identity == ("user_id",)


def test_folder_by_date_gives_the_same_rows(whole: pa.Table, tmp_path: Path) -> None:
    sz.run(ROOT / "sample_data/daily", tmp_path / "s", partition_by="date")

    found = pa.concat_tables(open_written(tmp_path / "s").tables(COLUMNS))

    assert found.sort_by("session_id").equals(whole.sort_by("session_id"))


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read_with_a_filter(name: str, whole: pa.Table, tmp_path: Path) -> None:
    sz.run(ROOT / "sample_data/daily", tmp_path / name)

    found = open_written(tmp_path / name).tables(["event_count", "user_id"], pc.field("user_id") == "000518")

    assert pa.concat_tables(found).column_names == ["event_count", "user_id"]
    assert (
        sum(map(len, open_written(tmp_path / name).tables(["user_id"], pc.field("user_id") == "000518"))) == 8
    )


@pytest.mark.parametrize("name", [*FILES, "folder"])
def test_table_without_rows_is_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(NIGHT, encoding="utf-8")
    sz.run(tmp_path / "log.csv", tmp_path / name, partition_by="date" if name == "folder" else None)

    written = open_written(tmp_path / name)

    assert list(written.tables(COLUMNS)) == []
    assert written.layout.identity == ("user_id",)


def test_ids_that_look_like_times_or_numbers_stay_text(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "user_id,timestamp\n2026-01-01,2026-01-01T09:00:00Z\n0042,2026-01-01T09:00:00Z\n", encoding="utf-8"
    )
    for name in ("s.csv", "s.jsonl"):
        sz.run(tmp_path / "log.csv", tmp_path / name)

        (table,) = open_written(tmp_path / name).tables(["user_id"])

        assert table["user_id"].to_pylist() == ["0042", "2026-01-01"]


def test_row_groups_that_cannot_hold_a_value_are_not_read(tmp_path: Path, whole: pa.Table) -> None:
    by_user = whole.sort_by("user_id")
    pq.write_table(by_user, tmp_path / "s.parquet", row_group_size=100)
    damaged = bytearray((tmp_path / "s.parquet").read_bytes())
    last = pq.ParquetFile(tmp_path / "s.parquet").metadata.row_group(5).column(1)
    damaged[last.data_page_offset : last.data_page_offset + 40] = b"\xff" * 40
    (tmp_path / "s.parquet").write_bytes(damaged)
    written = open_written(tmp_path / "s.parquet")

    (table,) = written.tables(["user_id"], pc.field("user_id") == by_user["user_id"][0])

    assert set(table["user_id"].to_pylist()) == {by_user["user_id"][0].as_py()}
    with pytest.raises(sz.UnreadableFileError, match=r"s\.parquet: cannot be read"):
        list(written.tables(["user_id"]))


def test_prefix_is_recognised(tmp_path: Path) -> None:
    sz.run(ROOT / "sample_data/daily", tmp_path / "s.csv", prefix="my_")

    layout = open_written(tmp_path / "s.csv").layout

    assert (layout.own("start_time"), layout.identity) == ("my_start_time", ("user_id",))


def test_identity_is_that_of_the_rules_wherever_it_stands(whole: pa.Table) -> None:
    last = whole.select([*(name for name in COLUMNS if name != "user_id"), "user_id"])

    assert open_written(last).layout.identity == ("user_id",)


def test_table_that_hides_its_identity_asks_for_it(whole: pa.Table) -> None:
    last = whole.select(
        [*(name for name in COLUMNS if name != "user_id"), "user_id"]
    ).replace_schema_metadata()

    with pytest.raises(sz.InputError, match="no identity column between session_id and start_time"):
        open_written(last).layout.users(None)


def test_dictionaries_are_decoded(whole: pa.Table) -> None:
    encoded = whole.set_column(1, "user_id", whole["user_id"].dictionary_encode())

    assert pa.concat_tables(open_written(encoded).tables(COLUMNS)).equals(whole)


@pytest.mark.parametrize(
    "metadata",
    [b"no json", b"{}", b'{"rules": {"timeout": 5}}', b'{"rules": {"unheard_of": 1}}'],
    ids=["no JSON", "no rules", "a value of no meaning", "a rule of another version"],
)
def test_metadata_that_cannot_be_read_says_nothing(metadata: bytes, whole: pa.Table) -> None:
    assert Origin.of(whole.schema.with_metadata({"sessionize": metadata})) == Origin()


def test_table_of_something_else_is_refused_with_what_it_has() -> None:
    with pytest.raises(sz.MissingColumnError, match=r"<sessions>: no sessions table.*Found: a, b"):
        open_written(pa.table({"a": [1], "b": [2]}))


def test_rules_whose_identity_the_table_lacks_do_not_count() -> None:
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])

    layout = Layout.of("t", types_of(schema), sz.SessionRules(by="device_id"))

    assert layout.identity == ("user_id",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.parquet", None, "no such file or folder"),
        ("s.parquet", b"no parquet", "cannot be read"),
        ("s.csv", b"", "cannot be read"),
        ("s.xlsx", b"", "the name says no format"),
    ],
    ids=["missing", "damaged", "0 bytes", "no format"],
)
def test_file_that_is_no_table_is_refused(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(sz.UnreadableFileError, match=message):
        open_written(tmp_path / name)


def test_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sz.UnreadableFileError, match="a folder without Parquet files"):
        open_written(tmp_path)


def test_store_gives_the_rows_of_its_sessions(whole: pa.Table, tmp_path: Path) -> None:
    sz.SessionStore(tmp_path / "store").update(ROOT / "sample_data/daily", timezone="Europe/Paris")

    written = open_written(tmp_path / "store")

    found = pa.concat_tables(written.tables(COLUMNS))
    assert found.sort_by("session_id").equals(whole.sort_by("session_id"))
    assert written.origin.rules == sz.SessionRules(timezone="Europe/Paris")
    (one,) = written.tables(["user_id"], pc.field("user_id") == "000518")
    assert len(one) == 8


def test_delta_table_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_delta_log").mkdir()

    with pytest.raises(sz.StoreError):
        open_written(tmp_path)


def test_frame_of_mixed_objects_is_refused() -> None:
    with pytest.raises(sz.InputError, match="<sessions>: Arrow has no form for these columns"):
        open_written(pd.DataFrame({"session_id": [1, "a", None]}, dtype=object))


def test_anything_else_is_misuse() -> None:
    with pytest.raises(TypeError, match="sessions are a path or a pandas, Polars or PyArrow table, not int"):
        open_written(5)
