"""A store after any history of updates: what one run over the files in its ledger gives."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sessionize as sz
from sessionize.store.store import SessionStore
from tests.generators import logs
from tests.logs import Log, assert_same_sessions, session_rows
from tests.test_properties import exact

ROW_GROUP_ROWS = 3
NEED_A_TYPE = "sum", "mean", "any", "all"
NARROWER = {
    pa.int64(): [pa.int8(), pa.int16(), pa.int32()],
    pa.uint64(): [pa.uint8(), pa.uint16(), pa.uint32()],
}


class Night:
    """A folder of raw files and the store that is kept of them."""

    def __init__(self, folder: Path, log: Log) -> None:
        self.raw = folder / "raw"
        self.raw.mkdir()
        self.store = SessionStore(folder / "store")
        self.log = log
        self.files: dict[str, Log] = {}
        self.options = {name: value for name, value in log.options().items() if name != "as_of"}

    def write(self, name: str, log: Log) -> Path:
        path = self.raw / f"{name}.parquet"
        pq.write_table(narrowest(log), path, row_group_size=ROW_GROUP_ROWS)
        self.files[name] = log
        return path

    def update(self, *paths: Path, **options: Any) -> Any:
        return self.store.update(list(paths), allow_same_content=True, **{**self.options, **options})

    def check(self) -> None:
        rows = [row for log in self.files.values() for row in log.rows]
        expected = replace(self.log, rows=rows).expected().sessions
        assert_same_sessions(session_rows(self.store.sessions()), expected, self.log.rules)


def narrowest(log: Log) -> pa.Table:
    """Give each column of integers the smallest type that holds it, and one of nulls alone no type."""
    typed = {each.column for each in log.rules.agg if each.function in NEED_A_TYPE}
    table = log.table()
    return pa.table({name: _narrowest(table[name], name in typed) for name in table.column_names})


def _narrowest(column: pa.ChunkedArray, is_typed: bool) -> pa.Array:
    if column.null_count == len(column):
        return column if is_typed else pa.nulls(len(column))
    smaller = NARROWER.get(column.type, [])
    least_most = pc.min_max(column).as_py().values() if smaller else []
    return column.cast(
        next((type_ for type_ in smaller if all(_fits(value, type_) for value in least_most)), column.type)
    )


def _fits(value: int, type_: pa.DataType) -> bool:
    bits = type_.bit_width - pa.types.is_signed_integer(type_)
    return -(1 << bits) * pa.types.is_signed_integer(type_) <= value < 1 << bits


@pytest.mark.property
@settings(max_examples=settings().max_examples // 2)
@given(logs(), st.data())
def test_any_history_of_updates_gives_the_sessions_of_one_run(log: Log, data: st.DataObject) -> None:
    log = exact(log)
    places = st.integers(0, len(log.rows))
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder), log)
        for _ in range(data.draw(st.integers(1, 4), label="updates")):
            names = data.draw(
                st.lists(st.sampled_from("abcd"), min_size=1, max_size=2, unique=True), label="files"
            )
            paths, forget = [], []
            for name in names:
                start, end = sorted((data.draw(places), data.draw(places)))
                if name in night.files and data.draw(st.integers(0, 2), label="goes") == 0:
                    forget.append(night.raw / f"{name}.parquet")
                    del night.files[name]
                else:
                    paths.append(night.write(name, replace(log, rows=log.rows[start:end])))

            night.update(*paths, forget=forget)

            night.check()


def test_updating_twice_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,timestamp\nada,2026-01-01T09:00:00Z\n")
    store = sz.SessionStore(tmp_path / "store")
    store.update([tmp_path / "a.csv"])

    again = store.update([tmp_path / "a.csv"])

    assert again.changed_nothing
    assert (again.same, again.table_version) == (1, 1)
