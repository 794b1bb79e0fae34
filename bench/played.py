"""Thirty days played: how long a backtest takes over ten million events, and whether the monitors' own searches agree with it."""

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.node import Node
from bench.rounds import RUNS, Say, inputs_of, profile_of, yardstick
from monitors import backtest, ingest, proving
from monitors.definitions import Definition, detection
from monitors.services import backtest as playing
from sandbox.okta import crowd

DAYS = 30
EVENTS = 10_000_000
USERS = 10_000
PREFIX = "played-"
ATTACKS_A_DAY = 3  # of each detection: what is found nowhere would agree with everything
GOALS = {"brute-force-user": 3.0, "impossible-travel": 15.0}  # seconds


@dataclass(frozen=True)
class Played:
    """
    One detection's backtest: the fastest of RUNS in seconds, and OpenSearch's own share of it.

    `moments` is how often the monitor's own search was run over the same past; `wrong` says in sentences where it disagreed.
    """

    detection: str
    goal: float
    seconds: float
    took: float
    searches: int
    read: int
    found: int
    planted: int
    moments: int
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class ThirtyDays:
    """Every backtest over one set of indices, beside the yardstick of the same minutes."""

    events: int
    yardstick: float
    played: tuple[Played, ...]


def play_thirty_days(node: Node, *, end: datetime, share: int, say: Say) -> ThirtyDays:
    """Fill thirty days with a crowd and a few attacks, and play the detections that have goals. `share` divides the events."""
    start = end - timedelta(days=DAYS)
    pattern = node.make_indices(PREFIX, start - timedelta(days=1), end - timedelta(seconds=1))
    written = node.write(
        crowd.bulk(users=USERS // share, events=EVENTS // share, start=start, end=end, prefix=PREFIX, seed=30)
    )
    say(f"{pattern}: {written:,} events of {DAYS} days")
    planted = {name: _plant(node, detection(name), start) for name in GOALS}
    node.settle(pattern)
    yardsticks, played = [yardstick(node, pattern, end)], []
    for name, goal in GOALS.items():
        played.append(_play(detection(name), pattern, start, end, goal=goal, planted=planted[name]))
        yardsticks += [yardstick(node, pattern, end) for _ in range(RUNS)]
        say(f"{pattern}: {name} played in {played[-1].seconds:.2f} s")
    node.call("DELETE", f"/{pattern}")
    return ThirtyDays(written, statistics.median(yardsticks), tuple(played))


def _play(definition: Definition, pattern: str, start: datetime, end: datetime, *, goal: float, planted: int) -> Played:
    inputs, line = inputs_of(definition, profile_of(pattern)), backtest.lines(definition)[0]
    fastest, took = float("inf"), 0
    for number in range(RUNS):
        ends_at = end - timedelta(
            seconds=number
        )  # another end each time: a shard keeps the answer to the very same search
        began = time.perf_counter()
        told = playing.play(inputs, start, ends_at, line=line)
        seconds = time.perf_counter() - began
        if seconds < fastest:
            fastest, took, last, last_end = seconds, told.took_ms, told, ends_at
    checked = playing.check(inputs, last, start, last_end)
    return Played(
        definition.id, goal, fastest, took / 1_000, last.searches, last.read, len(last.occurrences), planted,
        checked.moments, checked.wrong,
    )  # fmt: skip


def _plant(node: Node, definition: Definition, start: datetime) -> int:
    """Lay the detection's own attack into every day, each time of other people; return how many attacks there are."""
    node.write(_attacks(definition, start))
    return DAYS * ATTACKS_A_DAY


def _attacks(definition: Definition, start: datetime) -> Iterator[bytes]:
    for day in range(DAYS):
        lines = []
        for number in range(ATTACKS_A_DAY):
            at = start + timedelta(days=day, hours=20, minutes=17 * number)
            case = next(case for case in proving.cases(definition, at) if case.fires and not case.params)
            for event in case.events:
                document = ingest.prepare(event, received=at)
                source = json.dumps(document.source).replace("anna", f"anna-{day}-{number}")
                index = document.index.replace(ingest.INDEX_PREFIX, PREFIX)
                lines.append(f"{json.dumps({'create': {'_index': index}})}\n{source}\n")
        yield "".join(lines).encode()
