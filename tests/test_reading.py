"""Many files as one log: columns, types, filters, and what becomes of each row."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from sessionize.errors import InputError, MissingColumnError, UnreadableFileError
from sessionize.events import Tally
from sessionize.reading import parquet, tables
from sessionize.reading.types import unify
from tests.chunks import chunks_of, opened, read, rejected, seconds, tally, values

TIMES = pa.array([1_000_000, 2_000_000, 3_000_000], pa.timestamp("us", "UTC"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, columns: dict[str, Any], **options: Any) -> None:
    """Write columns as Parquet, with three times beside them unless they have their own."""
    rows = len(next(iter(columns.values())))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"timestamp": TIMES[:rows], **columns}), path, **options)


def put_text(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.mark.parametrize(
    ("first", "second", "unified"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.uint32(), pa.int8(), pa.int64()),
        (pa.uint64(), pa.uint16(), pa.uint64()),
        (pa.uint64(), pa.int64(), None),
        (pa.null(), pa.date64(), pa.date32()),
        (pa.string(), pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.string_view(), pa.string(), pa.string()),
        (pa.large_binary(), pa.binary(4), pa.binary()),
        (pa.binary_view(), pa.binary(), pa.binary()),
        (pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ns")),
        (pa.timestamp("ms", "UTC"), pa.timestamp("us", "Europe/Paris"), pa.timestamp("us", "UTC")),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), None),
        (pa.int64(), pa.float64(), None),
        (pa.int64(), pa.string(), None),
        (pa.decimal128(5, 2), pa.decimal128(6, 2), None),
        (pa.binary(), pa.string(), None),
    ],
    ids=str,
)
def test_types_unify_either_way_round(
    first: pa.DataType, second: pa.DataType, unified: pa.DataType | None
) -> None:
    assert unify(first, second) == unified
    assert unify(second, first) == unified


def test_files_of_every_format_are_one_log(folder: Path) -> None:
    ids = pa.array(["a", "b"])
    put("1.parquet", {"user_id": ids.dictionary_encode()})
    put_text("2.csv", "timestamp,user_id\n1970-01-01T00:00:03Z,c\n")
    put_text("3.jsonl", '{"user_id": "d", "timestamp": "1970-01-01T00:00:04Z"}\n')
    table = pa.table(
        {"user_id": ids.cast(pa.large_string()), "timestamp": pa.array([5, 6], pa.timestamp("s"))}
    )
    with pa.ipc.new_file("4.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=1)
    with pa.ipc.new_stream("5.arrows", table.schema) as stream:
        stream.write(table)
    put_text("6.tsv", "user_id\ttimestamp\ne\t1970-01-01T00:00:07Z\n")

    log = opened(".")
    chunks = chunks_of(log)

    assert log.types == {"user_id": pa.string()}
    assert values(chunks) == ["a", "b", "c", "d", "a", "b", "a", "b", "e"]
    assert seconds(chunks) == [1, 2, 3, 4, 5, 6, 5, 6, 7]


def test_integers_of_files_widen(folder: Path) -> None:
    put("1.parquet", {"user_id": pa.array([1], pa.int32())})
    put("2.parquet", {"user_id": pa.array([2**62 + 1], pa.int64())})

    chunks = read("1.parquet", "2.parquet")

    assert values(chunks) == [1, 2**62 + 1]
    assert {chunk.events.columns["user_id"].type for chunk in chunks} == {pa.int64()}


def test_other_types_of_files_are_an_error_that_names_both(folder: Path) -> None:
    put("1.parquet", {"user_id": pa.array([None], pa.null())})
    put("2.parquet", {"user_id": pa.array([1])})
    put_text("3.csv", "user_id,timestamp\n7,1970-01-01\n")

    with pytest.raises(InputError, match=r"'user_id' is int64 in 2\.parquet and string in 3\.csv"):
        read("1.parquet", "2.parquet", "3.csv")
    assert values(read("1.parquet", "2.parquet", "3.csv", types={"user_id": "int64"})) == [1, 7]


@pytest.mark.parametrize(
    "values_",
    [
        pa.array([1.5]),
        pa.array([1.5]).cast(pa.float16()),
        pa.array([["a"]]),
        pa.array([{"a": 1}]),
        pa.array([dt.timedelta(1)]),
        pa.array([dt.time(1)]),
    ],
    ids=lambda array: str(array.type),
)
def test_identity_without_exact_values_is_refused(folder: Path, values_: pa.Array) -> None:
    put("log.parquet", {"user_id": values_})

    with pytest.raises(InputError, match=r"log\.parquet: .*'user_id'"):
        read("log.parquet")


@pytest.mark.parametrize(
    "value",
    [7, "x", True, dt.date(2026, 1, 1), dt.datetime(2026, 1, 1), Decimal("1.50"), b"\x00\xff"],
    ids=lambda value: type(value).__name__,
)
def test_identity_keeps_its_exact_value(folder: Path, value: object) -> None:
    put("log.parquet", {"user_id": pa.array([value, None])})

    chunks = read("log.parquet")

    assert values(chunks) == [value]
    assert [reason for _, reason, _ in rejected(chunks)] == ["missing_identity"]


def test_uuids_are_identities(folder: Path) -> None:
    value = UUID(int=7)
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([value.bytes, None], pa.binary(16)))
    put("log.parquet", {"user_id": ids})

    chunks = read("log.parquet")

    assert values(chunks) == [value]
    assert json.loads(rejected(chunks)[0][2]) == {"user_id": None, "timestamp": "1970-01-01T00:00:02.000000Z"}


def test_all_null_identity_is_rejected_row_by_row(folder: Path) -> None:
    put("log.parquet", {"user_id": pa.nulls(2)})

    assert [reason for _, reason, _ in rejected(read("log.parquet"))] == ["missing_identity"] * 2


def test_missing_column_lists_what_was_found_and_the_option(folder: Path) -> None:
    put_text("events.csv", "user,ts,url\na,b,c\n")

    with pytest.raises(MissingColumnError) as missing:
        read("events.csv", by=["user"])

    assert (
        str(missing.value)
        == "events.csv: no column 'timestamp'. Found: user, ts, url. Name it with --time ts."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": ["visitor"]}, r"no column 'visitor'\. Found: x_id, timestamp\. Name it with --by x_id\."),
        ({"by": ["x_ld"]}, r"no column 'x_ld'; did you mean 'x_id'\?"),
        ({"by": ["x_id"], "columns": ["page"]}, r"no column 'page'.*named by the rules"),
        ({"by": ["x_id"], "include": {"event": "a"}}, r"no column 'event'.*--include or --exclude"),
    ],
    ids=["identity", "misspelt", "aggregate", "filter"],
)
def test_missing_column_names_the_option_that_asked_for_it(
    folder: Path, options: dict[str, Any], message: str
) -> None:
    put_text("log.csv", "x_id,timestamp\n")

    with pytest.raises(MissingColumnError, match=message):
        read("log.csv", **options)


@pytest.mark.parametrize(
    ("names", "meant"),
    [("quicktime,etl_tstamp", "etl_tstamp"), ("plate,createdAt", "createdAt"), ("runtimes", "COL")],
    ids=["words of a name", "words in camel case", "none"],
)
def test_missing_time_names_the_column_that_was_probably_meant(folder: Path, names: str, meant: str) -> None:
    put_text("log.csv", f"user_id,{names}\n")

    with pytest.raises(MissingColumnError, match=rf"Name it with --time {meant}\.$"):
        read("log.csv", by=["user_id"])


def test_missing_column_of_a_wide_file_lists_twenty(folder: Path) -> None:
    put_text("log.csv", ",".join(f"c{number}" for number in range(30)) + "\n")

    with pytest.raises(MissingColumnError, match=r"c19 and 10 more\. Name it with --by COL"):
        read("log.csv")


def test_hive_folders_are_text_columns(folder: Path) -> None:
    put("log/dt=2026-11-23/user_id=a%2Fb/1.parquet", {"x": [1, 2]})
    put("log/dt=2026-11-24/user_id=__HIVE_DEFAULT_PARTITION__/1.parquet", {"x": [3]})

    chunks = read("log", columns=["dt"])

    assert values(chunks) == ["a/b", "a/b"]
    assert values(chunks, "dt") == ["2026-11-23", "2026-11-23"]
    assert [reason for _, reason, _ in rejected(chunks)] == ["missing_identity"]


def test_hive_folder_is_typed_on_demand_and_can_be_the_time(folder: Path) -> None:
    put("log/day=1970-01-02/n=7/1.parquet", {"user_id": ["a"]})

    chunks = read("log", time="day", columns=["n"], types={"n": "int64"})

    assert seconds(chunks) == [86_400]
    assert values(chunks, "n") == [7]


def test_column_in_the_file_is_stronger_than_its_folder(folder: Path) -> None:
    put("user_id=folder/1.parquet", {"user_id": ["file"]})

    assert values(read(".")) == ["file"]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"include": ["event=a"]}, [1, 4]),
        ({"include": ["event=a", "event=b"]}, [1, 2, 4]),
        ({"include": ["event=a", "n=4"]}, [4]),
        ({"exclude": ["event=a"]}, [2, 3]),
        ({"exclude": ["event=a", "n=2"]}, [3]),
        ({"include": ["event=b", "event=a"], "exclude": ["n=1"]}, [2, 4]),
    ],
    ids=["one", "alternatives", "both columns", "exclude keeps null", "exclude any", "both options"],
)
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "dictionary"])
def test_filters_choose_rows(
    folder: Path, filters: dict[str, list[str]], kept: list[int], encoded: bool
) -> None:
    event = pa.array(["a", "b", None, "a"])
    columns = {
        "timestamp": pa.array([1, 2, 3, 4], pa.timestamp("s")),
        "user_id": ["x"] * 4,
        "event": event.dictionary_encode() if encoded else event,
        "n": [1, 2, 3, 4],
    }
    put("log.parquet", columns)

    chunks = read("log.parquet", **filters)

    assert seconds(chunks) == kept
    assert tally(chunks).filtered == 4 - len(kept)


def test_filter_value_of_another_type_is_refused(folder: Path) -> None:
    put("log.parquet", {"user_id": ["a"], "n": [1]})

    with pytest.raises(InputError, match="'n' is int64, and 'x' is no such value"):
        read("log.parquet", include={"n": "x"})


def test_row_is_judged_once_filters_first(folder: Path) -> None:
    put_text(
        "log.csv",
        "user_id,timestamp,event,n\n"
        ",soon,bot,x\n"
        ",soon,,x\n"
        ",soon,,1\n"
        "a,soon,,1\n"
        "a,,,1\n"
        "a,1960-01-01,,1\n"
        "a,1970-01-01,,1\n",
    )

    chunks = read(
        "log.csv", columns=["n"], types={"n": "int64"}, exclude={"event": "bot"}, not_before="1965-01-01"
    )

    assert [(record, reason) for record, reason, _ in rejected(chunks)] == [
        (2, "malformed_row"),
        (3, "missing_identity"),
        (4, "unparseable_time"),
        (5, "missing_time"),
        (6, "implausible_time"),
    ]
    assert tally(chunks) == Tally(
        input_rows=7,
        filtered=1,
        rejected_by_reason=tally(chunks).rejected_by_reason,
    )
    assert tally(chunks).events == 1


def test_clock_changes_are_counted_for_events_only(folder: Path) -> None:
    put_text("log.csv", "user_id,timestamp\na,2026-03-29 02:30\n,2026-03-29 02:30\na,2026-03-29 12:00\n")

    assert tally(read("log.csv", timezone="Europe/Paris")).dst_resolved == 1
    assert rejected(read("log.csv", timezone="Europe/Paris", dst_policy="reject"))[0][1] == "nonexistent_time"


DECLARED: dict[str, dict[str, object]] = {
    "int64": {
        "7": 7,
        "-0007": -7,
        "+7": 7,
        str(2**63 - 1): 2**63 - 1,
        **dict.fromkeys(
            [
                str(2**63),
                "17850.0",
                "abc",
                " 7",
                "0x1F",
                "1e3",
                "1_0",
                "",
                "--7",
                "\N{ARABIC-INDIC DIGIT THREE}",
            ]
        ),
    },
    "float64": {
        "7": 7.0,
        "-1.5": -1.5,
        "1e3": 1000.0,
        ".5": 0.5,
        "inf": float("inf"),
        **dict.fromkeys(["x", "1_0", " 1", "\N{ARABIC-INDIC DIGIT THREE}"]),
    },
    "decimal(7,2)": {
        "7": Decimal("7.00"),
        "1.5": Decimal("1.50"),
        "1e1": Decimal("10.00"),
        **dict.fromkeys(["1.005", "123456.00", "x", "1_0"]),
    },
    "decimal(7,0)": {"7": Decimal(7)},
    "bool": {"true": True, "FALSE": False, "1": True, "0": False, **dict.fromkeys(["yes", ""])},
    "date": {
        "2026-02-28": dt.date(2026, 2, 28),
        **dict.fromkeys(["2026-02-30", "20260228", "2026-02-28T00:00"]),
    },
    "timestamp": {
        "2026-01-01T00:00:00+01:00": dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC),
        "2026-01-01": dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC),
        **dict.fromkeys(["x", "1700000000"]),
    },
    "text": {"007": "007"},
}
"""Declared type → text → the value, or None where the text is malformed."""


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [(type_, text, value) for type_, cases in DECLARED.items() for text, value in cases.items()],
)
@pytest.mark.parametrize("use", ["identity", "aggregate"])
def test_declared_type_takes_exact_values_only(
    folder: Path, type_: str, text: str, value: object, use: str
) -> None:
    put_text("log.csv", f'user_id,timestamp,x\nu,2026-01-01,"{text}"\nu,2026-01-01,\n')
    is_identity = use == "identity" and type_ != "float64"

    chunks = read(
        "log.csv",
        by=["x"] if is_identity else ["user_id"],
        columns=["x"],
        types={"x": type_},
        timezone="Etc/GMT-1",
    )

    found = ([] if value is None else [value]) + ([] if is_identity else [None])
    assert values(chunks, "x") == found
    reasons = (["malformed_row"] if value is None else []) + (["missing_identity"] if is_identity else [])
    assert [reason for _, reason, _ in rejected(chunks)] == reasons


@pytest.mark.parametrize(
    ("array", "type_"),
    [
        (pa.array([1], pa.int32()), "int64"),
        (pa.array([1], pa.timestamp("ns", "UTC")), "timestamp"),
        (pa.array([1], pa.date64()), "date"),
        (pa.array(["a"]).dictionary_encode(), "text"),
        (pa.nulls(1), "int64"),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_type_that_a_column_already_has_may_be_declared(folder: Path, array: pa.Array, type_: str) -> None:
    put("log.parquet", {"user_id": ["u"], "x": array})

    assert len(values(read("log.parquet", columns=["x"], types={"x": type_}), "x")) == 1


def test_other_type_than_the_column_has_is_refused(folder: Path) -> None:
    put("log.parquet", {"user_id": [1]})

    with pytest.raises(
        InputError, match="'user_id' is int64, not text, so --type user_id=text cannot be applied"
    ):
        read("log.parquet", types={"user_id": "text"})


def test_time_may_be_identity_or_aggregate_too(folder: Path) -> None:
    put("log.parquet", {"x": [1, 2]})

    assert len(values(read("log.parquet", by=["timestamp"]), "timestamp")) == 2


def test_bare_numbers_as_times_ask_for_the_unit(folder: Path) -> None:
    put_text("log.csv", "user_id,timestamp\na,\na,1700000000\n")
    put("log.parquet", {"user_id": ["a"], "timestamp": [1_700_000_000]})

    with pytest.raises(
        InputError, match=r"log\.csv: 'timestamp' holds bare numbers such as '1700000000'.*--time-unit"
    ):
        read("log.csv")
    with pytest.raises(InputError, match=r"log\.parquet: .*--time-unit"):
        read("log.parquet")
    assert seconds(read("log.parquet", time_unit="s")) == [1_700_000_000]


def test_nested_time_is_refused(folder: Path) -> None:
    put("log.parquet", {"user_id": ["a"], "timestamp": [[1]]})

    with pytest.raises(InputError, match=r"log\.parquet: 'timestamp'"):
        read("log.parquet")


def test_rejected_row_of_a_table_is_json_of_the_columns_read(folder: Path) -> None:
    put(
        "log.parquet",
        {
            "user_id": pa.array([None], pa.int64()),
            "timestamp": pa.array([2**62], pa.timestamp("us")),
            "b": [b"\xff"],
            "d": [Decimal("1.50")],
            "never": ["read"],
        },
    )

    ((record, reason, raw),) = rejected(read("log.parquet", columns=["b", "d"]))

    assert (record, reason) == (1, "missing_identity")
    row = json.loads(raw)
    assert (row["user_id"], row["b"], row["d"]) == (None, "ff", "1.50")
    assert sorted(row) == ["b", "d", "timestamp", "user_id"]


def test_row_groups_are_pieces_and_small_ones_share_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "CHUNK_ROWS", 4)
    columns = {
        "user_id": [f"u{n}" for n in range(11)],
        "timestamp": pa.array(range(11), pa.timestamp("s", "UTC")),
    }
    put("log.parquet", columns, row_group_size=2)

    pieces = list(opened("log.parquet").pieces)

    assert [piece.time_range for piece in pieces] == [
        (0, 3_000_000),
        (4_000_000, 7_000_000),
        (8_000_000, 10_000_000),
    ]
    assert [len(chunk.events) for piece in pieces for chunk in piece.read()] == [4, 4, 3]


@pytest.mark.parametrize(
    ("options", "is_encoded"),
    [
        ({"use_dictionary": True}, True),
        ({"use_dictionary": False}, False),
        ({"use_dictionary": True, "write_statistics": False}, True),
        ({"use_dictionary": False, "write_statistics": False}, False),
    ],
    ids=["dictionary", "plain", "dictionary, unknown length", "plain, unknown length"],
)
def test_texts_are_read_as_they_are_stored(
    folder: Path, options: dict[str, Any], *, is_encoded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_FEW_ROWS", 0)
    times = pa.array(range(1_000), pa.timestamp("s", "UTC"))
    put("log.parquet", {"user_id": ["ada", "bob"] * 500, "timestamp": times}, **options)

    (chunk,) = read("log.parquet")

    assert pa.types.is_dictionary(chunk.events.columns["user_id"].type) == is_encoded
    assert values([chunk]) == ["ada", "bob"] * 500


def test_large_row_group_comes_in_several_chunks_with_absolute_records(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "CHUNK_ROWS", 4)
    ids = ["a"] * 9 + [None]
    put(
        "log.parquet", {"user_id": ids, "timestamp": pa.array(range(10), pa.timestamp("s"))}, row_group_size=6
    )

    chunks = read("log.parquet")

    assert [len(chunk.events) for chunk in chunks] == [4, 2, 3]
    assert rejected(chunks)[0][0] == 10


def test_arrow_batches_are_evened_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "CHUNK_ROWS", 4)
    schema = pa.schema([("user_id", pa.int64()), ("timestamp", pa.timestamp("s"))])
    with pa.ipc.new_file("log.arrow", schema) as file:
        for start, stop in [(0, 1), (1, 3), (3, 3), (3, 12), (12, 13)]:
            numbers = pa.array(range(start, stop), pa.int64())
            file.write(pa.record_batch([numbers, numbers.cast(pa.timestamp("s"))], schema=schema))

    chunks = read("log.arrow")

    assert [len(chunk.events) for chunk in chunks] == [3, 4, 4, 2]
    assert values(chunks) == list(range(13))


def test_dictionary_that_repeats_or_holds_null_is_decoded(folder: Path) -> None:
    ids = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "a", None]))
    table = pa.table({"user_id": ids, "timestamp": TIMES})
    with pa.ipc.new_file("log.arrow", table.schema) as file:
        file.write(table)

    chunks = read("log.arrow")

    assert values(chunks) == ["a", "a"]
    assert rejected(chunks)[0][:2] == (3, "missing_identity")


def test_empty_tables_are_logs_without_rows(folder: Path) -> None:
    table = pa.table({"user_id": ["a"], "timestamp": TIMES[:1]}).slice(1)
    pq.write_table(table, "log.parquet")
    with pa.ipc.new_file("log.arrow", table.schema) as file:
        file.write(table)

    assert tally(read("log.parquet", "log.arrow")).input_rows == 0


def test_parquet_without_row_groups_is_a_log_without_rows(folder: Path) -> None:
    schema = pa.schema([("user_id", pa.string()), ("timestamp", pa.timestamp("us"))])
    pq.ParquetWriter("log.parquet", schema).close()

    assert read("log.parquet") == []


@pytest.mark.parametrize("format_", ["arrow", "parquet"])
def test_columnar_formats_come_through_standard_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch, format_: str
) -> None:
    table = pa.table({"user_id": ["a"], "timestamp": TIMES[:1]})
    pq.write_table(table, "parquet")
    with pa.ipc.new_stream("arrow", table.schema) as stream:
        stream.write(table)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(format_).read_bytes())))

    assert values(read("-", input_format=format_)) == ["a"]


def test_no_files_are_a_log_of_unknown_types(folder: Path) -> None:
    log = opened(".", allow_empty=True)

    assert (log.types, list(log.pieces)) == ({"user_id": pa.null()}, [])


@pytest.mark.parametrize("name", ["log.parquet", "log.arrow"])
def test_damaged_file_is_unreadable_in_one_line(folder: Path, name: str) -> None:
    put("good.parquet", {"user_id": ["a"]})
    Path(name).write_bytes(Path("good.parquet").read_bytes()[:-20])

    with pytest.raises(UnreadableFileError, match=rf"^{name}: cannot be read: [^\n]*$"):
        read(name)


def test_damage_inside_a_row_group_is_unreadable(folder: Path) -> None:
    put(
        "log.parquet",
        {"user_id": [f"user {n * n}" for n in range(3)]},
        compression="zstd",
        use_dictionary=False,
    )
    content = bytearray(Path("log.parquet").read_bytes())
    content[4:200] = bytes(196)
    Path("log.parquet").write_bytes(content)

    with pytest.raises(UnreadableFileError, match=r"log\.parquet: cannot be read"):
        read("log.parquet")


def test_file_without_suffix_is_read_in_the_named_format(folder: Path) -> None:
    put("part-0", {"user_id": ["a"]})

    assert values(read("part-0", input_format="parquet")) == ["a"]
