"""The rows of the benchmark: a log, how long it is, who reads it, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.contenders import Contender, floor, frame, peer, sessionize
from benchmarks.cost import ROOT
from benchmarks.goals import Goal, below, over_floor, peers, peers_memory

MILLION = 1_000_000
AGGREGATES = (
    *("--agg", "landing=first:page"),
    *("--agg", "exit=last:page"),
    *("--agg", "purchases=count_if:event,purchase"),
)
RUN = sessionize().arguments
SAMPLE = str(ROOT / "sample_data" / "daily")
FILES = (sessionize(), peer("duckdb"), peer("polars"), peer("polars_window"), floor())


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: What the command line calls it.
        title: What the log is, in words.
        log: The kind of log (`logs.py`).
        events: How many; a contender may read a multiple.
        contenders: Who runs; the first is the one that the table compares with the others.
        goals: What is to be reached.
    """

    name: str
    title: str
    log: str
    events: int
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...] = ()


EVERYONE = Row(
    "everyone", "time order, text ids", "ordered", 10 * MILLION, (*FILES[:-1], peer("pandas"), FILES[-1])
)

ALL = (
    Row(
        "ordered",
        "Parquet, time order, text ids",
        "ordered",
        50 * MILLION,
        FILES,
        (*peers(1 / 5), below(700), peers_memory(1 / 5), over_floor(1.5)),
    ),
    Row(
        "shuffled",
        "rows in no order, two columns",
        "shuffled",
        20 * MILLION,
        (
            *FILES,
            sessionize("--memory-limit", "500MB", name="sessionize_500MB"),
        ),
        (
            *peers(1 / 2),
            peers_memory(1),
            Goal("wall", 2, ("sessionize",), "sessionize_500MB"),
            below(700, "sessionize_500MB"),
        ),
    ),
    Row("giant", "one user with 30 % of the events", "giant", 20 * MILLION, FILES, peers(1 / 4)),
    Row("daily", "30 daily files, int64 ids", "daily", 20 * MILLION, FILES, peers(1 / 4)),
    Row(
        "csv",
        "CSV, ISO times",
        "csv",
        10 * MILLION,
        FILES,
        (*peers(1 / 2), peers_memory(1 / 2), over_floor(1.5)),
    ),
    Row(
        "jsonl",
        "JSON lines, ISO times",
        "jsonl",
        10 * MILLION,
        FILES,
        (over_floor(1.5),),
    ),
    Row(
        "frames",
        "tables in memory, through the Python API",
        "ordered",
        10 * MILLION,
        tuple(
            frame(name)
            for name in (
                *("sessionize_pandas", "sessionize_polars", "sessionize_arrow", "sessionize_file"),
                *("pandas", "polars"),
            )
        ),
        (
            Goal("wall", 1 / 5, ("pandas",), "sessionize_pandas"),
            Goal("wall", 1, ("sessionize_file",), "sessionize_polars"),
            Goal("wall", 1, ("sessionize_file",), "sessionize_arrow"),
        ),
    ),
    Row(
        "bot",
        "time order, and a bot with an event every ten minutes",
        "bot",
        50 * MILLION,
        FILES,
        (*peers(1 / 5), below(700)),
    ),
    Row(
        "long",
        "four times the events of the same users, time order",
        "ordered",
        50 * MILLION,
        (
            sessionize(),
            Contender("sessionize_4x", sessionize().arguments, answer="alone", log="long", times=4),
        ),
        (
            Goal("cpu", 1.15, ("sessionize",), "sessionize_4x", times=4),
            Goal("memory", 1.2, ("sessionize",), "sessionize_4x"),
        ),
    ),
    Row(
        "aggregates",
        "time order, three aggregates",
        "ordered",
        50 * MILLION,
        (
            sessionize(*AGGREGATES),
            *(peer(name, "--aggregates") for name in ("duckdb", "polars", "polars_window")),
            floor("page", "event"),
        ),
        peers(1 / 3),
    ),
    Row(
        "start",
        "the help, and the sample",
        "ordered",
        1000,
        (
            Contender(
                "sessionize_sample", tuple(SAMPLE if part == "{log}" else part for part in RUN), "alone"
            ),
            Contender("sessionize_help", ("-m", "sessionize", "--help"), "alone"),
        ),
        (
            Goal("wall", 1, (), "sessionize_sample"),
            Goal("wall", 0.3, (), "sessionize_help"),
        ),
    ),
    Row(
        "split_on",
        "time order, users who change on one device",
        "devices",
        50 * MILLION,
        (
            sessionize(
                "--by", "device_id", "--split-on", "user_id", name="sessionize_split_on", answer="alone"
            ),
            sessionize("--by", "device_id"),
        ),
        (
            Goal("wall", 2, ("sessionize",), "sessionize_split_on"),
            Goal("memory", 1.1, ("sessionize",), "sessionize_split_on"),
        ),
    ),
    Row("tiny", "20,000 files of 50 events", "tiny", MILLION, FILES),
    Row("narrow", "row groups of 10 events", "narrow", MILLION, FILES),
    Row("wide", "one row group", "wide", 10 * MILLION, FILES),
)

ROWS = {row.name: row for row in (EVERYONE, *ALL)}
