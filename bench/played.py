"""
`python -m bench.played [--quick]`: how long a backtest takes over 30 days and ten million events, and whether it tells the truth.

Writes docs/backtest-speed.md. It takes half an hour, most of it to write the events.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.node import Node, configure, running
from bench.report import machine
from bench.rounds import RUNS, inputs_of, profile_of, yardstick
from bench.say import Say, teller
from monitors import backtest, ingest, proving
from monitors.definitions import Definition, detection
from sandbox.okta import crowd
from sandbox.paths import PROJECT

END = datetime(2026, 11, 24, tzinfo=UTC)
DAYS = 30
EVENTS = 10_000_000
USERS = 10_000
QUICK = 20  # the share of the events, of which nothing should be concluded
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


def main() -> int:
    """Measure on a node of its own, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.played", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a twentieth of the events; prints the page and writes nothing"
    )
    quick, say = parser.parse_args().quick, teller()
    with running() as node:
        configure(node.url)
        page = _page(_play_thirty_days(node, share=QUICK if quick else 1, say=say))
    if quick:
        print(page)  # noqa: T201 - a program for a terminal
    else:
        (PROJECT / "docs" / "backtest-speed.md").write_text(page)
    return 0


def _play_thirty_days(node: Node, *, share: int, say: Say) -> ThirtyDays:
    """Fill thirty days with a crowd and a few attacks, and play the detections that have goals. `share` divides the events."""
    start, end = END - timedelta(days=DAYS), END
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
    from monitors.services import backtest as playing  # which needs Django's settings

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


def _page(month: ThirtyDays) -> str:
    missed = [one.detection for one in month.played if one.seconds > one.goal]
    verdict = f"Missed: {', '.join(missed)}." if missed else "Every goal is met."
    told = (
        f"Measured by `python -m bench.played` on {datetime.now(UTC):%d %B %Y}: {machine()}, load average {os.getloadavg()[0]:.1f}; "
        f"OpenSearch with 1 GB of heap, daily indices of three shards, {month.events:,} events of {DAYS} days with {ATTACKS_A_DAY} "
        "attacks of each detection laid into every day. The fastest of three counts. This page is written by the benchmark."
    )
    meaning = (
        "A backtest tells the findings of the whole span and the values on both sides of a limit, so that moving the limit costs no "
        "further search. Afterwards the monitor's own search is run at some moments of the same past, and must find the same (else it "
        "is wrong). The yardstick, measured between them, is a plain count of events by user over the last day: "
        f"{month.yardstick * 1_000:.0f} ms here. {verdict}"
    )
    rows = [
        "| backtest | s | goal, s | OpenSearch, s | times the yardstick | searches | events read | attacks found | moments | wrong |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    rows += [
        f"| {one.detection} | {one.seconds:.2f} | {one.goal:.0f} | {one.took:.2f} | {one.seconds / month.yardstick:.0f} | "
        f"{one.searches} | {one.read:,} | {one.found} of {one.planted} | {one.moments} | {len(one.wrong)} |"
        for one in month.played
    ]
    return "\n\n".join(["# How fast thirty days are played", told, meaning, "\n".join(rows)]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
