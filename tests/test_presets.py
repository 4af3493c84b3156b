"""The session definitions of known systems: their values, their words, and what a log must have for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

import sessionize as sz
from sessionize.cli.presets import cells
from sessionize.presets import PRESETS, Preset, preset
from sessionize.rules import SessionRules
from tests.command_line import ROOT
from tests.small_logs import at, column, events, rows

EACH = pytest.mark.parametrize("each", PRESETS, ids=lambda each: each.name)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        (
            "braze-web",
            {"by": "device_id", "boundary": "reaches", "split_on": "user_id", "split_from_null": True},
        ),
        ("ga4", {}),
        ("universal-analytics", {"split_daily": True, "split_on": "utm_campaign"}),
        (
            "matomo",
            {
                "boundary": "reaches",
                "split_daily": True,
                "split_on": "utm_campaign",
                "split_from_null": True,
            },
        ),
        ("mixpanel", {"split_daily": True}),
        ("posthog", {"max_duration": "24h", "max_duration_boundary": "exceeds"}),
        ("adobe", {"max_duration": "12h", "max_events": 2500}),
        ("amplitude", {}),
        ("segment", {}),
        ("snowplow", {}),
    ],
)
def test_rules_are_those_of_the_contract(name: str, rules: dict[str, Any]) -> None:
    assert SessionRules.preset(name) == SessionRules(**rules)


def test_every_preset_is_in_the_contract_once() -> None:
    assert len({each.name for each in PRESETS}) == len(PRESETS) == 10


@EACH
def test_rules_say_which_preset_they_are_of(each: Preset) -> None:
    assert each.rules.based_on == each.name
    assert each.rules.evolve(timeout="1h").based_on == each.name


@EACH
def test_every_preset_says_how_the_system_differs_and_where_to_read_it(each: Preset) -> None:
    assert all(sentence.endswith(".") for sentence in each.differs)
    assert each.source
    assert each.url.startswith("https://")


def test_unknown_preset_is_suggested() -> None:
    with pytest.raises(ValueError, match=r"'mixpannel'; did you mean 'mixpanel'\? Known: braze-web"):
        preset("mixpannel")


def test_keyword_overrides_the_preset_and_a_list_replaces_its_list() -> None:
    log = events("09:00", "09:40", device_id=pa.array(["d", "d"]), plan=pa.array(["free", "paid"]))

    found = rows(sz.sessionize(log, preset="braze-web", timeout="1h", split_on=["plan"]))

    assert column("plan", found) == ["free", "paid"]
    assert column("start_reason", found) == ["inactivity", "change:plan"]


def test_summary_names_the_preset() -> None:
    _, summary = sz.sessionize(events("09:00"), preset="ga4", return_summary=True)

    assert summary.as_dict()["preset"] == "ga4"


def test_rules_and_preset_together_are_refused() -> None:
    with pytest.raises(ValueError, match="Give one of them"):
        sz.sessionize(events("09:00"), rules=SessionRules(), preset="ga4")


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param({"preset": "mixpanel"}, id="by name"),
        pytest.param({"rules": SessionRules.preset("mixpanel")}, id="as rules"),
    ],
)
def test_daily_preset_without_timezone_warns(definition: Any) -> None:
    with pytest.warns(UserWarning, match=r"mixpanel: sessions end at midnight UTC.*--timezone") as caught:
        sz.sessionize(events("09:00"), **definition)

    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param({"preset": "mixpanel", "timezone": "UTC"}, id="zone given"),
        pytest.param({"preset": "mixpanel", "split_daily": False}, id="daily split switched off"),
        pytest.param({"preset": "posthog"}, id="not daily"),
        pytest.param({"preset": "posthog", "split_daily": True}, id="daily by its own user"),
        pytest.param({"rules": SessionRules.preset("mixpanel").evolve(timezone="Asia/Tokyo")}, id="of rules"),
    ],
)
def test_preset_whose_midnight_is_settled_does_not_warn(definition: Any) -> None:
    assert len(sz.sessionize(events("09:00"), **definition)) == 1


@pytest.mark.parametrize(
    ("name", "gap", "sessions"),
    [
        pytest.param("braze-web", "09:30", 2, id="braze-web at exactly 30 minutes"),
        pytest.param("ga4", "09:30", 1, id="ga4 at exactly 30 minutes"),
        pytest.param("ga4", "09:30:00.000001", 2, id="ga4 a microsecond later"),
    ],
)
def test_presets_differ_at_exactly_the_timeout(name: str, gap: str, sessions: int) -> None:
    log = events("09:00", gap, device_id=pa.array(["d", "d"]))

    assert len(sz.sessionize(log, preset=name)) == sessions


@pytest.mark.parametrize(
    ("name", "hours", "extra", "sessions"),
    [
        pytest.param("posthog", 24, "00:00", 1, id="posthog at exactly a day"),
        pytest.param("posthog", 24, "00:00:00.000001", 2, id="posthog a microsecond later"),
        pytest.param("adobe", 12, "00:00", 2, id="adobe at exactly 12 hours"),
    ],
)
def test_presets_differ_at_exactly_the_maximum(name: str, hours: int, extra: str, sessions: int) -> None:
    every_half_hour = [f"{half // 2:02}:{half % 2 * 30:02}" for half in range(hours * 2)]
    last = f"2026-01-{1 + hours // 24:02} {hours % 24:02}{extra[2:]}"

    assert len(sz.sessionize(events(*every_half_hour, last), preset=name)) == sessions
    assert at(last) > at(every_half_hour[-1])


def test_column_that_a_preset_needs_is_named_with_its_option() -> None:
    with pytest.raises(sz.MissingColumnError) as caught:
        sz.sessionize(events("09:00"), preset="matomo", timezone="UTC")

    assert str(caught.value) == (
        "<events>: no column 'utm_campaign'. Found: user_id, timestamp. It is named by --split-on (of "
        "--preset matomo). Name yours there, or switch it off with --split-on none."
    )


def test_identity_that_a_preset_needs_is_named_with_its_option() -> None:
    with pytest.raises(sz.MissingColumnError) as caught:
        sz.sessionize(events("09:00", cookie=pa.array(["c"])), preset="braze-web")

    assert str(caught.value).endswith("It is the identity of --preset braze-web. Name it with --by user_id.")


@EACH
def test_page_of_presets_shows_what_the_table_shows(each: Preset) -> None:
    page = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    name, system, identity, boundary, timeout, extra, source = cells(each).values()

    shown = (f"`{name}`", system, f"`{identity}`", boundary, timeout, f"`{extra}`", f"[{source}]({each.url})")

    assert f"| {' | '.join(shown)} |".replace("`none`", "none") in page


def test_metadata_of_a_file_says_which_preset_was_used(tmp_path: Path) -> None:
    pa.parquet.write_table(events("09:00"), tmp_path / "log.parquet")

    sz.run(tmp_path / "log.parquet", tmp_path / "out.parquet", preset="amplitude")

    made = pa.parquet.read_schema(tmp_path / "out.parquet").metadata[b"sessionize"]
    assert b'"preset": "amplitude"' in made
