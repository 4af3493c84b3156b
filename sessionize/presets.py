"""The session definitions of known systems, as values of `SessionRules`.

Each is what a log can show of its vendor's rules; the differences stand beside it.
"""

from __future__ import annotations

from attrs import evolve, frozen

from sessionize.rules import SessionRules
from sessionize.spelling import closest


@frozen(kw_only=True)
class Preset:
    """One system's session definition.

    Attributes:
        name: What `--preset` calls it; its rules are based on that name.
        system: Whose definition it is.
        source: Where the rules are from.
        rules: What a session is.
    """

    name: str
    system: str
    source: str
    rules: SessionRules

    def __attrs_post_init__(self) -> None:
        """Let the rules say where they come from."""
        object.__setattr__(self, "rules", evolve(self.rules, based_on=self.name))


PRESETS = (
    Preset(
        name="braze-web",
        system="Braze web SDK",
        source='Braze web SDK documentation, "Session tracking"',
        rules=SessionRules(by="device_id", boundary="reaches", split_on="user_id", split_from_null=True),
    ),
    Preset(
        name="ga4",
        system="Google Analytics 4",
        source="https://support.google.com/analytics/answer/9191807",
        rules=SessionRules(),
    ),
    Preset(
        name="universal-analytics",
        system="Google Universal Analytics",
        source="https://support.google.com/analytics/answer/2731565",
        rules=SessionRules(split_daily=True, split_on="utm_campaign"),
    ),
    Preset(
        name="matomo",
        system="Matomo",
        source="https://github.com/matomo-org/matomo core/Tracker/VisitRequestProcessor.php",
        rules=SessionRules(
            boundary="reaches", split_daily=True, split_on="utm_campaign", split_from_null=True
        ),
    ),
    Preset(
        name="mixpanel",
        system="Mixpanel",
        source="Mixpanel documentation, sessions",
        rules=SessionRules(split_daily=True),
    ),
    Preset(
        name="posthog",
        system="PostHog",
        source="https://github.com/PostHog/posthog-js src/sessionid.ts",
        rules=SessionRules(max_duration="24h", max_duration_boundary="exceeds"),
    ),
    Preset(
        name="adobe",
        system="Adobe Analytics",
        source='Adobe Analytics documentation, "Visits"',
        rules=SessionRules(max_duration="12h", max_events=2500),
    ),
    Preset(name="amplitude", system="Amplitude", source="Amplitude SDK", rules=SessionRules()),
    Preset(name="segment", system="Segment", source="Segment dbt package", rules=SessionRules()),
    Preset(name="snowplow", system="Snowplow", source="Snowplow dbt package", rules=SessionRules()),
)


def preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        ValueError: Where there is none.

    Example:
        >>> preset("posthog").rules.max_duration_boundary
        'exceeds'
    """
    known = {preset.name: preset for preset in PRESETS}
    if name not in known:
        raise ValueError(f"no preset {name!r}{closest(name, known)} Known: {', '.join(known)}.")
    return known[name]
