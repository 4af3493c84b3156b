"""Arrow types in a Delta table: every type of ours goes in, and comes back bit for bit."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionize.errors import InputError
from sessionize.store.delta_types import (
    from_stored,
    plain_types,
    schema_from_text,
    schema_to_text,
    stored_schema,
    to_stored,
)
from sessionize.store.table import SessionsTable
from tests.stored_sessions import FIRST
from tests.stored_sessions import stored as stored_sessions

A_UUID = uuid.UUID("0f8fad5b-d9cd-469f-a165-70867728950e")


def integers(type_: pa.DataType) -> st.SearchStrategy[int]:
    info = np.iinfo(type_.to_pandas_dtype())
    return st.integers(int(info.min), int(info.max))


def counts(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    digits = st.integers(-(10**precision) + 1, 10**precision - 1)
    return digits.map(lambda number: Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale)))


def zoned() -> list[tuple[pa.DataType, st.SearchStrategy[Any]]]:
    # In µs a date of the year 290,000 would not fit, in s or ms it would.
    seconds = st.integers(-(2**62) // 1_000_000, 2**62 // 1_000_000)
    values = {"s": seconds, "ms": seconds.map(lambda value: value * 1000), "us": counts(64), "ns": counts(64)}
    return [
        (pa.timestamp(unit, zone), strategy)
        for unit, strategy in values.items()
        for zone in (None, "UTC", "Europe/Paris", "+05:45")
    ]


FLAT: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    *((type_, integers(type_)) for type_ in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    *((type_, integers(type_)) for type_ in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
    (pa.float16(), st.floats(width=16).map(np.float16)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    (pa.bool_(), st.booleans()),
    *((type_, st.text()) for type_ in (pa.string(), pa.large_string(), pa.string_view())),
    *((type_, st.binary()) for type_ in (pa.binary(), pa.large_binary(), pa.binary_view())),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.binary(16), st.binary(min_size=16, max_size=16)),
    (pa.uuid(), st.uuids().map(lambda value: value.bytes)),
    (pa.date32(), counts(32)),
    (pa.date64(), st.integers(-(10**6), 10**6).map(lambda days: days * 86_400_000)),
    (pa.time32("s"), st.integers(0, 86_399)),
    (pa.time32("ms"), st.integers(0, 86_399_999)),
    (pa.time64("us"), st.integers(0, 86_399_999_999)),
    (pa.time64("ns"), st.integers(0, 86_399_999_999_999)),
    *zoned(),
    *((pa.duration(unit), counts(64)) for unit in ("s", "ms", "us", "ns")),
    (pa.decimal32(9, 2), decimals(9, 2)),
    (pa.decimal64(18, 18), decimals(18, 18)),
    (pa.decimal128(38, 10), decimals(38, 10)),
    (pa.decimal128(20, -5), decimals(20, -5)),
    (pa.decimal128(38, -5), decimals(30, -5)),
    (pa.decimal256(30, 4), decimals(30, 4)),
    (pa.decimal256(76, 40), decimals(76, 40)),
    (pa.null(), st.none()),
]
ALL_TYPES = [type_ for type_, _ in FLAT]


@st.composite
def columns(draw: st.DrawFn, type_: pa.DataType, values: st.SearchStrategy[Any]) -> pa.Array:
    """A flat column, a list or a struct of one, a list in a struct; often a slice of a longer one."""
    column = pa.array(draw(st.lists(st.none() | values, max_size=8)), type_)
    # Arrow cannot cast slices of large lists of nulls.
    kinds = ["list", "struct"] if pa.types.is_null(type_) else ["list", "large", "struct"]
    for wrapped in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        column = in_struct(column) if wrapped == "struct" else in_lists(column, wrapped)
    start = draw(st.integers(0, len(column)))
    return column.slice(start, draw(st.integers(0, len(column) - start)))


def in_lists(column: pa.Array, kind: str) -> pa.Array:
    """Lists of two, the second of them null where there are so many."""
    offsets = [*range(0, len(column), 2), len(column)]
    mask = pa.array([index == 1 for index in range(len(offsets) - 1)], pa.bool_())
    class_, width = (pa.ListArray, pa.int32()) if kind == "list" else (pa.LargeListArray, pa.int64())
    return class_.from_arrays(pa.array(offsets, width), column, mask=mask)


def in_struct(column: pa.Array) -> pa.Array:
    mask = pa.array([index == 0 for index in range(len(column))], pa.bool_())
    return pa.StructArray.from_arrays([column, column], names=["a", "b"], mask=mask)


def there(column: pa.Array) -> pa.Table:
    return to_stored(pa.table({"x": column}), pa.schema([("x", column.type)]))


def and_back(stored: pa.Table, type_: pa.DataType) -> pa.Array:
    return from_stored(stored, pa.schema([("x", type_)]))["x"].combine_chunks()


def same_bits(left: pa.Array, right: pa.Array) -> bool:
    """Equality for which NaN is NaN, and -0.0 is not 0.0."""
    if pa.types.is_struct(left.type):
        parts = zip(left.flatten(), right.flatten(), strict=True)
        return left.is_null().equals(right.is_null()) and all(same_bits(*pair) for pair in parts)
    is_float = "float" in str(left.type) or "double" in str(left.type)
    return repr(left.to_pylist()) == repr(right.to_pylist()) if is_float else bool(left.equals(right))


@pytest.mark.parametrize(("type_", "values"), FLAT, ids=map(str, ALL_TYPES))
@settings(max_examples=20)
@given(data=st.data())
def test_every_type_goes_in_and_comes_back_bit_for_bit(
    type_: pa.DataType, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    column = data.draw(columns(type_, values))

    stored = there(column)
    back = and_back(stored, column.type)

    stored["x"].chunk(0).validate(full=True)
    back.validate(full=True)
    assert stored.schema.equals(stored_schema(pa.schema([("x", column.type)])))
    assert back.type == column.type
    assert same_bits(back, column)


@settings(max_examples=5)
@given(data=st.data())
def test_a_table_of_every_type_comes_back_from_disk_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    drawn = [data.draw(st.lists(st.none() | values, min_size=3, max_size=3)) for _, values in FLAT]
    of_types = {f"x{index}": pa.array(values, FLAT[index][0]) for index, values in enumerate(drawn)}
    rows = stored_sessions("2026-01-01 09:00", "2026-01-01 10:00", "2026-01-01 11:00").drop(["_state"])
    for name, column in [
        *of_types.items(),
        ("_state", pa.StructArray.from_arrays(of_types.values(), of_types)),
    ]:
        rows = rows.append_column(name, column)
    schema = rows.drop(["session_date"]).schema

    table = SessionsTable.create(str(tmp_path_factory.mktemp("store") / "s"), schema)
    table = table.replace([FIRST], rows, ledger=1)

    found = table.read(table.files())
    assert found.schema.equals(schema)
    assert all(same_bits(found[name].combine_chunks(), rows[name].combine_chunks()) for name in schema.names)


@pytest.mark.parametrize("type_", ALL_TYPES, ids=str)
def test_a_column_without_rows_keeps_its_type(type_: pa.DataType) -> None:
    empty = pa.array([], type_)

    assert and_back(there(empty), type_).equals(empty)


@pytest.mark.parametrize(
    ("type_", "stored"),
    [
        (pa.uint32(), pa.int64()),
        (pa.uint64(), pa.decimal128(20, 0)),
        (pa.uuid(), pa.string()),
        (pa.timestamp("s"), pa.timestamp("us", "UTC")),
        (pa.timestamp("us", "Europe/Paris"), pa.timestamp("us", "UTC")),
        (pa.timestamp("ns", "UTC"), pa.int64()),
        (pa.time32("ms"), pa.int32()),
        (pa.duration("s"), pa.int64()),
        (pa.decimal256(38, 4), pa.decimal128(38, 4)),
        (pa.decimal256(39, 4), pa.string()),
        (pa.decimal128(10, -3), pa.decimal128(13, 0)),
        (pa.decimal128(5, 7), pa.string()),
        (pa.list_(pa.uint8()), pa.list_(pa.int16())),
        (pa.dictionary(pa.int32(), pa.string()), pa.string()),
        (pa.null(), pa.string()),
    ],
    ids=str,
)
def test_other_readers_see_the_nearest_type_that_delta_has(type_: pa.DataType, stored: pa.DataType) -> None:
    assert stored_schema(pa.schema([("x", type_)])).field("x").type == stored


def test_a_uuid_is_stored_as_people_write_it() -> None:
    column = pa.array([A_UUID.bytes, None], pa.uuid())

    assert there(column)["x"].to_pylist() == ["0f8fad5b-d9cd-469f-a165-70867728950e", None]


def test_a_time_without_zone_is_stored_as_the_clock_showed_it() -> None:
    column = pa.array([datetime(2026, 3, 29, 2, 30)], pa.timestamp("us"))

    assert there(column)["x"].to_pylist() == [datetime(2026, 3, 29, 2, 30, tzinfo=UTC)]


def test_a_column_of_another_type_says_so_in_its_comment() -> None:
    field = stored_schema(pa.schema([("x", pa.uint64()), ("y", pa.int64())])).field("x")

    assert field.metadata == {b"comment": b"uint64, stored as decimal128(20, 0)"}


def test_dictionaries_are_stored_as_their_values() -> None:
    column = pa.array(["a", None, "a"]).dictionary_encode()

    stored = there(column)

    assert stored["x"].to_pylist() == ["a", None, "a"]
    assert plain_types(pa.schema([("x", column.type)])).field("x").type == pa.string()


def test_dictionaries_inside_state_are_plain() -> None:
    coded = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("s", pa.struct([("a", coded), ("b", pa.list_(coded))]))])

    expected = pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))])
    assert plain_types(schema).field("s").type == expected


@pytest.mark.parametrize(
    "type_",
    [pa.map_(pa.string(), pa.int64()), pa.month_day_nano_interval(), pa.list_(pa.month_day_nano_interval())],
    ids=["map", "interval", "list of intervals"],
)
def test_a_type_that_delta_cannot_hold_is_refused_by_name(type_: pa.DataType) -> None:
    with pytest.raises(InputError, match=r"column 'odd' is .* cannot hold. Leave it out"):
        stored_schema(pa.schema([("odd", type_)]))


def test_a_time_that_microseconds_cannot_reach_is_refused_with_its_column() -> None:
    far = pa.array([2**60], pa.timestamp("s"))

    with pytest.raises(InputError, match="column 'x': a value does not fit"):
        there(far)


def test_a_schema_survives_as_text() -> None:
    schema = pa.schema([pa.field(f"x{index}", type_) for index, type_ in enumerate(ALL_TYPES)])

    assert schema_from_text(schema_to_text(schema)).equals(schema)


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA"], ids=["nothing", "no base64", "no schema"])
def test_text_that_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OSError)):
        schema_from_text(text)


def test_a_file_that_another_program_wrote_in_other_encodings_is_read_the_same() -> None:
    written = pa.table({"x": pa.array([["a"], None], pa.large_list(pa.large_string()))})

    back = and_back(written, pa.list_(pa.string()))

    assert back.to_pylist() == [["a"], None]
