"""ReadOptions: values as people write them, kept normalised; anything else refused with advice."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from sessionize.reading.options import ReadOptions


@pytest.mark.parametrize(
    "include",
    [
        "path=/a=b",
        ["path=/a=b"],
        [("path", "/a=b")],
        {"path": "/a=b"},
        {"path": ["/a=b"]},
    ],
    ids=["text", "texts", "pairs", "mapping", "mapping to list"],
)
def test_filter_is_written_in_any_form(include: Any) -> None:
    assert ReadOptions(include=include).include == (("path", "/a=b"),)


def test_filter_values_become_the_text_that_a_log_has() -> None:
    options = ReadOptions(exclude={"is_bot": True, "status": [404, "500"], "day": date(2026, 1, 31)})

    assert options.exclude == (
        ("is_bot", "true"),
        ("status", "404"),
        ("status", "500"),
        ("day", "2026-01-31"),
    )


def test_filter_value_may_be_empty() -> None:
    assert ReadOptions(include="country=").include == (("country", ""),)


def test_filter_value_of_another_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="exclude 'country': a value is text"):
        ReadOptions(exclude={"country": None})


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("text", pa.string()),
        ("int64", pa.int64()),
        ("float64", pa.float64()),
        ("bool", pa.bool_()),
        ("date", pa.date32()),
        ("timestamp", pa.timestamp("us", "UTC")),
        ("decimal(38, 0)", pa.decimal128(38, 0)),
        ("Decimal(10,2)", pa.decimal128(10, 2)),
    ],
)
def test_declared_type_has_an_arrow_type(text: str, type_: pa.DataType) -> None:
    assert ReadOptions(types=f"a=b={text}").arrow_type("a=b") == type_


def test_column_without_declared_type_has_none() -> None:
    assert ReadOptions(types={"price": "float64"}).arrow_type("name") is None


@pytest.mark.parametrize("types", [{"price": "int64"}, ["price=int64"], [("price", "int64")]])
def test_types_are_written_in_any_form(types: Any) -> None:
    assert ReadOptions(types=types).types == {"price": "int64"}


@pytest.mark.parametrize("value", [",", ";", "|", "\t", "\\t"])
def test_delimiter_is_one_character_or_the_name_of_the_tab(value: str) -> None:
    assert ReadOptions(csv_delimiter=value).csv_delimiter == value.replace("\\t", "\t")


@pytest.mark.parametrize("name", ["latin-1", "Latin1", "iso-8859-1"])
def test_encoding_is_known_by_any_of_its_names(name: str) -> None:
    assert ReadOptions(encoding=name).encoding == "iso8859-1"


@pytest.mark.parametrize("text", ["ISO8601", "iso8601"])
def test_name_of_the_built_in_format_may_be_in_any_case(text: str) -> None:
    assert ReadOptions(time_format=text).time_format == ("ISO8601",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"time": ""}, "time: name a column"),
        ({"time_unit": "minutes"}, "time_unit 'minutes' is unknown. Known: s, ms, us, ns"),
        ({"time_format": "%Q"}, "no directive '%Q'"),
        ({"time_format": "%Y%"}, "no directive '%'"),
        ({"time_format": "%d/%m %H:%M"}, "has no year"),
        ({"timezone": "Paris"}, "no time zone 'Paris'"),
        ({"dst_policy": "erlier"}, "dst_policy 'erlier' is unknown; did you mean 'earlier'"),
        ({"types": ["price"]}, "write COL=TYPE"),
        ({"types": ["price=flaot64"]}, "no type 'flaot64'; did you mean 'float64'"),
        ({"types": ["price=decimal(p,s)"]}, "no type"),
        ({"types": ["price=decimal(39,0)"]}, "no type"),
        ({"types": ["price=decimal(3,4)"]}, "no type"),
        ({"types": ["price=text", "price=int64"]}, "'price' is given twice"),
        ({"include": "country"}, "include 'country': write COL=VALUE"),
        ({"exclude": ["=FR"]}, "exclude '=FR': write COL=VALUE"),
        ({"not_before": "yesterday"}, "'yesterday' is not a time"),
        ({"input_format": "json"}, "input_format 'json' is unknown; did you mean 'jsonl'"),
        ({"csv_delimiter": "||"}, "write one ASCII character"),
        ({"csv_delimiter": '"'}, "write one ASCII character"),
        ({"csv_delimiter": "·"}, "write one ASCII character"),
        ({"encoding": "utf-9"}, "encoding 'utf-9' is unknown"),
        ({"encoding": "base64"}, "encoding 'base64' is unknown"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_misuse_is_refused_with_advice(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReadOptions(**wrong)


def test_moment_of_another_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="a moment is ISO 8601 text or a datetime, not int"):
        ReadOptions(not_before=0)


@pytest.mark.parametrize(
    "moment",
    ["1970-01-01T01:00", "1970-01-01T00:00:00Z", datetime(1970, 1, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)],
    ids=["local text", "text with offset", "local datetime", "aware datetime"],
)
def test_moment_is_an_instant(moment: Any) -> None:
    options = ReadOptions(not_before=moment, not_after=moment, timezone="Europe/Paris")

    assert (options.not_before_us, options.not_after_us) == (0, 0)


def test_moment_follows_a_zone_that_is_set_later() -> None:
    options = ReadOptions(not_before=date(1970, 1, 1)).evolve(timezone="Europe/Paris")

    assert options.not_before_us == -3_600_000_000


def test_no_moment_is_no_bound() -> None:
    assert (ReadOptions().not_before_us, ReadOptions().not_after_us) == (None, None)


def test_options_travel_through_json_and_processes() -> None:
    options = ReadOptions(
        time="ts", time_format="%Y", time_unit="ms", timezone="Asia/Tokyo", dst_policy="reject",
        types={"n": "int64"}, null_value="NA", include={"a=b": "c"}, exclude="d=e", not_before="2020-01-01",
        input_format="csv", csv_delimiter=";", encoding="latin-1",
    )  # fmt: skip

    assert ReadOptions(**json.loads(json.dumps(options.as_dict()))) == options
    assert pickle.loads(pickle.dumps(options)) == options


def test_zone_is_that_of_the_timezone() -> None:
    assert ReadOptions(timezone="Asia/Tokyo").zone.name == "Asia/Tokyo"


def test_options_have_a_hash() -> None:
    assert len({ReadOptions(types={"n": "int64"}), ReadOptions(types=["n=int64"])}) == 1
