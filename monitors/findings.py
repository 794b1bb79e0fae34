"""
What a search answered, as findings. Pure; used for envelopes, previews, backtests and catch-up alike.

An Answer says whether it is whole: an answer that was cut, timed out, lost shards or met no index is never "nothing found".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from monitors import facts
from monitors.definitions import Definition
from monitors.profiles import Profile

ORGANISATION = "org"  # the entity id of what is about a whole tenant


class MalformedFinding(ValueError):
    """One finding cannot be read; `str()` says why. The others of its envelope are not touched."""


@dataclass(frozen=True)
class Mark:
    """The time and uuid of one event."""

    at: datetime
    uuid: str | None


@dataclass(frozen=True)
class Finding:
    """
    One thing that a detection found, about one entity.

    `count` events from `first` to `last`; `events` are at most 25 of them in the short names of `facts.SHOWN` with `t` (ms) and
    `uuid`; `observed` the values beside their limits and derived facts; `severity` is after modifiers, with their `reasons`.
    """

    entity_type: str
    entity_id: str
    entity_name: str
    count: int
    first: Mark
    last: Mark
    observed: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    sentence: str
    severity: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """
    A search's findings, what could not be read of it, and `faults`: why it is not whole (empty when it is).

    `cut` says that its only faults are limits of one search, so that asking in parts or pages completes it; `split` in how many
    parts, as the program estimates it.
    """

    findings: tuple[Finding, ...]
    malformed: tuple[str, ...]
    faults: tuple[str, ...]
    read: int = 0
    took_ms: int = 0
    found: int = 0
    cut: bool = False
    split: int = 1

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing."""
        return not self.faults


@dataclass(frozen=True)
class Context:
    """What is needed to read an answer: the detection, its parameters' values, how the index names things, and the severity."""

    definition: Definition
    values: Mapping[str, Any]
    profile: Profile
    severity: int


def read_answer(result: Mapping[str, Any], context: Context) -> Answer:
    """Return what one search response (`ctx.results[0]`, or that of a plain search) says. Never raises on its content."""
    shape = context.definition.shape
    faults = _faults(result, shape)
    broken = bool(faults)
    rows, found, read, limits = _hits(result) if shape == "match" else _told(result)
    read_one = _from_hit if shape == "match" else _from_program
    findings, malformed = [], []
    told: set[str] = set()
    for position, row in enumerate(rows):
        try:
            finding = read_one(row, context)
        except MalformedFinding as error:
            malformed.append(f"finding {position}: {error}")
            continue
        if shape == "match" and finding.first.uuid is not None:
            if finding.first.uuid in told:
                continue  # log streaming delivers at least once: the same event may lie there twice
            told.add(finding.first.uuid)
        findings.append(finding)
    return Answer(
        findings=tuple(findings),
        malformed=tuple(malformed),
        faults=(*faults, *limits),
        read=read,
        took_ms=_number(result.get("took")),
        found=found,
        cut=bool(limits) and not broken,
        split=max(_number(facts.read(result, "aggregations.f.value.split")), 2 if limits else 1),
    )


def _hits(result: Mapping[str, Any]) -> tuple[list[Any], int, int, list[str]]:
    """Return a match's hits, how many events matched, how many were read, and what cut the answer."""
    hits = facts.read(result, "hits.hits")
    rows = hits if isinstance(hits, list) else []
    total = _number(facts.read(result, "hits.total.value"), default=len(rows))
    return (
        rows,
        total,
        total,
        [f"The answer holds {len(rows)} of {total} matching events."] if total > len(rows) else [],
    )


def _told(result: Mapping[str, Any]) -> tuple[list[Any], int, int, list[str]]:
    """Return a program's findings, how many there were, how many events it read, and what cut the answer."""
    value = facts.read(result, "aggregations.f.value")
    value = value if isinstance(value, Mapping) else {}
    told = value.get("findings")
    rows = told if isinstance(told, list) else []
    found = _number(value.get("found"), default=len(rows))
    limits = []
    if value.get("truncated"):
        limits.append("More events matched than one search may read; the answer was truncated.")
    if value.get("capped"):
        limits.append(f"The answer holds {len(rows)} of {found} findings.")
    return rows, found, _number(value.get("read")), limits


def _number(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) else default


def _faults(result: Mapping[str, Any], shape: str) -> list[str]:
    shards = result.get("_shards")
    if not isinstance(shards, Mapping):
        return ["OpenSearch answered without saying how many shards it asked."]
    faults = []
    if result.get("timed_out"):
        faults.append("The search timed out.")
    if shards.get("failed"):
        faults.append(f"{shards['failed']} of {shards.get('total')} shards failed.{_first_failure(shards)}")
    if shards.get("total") == 0:
        faults.append("No index matches the pattern.")
    elif shape == "program" and not isinstance(facts.read(result, "aggregations.f.value"), Mapping):
        faults.append("The answer holds no result of the program.")
    return faults


def _first_failure(shards: Mapping[str, Any]) -> str:
    failures = shards.get("failures")
    if isinstance(failures, list) and failures and isinstance(failures[0], Mapping):
        reason = failures[0].get("reason")
        said = (
            facts.read(reason, "caused_by.reason") or facts.read(reason, "reason")
            if isinstance(reason, Mapping)
            else reason
        )
        if said:
            return f" The first says: {str(said)[:200]}"
    return ""


def _from_program(row: Any, context: Context) -> Finding:
    if not isinstance(row, Mapping) or not isinstance(row.get("entity"), str) or not row["entity"]:
        raise MalformedFinding("it names no entity")
    events = [event for event in row.get("events", ()) if isinstance(event, Mapping)]
    observed = row.get("observed")
    if not isinstance(observed, Mapping) or not isinstance(row.get("count"), int):
        raise MalformedFinding("it has no count or no observed values")
    identity, *rest = row["entity"].split("|")  # a key of several parts begins with the entity
    also = {f"key.{number}": part for number, part in enumerate(rest, start=1)}
    return _finding(
        context,
        entity_id=identity,
        entity_name=_known_as(context.definition, identity, events),
        count=row["count"],
        first=_mark(row.get("first")),
        last=_mark(row.get("last")),
        observed={**observed, **also, **_derived(context.definition, events)},
        events=events,
    )


def _known_as(definition: Definition, identity: str, events: Sequence[Mapping[str, Any]]) -> str:
    """Return what people call an entity, as the newest event says that is its own; else its id."""
    if not definition.entity_id:
        return "the whole organisation"
    own = [event["user"] for event in events if event.get("actor") == identity and event.get("user")]
    if definition.entity_type == "user" and own:
        return str(own[-1])
    key = next((name for name, path in facts.SHOWN.items() if path == definition.entity_name), "")
    named = [event[key] for event in events if event.get(key)]
    return str(named[-1]) if named else identity


def _from_hit(hit: Any, context: Context) -> Finding:
    source = hit.get("_source") if isinstance(hit, Mapping) else None
    if not isinstance(source, Mapping):
        raise MalformedFinding("the hit has no _source")
    event = context.profile.unwrap(source)
    at = when(event.get("published"))
    if at is None:
        raise MalformedFinding(f"published is {str(event.get('published'))[:40]!r}, which is no time")
    uuid = event.get("uuid") if isinstance(event.get("uuid"), str) else hit.get("_id")
    definition = context.definition
    identity = (
        facts.entity_id(event, definition.entity_id, definition.entity_prefix) if definition.entity_id else ORGANISATION
    )
    if identity is None:
        raise MalformedFinding("it names nobody: " + " and ".join(context.definition.entity_id) + " hold placeholders")
    mark = Mark(at, uuid)
    row = {"t": int(at.timestamp() * 1000), "uuid": uuid, **facts.shown(event)}
    return _finding(
        context,
        entity_id=identity,
        entity_name=facts.entity_id(event, [definition.entity_name], definition.entity_prefix) or identity,
        count=1,
        first=mark,
        last=mark,
        observed={"count": 1, **facts.of_event(event), **_derived(context.definition, [row])},
        events=[row],
    )


def _finding(context: Context, **told: Any) -> Finding:
    observed = told["observed"]
    severity, reasons = _severity(context, observed)
    words = sentence(context.definition.sentence, _words(told, observed))
    return Finding(
        entity_type=context.definition.entity_type, sentence=words, severity=severity, reasons=reasons, **told
    )


def with_facts(finding: Finding, context: Context, known: Mapping[str, Any]) -> Finding:
    """Return the finding with facts that its search cannot know (what is new for this user), and its severity judged once more."""
    observed = {**finding.observed, **known}
    severity, reasons = _severity(context, observed)
    return replace(finding, observed=observed, severity=severity, reasons=reasons)


def retold(finding: Finding, context: Context, events: Sequence[Mapping[str, Any]]) -> Finding:
    """Return the finding with what its events show, where the search told their uuids alone."""
    return _finding(
        context,
        entity_id=finding.entity_id,
        entity_name=_known_as(context.definition, finding.entity_id, events),
        count=finding.count,
        first=finding.first,
        last=finding.last,
        observed={**finding.observed, **_derived(context.definition, events)},
        events=events,
    )


def _severity(context: Context, observed: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
    """Return the severity after modifiers: the gravest that raises it, else the one that lowers it."""
    holding = [modifier for modifier in context.definition.modifiers if modifier.holds(observed)]
    raising = [m for m in holding if m.severity < context.severity]
    chosen = min(raising, key=lambda m: m.severity, default=None) or max(
        holding, key=lambda m: m.severity, default=None
    )
    if chosen is None:
        return context.severity, ()
    return chosen.severity, tuple(m.because for m in holding if m.severity == chosen.severity)


def _derived(definition: Definition, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the facts that follow from a finding's events and move its severity."""
    facts_found: dict[str, Any] = {"proxy": any(event.get("proxy") is True for event in events)}
    if definition.program == "travel" and len(events) == 2:
        a, b = events
        same_cookie = bool(a.get("device_token")) and a.get("device_token") == b.get("device_token")
        facts_found["stolen_device"] = same_cookie and a.get("asn") != b.get("asn") and a.get("os") != b.get("os")
    return facts_found


def _words(told: Mapping[str, Any], observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sentence may name: the newest event's shown values, what was observed, `entity`, and words made of both."""
    events, values = told["events"], observed.get("values")
    words: dict[str, Any] = {
        **(events[-1] if events else {}),
        **observed,
        "entity": told["entity_name"],
        "duration": duration(observed.get("seconds", 0)),
        "values_words": f"{values} address{'' if values == 1 else 'es'}" if values else "unknown addresses",
    }
    if events:
        kinds = dict.fromkeys(str(event["type"]) for event in events if event.get("type"))
        words["happened"] = ", ".join(facts.HAPPENED.get(kind, kind) for kind in kinds) or "something"
        words["refused_words"] = facts.refused_words(event.get("result") for event in events)
        words["from.place"], words["to.place"] = facts.place(events[0]), facts.place(events[-1])
    return words


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """Return `template` with each {name} filled from `values`; one that is missing reads "unknown". Values are data, never templates."""
    return re.sub(r"\{([\w.]+)\}", lambda match: str(values.get(match[1], "unknown")), template)


def duration(seconds: Any) -> str:
    """Return seconds in words: "40 s", "3 min 20 s", "2 h 5 min"."""
    total = int(seconds) if isinstance(seconds, int | float) else 0
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def when(value: Any) -> datetime | None:
    """Return an event's time: ISO 8601 text, or epoch milliseconds; None for anything else."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _mark(value: Any) -> Mark:
    at = when(value.get("t")) if isinstance(value, Mapping) else None
    if at is None or not isinstance(value, Mapping):
        raise MalformedFinding("its first or last event has no time")
    return Mark(at, value.get("uuid") if isinstance(value.get("uuid"), str) else None)
