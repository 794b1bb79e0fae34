"""
From a definition to the JSON that OpenSearch gets. Pure: the same input gives the same bytes.

Dictionaries are built, strings never pasted: what varies enters a script through `params` alone, so that the cluster compiles a
handful of texts once. The Alerting plugin renders a monitor's whole search as one mustache template, so whatever a person typed is
made inert on the way into a monitor; the portal's own searches are plain and need none of that.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from monitors import exclusions, kept, rehearsing
from monitors.definitions import Condition, Definition, Part, Stage
from monitors.errors import DefinitionError, MissingField
from monitors.exclusions import Exclusion
from monitors.facts import SHOWN, TYPE_OF_PREFIX
from monitors.profiles import GEOLOCATION, Profile, lacks

PAINLESS = Path(__file__).parent / "painless"

# Guards of one search: an unguarded map once ended in the death of a 1 GB node (10 M events); 50,000 a shard was safe.
MAX_EVENTS_A_SHARD = 50_000
MAX_FINDINGS = 500
MAX_HITS = 100
SAMPLE_EVENTS = 25
SAMPLE_ROWS = 3_000  # rows told with all their values, over all findings: keeps an envelope under 4 MiB
MAX_SEARCH_BYTES = 65_535  # script.max_size_in_bytes bounds the whole search of a monitor

# The condition and the message are fixed texts: what identifies a monitor is its trigger. Measured on found, empty, no index,
# failed shards, bad Painless, throwing reduce, too many buckets, timed out and truncated.
BEAT = "return ctx.periodEnd.toEpochMilli()/params.beat!=ctx.periodStart.toEpochMilli()/params.beat;"
CONDITIONS = {
    "program": (
        "if(ctx.error!=null) throw ctx.error; if(ctx.results.size()==0) return true; def r=ctx.results[0]; "
        "if(r.timed_out||r._shards.failed>0||r.aggregations==null) return true; "
        "def v=r.aggregations.f.value; if(v.truncated||v.found>0) return true; " + BEAT
    ),
    "match": (
        "if(ctx.error!=null) throw ctx.error; if(ctx.results.size()==0) return true; def r=ctx.results[0]; "
        "if(r.timed_out||r._shards.failed>0||r._shards.total==0||r.hits.total.value>0) return true; " + BEAT
    ),
}
MESSAGE = (
    '{"oktadetect":1,"trigger":"{{ctx.trigger.id}}","revision":"{{ctx.trigger.name}}","severity":"{{ctx.trigger.severity}}",'
    '"monitor_id":"{{ctx.monitor._id}}","period_start":"{{ctx.periodStart}}","period_end":"{{ctx.periodEnd}}",'
    '"error":"{{ctx.error}}","results":{{#toJson}}ctx.results{{/toJson}}}'
)


@dataclass(frozen=True)
class Inputs:
    """
    Everything that decides a rendered monitor.

    `beat_seconds` is the time between heartbeats; `emit_seconds` how far back a finding's last event may lie and still be told.
    """

    definition: Definition
    params: Mapping[str, Any]
    profile: Profile
    monitor_uuid: str
    name: str
    severity: int
    interval_seconds: int
    beat_seconds: int = 300
    exclusions: tuple[Exclusion, ...] = ()
    emit_seconds: int | None = None

    @property
    def emit_ms(self) -> int:
        """`emit_seconds` in ms; by default the longer of 90 minutes and ten intervals."""
        return (self.emit_seconds or max(90 * 60, 10 * self.interval_seconds)) * 1000

    @property
    def span_ms(self) -> int:
        """How far apart the events of one finding may lie."""
        return int(_resolve(self.definition.span, self.definition.values(self.params))) * 60_000


@dataclass(frozen=True)
class PeriodEnd:
    """Where a search says "the end of the period": the plugin's own variable in a monitor, a number in a plain search."""

    suffix: str = ""


def monitor(inputs: Inputs, *, channel_id: str, revision: int, enabled: bool, enabled_time_ms: int) -> dict[str, Any]:
    """
    Return the body of a query-level monitor, as it is sent to `_plugins/_alerting/monitors`.

    Raises MissingField when the index cannot serve the detection, DefinitionError when the search outgrows what a monitor may hold.
    """
    action = {
        "id": f"post-{inputs.monitor_uuid}",
        "name": "post",
        "destination_id": channel_id,
        "message_template": {"source": MESSAGE, "lang": "mustache"},
        "subject_template": {"source": "oktadetect", "lang": "mustache"},
        "throttle_enabled": False,
    }
    if inputs.definition.shape == kept.KEPT:
        return kept.monitor(
            inputs.definition.raw["kept"],
            name=inputs.name,
            severity=inputs.severity,
            monitor_uuid=inputs.monitor_uuid,
            period=_period(inputs.interval_seconds),
            action=action,
            revision=revision,
            enabled=enabled,
        )
    body = _finish(search(inputs), end="{{period_end}}", text=inert)
    size = len(json.dumps(body, ensure_ascii=False).encode())
    if size > MAX_SEARCH_BYTES:
        raise DefinitionError(
            f"The search is {size} bytes; a monitor may hold {MAX_SEARCH_BYTES}. Shorten the longest list."
        )
    return {
        "type": "monitor",
        "name": inputs.name,
        "monitor_type": "query_level_monitor",
        "enabled": enabled,
        "enabled_time": enabled_time_ms if enabled else None,
        "schedule": {"period": _period(inputs.interval_seconds)},
        "inputs": [{"search": {"indices": _indices(inputs), "query": body}}],
        "triggers": [
            {
                "query_level_trigger": {
                    "id": inputs.monitor_uuid,
                    "name": str(revision),
                    "severity": str(inputs.severity),
                    "condition": {
                        "script": {
                            "source": CONDITIONS[inputs.definition.shape],
                            "lang": "painless",
                            "params": {"beat": inputs.beat_seconds * 1000},
                        }
                    },
                    "actions": [action],
                }
            }
        ],
        "ui_metadata": {
            "oktadetect": {
                "monitor": inputs.monitor_uuid,
                "revision": revision,
                "hash": content_hash(inputs),
                # by these it can be imported back where nobody here knows it any more
                "detection": inputs.definition.id,
                "params": dict(inputs.definition.values(inputs.params)),
            }
        },
    }


def plain_search(
    inputs: Inputs, *, end_ms: int, part: int = 0, parts: int = 1, search_after: list[Any] | None = None
) -> dict[str, Any]:
    """Return the same search for the portal itself over the period that ends at `end_ms`: one part of it, or one page."""
    body: dict[str, Any] = _finish(search(inputs), end=str(end_ms), text=str)
    if inputs.definition.shape == "program":
        body["aggregations"]["f"]["scripted_metric"]["params"] |= {"part": part, "parts": parts}
    elif search_after:
        body["search_after"] = search_after
    return body


def content_hash(inputs: Inputs) -> str:
    """Return the sha256 of what a monitor does: its rendered form without revision number, enabled_time and channel."""
    if inputs.definition.shape == kept.KEPT:
        return kept.content_hash(inputs.definition.raw["kept"])
    body = {
        "definition": inputs.definition.raw,
        "indices": _indices(inputs),
        "search": _finish(search(inputs), end="{{period_end}}", text=str),
        "condition": CONDITIONS[inputs.definition.shape],
        "message": MESSAGE,
        "beat": inputs.beat_seconds,
        "severity": inputs.severity,
        "interval": inputs.interval_seconds,
        "identity": [inputs.monitor_uuid, inputs.name],
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def search(inputs: Inputs) -> dict[str, Any]:
    """Return the search with PeriodEnd where the period's end stands. Raises MissingField, and DefinitionError for a kept one."""
    definition, profile = inputs.definition, inputs.profile
    if definition.shape == kept.KEPT:
        raise DefinitionError(f"{inputs.name} is somebody else's monitor: only OpenSearch runs its search.")
    missing = lacks(profile, definition.needs())
    if missing:
        profile.name(missing[0])
    values = definition.values(inputs.params)
    back_ms = inputs.emit_ms + (inputs.span_ms if definition.shape == "program" else 0)
    filters: list[Any] = [_since(back_ms, profile)]
    filters += [clause for raw in definition.query if (clause := _clause(raw, profile, values)) is not None]
    filters += [left_out for one in inputs.exclusions if (left_out := exclusions.clause(one, profile)) is not None]
    stages = _stages(definition, profile, values)
    if stages:
        filters.append(_any_stage(inputs, stages))
    query = {"bool": {"filter": filters}}
    if definition.shape == "match":
        return {
            "size": MAX_HITS,
            "track_total_hits": True,
            "query": query,
            # an index that holds no event yet maps neither field, and would fail its shards
            "sort": [
                {profile.name("published"): {"order": "desc", "unmapped_type": "date"}},
                {profile.name("uuid"): {"order": "desc", "unmapped_type": "keyword"}},
            ],
        }
    return {
        "size": 0,
        "query": query,
        "aggregations": {"f": {"scripted_metric": _scripted_metric(inputs, values, stages)}},
    }


def _indices(inputs: Inputs) -> list[str]:
    """Return what the monitor reads: its index, and where rehearsals of it lie. The portal's own searches read only the first."""
    return [inputs.profile.pattern, rehearsing.pattern(inputs.profile.pattern)]


def inert(typed: str) -> str:
    """Return `typed` so that mustache gives it back as it is: `{{` would be read as a tag, and `{{>file}}` as a file's content."""
    return typed.replace("{{", "{{=<% %>=}}{{<%={{ }}=%>")


def _period(seconds: int) -> dict[str, Any]:
    if seconds % 60 == 0:
        return {"interval": seconds // 60, "unit": "MINUTES"}
    return {"interval": seconds, "unit": "SECONDS"}


def _finish(node: Any, *, end: str, text: Any) -> Any:
    """Return `node` with the period's end written as `end` and every string passed through `text`."""
    if isinstance(node, PeriodEnd):
        return end + node.suffix
    if isinstance(node, str):
        return text(node)
    if isinstance(node, Mapping):
        return {text(key): _finish(value, end=end, text=text) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_finish(value, end=end, text=text) for value in node]
    return node


def _resolve(value: Any, values: Mapping[str, Any]) -> Any:
    """Return `value`, or the parameter that it names with `$`."""
    if isinstance(value, str) and value.startswith("$"):
        return values[value.removeprefix("$")]
    return value


def _clause(raw: Mapping[str, Any], profile: Profile, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a query clause in the index's names, or None where a `not` asks for nothing (an empty list, a field that lacks)."""
    kind, body = next(iter(raw.items()))
    if kind == "exists":
        return {"exists": {"field": profile.name(body)}}
    if kind == "not":
        inner = _servable(body, profile, values)
        return None if inner is None or [] in inner.get("terms", {}).values() else {"bool": {"must_not": [inner]}}
    if kind == "any":
        alternatives = [clause for one in body if (clause := _servable(one, profile, values)) is not None]
        if not alternatives:
            return _clause(body[0], profile, values)  # raises MissingField for the first
        return {"bool": {"should": alternatives, "minimum_should_match": 1}}
    if kind == "sigma":
        from monitors import sigma  # pySigma is slow to import, and only imported detections need it

        return {"query_string": {"query": sigma.lucene(body["rule"], profile), "analyze_wildcard": True}}
    if kind == "same":
        one, other = (profile.name(name) for name in body)
        return {"script": {"script": {"lang": "painless", **script("same"), "params": {"one": one, "other": other}}}}
    if kind == "contains":
        name, wanted = next(iter(body.items()))
        texts = _resolve(wanted, values)
        return {"bool": {"should": [_wildcard(profile.name(name), text) for text in texts], "minimum_should_match": 1}}
    if kind == "all":
        return {"bool": {"filter": [clause for one in body if (clause := _clause(one, profile, values)) is not None]}}
    name, value = next(iter(body.items()))
    return {kind: {profile.name(name): _resolve(value, values)}}


def _wildcard(name: str, text: str) -> dict[str, Any]:
    escaped = re.sub(r"([\\*?])", r"\\\1", text)
    return {"wildcard": {name: {"value": f"*{escaped}*", "case_insensitive": True}}}


def _servable(raw: Mapping[str, Any], profile: Profile, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the clause, or None where the index lacks its field and so nothing can match it."""
    try:
        return _clause(raw, profile, values)
    except MissingField:
        return None


def _stages(definition: Definition, profile: Profile, values: Mapping[str, Any]) -> list[list[list[dict[str, Any]]]]:
    """
    Return each stage's alternatives in the index's names, without those whose field the index lacks (one engine's events).

    Raises MissingField when a stage has none left.
    """
    return [_alternatives(stage, profile, values) for stage in definition.stages]


def _alternatives(stage: Stage, profile: Profile, values: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    served = [
        [
            {
                "field": profile.name(condition.field),
                "values": _resolve(condition.values, values),
                "how": condition.how,
                "not": condition.negated,
                **({"other": profile.name(condition.other)} if condition.other else {}),
            }
            for condition in conditions
            if not condition.negated or _told(condition, profile)  # what lacks cannot be what it must not be
        ]
        for conditions in stage.alternatives
        if all(condition.negated or _told(condition, profile) for condition in conditions)
    ]
    if not served:
        lacking = next(
            field
            for conditions in stage.alternatives
            for one in conditions
            for field in sorted(one.fields)
            if not one.negated and not profile.find(field)
        )
        raise MissingField(lacking, profile.pattern)
    return served


def _told(condition: Condition, profile: Profile) -> bool:
    """Whether the index has the fields of a condition."""
    return all(profile.find(field) for field in condition.fields)


def _any_stage(inputs: Inputs, stages: list[list[list[dict[str, Any]]]]) -> dict[str, Any]:
    """Return the union of all stages, as far as plain clauses can say it; the program itself asks the rest."""
    should = [
        {
            "bool": {
                "filter": [
                    {"terms": {one["field"]: one["values"]}}
                    for one in conditions
                    if one["how"] == "is" and not one["not"]
                ]
                + ([_since(inputs.emit_ms, inputs.profile)] if stage.recent else [])
            }
        }
        for stage, alternatives in zip(inputs.definition.stages, stages, strict=True)
        for conditions in alternatives
    ]
    return {"bool": {"should": should, "minimum_should_match": 1}}


def _since(back_ms: int, profile: Profile) -> dict[str, Any]:
    """Return the clause for the last `back_ms` of the period."""
    between = {"gte": PeriodEnd(f"||-{back_ms // 1000}s"), "lte": PeriodEnd(), "format": "epoch_millis"}
    return {"range": {profile.name("published"): between}}


def _key(parts: tuple[Part, ...], profile: Profile) -> list[dict[str, Any]]:
    """Return the parts of a key in the index's names. Raises MissingField when the index has no field of a part."""
    for part in parts:
        if part.fields and not any(profile.find(name) for name in part.fields):
            profile.name(part.fields[0])
    return [
        {"constant": part.constant}
        if part.constant
        else {
            "fields": [profile.name(name) for name in part.fields if profile.find(name)],
            "names": [name.endswith(("alternateId", "displayName")) for name in part.fields if profile.find(name)],
            "prefix": part.prefix,
            "lone": part.prefix in TYPE_OF_PREFIX,
        }
        for part in parts
    ]


def _scripted_metric(
    inputs: Inputs, values: Mapping[str, Any], stages: list[list[list[dict[str, Any]]]]
) -> dict[str, Any]:
    definition, profile = inputs.definition, inputs.profile
    settings = {name: _resolve(value, values) for name, value in definition.settings.items()}
    names = {name: found for name, path in SHOWN.items() if (found := profile.find(path))}
    located = GEOLOCATION in settings.get("fields", [])
    places = {stage.name: position for position, stage in enumerate(definition.stages)}
    keys = [stage.key for stage in definition.stages] or [definition.key]
    unlike = list(dict.fromkeys(keys))  # stages mostly share a key, which is then made once for an event
    params = {
        "end": PeriodEnd(),
        "emit": inputs.emit_ms,
        "max": MAX_EVENTS_A_SHARD,
        "cap": MAX_FINDINGS,
        "sample": SAMPLE_EVENTS,
        "rows": SAMPLE_ROWS,
        "part": 0,
        "parts": 1,
        "keys": [_key(key, profile) for key in unlike],
        "key_of": [unlike.index(key) for key in keys],
        "time": profile.name("published"),
        "uuid": profile.name("uuid"),
        "names": list(names),
        "show": list(names.values()),
        "point": profile.point if located else None,
        "lat": profile.lat if located else None,
        "lon": profile.lon if located else None,
        "dedupe": profile.find(settings["dedupe"]) if "dedupe" in settings else None,
        "apart": int(settings.get("apart", 1)) * 1000,
        "distinct": profile.name(settings["distinct"]) if "distinct" in settings else None,
        "distinct_prefix": settings.get("distinct_prefix", ""),
        "other": profile.name(settings["other"]) if "other" in settings else None,
        "stages": stages,
        "recent": [stage.recent for stage in definition.stages] or [False],
        "context": places.get(settings.get("context", ""), -1),
        "relations": [
            {
                "stage": places[one["stage"]],
                "shown": _shown_at(one["shown"], list(names), profile),
                "how": one["how"],
                "than": _link(one.get("than", one["stage"]), definition),
            }
            for one in settings.get("relations", [])
        ],
        "any_order": bool(settings.get("any_order", False)),
        "after": bool(settings.get("after", False)),
        "among": bool(settings.get("among", False)),
        "km": settings.get("km", 0),
        "kmh": settings.get("kmh", 0),
        "n": settings.get("n", 1),
        "values": settings.get("values", 0),
        "others": settings.get("others", 0),
        "each": settings.get("each", 0),
        "most": settings.get("most", 0),
        "window": int(settings.get("window", 0)) * 60_000,
    }
    return {
        # OpenSearch copies the params of a scripted_metric and stumbles over null: what is not said is left out.
        "params": {name: value for name, value in params.items() if value is not None},
        "init_script": script("init"),
        "map_script": script("map"),
        "combine_script": script("combine"),
        "reduce_script": script("reduce", str(definition.program), "tail"),
    }


def _shown_at(name: str, names: list[str], profile: Profile) -> int:
    """Return where a shown value stands in a row. Raises MissingField when the index lacks it, and so nothing could be compared."""
    profile.name(SHOWN[name])
    return names.index(name)


def _link(stage: str, definition: Definition) -> int:
    """Return the place of a stage in a chain, among those that are links."""
    links = [one.name for one in definition.stages if one.name != definition.settings.get("context")]
    return links.index(stage)


@cache
def script(*names: str) -> dict[str, str]:
    """Return a script of these files, one after the other."""
    return {"source": "\n".join((PAINLESS / f"{name}.painless").read_text() for name in names)}
