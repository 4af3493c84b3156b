"""What holds for every log, tried on generated ones and judged by the oracle."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sessionize as sz
from tests.generators import FRAME_KINDS, TEXT_KINDS, logs
from tests.logs import Log, assert_same_sessions, session_rows, tiny_chunks
from tests.oracle import Row

pytestmark = pytest.mark.property
many = settings(max_examples=3 * settings().max_examples)
"""Three times the profile's examples: 300 in the usual run, 1,200 in the slow one."""


def found(log: Log, events: object = None, **changed: Any) -> tuple[pa.Table, sz.Summary]:
    options = {**log.options(), **changed}
    sessions, summary = sz.sessionize(
        log.table() if events is None else events, return_summary=True, **options
    )
    return sessions, summary


def run_bytes(folder: Path, files: Sequence[Log], *, row_group_size: int = 1000, threads: int = 1) -> bytes:
    """The bytes of the sessions file that these files, one log in all, give."""
    inputs = []
    for number, part in enumerate(files):
        inputs.append(folder / f"{number}.parquet")
        pq.write_table(part.table(), inputs[-1], row_group_size=row_group_size)
    output = folder / "sessions.out.parquet"
    sz.run(inputs, output, threads=threads, **files[0].options())
    return output.read_bytes()


def exact(log: Log) -> Log:
    """The log without the sums of floats, the only values that may differ between ways of running."""
    kept = [item for item in log.rules.agg if item.function not in ("sum", "mean") or item.column != "amount"]
    return replace(log, rules=replace(log.rules, agg=tuple(kept)))


@many
@given(logs())
def test_sessions_are_those_of_the_oracle(log: Log) -> None:
    sessions, _ = found(log)

    assert_same_sessions(session_rows(sessions), log.expected().sessions, log.rules)


@many
@given(logs())
def test_every_input_row_is_accounted_for(log: Log) -> None:
    expected = log.expected()

    _, summary = found(log)

    tally = summary.tally
    assert tally.input_rows == len(log.rows)
    assert tally.input_rows == tally.events + tally.filtered + tally.rejected + tally.deduplicated
    assert (tally.events, tally.filtered) == (len(expected.events), expected.filtered)
    assert tally.deduplicated == expected.deduplicated
    assert tally.rejected_by_reason == expected.rejected_by_reason
    assert tally.dst_resolved == expected.dst_resolved
    kept = zip(summary.rejected["record"].to_pylist(), summary.rejected["reason"].to_pylist(), strict=True)
    assert list(kept) == expected.rejected


@many
@given(logs())
def test_the_summary_counts_what_the_oracle_counts(log: Log) -> None:
    expected = log.expected()
    times = [event.time_us for event in expected.events]

    _, summary = found(log)

    assert summary.sessions == len(expected.sessions)
    assert summary.single_event_sessions == sum(row["event_count"] == 1 for row in expected.sessions)
    assert summary.open_sessions == expected.open_sessions
    bounds = [moment and pa.scalar(moment).cast(pa.timestamp("us", "UTC")).value
              for moment in (summary.first_event, summary.last_event)]  # fmt: skip
    assert bounds == [min(times, default=None), max(times, default=None)]


@many
@given(logs())
def test_every_event_is_in_exactly_one_session(log: Log) -> None:
    sessions = session_rows(found(log)[0])

    def holding(identity: tuple[Any, ...], time_us: int) -> list[str]:
        return [
            row["session_id"]
            for row in sessions
            if tuple(row[name] for name in log.rules.by) == identity
            and row["start_time"] <= time_us <= row["end_time"]
        ]

    held = [holding(event.identity, event.time_us) for event in log.expected().events]
    assert all(held)
    if not log.rules.is_sequential:  # else a microsecond may be cut
        assert all(len(ids) == 1 for ids in held)
    assert sum(row["event_count"] for row in sessions) == len(held)
    assert {name for ids in held for name in ids} == {row["session_id"] for row in sessions}
    assert len(sessions) == len({row["session_id"] for row in sessions})


@many
@given(logs(max_events=16), st.data())
def test_shuffles_files_chunks_and_threads_change_no_byte(log: Log, data: st.DataObject) -> None:
    log = exact(log)
    shuffled = log.shuffled(data.draw(st.integers(0, 99), label="seed"))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log.rows)), max_size=2), label="cuts"))
    parts = [
        replace(shuffled, rows=shuffled.rows[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(log.rows)], strict=True)
    ]
    chunk_rows = data.draw(st.sampled_from([1, 2, 5]), label="chunk rows")

    with tempfile.TemporaryDirectory() as folder:
        whole = run_bytes(Path(folder), [log])
        with tiny_chunks(chunk_rows):
            assert run_bytes(Path(folder), parts, row_group_size=3, threads=3) == whole


@many
@given(logs())
def test_an_aggregate_never_changes_a_session(log: Log) -> None:
    with_aggregates, _ = found(log)

    without, _ = found(log.without_aggregates())

    same_columns = with_aggregates.select(without.column_names)
    assert repr(session_rows(same_columns)) == repr(session_rows(without))  # NaN is NaN here


@many
@given(logs(kinds=FRAME_KINDS))
def test_pandas_polars_and_arrow_agree(log: Log) -> None:
    events = log.table()
    expected = log.expected().sessions

    from_arrow, _ = found(log)
    from_pandas, _ = found(log, events.to_pandas(types_mapper=pd.ArrowDtype))
    from_polars, _ = found(log, pl.from_arrow(events))

    assert isinstance(from_pandas, pd.DataFrame)
    assert isinstance(from_polars, pl.DataFrame)
    for sessions in (from_arrow, from_polars.to_arrow()):
        assert_same_sessions(session_rows(sessions), expected, log.rules)
    back = pa.Table.from_pandas(from_pandas, from_arrow.schema, preserve_index=False)
    assert_same_sessions(without_nan(session_rows(back)), without_nan(expected), log.rules)


def without_nan(rows: Sequence[Row]) -> list[Row]:
    """The rows as a NumPy float column can hold them: NaN is its null."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        return None if value != value else value

    return [{name: plain(value) for name, value in row.items()} for row in rows]


@many
@given(logs(kinds=TEXT_KINDS, is_text=True), st.sampled_from([1, 3, 1000]))
def test_csv_says_the_same(log: Log, chunk_rows: int) -> None:
    """A log written as CSV, with `--type` where values are not text, has the sessions of the log."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "log.csv"), Path(folder, "sessions.parquet")
        source.write_text(csv_text(log), newline="")
        with tiny_chunks(chunk_rows):
            sz.run([source], output, types=log.type_options(), **log.options())
        sessions = pq.read_table(output)

    assert_same_sessions(session_rows(sessions), log.expected().sessions, log.rules)


def csv_text(log: Log) -> str:
    """The log as CSV: text always quoted, so that an empty text is not a null."""
    columns = [log.table()[name].to_pylist() for name in log.types]
    lines = [",".join(log.types), *(",".join(map(csv_field, row)) for row in zip(*columns, strict=True))]
    return "\n".join(lines) + "\n"


def csv_field(value: Any) -> str:
    if not isinstance(value, str):
        return "" if value is None else str(value)
    quoted = io.StringIO()
    csv.writer(quoted, quoting=csv.QUOTE_ALL, lineterminator="").writerow([value])
    return quoted.getvalue()
