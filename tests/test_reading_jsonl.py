"""JSON lines as real systems write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sessionize.errors import InputError, MissingColumnError, UnreadableFileError
from sessionize.reading import blocks
from tests.chunks import opened, read, rejected, seconds, tally, values

AT = "2026-01-01T00:00:00Z"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def put(path: Path, *records: dict[str, Any] | str | bytes) -> None:
    """Write one line for each record: objects as JSON (at a time of theirs), anything else as it is."""
    lines = [
        json.dumps({"timestamp": AT, **record}).encode() if isinstance(record, dict)
        else record if isinstance(record, bytes)
        else record.encode()
        for record in records
    ]  # fmt: skip
    path.write_bytes(b"".join(line + b"\n" for line in lines))


@pytest.fixture(params=[False, True], ids=["at once", "line by line"])
def spoiled(request: pytest.FixtureRequest) -> list[str]:
    """Lines that send a block to the slow path, or none: a test holds on both ways."""
    return ["{spoiled"] if request.param else []


def test_values_keep_their_json_type(log: Path, spoiled: list[str]) -> None:
    put(log, {"user_id": 2**63 - 1, "ok": True}, {"user_id": -5, "ok": False}, {"user_id": 0}, *spoiled)

    chunks = read(log, columns=["ok"])

    assert values(chunks) == [2**63 - 1, -5, 0]
    assert values(chunks, "ok") == [True, False, None]


def test_text_that_looks_like_a_time_stays_text(log: Path, spoiled: list[str]) -> None:
    put(log, {"user_id": "2026-01-01"}, {"user_id": AT}, *spoiled)

    assert values(read(log)) == ["2026-01-01", AT]


def test_missing_field_is_null(log: Path, spoiled: list[str]) -> None:
    put(log, {"user_id": "ada"}, {"user_id": None}, '{"user_id": "bob"}', *spoiled)

    assert [reason for _, reason, _ in rejected(read(log))][:2] == ["missing_identity", "missing_time"]


def test_malformed_lines_are_found_and_counted(log: Path) -> None:
    put(
        log,
        {"user_id": "ada", "n": 1},
        "",
        "  ",
        '{"user_id": "bob", "timestamp": 5, "n": 1}',
        "[1]",
        "{",
        b'{"user_id": "\xff"}',
        {"user_id": "\ud800", "n": 1},
        {"user_id": "eve", "n": True},
        {"user_id": "eve", "n": "1"},
        {"user_id": "eve", "n": 2**63},
        {"user_id": ["eve"], "n": 1},
        {"user_id": "zoe", "n": 2},
    )

    chunks = read(log, columns=["n"])

    assert values(chunks) == ["ada", "zoe"]
    assert [(record, reason) for record, reason, _ in rejected(chunks)] == [
        (record, "malformed_row") for record in range(2, 11)
    ]
    assert rejected(chunks)[1][2] == "[1]"
    assert tally(chunks).input_rows == 11


def test_two_objects_on_one_line_are_malformed(log: Path) -> None:
    put(log, {"user_id": "ada"}, f'{{"user_id": "a", "timestamp": "{AT}"}} {{"user_id": "b"}}')

    chunks = read(log)

    assert values(chunks) == ["ada"]
    assert [record for record, _, _ in rejected(chunks)] == [2]


def test_object_over_several_lines_is_malformed(log: Path) -> None:
    put(log, {"user_id": "ada"}, "{", f'"user_id": "a", "timestamp": "{AT}"', "}")

    assert [record for record, _, _ in rejected(read(log))] == [2, 3, 4]


def test_last_of_repeated_keys_counts(log: Path) -> None:
    put(log, f'{{"user_id": "a", "user_id": "b", "timestamp": "{AT}"}}')

    assert values(read(log)) == ["b"]


def test_byte_order_mark_and_missing_newline_change_nothing(log: Path) -> None:
    log.write_bytes(b'\xef\xbb\xbf{"user_id": "ada", "timestamp": "2026-01-01"}')

    assert values(read(log)) == ["ada"]


def test_unsigned_integers_beyond_int64_stay_exact(log: Path) -> None:
    put(log, {"user_id": 2**64 - 1}, {"user_id": 3})

    opened_log = opened(log)

    assert opened_log.types["user_id"] == pa.uint64()
    assert values(read(log)) == [2**64 - 1, 3]


def test_integers_beyond_64_bits_are_refused(log: Path) -> None:
    put(log, {"user_id": 2**64}, {"user_id": 3})

    with pytest.raises(InputError, match="'user_id' holds integers beyond 64 bits"):
        read(log)


def test_integer_that_a_float_cannot_hold_is_malformed(log: Path) -> None:
    put(log, {"user_id": "a", "n": 1.5}, {"user_id": "b", "n": 2}, {"user_id": "c", "n": 2**63 + 1})

    chunks = read(log, columns=["n"], types={"n": "float64"})

    assert values(chunks, "n") == [1.5, 2.0]
    assert [record for record, _, _ in rejected(chunks)] == [3]


def test_fraction_among_integers_asks_for_the_type(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(log, *[{"user_id": "a", "n": 1}] * 40_000, {"user_id": "b", "n": 1.5})

    with pytest.raises(
        InputError, match=r"held integers at first, and 1\.5 in record 40001\. .*--type n=float64"
    ):
        read(log, columns=["n"])
    assert values(read(log, columns=["n"], types={"n": "float64"}), "n")[-1] == 1.5
    assert [record for record, _, _ in rejected(read(log, columns=["n"], types={"n": "int64"}))] == [40_001]


def test_decimals_are_read_digit_by_digit(log: Path, spoiled: list[str]) -> None:
    put(
        log,
        '{"user_id": "a", "timestamp": "2026-01-01", "n": 0.10}',
        {"user_id": "b", "n": 12345678901234567},
        *spoiled,
    )

    chunks = read(log, columns=["n"], types={"n": "decimal(20,2)"})

    assert [str(value) for value in values(chunks, "n")] == ["0.10", "12345678901234567.00"]


def test_decimal_with_too_many_digits_is_malformed(log: Path) -> None:
    put(log, {"user_id": "a", "n": 1}, {"user_id": "b", "n": 1.005})

    assert [record for record, _, _ in rejected(read(log, columns=["n"], types={"n": "decimal(9,2)"}))] == [2]


def test_column_that_begins_with_nulls_is_text_unless_declared(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(log, *[{"user_id": "a", "n": None}] * 40_000, {"user_id": "b", "n": "x"}, {"user_id": "c", "n": 7})

    assert rejected(read(log, columns=["n"]))[0][0] == 40_002
    assert rejected(read(log, columns=["n"], types={"n": "int64"}))[0][0] == 40_001


def test_column_without_any_value_is_text(log: Path, spoiled: list[str]) -> None:
    put(log, {"user_id": "a", "n": None}, *spoiled)

    assert opened(log, columns=["n"]).types["n"] == pa.string()
    assert values(read(log, columns=["n"]), "n") == [None]


def test_declared_type_reads_text(log: Path) -> None:
    put(log, {"user_id": "7", "ok": "TRUE"}, {"user_id": "x", "ok": "0"})

    chunks = read(log, columns=["ok"], types={"user_id": "int64", "ok": "bool"})

    assert (values(chunks), values(chunks, "ok")) == ([7], [True])
    assert [reason for _, reason, _ in rejected(chunks)] == ["malformed_row"]


def test_types_are_inferred_line_by_line_where_arrow_cannot(log: Path) -> None:
    put(log, "{", {"user_id": "a", "f": 1, "b": True, "l": [], "o": {}, "m": "x"},
        {"user_id": "b", "f": 0.5, "m": 1, "b": 1}, {"user_id": "c", "f": 2, "b": None})  # fmt: skip

    chunks = read(log, columns=["f", "m"])

    assert values(chunks, "f") == [1.0, 2.0]
    assert [record for record, _, _ in rejected(chunks)] == [1, 3]
    for column in "lo":
        with pytest.raises(InputError, match="cannot be ordered"):
            read(log, columns=[column])


@pytest.mark.parametrize(
    ("first", "second"),
    [("x", 1), (True, "x"), (1, "x"), (0.5, "x")],
    ids=["text", "bool", "integer", "fraction"],
)
def test_first_value_decides_the_type_of_a_mixed_column(log: Path, first: object, second: object) -> None:
    put(log, {"user_id": "a", "m": first}, {"user_id": "b", "m": second})

    chunks = read(log, columns=["m"])

    assert values(chunks, "m") == [first]
    assert [record for record, _, _ in rejected(chunks)] == [2]


def test_integers_mixed_with_bools_are_integers(log: Path) -> None:
    put(log, {"user_id": "a", "n": 1}, {"user_id": "b", "n": True})

    assert values(read(log, columns=["n"]), "n") == [1]


def test_epochs_are_numbers(log: Path) -> None:
    log.write_text('{"user_id": 1, "timestamp": 0}\n{"user_id": 1, "timestamp": 1700000000}\n')

    assert seconds(read(log, time_unit="s")) == [0, 1_700_000_000]


def test_blank_lines_alone_are_a_log_without_rows(log: Path) -> None:
    log.write_text("\n \n")

    assert read(log) == []


def test_nothing_compressed_is_an_empty_file_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.zst"
    with pa.output_stream(path, compression="zstd") as stream:
        stream.write(b"")

    with pytest.raises(UnreadableFileError, match="empty file"):
        read(path)
    assert read(path, allow_empty=True) == []


def test_missing_column_is_named(log: Path) -> None:
    put(log, {"user": "a"})

    with pytest.raises(
        MissingColumnError, match=r"no column 'user_id'.* Found: timestamp, user\. .*--by user"
    ):
        read(log)


def test_first_line_longer_than_the_sample_is_whole(log: Path) -> None:
    put(log, {"user_id": "a", "page": "x" * (2 << 20)}, {"user_id": "b"})

    assert values(read(log)) == ["a", "b"]


def test_small_blocks_give_the_same_records(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 50)
    put(log, *[{"user_id": str(number)} for number in range(20)], "{")

    chunks = read(log)

    assert values(chunks) == [str(number) for number in range(20)]
    assert rejected(chunks) == [(21, "malformed_row", "{")]
