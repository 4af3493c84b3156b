"""Labelled files: every row in its place with all its columns, from and to every format."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sessionize as sz
from sessionize.labelling.labels import LABELS, WaitingLabels
from sessionize.reading.sources import Source
from tests.generators import logs
from tests.labels import LEAST, label_options, labels_of, no_room, tiny_pieces
from tests.logs import Log
from tests.published import REAL_LOGS, RealLog
from tests.small_logs import at, events

NAMES = LABELS.names
HEADER = "user_id,timestamp,page\n"


def labelled(output: Path, *inputs: Path, **options: Any) -> pa.Table:
    """Label files; read what was written."""
    sz.label_files(list(inputs), output, **options)
    return pq.read_table(output)


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def json_lines(path: Path, *records: dict[str, Any] | str) -> Path:
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    return written(path, "".join(f"{line}\n" for line in lines))


def record(time: str, **more: Any) -> dict[str, Any]:
    return {"user_id": "A", "timestamp": f"2026-01-01T{time}:00Z", **more}


# ---------------------------------------------------------------- one truth


def shuffled(rows: int = 400) -> pa.Table:
    random = np.random.default_rng(11)
    return pa.table(
        {
            "user_id": [f"u{number}" for number in random.integers(0, 20, rows)],
            "timestamp": pa.array(random.integers(0, 2 * 10**11, rows), pa.timestamp("us", "UTC")),
            "n": np.arange(rows),
        }
    )


@pytest.mark.property
@given(logs(), st.integers(1, 5))
def test_files_have_the_labels_of_the_oracle(log: Log, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder, tiny_pieces(rows):
        source, output = Path(folder, "log.parquet"), Path(folder, "labelled.parquet")
        pq.write_table(log.table(), source, row_group_size=rows)
        found, read = labelled(output, source, **label_options(log)), pq.read_table(source)

    assert labels_of(found) == log.expected().labels
    assert repr(found.select(read.column_names).to_pylist()) == repr(read.to_pylist())  # NaN is NaN here


@pytest.mark.parametrize("order", ["in time order", "shuffled"])
@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "arrow"])
def test_chunks_threads_and_memory_change_no_byte(order: str, suffix: str, tmp_path: Path) -> None:
    log = shuffled().sort_by("timestamp") if order == "in time order" else shuffled()
    pq.write_table(log, tmp_path / "log.parquet", row_group_size=50)
    expected, found = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    sz.label_files(tmp_path / "log.parquet", expected)

    with tiny_pieces(50), no_room():
        sz.label_files(tmp_path / "log.parquet", found, threads=3, memory_limit=LEAST)

    assert found.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "arrow", "tsv"])
def test_every_input_format_gives_the_same_labels(suffix: str, tmp_path: Path) -> None:
    log = shuffled()
    expected = labels_of(sz.label(log))
    source = as_file(log, tmp_path / f"log.{suffix}")

    with tiny_pieces(50), no_room():
        found = labelled(tmp_path / "out.parquet", source, memory_limit=LEAST)

    assert labels_of(found) == expected
    assert [str(n) for n in found["n"].to_pylist()] == [str(n) for n in range(len(log))]


def as_file(log: pa.Table, path: Path) -> Path:
    if path.suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, log.schema) as writer:
            writer.write_table(log, 70)
    elif path.suffix == ".jsonl":
        rows = [{**row, "timestamp": row["timestamp"].isoformat()} for row in log.to_pylist()]
        json_lines(path, *rows)
    else:
        mark = "," if path.suffix == ".csv" else "\t"
        cells = [[row["user_id"], row["timestamp"].isoformat(), row["n"]] for row in log.to_pylist()]
        lines = [mark.join(map(str, row)) for row in [log.column_names, *cells]]
        written(path, "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("log", REAL_LOGS, ids=lambda log: log.name)
@pytest.mark.parametrize(
    "rules", [{}, {"split_daily": True, "timezone": "Europe/Paris"}, {"max_events": 3}], ids=str
)
def test_labels_grouped_by_session_are_what_run_finds(
    log: RealLog, rules: dict[str, Any], tmp_path: Path
) -> None:
    options = {"by": log.by, "time": log.time, "max_rejected": log.rejected, **rules}
    sz.run(log.events_file, tmp_path / "sessions.parquet", **options)

    rows = labelled(tmp_path / "labelled.parquet", log.events_file, prefix="our_", **options)

    found = rows.filter(rows["our_session_id"].is_valid()).group_by(["our_session_id", "our_start_reason"])
    counted = found.aggregate(
        [("our_event_index", "max"), ("our_event_index", "count"), ("our_gap_seconds", "sum")]
    )
    sessions = pq.read_table(
        tmp_path / "sessions.parquet", columns=["session_id", "start_reason", "event_count"]
    )
    expected = {tuple(row.values()) for row in sessions.to_pylist()}
    assert {
        (row["our_session_id"], row["our_start_reason"], row["our_event_index_max"])
        for row in counted.to_pylist()
    } == expected
    assert len(rows) == log.rows


def test_labels_know_where_their_sessions_start_and_end(tmp_path: Path) -> None:
    pq.write_table(shuffled(), tmp_path / "log.parquet")
    sessions = sz.sessionize(shuffled())

    rows = labelled(tmp_path / "out.parquet", tmp_path / "log.parquet")

    bounds = rows.group_by("session_id").aggregate(
        [("timestamp", "min"), ("timestamp", "max"), ("n", "count")]
    )
    expected = sessions.select(["session_id", "start_time", "end_time", "event_count"])
    assert sorted(map(str, bounds.to_pylist())) == sorted(
        str(dict(zip(bounds.column_names, row.values(), strict=True))) for row in expected.to_pylist()
    )


# ---------------------------------------------------------------- columns as they are


def test_csv_text_stays_as_it_is(tmp_path: Path) -> None:
    rows = ["007,2026-01-01 09:00,", '007,2026-01-01T09:01:00Z,""', '8,2026-01-01T09:02:00Z,"a ""b"", c"']
    source = written(tmp_path / "log.csv", HEADER + "\n".join(rows) + "\n")

    sz.label_files(source, tmp_path / "out.csv", null_value="8", types={"page": "text"}, max_rejected=1)

    header, *lines = (tmp_path / "out.csv").read_text().splitlines()
    assert header == ",".join(["user_id,timestamp,page", *NAMES])
    assert [line.startswith(row + ",") for line, row in zip(lines, rows, strict=True)] == [True] * 3
    assert lines[2] == rows[2] + ",,,,,"


def test_types_of_parquet_stay_also_nested_ones(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            ("user_id", pa.large_string()),
            ("timestamp", pa.timestamp("ns")),
            ("place", pa.struct([("x", pa.float32()), ("tags", pa.list_(pa.string()))])),
            ("price", pa.decimal128(9, 2)),
            ("extra", pa.map_(pa.string(), pa.int8())),
            ("a.b", pa.int16()),
        ]
    )
    place = {"x": 1.5, "tags": ["t", None]}
    time = at("09:00").replace(tzinfo=None)
    rows = ["A", time, place, None, [("k", 1)], 1], [None, time, None, None, None, None]
    log = pa.table([list(values) for values in zip(*rows, strict=True)], schema=schema)
    pq.write_table(log, tmp_path / "log.parquet")

    found = labelled(tmp_path / "out.parquet", tmp_path / "log.parquet", max_rejected=1)

    assert found.select(schema.names).equals(log)
    assert found.select(schema.names).schema.equals(schema)


def test_columns_of_several_files_are_united(tmp_path: Path) -> None:
    first = written(tmp_path / "1.csv", "user_id,timestamp,page\nA,2026-01-01T09:00Z,/\n")
    second = written(tmp_path / "2.csv", "device,timestamp,user_id\nd,2026-01-01T09:10Z,A\n")

    found = labelled(tmp_path / "out.parquet", first, second)

    assert found.column_names[:4] == ["user_id", "timestamp", "page", "device"]
    assert found.select(["page", "device", "event_index"]).to_pylist() == [
        {"page": "/", "device": None, "event_index": 1},
        {"page": None, "device": "d", "event_index": 2},
    ]


def test_integers_of_several_files_widen(tmp_path: Path) -> None:
    for name, type_ in (("1", pa.int32()), ("2", pa.int64())):
        pq.write_table(events("09:00", n=pa.array([1], type_)), tmp_path / f"{name}.parquet")

    found = labelled(tmp_path / "out.parquet", tmp_path / "1.parquet", tmp_path / "2.parquet")

    assert found["n"].type == pa.int64()


def test_types_that_disagree_are_an_error_that_names_both_files(tmp_path: Path) -> None:
    pq.write_table(events("09:00", n=pa.array([1])), tmp_path / "1.parquet")
    pq.write_table(events("09:00", n=pa.array(["1"])), tmp_path / "2.parquet")

    with pytest.raises(
        sz.InputError, match=r"column 'n' is int64 in .*1\.parquet and string in .*2\.parquet"
    ):
        labelled(tmp_path / "out.parquet", tmp_path / "1.parquet", tmp_path / "2.parquet")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", "user_id,timestamp,x,x\nA,2026-01-01T09:00Z,1,2\n")

    with pytest.raises(sz.InputError, match="two columns are named 'x'"):
        labelled(tmp_path / "out.parquet", source)


def test_hive_folders_are_columns(tmp_path: Path) -> None:
    for day in ("2026-01-01", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / "log" / f"dt={day}").mkdir(parents=True)
        pq.write_table(events("09:00"), tmp_path / "log" / f"dt={day}" / "1.parquet")

    found = labelled(tmp_path / "out.parquet", tmp_path / "log")

    assert found["dt"].to_pylist() == ["2026-01-01", None]


def test_columns_that_only_late_lines_have_are_found(tmp_path: Path) -> None:
    source = json_lines(
        tmp_path / "log.jsonl",
        record("09:00"),
        record("09:01", n=1, at={"x": 1}),
        record("09:02", n=2.5, at={"y": ["z"]}),
    )

    with tiny_pieces(1):
        found = labelled(tmp_path / "out.parquet", source)

    assert found["n"].to_pylist() == [None, 1.0, 2.5]
    assert found["at"].to_pylist() == [None, {"x": 1, "y": None}, {"x": None, "y": ["z"]}]


def test_text_of_json_that_looks_like_a_time_stays_text(tmp_path: Path) -> None:
    source = json_lines(
        tmp_path / "log.jsonl",
        record("09:00", seen="2026-01-01", at={"t": "2026-01-01 10:00"}, all=["2026-01-01"]),
    )

    sz.label_files(source, tmp_path / "out.jsonl")

    (row,) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (row["timestamp"], row["seen"], row["at"], row["all"]) == (
        "2026-01-01T09:00:00Z", "2026-01-01", {"t": "2026-01-01 10:00"}, ["2026-01-01"],
    )  # fmt: skip


def test_a_malformed_line_is_only_among_the_rejected(tmp_path: Path) -> None:
    source = json_lines(tmp_path / "log.jsonl", record("09:00", n=1), "{broken", record("09:01", n=2))

    found = labelled(tmp_path / "out.parquet", source, max_rejected=1)

    assert found.select(["n", "event_index"]).to_pylist() == [
        {"n": 1, "event_index": 1},
        {"n": 2, "event_index": 2},
    ]
    assert "{broken" in (tmp_path / "out.parquet.rejected.jsonl").read_text()


def test_a_csv_record_of_too_many_fields_is_only_among_the_rejected(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", HEADER + "A,2026-01-01T09:00Z,/\nA,b,c,d\nA,2026-01-01T09:01Z,/\n")

    found = labelled(tmp_path / "out.parquet", source, max_rejected=1)

    assert found["event_index"].to_pylist() == [1, 2]


def test_only_malformed_lines_give_no_rows(tmp_path: Path) -> None:
    source = json_lines(tmp_path / "log.jsonl", record("09:00"), *["{broken"] * 30)

    with tiny_pieces(1):
        found = labelled(tmp_path / "out.parquet", source, max_rejected=30)

    assert len(found) == 1


def test_a_column_of_text_and_numbers_is_refused(tmp_path: Path) -> None:
    source = json_lines(tmp_path / "log.jsonl", record("09:00", n=1), record("09:01", n="a"))

    with pytest.raises(
        sz.InputError, match=r"log\.jsonl: a line holds what its column cannot: .*/n.* one type"
    ):
        labelled(tmp_path / "out.parquet", source)


def test_a_column_of_text_and_numbers_in_two_files_is_refused(tmp_path: Path) -> None:
    first = json_lines(tmp_path / "1.jsonl", record("09:00", n=[1]))
    second = json_lines(tmp_path / "2.jsonl", record("09:00", n=["1"]))

    with pytest.raises(
        sz.InputError, match=r"2\.jsonl: column 'n' holds list<item: int64> and list<item: string>"
    ):
        labelled(tmp_path / "out.parquet", first, second)


@pytest.mark.parametrize("page", [rb"\ud800", b"\xe9"], ids=["half a character", "latin-1"])
def test_json_text_that_is_no_unicode_is_refused(page: bytes, tmp_path: Path) -> None:
    """To `run` it would be an event: it reads no page."""
    line = json.dumps(record("09:00", page="?")).encode().replace(b"?", page)
    source = written(tmp_path / "log.jsonl", line + b"\n")

    with pytest.raises(sz.InputError, match=r"log\.jsonl: a line holds what its column cannot: "):
        labelled(tmp_path / "out.parquet", source)


def test_a_column_of_nulls_takes_the_type_of_the_other_file(tmp_path: Path) -> None:
    pq.write_table(events("09:00", n=pa.nulls(1)), tmp_path / "1.parquet")
    pq.write_table(events("09:01", n=pa.array([{"x": 1}])), tmp_path / "2.parquet")

    found = labelled(tmp_path / "out.parquet", tmp_path / "1.parquet", tmp_path / "2.parquet")

    assert found["n"].to_pylist() == [None, {"x": 1}]


def test_declared_numbers_of_json_keep_every_digit(tmp_path: Path) -> None:
    line = '{"user_id":"A","timestamp":"2026-01-01T09:00Z","price":12345678901234567.89}'
    source = json_lines(tmp_path / "log.jsonl", line)

    found = labelled(tmp_path / "out.parquet", source, types={"price": "decimal(20,2)"})

    assert str(found["price"][0]) == "12345678901234567.89"


def test_integers_beyond_int64_keep_every_digit(tmp_path: Path) -> None:
    source = json_lines(tmp_path / "log.jsonl", record("09:00", n=2**64 - 1))

    assert labelled(tmp_path / "out.parquet", source)["n"].to_pylist() == [2**64 - 1]


def test_text_that_is_no_utf8_is_an_error_that_names_the_record(tmp_path: Path) -> None:
    """To `run` it would be an event: it reads no page."""
    source = written(
        tmp_path / "log.csv", (HEADER + "A,2026-01-01T09:00Z,/\nA,2026-01-01T09:01Z,é\n").encode("latin-1")
    )

    with pytest.raises(
        sz.InputError, match=r"record 2 is an event, but .* name the file's encoding with --encoding"
    ):
        labelled(tmp_path / "out.parquet", source)

    assert labelled(tmp_path / "out.parquet", source, encoding="latin-1")["page"].to_pylist() == ["/", "é"]


def test_gzipped_text_is_read_twice(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv.gz", gzip.compress((HEADER + "A,2026-01-01T09:00Z,/\n").encode()))

    assert labelled(tmp_path / "out.parquet", source)["event_index"].to_pylist() == [1]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow"])
def test_a_quiet_night_gives_no_rows(suffix: str, tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", HEADER)

    summary = sz.label_files(source, tmp_path / f"out.{suffix}")

    assert summary.sessions == 0
    assert (tmp_path / f"out.{suffix}").exists()


def test_an_empty_folder_is_a_quiet_night_where_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()

    found = labelled(tmp_path / "out.parquet", tmp_path / "logs", allow_empty=True)

    assert found.column_names == NAMES


# ---------------------------------------------------------------- standard input, errors


def test_standard_input_is_kept_for_the_second_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER.encode() + b"A,2026-01-01T10:00Z,/\nA,2026-01-01T09:00Z,/\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    (tmp_path / "temporary").mkdir()

    sz.label_files("-", tmp_path / "out.parquet", temp_dir=tmp_path / "temporary")

    assert pq.read_table(tmp_path / "out.parquet")["session_number"].to_pylist() == [2, 1]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_full_disk_for_standard_input_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(HEADER.encode())))

    with pytest.raises(sz.OutputError, match="nowhere: no room for temporary files"):
        sz.label_files("-", tmp_path / "out.parquet", temp_dir=tmp_path / "nowhere")


def test_a_full_disk_for_labels_is_one_clear_line(tmp_path: Path) -> None:
    pq.write_table(shuffled(), tmp_path / "log.parquet", row_group_size=50)

    with (
        tiny_pieces(50),
        no_room(),
        pytest.raises(sz.OutputError, match="nowhere: no room for temporary files"),
    ):
        sz.label_files(
            tmp_path / "log.parquet", tmp_path / "out.csv", memory_limit=LEAST, temp_dir=tmp_path / "nowhere"
        )


def test_labels_of_more_pieces_than_parts_find_their_piece(tmp_path: Path) -> None:
    waiting = WaitingLabels(0, tmp_path)
    position = pa.array([0, 1 << 40, 99_999 << 40])
    waiting.add(pa.table({"position": position, "event_index": [1, 2, 3]}), 100_000)

    found = [waiting.of_piece(piece) for piece in (0, 1, 2, 99_999)]
    waiting.close()

    indices = [None if table is None else table["event_index"].to_pylist() for table in found]
    assert indices == [[1], [2], None, [3]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: path.write_text(HEADER + "A,2026-01-01T09:00Z,/\n" * 3), id="longer"),
        pytest.param(lambda path: path.write_text(HEADER + "A,2026-01-01T09:00Z,/\n"), id="shorter"),
        pytest.param(lambda path: path.write_text(HEADER), id="without rows"),
    ],
)
def test_a_file_that_changes_between_both_readings_is_refused(
    write: Callable[[Path], Any], tmp_path: Path
) -> None:
    source = written(tmp_path / "log.csv", HEADER + "A,2026-01-01T09:00Z,/\n" * 2)
    output = written(tmp_path / "out.csv", "old")
    opened: list[Source] = []
    open_text = Source.open_text

    def changing(self: Source) -> Any:
        opened.append(self)
        if len(opened) == 3:  # the header, the first reading, the second
            write(source)
        return open_text(self)

    with (
        patch.object(Source, "open_text", changing),
        pytest.raises(sz.InputError, match="changed while it was read"),
    ):
        sz.label_files(source, output)

    assert output.read_text() == "old"


def test_too_many_rejected_rows_leave_the_old_output(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", HEADER + "A,2026-01-01T09:00Z,/\n,2026-01-01T09:00Z,/\n")
    output = written(tmp_path / "out.csv", "old")

    with pytest.raises(sz.RejectedRowsError):
        sz.label_files(source, output)

    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "out.csv"]


def test_a_labelled_log_in_a_folder_is_no_log(tmp_path: Path) -> None:
    written(tmp_path / "log.csv", HEADER + "A,2026-01-01T09:00Z,/\n")
    sz.label_files(tmp_path / "log.csv", tmp_path / "labelled.csv")
    notices: list[str] = []

    summary = sz.label_files(tmp_path, tmp_path / "again.csv", notify=notices.append)

    assert summary.tally.input_rows == 1
    assert "made by sessionize" in notices[0]


def test_what_was_labelled_can_be_labelled_again_under_a_prefix(tmp_path: Path) -> None:
    source = written(tmp_path / "log.csv", HEADER + "A,2026-01-01T09:00Z,/\n")
    sz.label_files(source, tmp_path / "once.csv")

    with pytest.raises(sz.InputError, match="'session_id'"):
        sz.label_files(tmp_path / "once.csv", tmp_path / "twice.csv")
    sz.label_files(tmp_path / "once.csv", tmp_path / "twice.csv", timeout="1h", prefix="hour_")

    assert (tmp_path / "twice.csv").read_text().splitlines()[0].endswith(",hour_start_reason")


def test_progress_adds_up_to_the_input_rows(tmp_path: Path) -> None:
    pq.write_table(shuffled(), tmp_path / "log.parquet", row_group_size=50)
    steps: list[int] = []

    with tiny_pieces(50):
        sz.label_files(tmp_path / "log.parquet", tmp_path / "out.csv", progress=steps.append)

    assert [step for step in steps if step] == [50] * 8
