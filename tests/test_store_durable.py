"""Files of a store that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sessionize.errors import OutputError
from sessionize.store.durable import write_parquet

ROWS = pa.table({"id": pa.array([2**64 - 1, None], pa.uint64()), "text": pa.array(["a", ""])})
PATH = "_sessionize/ledger/1.parquet"


def test_a_file_is_written_with_its_folders_and_comes_back_as_it_was(tmp_path: Path) -> None:
    write_parquet(ROWS, str(tmp_path / "new"), PATH)

    assert pq.read_table(tmp_path / "new" / PATH).equals(ROWS)


def test_a_file_replaces_the_one_that_is_there(tmp_path: Path) -> None:
    write_parquet(ROWS, str(tmp_path), PATH)
    write_parquet(ROWS.slice(1), str(tmp_path), PATH)

    assert pq.read_table(tmp_path / PATH).equals(ROWS.slice(1))


def test_a_file_that_fails_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    write_parquet(ROWS, str(tmp_path), PATH)

    with pytest.raises(pa.ArrowException):
        write_parquet(pa.table({"x": pa.array([{}], pa.struct([]))}), str(tmp_path), PATH)

    assert list((tmp_path / PATH).parent.iterdir()) == [tmp_path / PATH]
    assert pq.read_table(tmp_path / PATH).equals(ROWS)


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "_sessionize").write_text("a file")

    with pytest.raises(OutputError, match=r"ledger/1\.parquet: cannot be written"):
        write_parquet(ROWS, str(tmp_path), PATH)
