"""Reading, merging and writing in tasks: the same files as those of the embedded engine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sessionize as sz
from sessionize.spark import packets, units
from tests.generators import logs
from tests.logs import Log, assert_same_sessions, session_rows, tiny_chunks
from tests.shuffles import promised
from tests.spark_runs import files_below, summary_of


def written(folder: Path, files: Sequence[Log]) -> list[Path]:
    inputs = [folder / f"{number}.parquet" for number in range(len(files))]
    for path, part in zip(inputs, files, strict=True):
        pq.write_table(part.table(), path, row_group_size=3)
    return inputs


@contextmanager
def tiny_tasks(rows: int) -> Iterator[None]:
    """Let a task read, and take in, so few rows at a time."""
    with (
        tiny_chunks(rows),
        patch.object(units, "GATHERED_ROWS", rows),
        patch.object(packets, "GATHERED_ROWS", rows),
        patch.object(packets, "PACKET_ROWS", rows),
    ):
        yield


@st.composite
def divided_logs(draw: st.DrawFn) -> list[Log]:
    """A log in up to three files."""
    log = draw(logs())
    cuts = sorted(draw(st.lists(st.integers(0, len(log.rows)), max_size=2)))
    bounds = zip([0, *cuts], [*cuts, len(log.rows)], strict=True)
    return [replace(log, rows=log.rows[start:end]) for start, end in bounds]


seeds, task_rows = st.integers(0, 99), st.sampled_from([1, 3, 100])


@pytest.mark.property
@given(divided_logs(), seeds, task_rows)
def test_tasks_find_what_one_process_finds(files: list[Log], seed: int, rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, options = Path(name), files[0].options()
        inputs, here, there = written(folder, files), folder / "here.parquet", folder / "there.parquet"
        expected = sz.run(inputs, here, **options)
        with promised(seed), tiny_tasks(rows):
            summary = sz.run(inputs, there, engine="spark", **options)

        assert summary_of(summary) == summary_of(expected)
        assert summary.rejected.equals(expected.rejected)
        assert pq.read_schema(there).equals(pq.read_schema(here), check_metadata=True)
        found, wanted = (session_rows(pq.read_table(path)) for path in (there, here))
        assert_same_sessions(found, wanted, files[0].rules)


@pytest.mark.property
@given(divided_logs(), seeds, task_rows)
def test_tasks_write_the_folder_that_one_process_writes(files: list[Log], seed: int, rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, options = Path(name), files[0].options() | {"partition_by": "date"}
        inputs, here, there = written(folder, files), folder / "here", folder / "there"
        sz.run(inputs, here, **options)
        with promised(seed), tiny_tasks(rows):
            sz.run(inputs, there, engine="spark", **options)

        assert files_below(there) == files_below(here)
        for path in here.glob("*/*.parquet"):
            found, wanted = (
                session_rows(pq.read_table(root / path.relative_to(here), partitioning=None))
                for root in (there, here)
            )
            assert_same_sessions(found, wanted, files[0].rules)


@pytest.mark.property
@given(divided_logs(), seeds, st.sampled_from([None, "date"]))
def test_data_points_are_the_same(files: list[Log], seed: int, partition_by: Any) -> None:
    files = [log.without_aggregates() for log in files]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = files[0].options() | {"emit": "datapoints", "partition_by": partition_by}
        inputs, here, there = written(folder, files), folder / "here.parquet", folder / "there.parquet"
        sz.run(inputs, here, **options)
        with promised(seed):
            sz.run(inputs, there, engine="spark", **options)

        # NaN equals itself in text only
        assert repr(pq.read_table(there).to_pylist()) == repr(pq.read_table(here).to_pylist())


@pytest.mark.parametrize("rules", [{}, {"max_events": 5}])
def test_sets_of_a_type_of_which_arrow_makes_no_empty_list(rules: dict[str, Any], tmp_path: Path) -> None:
    stored = pa.array([bytes([n] * 16) for n in (1, 2, 1)], pa.binary(16))
    pages = pa.ExtensionArray.from_storage(pa.uuid(), stored)
    times = pa.array([1, 2, 3], pa.timestamp("us"))
    log = pa.table({"user_id": ["ada"] * 3, "timestamp": times, "page": pages})
    pq.write_table(log, tmp_path / "a.parquet")
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    sz.run(tmp_path / "a.parquet", here, agg={"pages": "set:page"}, **rules)

    with promised(1):
        sz.run(tmp_path / "a.parquet", there, engine="spark", agg={"pages": "set:page"}, **rules)

    assert pq.read_table(there).equals(pq.read_table(here))
