"""Every guard hit on a node of 1 GB: more events than a program may keep, and more findings than it may tell."""

import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from bench.node import Node, alive
from bench.rounds import inputs_of, profile_of
from bench.say import Say
from core import clock
from monitors import ingest, proving
from monitors.definitions import Definition, catalog
from monitors.errors import OpenSearchError
from monitors.profiles import Profile
from monitors.rendering import MAX_EVENTS_A_SHARD, plain_search
from monitors.services import search

ENOUGH = MAX_EVENTS_A_SHARD + 5_000
AT_A_TIME = 8  # as many monitors as the plugin's pool runs
BULK_EVENTS = 5_000
PREFIX = "guards-"


@dataclass(frozen=True)
class Guarded:
    """
    What became of a node under so many searches that each hit its guard.

    `refused` are searches that the node would not run (its breaker), in words; `alive` the seconds of a simple search afterwards.
    """

    events: int
    programs: int
    truncated: int
    capped: int
    one_by_one: float
    at_once: float
    refused: tuple[str, ...]
    alive: float


def hit_every_guard(node: Node, *, end: datetime, say: Say) -> Guarded:
    """Index enough of what each program looks for into one shard, run all of them one by one and then eight at a time."""
    programs = [one for one in catalog().values() if one.shape == "program"]
    pattern = node.make_indices(PREFIX, end, end, shards=1)
    profile, events = profile_of(pattern), 0
    for position, definition in enumerate(programs, start=1):
        if _matching(node, pattern, definition, profile, end) < ENOUGH:
            events += node.write(_clones(definition, f"{PREFIX}{end:%Y.%m.%d}", end))
        say(f"guards: events for {position}/{len(programs)} programs")
    refused: list[str] = []
    told = {"truncated": 0, "capped": 0}

    def run(definition: Definition) -> None:
        try:
            answer = search.run(inputs_of(definition, profile), end_ms=clock.to_ms(end))
        except OpenSearchError as error:
            refused.append(f"{definition.id}: {error}")
            return
        if answer.faults and not answer.cut:
            refused.append(f"{definition.id}: {answer.faults[0]}")
        told["truncated"] += any("truncated" in fault for fault in answer.faults)
        told["capped"] += any("findings" in fault for fault in answer.faults)

    began = time.perf_counter()
    for definition in programs:
        run(definition)
    one_by_one = time.perf_counter() - began
    seen = dict(told)
    say(f"guards: {seen['truncated']}/{len(programs)} programs were truncated; now {AT_A_TIME} at a time")
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(run, programs))
    at_once = time.perf_counter() - began
    return Guarded(
        events, len(programs), seen["truncated"], seen["capped"], one_by_one, at_once, tuple(refused), alive(node)
    )


def _matching(node: Node, pattern: str, definition: Definition, profile: Profile, end: datetime) -> int:
    """Return how many events the detection's search would read."""
    query = plain_search(inputs_of(definition, profile), end_ms=clock.to_ms(end))["query"]
    return int(node.call("POST", f"/{pattern}/_count", {"query": query})["count"])


def _clones(definition: Definition, index: str, end: datetime) -> Iterator[bytes]:
    """Yield bulk requests with the events of the detection's own test, again and again, each time by other people."""
    case = next(case for case in proving.cases(definition, end) if case.fires)
    texts = [json.dumps(ingest.prepare(event, received=end).source) for event in case.events]
    head, lines = json.dumps({"create": {"_index": index}}), []
    for copy in range(math.ceil(ENOUGH / len(texts))):
        for text in texts:
            source = text.replace("anna", f"anna{copy}").replace("bert", f"bert{copy}")
            source = source.replace('"uuid": "', f'"uuid": "{copy}-')
            lines.append(f"{head}\n{source}\n")
            if len(lines) == BULK_EVENTS:
                yield "".join(lines).encode()
                lines = []
    if lines:
        yield "".join(lines).encode()
