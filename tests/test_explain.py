"""`sz.explain`: one identity's timeline, the words for every split, and how little of a log it reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sessionize as sz
from sessionize.explaining import timeline
from sessionize.reading.parquet import RowGroups
from tests.generators import IDENTITIES, TEXT_KINDS, logs
from tests.logs import Log, tiny_chunks
from tests.oracle import Row, is_wanted
from tests.small_logs import events

LABELS = ("session_id", "session_number", "event_index", "gap_seconds", "start_reason")
KINDS = [kind for kind in IDENTITIES if kind != "binary"]
"""Bytes that are no text have no value to give."""


def told(*times: str, **options: Any) -> list[str | None]:
    """Why each event of A's is where it is; keywords that hold lists are columns."""
    columns = {name: options.pop(name) for name in ["ada", "event", "delivery", "amount"] if name in options}
    words: list[str | None] = sz.explain(events(*times, **columns), "A", **options).events["why"].to_pylist()
    return words


# ---------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("second", "boundary", "expected"),
    [
        ("09:15", "exceeds", None),
        (
            "09:15:00.000001",
            "exceeds",
            "15 min 0.000001 s of silence: 14 min 59.999999 s short of the timeout",
        ),
        ("09:29:50", "exceeds", "29 min 50 s of silence: 10 s short of the timeout"),
        ("09:29:59.999999", "reaches", "29 min 59.999999 s of silence: 1 µs short of the timeout"),
        ("09:30", "exceeds", "exactly 30 min of silence (boundary: exceeds)"),
        ("09:30", "reaches", "exactly 30 min of silence (boundary: reaches)"),
        ("09:30:00.000001", "exceeds", "30 min 0.000001 s of silence > 30 min"),
        ("09:31:12", "reaches", "31 min 12 s of silence > 30 min"),
    ],
    ids=[
        "half the timeout",
        "just above half",
        "below",
        "just below",
        "exactly, exceeds",
        "exactly, reaches",
        "just above",
        "above",
    ],
)
def test_silence_is_told_to_the_microsecond(second: str, boundary: str, expected: str | None) -> None:
    assert told("09:00", second, boundary=boundary) == ["first event", expected]


def test_a_new_day_is_told_with_its_date_and_zone() -> None:
    words = told("2026-03-29 21:50", "2026-03-29 22:00", split_daily=True, timezone="Europe/Paris")

    assert words[1] == "new day in Europe/Paris: 2026-03-30"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["ada", "bob"], "ada changed ada → bob"),
        (["ada", ""], "ada changed ada → ''"),
        ([None, "bob"], "first value of ada: bob"),
    ],
    ids=["another value", "the empty text", "from null"],
)
def test_a_change_is_told_with_both_values(values: list[Any], expected: str) -> None:
    words = told("09:00", "09:01", ada=values, split_on="ada", split_from_null=True)

    assert words[1] == expected


def test_a_change_is_told_with_the_last_value_that_was_not_null() -> None:
    words = told("09:00", "09:01", "09:02", ada=["ada", None, "bob"], split_on="ada")

    assert words == ["first event", None, "ada changed ada → bob"]


def test_a_change_of_a_number_is_told_as_the_outputs_write_it() -> None:
    words = told("09:00", "09:01", amount=[2.5, 0.0], split_on="amount")

    assert words[1] == "amount changed 2.5 → 0.0"


def test_a_change_between_categories_is_told_by_their_values() -> None:
    column = pa.array(["ada", "bob"]).dictionary_encode()

    words = told("09:00", "09:01", ada=column, split_on="ada")

    assert words[1] == "ada changed ada → bob"


def test_the_marker_that_matched_is_told() -> None:
    names = ["view", "app_open", "logout", "view"]

    words = told(
        *("09:00", "09:01", "09:02", "09:03"),
        event=names,
        split_before=["event=start", "event=app_open"],
        split_after=["event=exit", "event=logout"],
    )

    assert words[1:] == [
        "event=app_open begins a session",
        None,
        "event=logout ended the one before",
    ]


@pytest.mark.parametrize(
    ("last", "boundary", "expected"),
    [
        ("10:00", "reaches", "exactly 1 h since the session began (boundary: reaches)"),
        ("10:00:00.000001", "exceeds", "1 h 0.000001 s since the session began > 1 h"),
        ("10:05", "reaches", "1 h 5 min since the session began > 1 h"),
    ],
    ids=["exactly", "just above", "above"],
)
def test_the_longest_duration_is_told(last: str, boundary: str, expected: str) -> None:
    words = told(
        "09:00", "09:29", "09:57", last, timeout="45m", max_duration="1h", max_duration_boundary=boundary
    )

    assert words[3] == expected


def test_a_full_session_is_told() -> None:
    assert told("09:00", "09:01", "09:02", max_events=2)[2] == "the session holds 2 events"


def test_a_session_for_each_event_is_told_in_the_singular() -> None:
    assert told("09:00", "09:01", max_events=1)[1] == "the session holds 1 event"


def test_a_repeated_delivery_is_told_and_is_in_no_session() -> None:
    log = events("09:00", "09:00", "09:01", delivery=[7, 7, 7])

    found = sz.explain(log, "A", dedupe="delivery").events

    assert found["why"].to_pylist() == ["first event", "repeated delivery (delivery 7)", None]
    assert found["session_number"].to_pylist() == [1, None, 1]
    assert found["event_index"].to_pylist() == [1, None, 2]
    assert found["gap_seconds"].to_pylist() == [None, None, 60.0]


def test_every_session_starts_by_calendar_where_nothing_but_days_opens_them() -> None:
    log = events("09:00", "2026-01-02 09:00")

    found = sz.explain(log, "A", timeout=None, split_daily=True).events

    assert found["start_reason"].to_pylist() == ["calendar", "calendar"]
    assert found["why"].to_pylist() == ["first event", "new day in UTC: 2026-01-02"]


# ---------------------------------------------------------------- the timeline


def explained(log: Log, identity: Sequence[Any], source: object = None) -> sz.Explanation:
    options = {name: value for name, value in log.options().items() if name not in ("as_of", "max_rejected")}
    return sz.explain(log.table() if source is None else source, list(identity), **options)


def identities(log: Log) -> list[tuple[Any, ...]]:
    """Everybody in a log of whom something is left by include and exclude."""
    wanted = [row for row in log.rows if is_wanted(row, log.rules)]
    found = {tuple(row[name] for name in log.rules.by) for row in wanted}
    return [identity for identity in found if None not in identity]


def _rows_of(log: Log, identity: tuple[Any, ...]) -> Iterator[tuple[int, Row]]:
    for index, row in enumerate(log.rows):
        if tuple(row[name] for name in log.rules.by) == identity and is_wanted(row, log.rules):
            yield index, row


@pytest.mark.property
@given(logs(kinds=KINDS))
def test_timelines_are_the_labels_of_the_oracle(log: Log) -> None:
    outcome = log.expected()

    for identity in identities(log):
        found = explained(log, identity)

        indexes = [index for index, _ in _rows_of(log, identity)]
        labels = [label for index in indexes if (label := outcome.labels[index]) is not None]
        in_order = sorted(labels, key=lambda label: (label["session_number"], label["event_index"]))
        rows = found.events.select(LABELS).to_pylist()
        assert [row for row in rows if row["session_id"] is not None] == in_order
        rejected = [(record, reason) for record, reason in outcome.rejected if record - 1 in indexes]
        assert len(rows) == len(indexes) - len(rejected)
        columns = (found.rejected["record"].to_pylist(), found.rejected["reason"].to_pylist())
        assert list(zip(*columns, strict=True)) == rejected


@pytest.mark.property
@given(logs(kinds=KINDS), st.integers(1, 4), st.integers(1, 4))
def test_a_file_tells_what_the_frame_tells(log: Log, group: int, chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder, tiny_chunks(chunk):
        pq.write_table(log.table(), Path(folder, "log.parquet"), row_group_size=group)

        for identity in identities(log):
            of_file = explained(log, identity, Path(folder, "log.parquet"))

            of_frame = explained(log, identity)
            assert of_file.as_dict()["events"] == of_frame.as_dict()["events"]
            rejected = ["record", "reason"]
            assert of_file.rejected.select(rejected).equals(of_frame.rejected.select(rejected))


@pytest.mark.parametrize(
    ("identity", "value"),
    [
        (pa.array([7, 8]), 7),
        (pa.array([True, False]), True),
        (pa.array([date(2026, 1, 1), date(2026, 1, 2)]), date(2026, 1, 1)),
        (pa.array(["00042", "42"]), "00042"),
        (pa.array(["a", "b"], pa.large_string()), "a"),
        (pa.array([b"a", b"b"]), b"a"),
    ],
    ids=["integer", "bool", "date", "text", "large text", "binary"],
)
def test_an_identity_is_given_as_its_columns_type_or_as_text(identity: pa.Array, value: object) -> None:
    log = events("09:00", "09:01", who=identity)

    assert len(sz.explain(log, value).events) == 1


def test_a_uuid_is_given_as_text() -> None:
    storage = pa.array([UUID(int=1).bytes, UUID(int=2).bytes], pa.binary(16))
    log = events("09:00", "09:01", who=pa.ExtensionArray.from_storage(pa.uuid(), storage))

    assert len(sz.explain(log, str(UUID(int=2))).events) == 1


def test_several_identity_columns_take_a_value_each() -> None:
    log = events("09:00", "09:01", "09:02", site=["fr", "de", "fr"])

    found = sz.explain(log, ["A", "fr"], by=["user_id", "site"])

    assert found.identity == {"user_id": "A", "site": "fr"}
    assert found.events["event_index"].to_pylist() == [1, 2]


def test_the_columns_that_rules_read_stand_in_the_timeline() -> None:
    log = events("09:00", "09:01", ada=["x", "y"], event=["view", "exit"])

    found = sz.explain(log, "A", tie_break="event", split_on="ada", agg={"landing": "first:event"})

    assert found.events.column_names[-3:] == ["why", "event", "ada"]
    assert found.rules.agg == ()


def test_a_column_named_as_one_of_ours_asks_for_a_prefix() -> None:
    log = events("09:00", why=["x"])

    with pytest.raises(sz.InputError, match=r"named 'why'\. Rename ours with --prefix"):
        sz.explain(log, "A", split_on="why")

    assert "s_why" in sz.explain(log, "A", split_on="why", prefix="s_").events.column_names


def test_an_identity_of_rejected_rows_alone_has_a_timeline_without_events() -> None:
    log = pa.table({"user_id": ["A", "B"], "timestamp": ["soon", "2026-01-01T09:00"]})

    found = sz.explain(log, "A")

    assert len(found.events) == 0
    assert found.rejected["reason"].to_pylist() == ["unparseable_time"]
    assert str(found) == "user_id 'A': 0 sessions, 0 events, 1 rejected row"
    assert found.part(last=1, since="2026-01-01").sessions == 0


def test_rows_that_filters_leave_out_are_counted() -> None:
    log = events("09:00", "09:01", event=["view", "heartbeat"])

    assert sz.explain(log, "A", exclude="event=heartbeat").filtered == 1


def test_a_record_that_is_no_row_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,timestamp\nA,2026-01-01T09:00\nA,2026-01-01T09:01,more\nA,soon\n")

    found = sz.explain(path, "A")

    assert found.malformed == 1
    assert found.rejected["record"].to_pylist() == [3]


def test_a_folder_may_name_the_identity(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / f"user_id={name}").mkdir()
        table = events("09:00", "09:01").drop_columns("user_id")
        pq.write_table(table, tmp_path / f"user_id={name}" / "log.parquet")

    assert len(sz.explain(tmp_path, "B").events) == 2


def test_a_declared_type_is_the_one_that_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,timestamp\n007,2026-01-01T09:00\n7,2026-01-01T09:01\n")

    assert len(sz.explain(path, 7, types={"user_id": "int64"}).events) == 2
    assert len(sz.explain([path], "7").events) == 1


# ---------------------------------------------------------------- parts of it


def sessions_shown(**part: Any) -> list[int]:
    log = events("09:00", "2026-01-02 09:00", "2026-01-02 09:20", "2026-01-03 23:50", delivery=[1, 2, 2, 3])
    found = sz.explain(log, "A", dedupe="delivery").part(**part)
    return found.events["session_number"].to_pylist()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({}, [1, 2, 2, 3]),
        ({"last": 2}, [2, 2, 3]),
        ({"since": "2026-01-02T09:20:00Z"}, [2, 2, 3]),
        ({"since": "2026-01-02T09:20:00.000001Z"}, [3]),
        ({"until": "2026-01-02"}, [1, 2, 2]),
        ({"until": "2026-01-02T08:59"}, [1]),
        ({"since": date(2026, 1, 2), "until": date(2026, 1, 2)}, [2, 2]),
        ({"since": datetime(2026, 1, 2, 9, 10, tzinfo=UTC), "until": datetime(2026, 1, 2, 9, 15)}, [2, 2]),
        ({"until": date.max, "last": 1}, [3]),
    ],
    ids=["all", "last", "ends then", "ended", "a day", "a time", "one day", "between events", "the last day"],
)
def test_a_part_holds_whole_sessions(part: dict[str, Any], expected: list[int]) -> None:
    assert sessions_shown(**part) == expected


def test_a_date_is_one_of_the_rules_zone() -> None:
    log = events("2026-03-29 21:59", "2026-03-29 22:30")

    found = sz.explain(log, "A", timezone="Europe/Paris").part(until="2026-03-29")

    assert found.events["session_number"].to_pylist() == [1]


def test_a_part_keeps_the_repeated_deliveries_of_its_sessions() -> None:
    log = events("09:00", "10:00", "10:00", delivery=[1, 2, 2])

    found = sz.explain(log, "A", dedupe="delivery").part(last=1)

    assert found.events["event_index"].to_pylist() == [1, None]


# ---------------------------------------------------------------- who is not there


def refusal(who: Any, identity: Any, **options: Any) -> str:
    log = events(*["09:00"] * len(who), who=who)
    with pytest.raises(sz.InputError) as caught:
        sz.explain(log, identity, **options)
    return str(caught.value)


def test_a_misspelt_identity_is_told_the_nearest() -> None:
    message = refusal(["ada", "bob"], "adaa")

    assert message == "<events>: no row of user_id 'adaa'; did you mean 'ada'?"


def test_an_identity_like_nobodys_is_told_just_that() -> None:
    assert refusal(["ada"], "zz") == "<events>: no row of user_id 'zz'."


@pytest.mark.parametrize("value", ["42", "42.0", "0042", " 00042"])
def test_an_identity_in_another_form_is_told_the_right_one(value: str) -> None:
    assert "did you mean '00042'? Identities are compared by exact value." in refusal(["00042"], value)


def test_text_that_is_no_value_of_the_column_is_told_its_type() -> None:
    assert refusal([1, 2], "ada") == "column 'user_id' is int64, and 'ada' is no such value."


def test_an_identity_that_filters_leave_out_is_told_so() -> None:
    message = refusal(["ada", "ada"], "ada", exclude="user_id=ada")

    assert "--include and --exclude leave out all rows of user_id 'ada', 2 in number" in message


def test_a_value_for_each_column_is_asked_for() -> None:
    with pytest.raises(ValueError, match="id: 1 given, but the identity is user_id and site"):
        sz.explain(events("09:00", site=["fr"]), "A", by=["user_id", "site"])


def test_names_are_remembered_up_to_a_limit() -> None:
    with tiny_chunks(1), patch.object(timeline, "MOST_NAMES", 1):
        message = refusal(["ada", "bob"], "bobb", threads=1)

    assert message.endswith("no row of user_id 'bobb'.")


def test_nobody_is_in_an_empty_log() -> None:
    assert refusal([], "A").endswith("no row of user_id 'A'.")


# ---------------------------------------------------------------- how little is read


@contextmanager
def reading() -> Iterator[list[tuple[list[int], list[str]]]]:
    """Note which columns of which row groups are read."""
    read: list[tuple[list[int], list[str]]] = []
    load = RowGroups.load

    def noting(self: RowGroups) -> Iterator[Any]:
        read.append((self.groups, self.columns))
        return load(self)

    with patch.object(RowGroups, "load", noting):
        yield read


@pytest.fixture
def by_user(tmp_path: Path) -> Path:
    """Four row groups, of a, b and d, d and f, f; one event is without usable time."""
    who = ["a", "a", "b", "d", "d", "f", "f", "f"]
    log = events(*(f"09:0{minute}" for minute in range(8)), who=who, event=["view"] * 8)
    times = pa.array([None if row == 4 else time for row, time in enumerate(log["timestamp"].to_pylist())])
    log = log.set_column(1, "timestamp", times)
    pq.write_table(log, tmp_path / "log.parquet", row_group_size=2)
    return tmp_path / "log.parquet"


def test_row_groups_that_statistics_rule_out_are_not_read(by_user: Path) -> None:
    with reading() as read, tiny_chunks(2):
        found = sz.explain(by_user, "f", threads=1)

    assert len(found.events) == 3
    assert {group for groups, _ in read for group in groups} == {2, 3}


def test_other_columns_are_read_only_where_the_identity_is(by_user: Path) -> None:
    with reading() as read, tiny_chunks(2), pytest.raises(sz.InputError, match="no row of user_id 'c'"):
        sz.explain(by_user, "c", split_on="event")

    assert read == [([1], ["user_id"])]


def test_rejected_rows_have_their_number_in_the_file_though_little_is_read(by_user: Path) -> None:
    with tiny_chunks(2):
        found = sz.explain(by_user, "d")

    assert found.rejected["record"].to_pylist() == [5]
    assert found.rejected["reason"].to_pylist() == ["missing_time"]


def test_a_name_beyond_all_statistics_is_still_told_the_nearest(tmp_path: Path) -> None:
    pq.write_table(events("09:00", "09:01", who=["ada", "bob"]), tmp_path / "log.parquet")

    with pytest.raises(sz.InputError, match="did you mean 'bob'"):
        sz.explain(tmp_path / "log.parquet", "bobb")


def test_statistics_that_python_has_no_value_for_rule_nothing_out(tmp_path: Path) -> None:
    far = pa.array([2**60, 2**60 + 1]).view(pa.timestamp("us"))
    pq.write_table(events("09:00", "09:01", who=far), tmp_path / "log.parquet")

    with pytest.raises(sz.InputError, match="no row of"):
        sz.explain(tmp_path / "log.parquet", "2026-01-01")


@pytest.mark.property
@given(logs(kinds=TEXT_KINDS), st.integers(1, 3))
def test_threads_change_nothing(log: Log, threads: int) -> None:
    options = {name: value for name, value in log.options().items() if name not in ("as_of", "max_rejected")}
    with tiny_chunks(2):
        for identity in identities(log):
            found = sz.explain(log.table(), list(identity), threads=threads, **options)

            assert found.as_dict() == explained(log, identity).as_dict()


def test_progress_counts_every_row_of_the_log(by_user: Path) -> None:
    rows: list[int] = []

    with tiny_chunks(2):
        sz.explain(by_user, "f", progress=rows.append)

    assert sum(rows) == 8
