"""How to read a log, as one frozen value: `ReadOptions`."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from datetime import date
from encodings.aliases import aliases
from typing import TYPE_CHECKING, Any, Literal, get_args

from attrs import Attribute, asdict, evolve, field, frozen

from sessionize.conditions import Condition, read_conditions
from sessionize.reading.iso8601 import parse_iso8601
from sessionize.spelling import closest
from sessionize.zones import DstPolicy, Zone

if TYPE_CHECKING:
    import pyarrow as pa

TimeUnit = Literal["s", "ms", "us", "ns"]
InputFormat = Literal["parquet", "csv", "tsv", "jsonl", "arrow"]

ISO8601 = "ISO8601"
"""The time format that stands for the built-in reader, in a list of formats."""

_TYPES = ("text", "int64", "float64", "decimal(p,s)", "bool", "date", "timestamp")
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")
_DIRECTIVES = frozenset("aAbBdfGHIjmMpSuUVwWyYzZ%")
_YEAR_DIRECTIVES = frozenset("yYG")


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _time_formats(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(ISO8601 if text.upper() == ISO8601 else text for text in _texts(value))


def _zone_name(value: str) -> str:
    return Zone.named(value).name


def _include(given: Any) -> tuple[Condition, ...]:
    return read_conditions("include", given)


def _exclude(given: Any) -> tuple[Condition, ...]:
    return read_conditions("exclude", given)


def _column_types(given: str | Mapping[str, str] | Iterable[Any]) -> dict[str, str]:
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        items = [given] if isinstance(given, str) else given
        pairs = [item.rpartition("=")[::2] if isinstance(item, str) else tuple(item) for item in items]
    types: dict[str, str] = {}
    for column, text in pairs:
        if not column:
            raise ValueError(f"types {text!r}: write COL=TYPE, such as price=float64.")
        if column in types:
            raise ValueError(f"types: {column!r} is given twice.")
        types[column] = _type_text(column, text)
    return types


def _type_text(column: str, text: str) -> str:
    lowered = text.strip().lower()
    if lowered in _TYPES and lowered != "decimal(p,s)":
        return lowered
    if (decimal := _DECIMAL.fullmatch(lowered)) and 1 <= int(decimal[1]) <= 38:
        precision, scale = int(decimal[1]), int(decimal[2])
        if scale <= precision:
            return f"decimal({precision},{scale})"
    raise ValueError(
        f"types {column}={text}: no type {text!r}{closest(text, _TYPES)} "
        f"Known: {', '.join(_TYPES)} (p up to 38)."
    )


def _moment(value: object) -> str | None:
    """Keep a moment as ISO 8601 text: what it means depends on the zone, which may still change."""
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, date) else value
    if not isinstance(text, str):
        raise TypeError(f"a moment is ISO 8601 text or a datetime, not {type(value).__name__}.")
    if parse_iso8601(text.encode()) is None:
        raise ValueError(f"{text!r} is not a time. Write for example 2026-01-31 or 2026-01-31T12:00:00Z.")
    return text


def _delimiter(value: str | None) -> str | None:
    return "\t" if value == "\\t" else value


def _codec(value: str) -> str:
    try:
        found = codecs.lookup(value)
        "a".encode(found.name)
    except LookupError:
        known = sorted(aliases.values())
        raise ValueError(f"encoding {value!r} is unknown{closest(value, known)}") from None
    return found.name


def _given(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{attribute.name}: name a column, not {value!r}.")


def _one_of(choices: Any) -> Any:
    def validate(instance: object, attribute: Attribute[Any], value: object) -> None:
        known = get_args(choices)
        if value is not None and value not in known:
            name = f"{attribute.name} {value!r} is unknown"
            raise ValueError(f"{name}{closest(str(value), known)} Known: {', '.join(known)}.")

    return validate


def _readable_formats(instance: object, attribute: Attribute[Any], formats: tuple[str, ...]) -> None:
    for text in formats:
        if text == ISO8601:
            continue
        directives = re.findall("%(.?)", text, re.DOTALL)
        if unknown := [letter for letter in directives if letter not in _DIRECTIVES]:
            raise ValueError(f"time_format {text!r}: no directive '%{unknown[0]}'.")
        if not _YEAR_DIRECTIVES.intersection(directives):
            raise ValueError(f"time_format {text!r} has no year. Write for example '%d/%m/%Y %H:%M:%S'.")


def _one_character(instance: object, attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and (len(value) != 1 or not value.isascii() or value in '"\r\n\0'):
        raise ValueError(f"csv_delimiter {value!r}: write one ASCII character, such as ; or \\t.")


@frozen(kw_only=True)
class ReadOptions:
    r"""How the bytes of a log become events.

    Values are accepted as people write them and kept normalised.

    Attributes:
        time: The column that holds each event's time.
        time_format: Formats of times in text, as of C's `strptime` in the C locale; the first that
            fits a value wins. `"ISO8601"` stands for the built-in reader, which reads all text
            where no format is given.
        time_unit: What epoch numbers count: `s`, `ms`, `us` or `ns`. None: there are none.
        timezone: IANA name of the zone of times without an offset, and of dates.
        dst_policy: The offset of a local time that a clock change shows twice or skips: that from
            before the change (`earlier`), from after it (`later`), or none (`reject`).
        types: Types of columns that would be text: `{"price": "float64"}` or `["price=float64"]`;
            one of `text`, `int64`, `float64`, `decimal(p,s)`, `bool`, `date`, `timestamp`.
        null_value: Texts that are null in CSV, besides the unquoted empty field.
        include: Rows to keep: `{"event": ["click", "view"]}`, pairs, or `["event=click"]`. Several
            values of a column are alternatives; every column must match.
        exclude: Rows to leave out; one match is enough.
        not_before: The earliest plausible time, included: ISO 8601 text, a date (its midnight) or a
            `datetime`; in `timezone` where it has no offset. None: any time is plausible.
        not_after: The latest plausible time, included; a date is its midnight, too.
        input_format: The format of every input, whatever its name says; None goes by the names.
        csv_delimiter: The character between fields of CSV; None: a comma, in TSV a tab.
        encoding: Name of the encoding of text files.

    Raises:
        ValueError: For a value outside its domain.
        TypeError: For a value of the wrong kind.

    Example:
        >>> options = ReadOptions(time="ts", time_unit="ms", include=["event=click"])
        >>> options.include
        (('event', 'click'),)
        >>> ReadOptions(dst_policy="latest")
        Traceback (most recent call last):
        ...
        ValueError: dst_policy 'latest' is unknown; did you mean 'later'? Known: earlier, later, reject.
    """

    time: str = field(default="timestamp", validator=_given)
    time_format: tuple[str, ...] = field(default=(), converter=_time_formats, validator=_readable_formats)
    time_unit: TimeUnit | None = field(default=None, validator=_one_of(TimeUnit))
    timezone: str = field(default="UTC", converter=_zone_name)
    dst_policy: DstPolicy = field(default="earlier", validator=_one_of(DstPolicy))
    types: Mapping[str, str] = field(factory=dict, converter=_column_types, hash=False)
    null_value: tuple[str, ...] = field(default=(), converter=_texts)
    include: tuple[Condition, ...] = field(default=(), converter=_include)
    exclude: tuple[Condition, ...] = field(default=(), converter=_exclude)
    not_before: str | None = field(default=None, converter=_moment)
    not_after: str | None = field(default=None, converter=_moment)
    input_format: InputFormat | None = field(default=None, validator=_one_of(InputFormat))
    csv_delimiter: str | None = field(default=None, converter=_delimiter, validator=_one_character)
    encoding: str = field(default="utf-8", converter=_codec)

    @property
    def zone(self) -> Zone:
        """The time zone of dates and of times without an offset."""
        return Zone.named(self.timezone)

    @property
    def not_before_us(self) -> int | None:
        """The earliest plausible time in microseconds since the epoch, UTC, included."""
        return self.instant_us(self.not_before)

    @property
    def not_after_us(self) -> int | None:
        """The latest plausible time in microseconds since the epoch, UTC, included."""
        return self.instant_us(self.not_after)

    def arrow_type(self, column: str) -> pa.DataType | None:
        """Return the type that was declared for a column, or None.

        Example:
            >>> ReadOptions(types=["price=decimal(10,2)"]).arrow_type("price")
            Decimal128Type(decimal128(10, 2))
        """
        import pyarrow as pa

        text = self.types.get(column)
        if text is None:
            return None
        if decimal := _DECIMAL.fullmatch(text):
            return pa.decimal128(int(decimal[1]), int(decimal[2]))
        simple = {"text": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC")}
        return simple.get(text) or pa.type_for_alias(text)

    def evolve(self, **changes: Any) -> ReadOptions:
        """Return these options with some values changed."""
        return evolve(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values that JSON can hold and `ReadOptions(**...)` reads back.

        Example:
            >>> options = ReadOptions(not_before="2020-01-01", types={"n": "int64"})
            >>> ReadOptions(**options.as_dict()) == options
            True
        """
        plain = asdict(self, recurse=False)
        for name in ("time_format", "null_value"):
            plain[name] = list(plain[name])
        for name in ("include", "exclude"):
            plain[name] = [list(pair) for pair in plain[name]]
        return plain | {"types": dict(self.types)}

    def instant_us(self, moment: str | date | None) -> int | None:
        """Turn a moment as people write it into an instant.

        Args:
            moment: ISO 8601 text, a date (its midnight) or a `datetime`; in `timezone` where it has
                no offset.

        Returns:
            Microseconds since the epoch, UTC; None for None.

        Raises:
            ValueError: For text that is no time.
            TypeError: For anything else.

        Example:
            >>> ReadOptions(timezone="Europe/Paris").instant_us("1970-01-01T01:00")
            0
        """
        import numpy as np

        text = _moment(moment)
        time = None if text is None else parse_iso8601(text.encode())
        if time is None:
            return None
        if time.has_offset:
            return time.time_us
        instants, _ = self.zone.to_utc(np.array([time.time_us], np.int64), self.dst_policy)
        return int(instants[0])
