"""
Somebody's own monitor, pasted: what it really does, in sentences, and which of our detections answer it. Pure.

Articles show monitors that look right and never fire: fields that Okta's events do not have, event types that Okta never writes,
conditions that throw when nothing is found. OpenSearch takes them all without a word.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from monitors import ingest
from monitors.definitions import Definition
from monitors.errors import DefinitionError
from monitors.profiles import GEOLOCATION

TYPES = Path(__file__).parent / "okta_event_types.txt"
WITH_FIELD = (
    "term",
    "terms",
    "match",
    "match_phrase",
    "range",
    "wildcard",
    "prefix",
    "regexp",
    "fuzzy",
    "geo_distance",
    "geo_bounding_box",
)
# What articles write, and what Okta writes instead.
MEANT = {
    "user.mfa.challenge": "system.push.send_factor_verify_push",
    "user.authentication.failed": "user.session.start with outcome.result FAILURE",
    "user.mfa.push.denied": "user.mfa.okta_verify.deny_push",
    "user.login.failed": "user.session.start with outcome.result FAILURE",
}
DISTANCE = re.compile(r"geo_?distance|distance|speed|velocity", re.IGNORECASE)


@dataclass(frozen=True)
class Explanation:
    """What a pasted monitor does: `never` says why it cannot fire (empty: it can), `doubts` what it loses, `ours` what answers it."""

    name: str
    never: tuple[str, ...]
    doubts: tuple[str, ...]
    ours: tuple[Definition, ...]


def explain(text: str, catalog: Sequence[Definition]) -> Explanation:
    """Return what the JSON of a monitor, or of a bare search, says. Raises DefinitionError when it is neither."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"It is no JSON: {error}.") from error
    return explain_body(data.get("monitor", data) if isinstance(data, Mapping) else None, catalog)


def explain_body(body: Any, catalog: Sequence[Definition]) -> Explanation:
    """Return what a monitor, or a bare search, says. Raises DefinitionError when it is neither."""
    query = _search(body) if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or query is None:
        raise DefinitionError("It is neither a monitor (with inputs) nor a search (with a query).")
    fields, kinds = list(dict.fromkeys(_fields(query))), list(dict.fromkeys(_event_types(query)))
    never = [f"`{name}` is not a field of these events: this never fires." for name in fields if not _is_okta(name)]
    never += [_no_type(kind) for kind in kinds if kind not in event_types()]
    return Explanation(
        name=str(body.get("name") or "the search"),
        never=tuple(never),
        doubts=tuple(_doubts(body, query)),
        ours=tuple(_ours(kinds, fields, json.dumps(body), catalog)),
    )


@cache
def event_types() -> frozenset[str]:
    """Return every event type that Okta writes, as of the release that the file names."""
    return frozenset(line for line in TYPES.read_text().splitlines() if line and not line.startswith("#"))


@cache
def okta_fields() -> frozenset[str]:
    """Return every field that our template maps, which is every one that a detection could read."""
    return frozenset(_mapped(ingest.load_template()["template"]["mappings"]["properties"]))


def _mapped(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, told in properties.items():
        yield prefix + name
        yield from _mapped(told.get("properties", {}), f"{prefix}{name}.")


def _is_okta(name: str) -> bool:
    plain = name.removesuffix(".keyword")
    inner = {f"{GEOLOCATION}.lat", f"{GEOLOCATION}.lon", "@timestamp", "_id", "_index"}
    return (
        plain in okta_fields()
        or plain in inner
        or plain.startswith(("debugContext.debugData.", "target.", "actor.", "request."))
    )


def _no_type(kind: str) -> str:
    instead = f"; Okta writes {MEANT[kind]}" if kind in MEANT else ""
    return f"`{kind}` is no event type of Okta's{instead}: this part never matches."


def _search(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    inputs = body.get("inputs")
    if isinstance(inputs, list) and inputs and isinstance(inputs[0], Mapping):
        search = inputs[0].get("search")
        found = search.get("query") if isinstance(search, Mapping) else None
        return found if isinstance(found, Mapping) else None
    return body if "query" in body or "aggs" in body or "aggregations" in body else None


def _fields(node: Any) -> Iterator[str]:
    """Yield the fields that queries and aggregations name."""
    if isinstance(node, Mapping):
        for key, inner in node.items():
            if key == "field" and isinstance(inner, str):
                yield inner
            elif key in WITH_FIELD and isinstance(inner, Mapping) and "field" not in inner:
                yield from (
                    name
                    for name in inner
                    if isinstance(inner[name], str | int | float | list | Mapping) and name not in _OPTIONS
                )
            else:
                yield from _fields(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _fields(inner)


_OPTIONS = frozenset(
    {"boost", "distance", "distance_type", "validation_method", "size", "order", "min_doc_count", "missing", "script"}
)


def _event_types(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, inner in node.items():
            if str(key).removesuffix(".keyword") in {"eventType", "event_type"}:
                yield from _texts(inner)
            else:
                yield from _event_types(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _event_types(inner)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, Mapping):
        yield from _texts(value.get("value", value.get("query")))


def _doubts(body: Mapping[str, Any], query: Mapping[str, Any]) -> Iterator[str]:
    text, triggers = json.dumps(query), json.dumps(body.get("triggers", []))
    if re.search(r'"(gte|gt|from)": "now', text):
        yield "It looks back from `now`: what a late or swallowed run should have seen is lost. Ours look back from {{period_end}}."
    if "hits.total" in triggers and "aggs" not in query and "aggregations" not in query:
        yield "Its condition counts the events of all users together: twenty people who each mistype once look like one attack."
    if "ctx.results.0" in triggers or "ctx.results[0]" in triggers:
        yield "Its message or condition fails when nothing is found or the search fails, and nothing is sent: a broken monitor looks quiet."
    if '"throttle_enabled": true' in triggers:
        yield "Its throttle holds back what a second user does while the first is told."
    if re.search(r'"terms": \{[^{}]*"size": 10\b', text) or ('"terms": {"field"' in text and '"size"' not in text):
        yield "Its `terms` keeps ten entities: an attacker behind ten busier users is not seen."


def _ours(kinds: Sequence[str], fields: Sequence[str], text: str, catalog: Sequence[Definition]) -> list[Definition]:
    """Return the detections that ask for the same events, the nearest first; travel where it speaks of distance or speed."""
    wanted = {MEANT.get(kind, kind).split(" ")[0] for kind in kinds}
    asked = Counter(kind for definition in catalog for kind in definition.event_types())
    scored = []
    for definition in catalog:
        # an event type that few detections ask for says more than one that many do
        score = sum(1 / asked[kind] for kind in wanted & set(definition.event_types()))
        if definition.program == "travel" and (DISTANCE.search(text) or any("geo" in name for name in fields)):
            score += 1
        if score > 0:
            scored.append((score, definition))
    return [definition for _, definition in sorted(scored, key=lambda pair: -pair[0])[:5]]
