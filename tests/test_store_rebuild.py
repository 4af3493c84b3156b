"""What becomes of stored sessions when files come, change and go: tried on generated logs, without a disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionize.core.columns import column
from sessionize.core.sessions import SessionTable
from sessionize.definition import define
from sessionize.reading.frames import open_frame
from sessionize.store.contribution import Contribution, contributions, read_part
from sessionize.store.data_files import StoredFile
from sessionize.store.rebuild import rebuild
from sessionize.store.rows import STATE
from sessionize.store.spans import holders, spans
from sessionize.writing.atomic import DATE
from tests.generators import logs
from tests.logs import Log, assert_same_sessions, session_rows

MS = 1000


@dataclass
class Partitions:
    """A table of sessions in memory, with the statistics that a table on disk has."""

    by_date: dict[date, pa.Table]
    prefix: str = ""

    def files(self) -> list[StoredFile]:
        return [self._file(day, rows) for day, rows in self.by_date.items()]

    def _file(self, day: date, rows: pa.Table) -> StoredFile:
        bounds: dict[str, int] = {}
        for name in ("start", "end"):
            time_us = column(rows, f"{name}_time").view(pa.int64()).to_numpy()
            bounds |= {f"first_{name}_us": int(time_us.min()) // MS * MS}
            bounds |= {f"last_{name}_us": int(time_us.max()) // MS * MS + MS}
        return StoredFile(path=str(day), session_date=day, rows=len(rows), size_bytes=0, **bounds)

    def read(self, files: Sequence[StoredFile], columns: Sequence[str]) -> pa.Table:
        return pa.concat_tables([self.by_date[file.session_date] for file in files]).select(columns)

    def replace(self, days: Sequence[date], rows: pa.Table) -> None:
        for day in days:
            of_day = rows.filter(pa.array([each == day for each in rows[DATE].to_pylist()], pa.bool_()))
            self.by_date.pop(day, None)
            if len(of_day):
                self.by_date[day] = of_day

    def rows(self) -> list[dict[str, object]]:
        tables = [
            table.drop_columns([DATE, *({STATE} & set(table.column_names))])
            for table in self.by_date.values()
        ]
        return session_rows(pa.concat_tables(tables)) if tables else []


class History:
    """Files that come, change and go, and the table that is kept of them."""

    def __init__(self, log: Log) -> None:
        self.log = log
        given = {
            name: value for name, value in log.options().items() if name not in ("as_of", "max_rejected")
        }
        self.rules, self.reading = define(None, None, given)
        self.types = open_frame(log.table(), self.rules.columns, self.rules.by, self.reading).types
        self.table = SessionTable.of(self.rules, self.types)
        self.partitions = Partitions({})
        self.files: dict[int, tuple[Log, Contribution]] = {}

    def contribution(self, log: Log) -> Contribution:
        frame = open_frame(log.table(), self.rules.columns, self.rules.by, self.reading)
        read = (read_part(self.table, piece) for piece in frame.pieces)
        ((found,), _) = contributions(read, 1, frame.types, self.table)
        return found

    def update(self, changed: dict[int, Log | None]) -> None:
        """Bring files in, anew or with other content; None takes one out."""
        removed = [self.files.pop(name)[1].lasting for name in changed if name in self.files]
        new = {name: (log, self.contribution(log)) for name, log in changed.items() if log is not None}

        def fetch(wanted: pa.Table) -> list[pa.Table]:
            brought = [each.brings for _, each in self.files.values()]
            held = [holders(wanted, spans(part, self.rules), self.rules) >= 0 for part in brought]
            return [part.filter(pa.array(inside)) for part, inside in zip(brought, held, strict=True)]

        rebuilt = rebuild(
            self.partitions,
            [each.brings for _, each in new.values()],
            removed,
            fetch,
            self.table,
            self.types,
        )
        self.partitions.replace(rebuilt.dates, rebuilt.rows)
        self.files |= new

    def expected(self) -> list[dict[str, object]]:
        rows = [row for log, _ in self.files.values() for row in log.rows]
        return replace(self.log, rows=rows).expected().sessions


def in_closing_order(
    rows: list[dict[str, object]], expected: list[dict[str, object]]
) -> list[dict[str, object]]:
    """Rows of several partitions in the order of the whole table, by what names them."""
    place = {row["session_id"]: index for index, row in enumerate(expected)}
    return sorted(rows, key=lambda row: place.get(row["session_id"], -1))


@pytest.mark.property
@settings(max_examples=3 * settings().max_examples)
@given(logs(), st.data())
def test_the_table_is_that_of_one_run_over_its_files_after_any_update(log: Log, data: st.DataObject) -> None:
    history = History(log)
    places = st.integers(0, len(log.rows))
    for _ in range(data.draw(st.integers(1, 5), label="updates")):
        changed: dict[int, Log | None] = {}
        for name in data.draw(
            st.lists(st.integers(0, 3), min_size=1, max_size=2, unique=True), label="files"
        ):
            start, end = sorted((data.draw(places), data.draw(places)))
            goes = data.draw(st.integers(0, 4), label="goes") == 0
            changed[name] = None if goes else replace(log, rows=log.rows[start:end])

        history.update(changed)

        expected = history.expected()
        found = in_closing_order(history.partitions.rows(), expected)
        assert_same_sessions(found, expected, log.rules)
