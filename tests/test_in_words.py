"""Rules in sentences and as options."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sessionize.in_words import as_options, closes, named_by, opens
from sessionize.rules import SessionRules

EVERYTHING = SessionRules(
    by=["device", "site"], timeout="15m", boundary="reaches", split_daily=True, timezone="Europe/Paris",
    split_on="user", split_from_null=True, split_before="event=app_open", split_after="event=logout",
    max_duration="2h", max_duration_boundary="exceeds", max_events=1000, dedupe="id", tie_break="seq",
    agg={"landing": "first:page", "n": "count_if:event,buy"}, prefix="s_",
)  # fmt: skip


FIRST = "it is the first of its user_id"


def test_an_opening_is_said_for_every_rule_in_the_order_of_precedence() -> None:
    assert opens(EVERYTHING) == [
        "it is the first of its device and site, or 15m or more have passed since the one before",
        "its local day (in Europe/Paris) is not that of the event before",
        "its user is another than the session's, or the session had none until then",
        "its event is app_open",
        "the event before had event logout",
        "more than 2h have passed since the session's first event",
        "the session already holds 1,000 events",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"timeout": None}, "it is the first of its user_id", id="no timeout"),
        pytest.param({}, f"{FIRST}, or more than 30m have passed since the one before", id="exceeds"),
        pytest.param(
            {"boundary": "reaches"}, f"{FIRST}, or 30m or more have passed since the one before", id="reaches"
        ),
        pytest.param({"split_on": "page"}, "its page is another than the session's", id="not from null"),
        pytest.param(
            {"max_duration": "1h"}, "1h or more have passed since the session's first event", id="maximum"
        ),
        pytest.param({"max_events": 1}, "the session already holds 1 event", id="one event"),
    ],
)
def test_an_opening_says_what_happens_at_the_limit(changes: dict[str, Any], words: str) -> None:
    assert opens(SessionRules(**changes))[-1] == words


def test_a_session_is_closed_by_whatever_no_event_could_join() -> None:
    assert closes(EVERYTHING)[1] == (
        "It is known to be closed when its device and site has a later session, or when 15m or more have "
        "passed since its last event, or when its local day is over, or when its last event has event "
        "logout, or when more than 2h have passed since its first event, or when it holds 1,000 events."
    )


def test_options_name_each_rule_that_differs_from_the_defaults() -> None:
    assert " ".join(as_options(EVERYTHING)) == (
        "--by device --by site --timeout 15m --boundary reaches --split-daily --timezone Europe/Paris "
        "--split-on user --split-from-null --split-before event=app_open --split-after event=logout "
        "--max-duration 2h --max-duration-boundary exceeds --max-events 1000 --dedupe id --tie-break seq "
        "--agg landing=first:page --agg n=count_if:event,buy --prefix s_"
    )


def test_the_defaults_need_no_options() -> None:
    assert as_options(SessionRules(timeout=timedelta(minutes=30))) == []


def test_options_switch_off_what_the_base_has() -> None:
    bare = SessionRules(by=EVERYTHING.by, timezone="Europe/Paris", prefix="s_", timeout=None)

    assert " ".join(as_options(bare, base=EVERYTHING)) == (
        "--timeout none --boundary exceeds --no-split-daily --split-on none --no-split-from-null "
        "--split-before none --split-after none --max-duration none --max-duration-boundary reaches "
        "--max-events none --dedupe none --tie-break none --agg none"
    )


@pytest.mark.parametrize(
    ("column", "flags"),
    [
        ("user", "--split-on"),
        ("event", "--split-before and --split-after and --agg"),
        ("id", "--dedupe"),
        ("seq", "--tie-break"),
        ("page", "--agg"),
    ],
)
def test_a_column_is_named_by_each_option_that_reads_it(column: str, flags: str) -> None:
    sentences = named_by(EVERYTHING)[column]

    assert sentences.startswith(f"It is named by {flags}. Name yours there, or switch ")


def test_a_column_of_two_options_is_switched_off_in_both() -> None:
    rules = SessionRules(split_on="page", agg={"landing": "first:page"})

    assert named_by(rules) == {
        "page": "It is named by --split-on and --agg. "
        "Name yours there, or switch them off with --split-on none --agg none."
    }


def test_a_column_that_a_preset_names_is_told_from_one_that_was_given() -> None:
    rules = SessionRules.preset("matomo").evolve(
        split_on=["utm_campaign"], agg={"first": "first:utm_campaign"}
    )

    assert named_by(rules)["utm_campaign"].startswith(
        "It is named by --split-on (of --preset matomo) and --agg."
    )


def test_identity_of_a_preset_is_told_from_one_that_was_given() -> None:
    rules = SessionRules.preset("braze-web")

    assert named_by(rules)["device_id"] == "It is the identity of --preset braze-web."
    assert "cookie" not in named_by(rules.evolve(by="cookie"))
