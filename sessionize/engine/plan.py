"""In which order the pieces of a log are taken, and what each one's place says about its sessions.

A piece that promises the range of its times lets two things be known before anything is read: how
far the pieces before it reach, and where those after it begin. From these follow the fragments
that only this piece can touch, and the sessions that can no longer change once it is done.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sessionize.reading.log import Piece
from sessionize.rules import SessionRules
from sessionize.zones import Zone

BEGINNING = -(1 << 62)
END = 1 << 62
"""Before and after every time that an event can have; far enough from int64's limits to add a timeout."""

_TWO_DAYS_US = 2 * 86_400_000_000


class BrokenPromiseError(Exception):
    """A piece held an event outside the range that it had promised."""


@dataclass(frozen=True)
class Step:
    """One piece, in its place.

    Attributes:
        index: The piece's place in the log as it was given, from 0.
        piece: What to read.
        reached_us: The latest time that a piece before it may hold; `BEGINNING` where there is none.
        next_us: The watermark after it, the earliest time that a piece after it may hold; `END`
            where there is none, `BEGINNING` where anything may come.
    """

    index: int
    piece: Piece
    reached_us: int
    next_us: int

    def check(self, time_us: NDArray[np.int64]) -> None:
        """Refuse events outside the piece's promise, where the other steps rely on it.

        Raises:
            BrokenPromiseError: Where an event lies outside.
        """
        if self.next_us == BEGINNING or self.piece.time_range is None or not len(time_us):
            return
        earliest_us, latest_us = self.piece.time_range
        if time_us.min() < earliest_us or time_us.max() > latest_us:
            raise BrokenPromiseError

    def may_isolate(self, rules: SessionRules) -> bool:
        """Say whether anything of this piece can lie where no other piece can touch it."""
        earliest_us, latest_us = self.piece.time_range or (BEGINNING, END)
        from_us, before_us = opens_from_us(self.reached_us, rules), settled_before_us(self.next_us, rules)
        return max(from_us, earliest_us) < min(before_us, latest_us + 1)

    def is_isolated(
        self, start_us: NDArray[np.int64], end_us: NDArray[np.int64], rules: SessionRules
    ) -> NDArray[np.bool_]:
        """Mark the stretches of this piece, by start and end (shape (n,)), that no other piece can touch."""
        return (start_us >= opens_from_us(self.reached_us, rules)) & (
            end_us < settled_before_us(self.next_us, rules)
        )


def plan(pieces: Iterable[Piece], *, trusting: bool = True) -> Iterator[Step]:
    """Put the pieces of a log in order.

    Args:
        pieces: The log. An iterator is not exhausted: it is taken as it comes.
        trusting: Whether promises of time ranges are believed.

    Yields:
        One step for each piece: by earliest time where all pieces promise a range, else as given
        and with nothing known.
    """
    if not (trusting and isinstance(pieces, Sequence) and all(piece.time_range for piece in pieces)):
        for index, piece in enumerate(pieces):
            yield Step(index, piece, END, BEGINNING)
        return
    ranges = [piece.time_range or (BEGINNING, END) for piece in pieces]
    order = sorted(range(len(pieces)), key=ranges.__getitem__)
    reached = accumulate((ranges[index][1] for index in order), max, initial=BEGINNING)
    following = [*(ranges[index][0] for index in order[1:]), END]
    for index, reached_us, next_us in zip(order, reached, following, strict=False):
        yield Step(index, pieces[index], reached_us, next_us)


def closed_before_us(watermark_us: int, rules: SessionRules) -> int:
    """Return the bound below which every end is final: no event at or after the watermark can join it.

    Args:
        watermark_us: Before it nothing more comes.
        rules: What separates events.

    Returns:
        Exclusive bound for session ends, in µs.
    """
    if rules.split_daily and BEGINNING < watermark_us < END:
        return max(_out_of_reach_us(watermark_us, rules), _start_of_day(watermark_us, rules.zone))
    return _out_of_reach_us(watermark_us, rules)


def settled_before_us(watermark_us: int, rules: SessionRules) -> int:
    """Return the bound below which an end is final and will not be asked for again.

    A session that a new day has closed is still asked for by a session that follows within the
    timeout: it tells that the calendar parted the two, not silence. A walk without a timeout asks
    whether there was any session before.

    Returns:
        Exclusive bound for session ends, in µs. What ends at or after it may be open, so what ends
        below it comes next in closing order.
    """
    return (
        closed_before_us(watermark_us, rules)
        if rules.timeout_us is None and not rules.is_sequential
        else _out_of_reach_us(watermark_us, rules)
    )


def _out_of_reach_us(watermark_us: int, rules: SessionRules) -> int:
    if watermark_us in (BEGINNING, END):
        return watermark_us
    if rules.timeout_us is None:
        return BEGINNING
    return watermark_us - rules.timeout_us + (rules.boundary == "reaches")


def opens_from_us(reached_us: int, rules: SessionRules) -> int:
    """Return the earliest start that an event at `reached_us`, or before it, cannot touch."""
    if reached_us in (BEGINNING, END) or rules.timeout_us is None:
        return reached_us if reached_us == BEGINNING else END
    return reached_us + rules.timeout_us + (rules.boundary == "exceeds")


def _start_of_day(time_us: int, zone: Zone) -> int:
    """Find the first instant of the local day that holds an instant."""

    def day(instant_us: int) -> int:
        return int(zone.local_day(np.array([instant_us]))[0])

    candidates = range(time_us - _TWO_DAYS_US, time_us + 1)
    return candidates[bisect_left(candidates, day(time_us), key=day)]
