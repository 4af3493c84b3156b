"""`sz.gaps` and `sz.gap_files`: what they take, and what they say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sessionize as sz
from tests.small_logs import at, events

HALF_HOUR = timedelta(minutes=30)


def under(timeout: str, *times: str, **options: Any) -> dict[str, Any]:
    """The one row of the timeouts' table."""
    (row,) = (
        sz.gaps(events(*times, **options.pop("columns", {})), timeouts=[timeout], **options)
        .timeouts()
        .to_pylist()
    )
    return dict(row)


@pytest.mark.parametrize(
    ("boundary", "until", "sessions"),
    [
        ("exceeds", "09:30:00", 1),
        ("exceeds", "09:30:00.000001", 2),
        ("reaches", "09:29:59.999999", 1),
        ("reaches", "09:30:00", 2),
    ],
    ids=["exactly timeout", "just above", "just below reached", "exactly reached"],
)
def test_a_gap_at_the_timeout_follows_the_boundary(boundary: str, until: str, sessions: int) -> None:
    row = under("30m", "09:00", until, boundary=boundary)

    assert row["sessions"] == sessions


def test_gaps_exactly_at_the_timeout_are_counted_under_both_boundaries() -> None:
    times = ("09:00", "09:30", "10:00", "10:30:00.000001")

    assert [under("30m", *times, boundary=boundary)["gaps_at"] for boundary in ("exceeds", "reaches")] == [
        2,
        2,
    ]


def test_events_at_one_time_have_gaps_of_zero() -> None:
    found = sz.gaps(events("09:00", "09:00", "09:00", "09:10"))

    assert found.table().slice(0, 1).to_pylist() == [
        {"gap_from": timedelta(0), "gap_to": timedelta(microseconds=1), "gaps": 2}
    ]


def test_an_event_with_a_short_gap_on_either_side_is_not_alone() -> None:
    row = under("30m", "08:00", "09:00", "09:10", "10:00")

    assert (row["sessions"], row["single_event_sessions"], row["single_event_share"]) == (3, 2, 2 / 3)


def test_means_are_those_of_the_sessions() -> None:
    row = under("30m", "09:00", "09:10", "09:30", "11:00")

    assert (row["mean_events"], row["mean_duration_seconds"]) == (2.0, 900.0)


def test_the_first_and_last_event_are_told() -> None:
    found = sz.gaps(events("10:00", "09:00", "11:00"))

    assert (found.first_event, found.last_event) == (at("09:00"), at("11:00"))


def test_identities_have_gaps_of_their_own() -> None:
    found = sz.gaps(events("09:00", "09:01", "09:02", who=["A", "B", "A"]))

    assert (found.gaps, found.identities) == (1, 2)


def test_several_columns_make_an_identity() -> None:
    log = events("09:00", "09:01", "09:02", device=["x", "x", "y"])

    assert sz.gaps(log, by=["user_id", "device"]).identities == 2


@pytest.mark.parametrize("name", ["start_time", "start_us", "session_id"])
def test_an_identity_may_have_any_name(name: str) -> None:
    log = events("09:00", "09:01").rename_columns([name, "timestamp"])

    assert sz.gaps(log, by=name).gaps == 1


@pytest.mark.parametrize("convert", [pa.Table.to_pandas, pl.from_arrow], ids=["pandas", "polars"])
def test_any_frame_will_do(convert: Any) -> None:
    assert sz.gaps(convert(events("09:00", "09:01"))).gaps == 1


def test_the_usual_timeouts_are_compared() -> None:
    minutes = [
        row // timedelta(minutes=1) for row in sz.gaps(events("09:00")).timeouts()["timeout"].to_pylist()
    ]

    assert minutes == [1, 5, 10, 15, 20, 30, 45, 60, 120]


def test_timeouts_may_be_given_in_any_order_and_form() -> None:
    found = sz.gaps(events("09:00"), timeouts=["PT1H", pd.Timedelta(minutes=5), "60m"])

    assert found.timeouts()["timeout"].to_pylist() == [timedelta(minutes=5), timedelta(hours=1)]


def test_filters_leave_events_out_before_gaps_are_counted() -> None:
    log = events("09:00", "09:10", "09:20", event=["view", "heartbeat", "view"])

    found = sz.gaps(log, exclude={"event": "heartbeat"})

    assert (found.gaps, found.tally.filtered) == (1, 1)


def test_local_times_are_read_in_the_time_zone() -> None:
    log = pa.table({"user_id": ["A", "A"], "timestamp": ["2026-03-29 01:30", "2026-03-29 03:30"]})

    assert sz.gaps(log, timezone="Europe/Paris", timeouts=["1h"]).timeouts()["gaps_at"].to_pylist() == [1]


def test_reading_options_may_come_as_a_value() -> None:
    log = events("09:00", "09:01").rename_columns(["user_id", "ts"])

    assert sz.gaps(log, reading=sz.ReadOptions(time="ts")).gaps == 1


def test_rejected_rows_raise_unless_they_are_allowed() -> None:
    log = events("09:00", "09:01", who=["A", None])

    with pytest.raises(sz.RejectedRowsError, match="1 of 2 input rows rejected"):
        sz.gaps(log)

    found = sz.gaps(log, max_rejected=1)
    assert (found.identities, found.tally.rejected, len(found.summary.rejected)) == (1, 1, 1)


def test_an_empty_log_has_no_gaps() -> None:
    found = sz.gaps(events())

    assert found.table().to_pylist() == [
        {"gap_from": timedelta(0), "gap_to": timedelta(microseconds=1), "gaps": 0}
    ]
    assert found.timeouts()["mean_events"].null_count == 9
    assert found.suggest().reason == "0 gaps above 0 are too few to show one."
    assert "0 gaps between the events of 0 values of user_id" in str(found)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"timeout": "30m"}, TypeError, "name them with timeouts="),
        ({"split_daily": True}, TypeError, "unknown keyword 'split_daily'"),
        ({"tme": "ts"}, TypeError, "did you mean 'time'"),
        ({"timeouts": ["900"]}, ValueError, "Write 900s for seconds"),
        ({"timeouts": ["500ms"]}, ValueError, "from 1s to 3650d"),
        ({"timeouts": ["4000d"]}, ValueError, "from 1s to 3650d"),
        ({"timeouts": []}, ValueError, "name at least one"),
        ({"boundary": "meets"}, ValueError, "write exceeds"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_misuse_says_what_to_do(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sz.gaps(events("09:00"), **options)


def test_a_single_timeout_needs_no_list() -> None:
    assert len(sz.gaps(events("09:00"), timeouts="30m").timeouts()) == 1


def test_files_give_what_their_rows_give(tmp_path: Path) -> None:
    for name, hour in (("b.csv", 9), ("a.csv", 10)):
        rows = "".join(f"A,2026-01-01T{hour:02}:{minute:02}:00Z\n" for minute in (0, 40))
        (tmp_path / name).write_text(f"user_id,timestamp\n{rows}")

    found = sz.gap_files([tmp_path / "a.csv", tmp_path / "b.csv"], timeouts=["30m"])

    assert found.timeouts()["gaps_beyond"].to_pylist() == [2]


def test_files_tell_of_rows_read_and_things_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,timestamp\nA,2026-01-01T09:00:00Z\n")
    (tmp_path / "notes.txt").write_text("no log")
    rows: list[int] = []
    notices: list[str] = []

    sz.gap_files(tmp_path, progress=rows.append, notify=notices.append)

    assert sum(rows) == 1
    assert "notes.txt" in notices[0]


def test_the_json_object_is_plain() -> None:
    found = sz.gaps(events("09:00", "09:30"), timeouts=["30m"]).as_dict()

    assert found["timeouts"] == [
        {
            "timeout": "30m",
            "sessions": 1,
            "mean_events": 2.0,
            "mean_duration_seconds": 1800.0,
            "single_event_sessions": 0,
            "single_event_share": 0.0,
            "gaps_at": 1,
            "gaps_beyond": 0,
        }
    ]
    assert [row for row in found["histogram"] if row["gaps"]] == [
        {"from_seconds": 1800.0, "to_seconds": pytest.approx(1800 * 2 ** (1 / 8)), "gaps": 1}
    ]
    assert (found["first_event"], found["gaps"]) == ("2026-01-01T09:00:00.000000Z", 1)
    assert found["suggestion"]["timeout"] == "30m"


def test_the_text_fits_eighty_columns() -> None:
    log = events("09:00", "09:00:01", "09:30", "23:00", "2026-01-03 09:00", "2029-01-03 09:00")

    text = str(sz.gaps(log))

    assert max(map(len, text.splitlines())) <= 80
    assert "5 gaps between the events of 1 value of user_id" in text
    assert "No clear valley, keep 30m: 5 gaps above 0 are too few to show one." in text


def test_a_range_of_all_times_is_drawn_in_few_rows() -> None:
    log = events("0001-01-03 00:00", "0001-01-03 00:00:00.000001", "9999-01-01 00:00", "9999-01-01 00:00")

    lines = str(sz.gaps(log)).splitlines()

    drawn = [line.split() for line in lines[3:] if line.strip()]
    assert drawn[:2] == [["0", "█" * (len(drawn[0][1])), "1"], ["1", "µs", "–", drawn[1][3], "1"]]
    assert len(lines) < 90


def test_gaps_of_zero_alone_are_drawn() -> None:
    assert "0  █" in str(sz.gaps(events("09:00", "09:00")))


def test_a_notebook_shows_a_table_of_timeouts() -> None:
    shown = sz.gaps(events("09:00", "09:30"), timeouts=["30m"], by="user_id")._repr_html_()

    assert "<td>30m</td><td>1</td>" in shown
    assert "<b>No clear valley, keep 30m" in shown


def test_names_are_escaped_in_html() -> None:
    log = events("09:00").rename_columns(["<b>", "timestamp"])

    assert "&lt;b&gt;" in sz.gaps(log, by="<b>")._repr_html_()
