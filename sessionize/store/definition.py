"""What a store keeps to: its rules and reading options, stored with it on first use.

Later an option that is not given comes from the store, and one that is given must be the store's.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from sessionize.definition import define
from sessionize.errors import StoreMismatchError
from sessionize.presets import preset
from sessionize.reading.options import ReadOptions
from sessionize.reading.rows import NAMED_BY_NOBODY, Needed
from sessionize.rules import SessionRules
from sessionize.store.clocks import clock_of, clocks_agree
from sessionize.version import __version__
from sessionize.zones import TZDATA_VERSION

# What a preset says, whether or not it is the default; the rest is the log's.
_OF_PRESETS = (
    "by",
    "timeout",
    "boundary",
    "split_daily",
    "split_on",
    "split_from_null",
    "split_before",
    "split_after",
    "max_duration",
    "max_duration_boundary",
    "max_events",
)


@frozen(kw_only=True)
class StoreDefinition:
    """What every session of a store is made by.

    Attributes:
        rules: What a session is.
        reading: How the logs are read.
        version: The version of sessionize that made the store.
        tzdata: The release of the time zone database that its latest update used, such as `2025b`.
        clock: What that release says of the zone, in the format TZif.
    """

    rules: SessionRules
    reading: ReadOptions
    version: str
    tzdata: str
    clock: bytes

    @classmethod
    def of(cls, rules: SessionRules, reading: ReadOptions) -> StoreDefinition:
        """Define a new store, by the installed sessionize and time zone database."""
        clock = clock_of(rules.timezone)
        return cls(rules=rules, reading=reading, version=__version__, tzdata=TZDATA_VERSION, clock=clock)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StoreDefinition:
        """Read what `as_dict` wrote."""
        return cls(
            rules=SessionRules(**plain["rules"], based_on=plain["preset"]),
            reading=ReadOptions(**plain["reading"]),
            version=plain["version"],
            tzdata=plain["tzdata"],
            clock=b64decode(plain["clock"]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the definition as plain values that JSON can hold.

        Example:
            >>> made = StoreDefinition.of(SessionRules.preset("ga4"), ReadOptions())
            >>> StoreDefinition.from_dict(made.as_dict()) == made
            True
        """
        return {
            "preset": self.rules.based_on,
            "rules": self.rules.as_dict(),
            "reading": self.reading.as_dict(),
            "version": self.version,
            "tzdata": self.tzdata,
            "clock": b64encode(self.clock).decode(),
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of a log that is read, each once."""
        return Needed.of(self.rules.columns, self.rules.by, self.reading, NAMED_BY_NOBODY).columns

    def differences(self, given: Mapping[str, Any]) -> list[str]:
        """Say which of the given options are not the store's.

        A preset counts as giving every rule that presets say, unless the store was made with the
        same one: then what it was overridden with belongs to the store.

        Args:
            given: Keywords of `sessionize.definition.Definition`, only those that were given.

        Returns:
            A phrase for each option that differs, in the order of the options; empty where all agree.

        Raises:
            ValueError: For a value outside its domain, or one that says nothing beside the store's.
            TypeError: For an unknown keyword.

        Example:
            >>> made = StoreDefinition.of(SessionRules(), ReadOptions())
            >>> made.differences({"timeout": "15m", "by": "user_id"})
            ['--timeout: the store has 30m, given 15m']
        """
        said, named = self._said_by_preset(given), {**given}
        named.pop("preset", None)
        ours = {**self.rules.as_dict(), **self.reading.as_dict()}
        zone = {"timezone": self.rules.timezone}  # was chosen, or warned of, when the store was made
        rules, reading = define(self.rules, self.reading, zone | said | named)
        theirs = {**rules.as_dict(), **reading.as_dict()}
        source = dict.fromkeys(said, f"--preset {given.get('preset')} says") | dict.fromkeys(named, "given")
        return [
            f"{_option(name)}: the store has {_words(ours[name])}, {source[name]} {_words(theirs[name])}"
            for name in theirs
            if name in source and theirs[name] != ours[name]
        ]

    def check(self, given: Mapping[str, Any], store: str) -> None:
        """Refuse options that are not the store's.

        Args:
            given: See `differences`.
            store: The store as named, for the message.

        Raises:
            StoreMismatchError: With every difference.
            ValueError: See `differences`.
            TypeError: See `differences`.
        """
        if found := self.differences(given):
            raise StoreMismatchError(
                f"{store}: was made by other options. {'; '.join(found)}.\n"
                "Leave out what the store knows, or build another store for other sessions."
            )

    def at_present(self, first_us: int | None, last_us: int | None, store: str) -> StoreDefinition:
        """Go over to the installed time zone database, where it agrees about the time that the store covers.

        Args:
            first_us: The earliest event, microseconds since the epoch, UTC; None without events.
            last_us: The latest.
            store: The store as named, for the message.

        Returns:
            The definition for the next update.

        Raises:
            StoreMismatchError: Where the zone's clocks have changed within that time: sessions that
                stand and those to come would not fit together.
        """
        zone, clock = self.rules.timezone, clock_of(self.rules.timezone)
        if first_us is None or last_us is None or clocks_agree(self.clock, clock, first_us, last_us):
            return evolve(self, tzdata=TZDATA_VERSION, clock=clock)
        raise StoreMismatchError(
            f"{store}: was made with time zone database {self.tzdata}; {TZDATA_VERSION}, installed here, has "
            f"other clocks for {zone} in the time of its events. Build the store anew beside the old one, "
            f"or install the tzdata package of {self.tzdata}."
        )

    def _said_by_preset(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a given preset says of the rules that are not given themselves."""
        if "preset" not in given or given["preset"] == self.rules.based_on:
            return {}
        rules = preset(given["preset"]).rules
        return {name: getattr(rules, name) for name in _OF_PRESETS if name not in given}


def _option(name: str) -> str:
    return "--type" if name == "types" else f"--{name.replace('_', '-')}"


def _words(value: Any) -> str:
    """Write a plain value of `as_dict` as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        value = [f"{name}={text}" for name, text in value.items()]
    if isinstance(value, list):
        return ", ".join(item if isinstance(item, str) else "=".join(item) for item in value) or "none"
    return "none" if value in (None, "") else str(value)
