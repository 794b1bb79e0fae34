"""Rounds of the whole catalogue: how long each search takes, beside a yardstick measured in the same minute."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bench.node import Node
from bench.say import Say
from core import clock
from monitors import opensearch
from monitors.definitions import Definition, catalog
from monitors.errors import OpenSearchError
from monitors.profiles import Profile, learn
from monitors.rendering import Inputs
from monitors.services import search

RUNS = 3  # of which the fastest counts: what others do on the machine only ever adds


@dataclass(frozen=True)
class Timed:
    """
    One detection's search over the period: the fastest of RUNS in seconds, how many events it read, and why it was not whole.

    `whole_seconds` is what the portal took for all of an answer that was cut, in parts or pages; None where it was not.
    """

    seconds: float
    read: int
    faults: tuple[str, ...]
    whole_seconds: float | None = None


@dataclass(frozen=True)
class Round:
    """Every detection over one set of indices. `yardstick` is a plain count by user over 24 hours, the median, in seconds."""

    events_a_day: int
    users: int
    yardstick: float
    timed: Mapping[str, Timed]

    @property
    def seconds(self) -> float:
        """How long a round of all detections takes, one after another."""
        return sum(one.seconds for one in self.timed.values())


def inputs_of(definition: Definition, profile: Profile) -> Inputs:
    """A monitor of that detection at its defaults, each minute."""
    return Inputs(definition, {}, profile, "bench", definition.title, definition.severity, 60)


def profile_of(pattern: str) -> Profile:
    """How the indices call Okta's fields."""
    return learn(pattern, opensearch.field_caps(pattern))


def run_round(
    node: Node, pattern: str, *, end: datetime, events_a_day: int, users: int, complete: bool, say: Say
) -> Round:
    """Run every detection over the period that ends at `end`; with `complete`, whatever was cut is also completed."""
    profile = profile_of(pattern)
    yardsticks = [yardstick(node, pattern, end) for _ in range(RUNS)]
    timed = {}
    for position, definition in enumerate(catalog().values(), start=1):
        timed[definition.id] = _timed(inputs_of(definition, profile), clock.to_ms(end), complete=complete)
        if position % 10 == 0:
            yardsticks.append(yardstick(node, pattern, end))
            say(f"{pattern}: {position}/{len(catalog())} detections")
    return Round(events_a_day, users, statistics.median(yardsticks), timed)


def yardstick(node: Node, pattern: str, end: datetime) -> float:
    """Return the seconds of what every dashboard asks: the users with most events over 24 hours, not from a cache."""
    until = clock.to_ms(end)
    day = {"range": {"published": {"gte": until - 86_400_000, "lte": until, "format": "epoch_millis"}}}
    body = {"size": 0, "query": day, "aggs": {"users": {"terms": {"field": "actor.alternateId", "size": 100}}}}
    began = time.perf_counter()
    node.call("POST", f"/{pattern}/_search?request_cache=false", body)
    return time.perf_counter() - began


def _timed(inputs: Inputs, end_ms: int, *, complete: bool) -> Timed:
    fastest, answer = float("inf"), None
    for number in range(RUNS):
        began = time.perf_counter()
        try:
            # Another end each time, as from minute to minute: a shard keeps the answer to the very same search.
            answer = search.run(inputs, end_ms=end_ms - number)
        except OpenSearchError as error:
            return Timed(time.perf_counter() - began, 0, (str(error),))
        fastest = min(fastest, time.perf_counter() - began)
    assert answer is not None  # noqa: S101 - RUNS is more than none
    whole = _completed(inputs, end_ms) if complete and answer.cut else None
    return Timed(fastest, answer.read, answer.faults, whole)


def _completed(inputs: Inputs, end_ms: int) -> float | None:
    began = time.perf_counter()
    try:
        search.run_whole(inputs, end_ms=end_ms)
    except OpenSearchError:
        return None
    return time.perf_counter() - began
