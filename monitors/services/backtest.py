"""
Playing a monitor over the past: one search for the whole span where that is safe for the node, else one for a few days after the other.

Nothing is told that is not whole: an answer that was cut is an error, and events that were too many to read are said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core import clock
from monitors import backtest, facts, opensearch
from monitors.backtest import Judged, Line, Occurrence, Values
from monitors.errors import OpenSearchError
from monitors.findings import Finding, read_answer, retold
from monitors.rendering import Inputs, plain_search
from monitors.services.search import MAX_PARTS, TIMEOUT_SECONDS, context_of, run_whole, split

PAGE = 1_000
MAX_FINDINGS = 10_000  # of a match: its newest
RETOLD = 40  # findings that are told in full, with what their events show
CHECKS = 5  # moments of each of two kinds at which the monitor's own search is run

Say = Callable[[int, int, str], None]


def _silent(_done: int, _total: int, _step: str) -> None:
    """Tell nobody."""


@dataclass
class Played:
    """What would have been found. `cut` says in a sentence what was left out (empty: nothing); `took_ms` is OpenSearch's own time."""

    occurrences: list[Occurrence]
    values: Values | None = None
    cut: str = ""
    searches: int = 0
    took_ms: int = 0
    read: int = 0


@dataclass(frozen=True)
class Checked:
    """At how many moments the monitor's own search was run, and where it disagreed, in sentences."""

    moments: int
    wrong: tuple[str, ...]


@dataclass
class _Cost:
    searches: int = 0
    took_ms: int = 0


def play(
    inputs: Inputs,
    begins_at: datetime,
    ends_at: datetime,
    *,
    line: Line | None = None,
    judged: Sequence[Judged] = (),
    say: Say = _silent,
) -> Played:
    """Play the monitor's search over the span. Raises MissingField, OpenSearchError; and what `say` raises, between searches."""
    begins_at, ends_at = begins_at.replace(microsecond=0), ends_at.replace(microsecond=0)
    if inputs.definition.shape == "match":
        return _pages(inputs, begins_at, ends_at, say)
    cost = _Cost()
    todo = backtest.slices(begins_at, ends_at, _events_a_day(inputs, begins_at, ends_at, cost))
    values = Values() if line else None
    played = Played([], values)
    findings: list[Finding] = []
    days = max(1, -(-int((ends_at - begins_at).total_seconds()) // 86_400))
    for one in todo:
        say((one.begins_at - begins_at).days, days, f"Playing {one.begins_at:%-d %B} to {one.ends_at:%-d %B}")
        waiting = [(part, one.parts) for part in range(one.parts)]
        while waiting:
            part, parts = waiting.pop()
            cut = replace(one, parts=parts)
            result = _search(
                inputs, backtest.search(inputs, cut, begins_at=begins_at, line=line, judged=judged, part=part), cost
            )
            answer = read_answer(result, context_of(inputs))
            if answer.cut and parts < MAX_PARTS:
                more = 2 if not answer.found else max(2, -(-answer.found * 5 // (4 * backtest.MAX_TOLD)))
                waiting += split(part, parts, more)
                continue
            if not answer.whole:
                raise OpenSearchError(answer.faults[0])
            findings += answer.findings
            played.read += answer.read
            if values is not None:
                values.add(result["aggregations"]["f"]["value"])
    played.occurrences = _retold(inputs, backtest.occurrences(findings))
    played.searches, played.took_ms = cost.searches, cost.took_ms
    return played


def check(inputs: Inputs, played: Played, begins_at: datetime, ends_at: datetime, *, say: Say = _silent) -> Checked:
    """
    Run the monitor's own search at a few moments of the span, as OpenSearch would have, and compare.

    What it finds must have been played, and what was played whole within its look-back must be found.
    """
    moments = _moments(played, inputs, begins_at, ends_at)
    wrong = []
    for number, moment in enumerate(moments):
        say(number, len(moments), f"Checking {moment:%-d %B %H:%M} by the monitor's own search")
        found = backtest.occurrences(run_whole(inputs, end_ms=clock.to_ms(moment)))
        since = moment - timedelta(milliseconds=inputs.emit_ms)
        at = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
        late = [one for one in found if one.last_at >= begins_at]
        near = [one for one in played.occurrences if since <= one.first_at and one.last_at <= moment]
        unplayed = [one for one in late if not any(_same(one, other) for other in played.occurrences)]
        unfound = [one for one in near if not any(_same(one, other) for other in found)]
        wrong += [f"{at}: {one.finding.entity_name} is found, and was not played." for one in unplayed]
        wrong += [f"{at}: {one.finding.entity_name} was played, and is not found." for one in unfound]
    return Checked(len(moments), tuple(wrong))


def _moments(played: Played, inputs: Inputs, begins_at: datetime, ends_at: datetime) -> list[datetime]:
    """Return the ends of runs just after some findings, and some spread over the span."""
    every = max(1, len(played.occurrences) // CHECKS)
    behind = [one.last_at + timedelta(seconds=inputs.interval_seconds) for one in played.occurrences[::every][:CHECKS]]
    spread = [begins_at + (ends_at - begins_at) * number / CHECKS for number in range(1, CHECKS + 1)]
    return sorted(min(moment, ends_at) for moment in {*behind, *spread})


def _same(one: Occurrence, other: Occurrence) -> bool:
    return (
        one.finding.entity_id == other.finding.entity_id
        and one.first_at <= other.last_at
        and other.first_at <= one.last_at
    )


def _events_a_day(inputs: Inputs, begins_at: datetime, ends_at: datetime, cost: _Cost) -> dict[datetime, int]:
    """Return how many events of the search lie in each day, by its midnight UTC; those of its look-back too."""
    span = replace(inputs, emit_seconds=int((ends_at - begins_at).total_seconds()))
    body = {
        "size": 0,
        "track_total_hits": False,
        "query": plain_search(span, end_ms=clock.to_ms(ends_at))["query"],
        "aggs": {"days": {"date_histogram": {"field": inputs.profile.name("published"), "calendar_interval": "day"}}},
    }
    result = _search(inputs, body, cost)
    shards = result["_shards"]
    if shards["total"] == 0:
        raise OpenSearchError("No index matches the pattern.")
    if shards["failed"] or result["timed_out"]:
        raise OpenSearchError(f"{shards['failed']} of {shards['total']} shards failed.")
    buckets = result["aggregations"]["days"]["buckets"]
    return {datetime.fromtimestamp(one["key"] / 1000, UTC): one["doc_count"] for one in buckets}


def _pages(inputs: Inputs, begins_at: datetime, ends_at: datetime, say: Say) -> Played:
    """Play a match: its newest events, as many as one can look at."""
    cost, found, after, total = _Cost(), list[Finding](), None, 0
    span = replace(inputs, emit_seconds=int((ends_at - begins_at).total_seconds()))
    while len(found) < MAX_FINDINGS:
        say(len(found), max(total, 1), "Reading events")
        body = {**plain_search(span, end_ms=clock.to_ms(ends_at), search_after=after), "size": PAGE}
        result = _search(inputs, body, cost)
        answer = read_answer(result, context_of(inputs))
        if answer.faults and not answer.cut:
            raise OpenSearchError(answer.faults[0])
        total = max(total, answer.found)
        found += answer.findings
        hits = result["hits"]["hits"]
        if len(hits) < PAGE:
            return Played(backtest.occurrences(found), None, "", cost.searches, cost.took_ms, total)
        after = hits[-1]["sort"]
    cut = f"{total} events match; the newest {len(found)} were played. A shorter span plays all of them."
    return Played(backtest.occurrences(found), None, cut, cost.searches, cost.took_ms, total)


def _search(inputs: Inputs, body: dict[str, Any], cost: _Cost) -> dict[str, Any]:
    result = opensearch.search(inputs.profile.pattern, body, timeout=TIMEOUT_SECONDS)
    cost.searches += 1
    cost.took_ms += result.get("took", 0)
    return result


def _retold(inputs: Inputs, occurrences: list[Occurrence]) -> list[Occurrence]:
    """Return them with the newest, and the newest of the most frequent entities, told as a monitor would: with what their events show."""
    number: dict[str, int] = {}
    for one in occurrences:
        number[one.finding.entity_id] = number.get(one.finding.entity_id, 0) + 1
    frequent = sorted(number, key=lambda entity: -number[entity])[: RETOLD // 2]
    last_of = {one.finding.entity_id: place for place, one in enumerate(occurrences)}
    newest = range(len(occurrences) - 1, -1, -1)
    chosen = list(dict.fromkeys([*(last_of[entity] for entity in frequent), *newest]))[:RETOLD]
    uuids = [event["uuid"] for place in chosen for event in occurrences[place].finding.events if event.get("uuid")]
    if not uuids:
        return occurrences
    profile, shown = inputs.profile, dict[str, dict[str, Any]]()
    for hit in opensearch.events_by_uuid(profile.pattern, profile.name("uuid"), uuids, timeout=TIMEOUT_SECONDS):
        event = profile.unwrap(hit["_source"])
        shown[str(event.get("uuid"))] = facts.shown(event)
    for place in chosen:
        one = occurrences[place]
        events = [{**event, **shown.get(str(event.get("uuid")), {})} for event in one.finding.events]
        occurrences[place] = replace(one, finding=retold(one.finding, context_of(inputs), events))
    return occurrences
