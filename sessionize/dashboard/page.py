"""The page itself: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import altair as alt
import jinja2
import vl_convert

from sessionize.dashboard import tables
from sessionize.dashboard.charts import DAYS_SHOWN, charts
from sessionize.dashboard.overview import Overview
from sessionize.in_words import as_options, closes, opens
from sessionize.version import __version__
from sessionize.written.layout import Origin
from sessionize.zones import Zone


@dataclass(frozen=True)
class About:
    """What a page says beside its numbers.

    Attributes:
        title: The heading.
        source: The table that it was made from.
        user_columns: What tells users apart.
        zone: Whose days and hours count.
        origin: How the table was made.
        rejected: Rejected rows by reason; None where none are known of.
    """

    title: str
    source: str
    user_columns: tuple[str, ...]
    zone: Zone
    origin: Origin
    rejected: Mapping[str, int] | None


def page(overview: Overview | None, about: About) -> str:
    """Write the page.

    Args:
        overview: The numbers; None for a table without sessions in the period.
        about: What the page says beside them.

    Returns:
        HTML. Equal input under equal versions gives equal text.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sessionize", "dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.j2")
    common = {"about": about, "version": __version__, "rules": _rules(about.origin)}
    if overview is None:
        return template.render(common, overview=None, charts=[])
    return template.render(
        common,
        overview=overview,
        tiles=tables.tiles(overview.all),
        comparison=tables.comparison(overview),
        charts=charts(overview, about.zone.name),
        cut=overview.period.length > DAYS_SHOWN,
        days_shown=DAYS_SHOWN,
        longest=tables.longest(overview, about.zone),
        busiest=tables.busiest(overview, about.zone),
        quality=tables.quality(overview, about.rejected),
        bundle=_bundle(),
    )


def _rules(origin: Origin) -> dict[str, object] | None:
    if origin.rules is None:
        return None
    return {
        "opens": opens(origin.rules),
        "closes": closes(origin.rules),
        "options": shlex.join(as_options(origin.rules)) or "none: these are the defaults",
    }


@cache
def _bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, of the version that Altair speaks."""
    major_and_minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", ".".join(major_and_minor))
    # The one text that would end the script where it stands.
    return script.replace("</script", "<\\/script")
