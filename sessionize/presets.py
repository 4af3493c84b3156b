"""The session definitions of known systems, as values of `SessionRules`.

Each is what a log can show of its vendor's rules; the differences stand beside it.
"""

from __future__ import annotations

from attrs import evolve, frozen

from sessionize import in_words
from sessionize.rules import SessionRules
from sessionize.spelling import closest


@frozen(kw_only=True)
class Preset:
    """One system's session definition.

    Attributes:
        name: What `--preset` calls it; its rules are based on that name.
        system: Whose definition it is.
        rules: What a session is.
        differs: What the system does that a log can't show, or that these rules don't do; one or more
            sentences each, with what to do about it where something can be done.
        source: Where the rules are from.
        url: Where to read it.
    """

    name: str
    system: str
    rules: SessionRules
    differs: tuple[str, ...]
    source: str
    url: str

    def __attrs_post_init__(self) -> None:
        """Let the rules say where they come from."""
        object.__setattr__(self, "rules", evolve(self.rules, based_on=self.name))

    @property
    def options(self) -> list[str]:
        """The words of a command line that say the same without the preset."""
        return in_words.as_options(self.rules)

    @property
    def extra_splits(self) -> list[str]:
        """Those of its options that open sessions for other reasons than a gap."""
        kept = {name: getattr(self.rules, name) for name in ("by", "timeout", "boundary")}
        return in_words.as_options(self.rules, base=SessionRules(**kept))

    @property
    def zone_notice(self) -> str | None:
        """What to tell whoever uses the preset without a time zone; None where no zone matters."""
        if not self.rules.split_daily:
            return None
        return (
            f"preset {self.name}: sessions end at midnight UTC; {self.system} uses the zone of its settings. "
            "Name it with --timezone."
        )


PRESETS = (
    Preset(
        name="braze-web",
        system="Braze web SDK",
        rules=SessionRules(by="device_id", boundary="reaches", split_on="user_id", split_from_null=True),
        differs=(
            "Its documentation closes a session after at least 30 minutes, as here. The SDK itself "
            "(6.13) compares with >: write --boundary exceeds for what it does.",
            "A session begins when the page calls openSession(); here with the first event.",
            "changeUser() forces a session; a log shows it as another user_id on the same device.",
            "The end of a session is sent when the user returns; a log has its last event at once.",
            "sessionTimeoutInSeconds: 900 is --timeout 900s. The shortest is 1 second, there and here.",
        ),
        source='Braze web SDK documentation, "Tracking sessions"',
        url="https://www.braze.com/docs/developer_guide/platform_integration_guides/web/analytics/tracking_sessions",
    ),
    Preset(
        name="ga4",
        system="Google Analytics 4",
        rules=SessionRules(),
        differs=(
            "A session begins with a page or screen view, or an app that comes to the foreground; here "
            "with any event.",
            "In apps the timeout runs from the moment the app goes to the background; a log has its events.",
            "An export that has the session's id needs no rule: --by user_pseudo_id --by ga_session_id "
            "--timeout none.",
        ),
        source='Google Analytics help, "About Analytics sessions"',
        url="https://support.google.com/analytics/answer/9191807",
    ),
    Preset(
        name="universal-analytics",
        system="Google Universal Analytics",
        rules=SessionRules(split_daily=True, split_on="utm_campaign"),
        differs=(
            "Any change of the traffic source opened a session, not only one of the campaign's name: name "
            "more columns with --split-on.",
            "Google's glossary says 30 minutes or more: --boundary reaches is that reading.",
        ),
        source='Google Analytics help, "How a web session is defined in Universal Analytics"',
        url="https://support.google.com/analytics/answer/2731565",
    ),
    Preset(
        name="matomo",
        system="Matomo",
        rules=SessionRules(
            boundary="reaches", split_daily=True, split_on="utm_campaign", split_from_null=True
        ),
        differs=(
            "A campaign is read from the page's address, by utm_campaign or Matomo's own parameters: put it "
            "into one column.",
            "Newer versions let a campaign join a visit that began as a direct entry: --no-split-from-null.",
            "A visitor without an id is recognised by a hash of browser and address; a log needs an id.",
        ),
        source="matomo-org/matomo, plugins/CoreHome/Tracker/VisitRequestProcessor.php",
        url="https://github.com/matomo-org/matomo",
    ),
    Preset(
        name="mixpanel",
        system="Mixpanel",
        rules=SessionRules(split_daily=True),
        differs=(
            "A project's settings may keep events out of sessions: leave them out with --exclude.",
            "A project may define sessions by events (--split-before, --split-after) or by a property "
            "(--by user_id --by session_id --timeout none) instead.",
        ),
        source='Mixpanel documentation, "Sessions"',
        url="https://docs.mixpanel.com/docs/features/sessions",
    ),
    Preset(
        name="posthog",
        system="PostHog",
        rules=SessionRules(max_duration="24h", max_duration_boundary="exceeds"),
        differs=(
            "Mouse movement that session replay records is activity too; a log of events lacks it.",
            "A session is of one browser on one device: name the device's column as well with --by, where "
            "you have it.",
            "posthog.reset() opens a session: where the log shows it, name the event with --split-before.",
            "Its events carry an id of the session: --by distinct_id --by '$session_id' --timeout none "
            "trusts it.",
        ),
        source="PostHog/posthog-js, src/sessionid.ts",
        url="https://github.com/PostHog/posthog-js",
    ),
    Preset(
        name="adobe",
        system="Adobe Analytics",
        rules=SessionRules(max_duration="12h", max_events=2500),
        differs=(
            "A visit of more than 100 hits in fewer than 100 seconds ends as well, as a bot's; not here.",
            "What happens at exactly 12 hours is not documented; here a new visit opens.",
        ),
        source='Adobe Analytics documentation, "Visits"',
        url="https://experienceleague.adobe.com/docs/analytics/components/metrics/visits.html",
    ),
    Preset(
        name="amplitude",
        system="Amplitude",
        rules=SessionRules(),
        differs=(
            "In mobile apps the timeout is 5 minutes, and a session begins when the app comes to the "
            "foreground: --timeout 5m.",
            "The browser SDK may open a session at a new campaign (resetSessionOnNewCampaign, off unless "
            "set): --split-on utm_campaign.",
            "Its events carry an id of the session: --by user_id --by session_id --timeout none trusts it.",
        ),
        source='Amplitude documentation, "Track sessions"; browser SDK, isNewSession',
        url="https://amplitude.com/docs/data/sources/instrument-track-sessions",
    ),
    Preset(
        name="segment",
        system="Segment (dbt package)",
        rules=SessionRules(),
        differs=(
            "It reads page views alone: keep only those with --include.",
            "It finds sessions by anonymous_id and looks up the user afterwards: --by anonymous_id.",
        ),
        source="dbt-labs/segment, segment_web_page_views__sessionized",
        url="https://github.com/dbt-labs/segment",
    ),
    Preset(
        name="snowplow",
        system="Snowplow",
        rules=SessionRules(),
        differs=(
            "The tracker keeps the session in the browser, and its dbt packages count by the id it sends: "
            "--by domain_userid --by domain_sessionid --timeout none trusts it.",
            "What happens at exactly 30 minutes is not documented; here the session goes on.",
        ),
        source='Snowplow documentation, "Track sessions on web"',
        url="https://docs.snowplow.io/docs/sources/web-trackers/tracking-events/session/",
    ),
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
