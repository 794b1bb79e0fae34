"""
One form for a monitor, as it is sent and as OpenSearch gives it back. Pure.

OpenSearch parses a search and writes every default out: `gte` comes back as `from` with `include_lower`, a clause with its
`boost`, a script with its language. Here all that is taken back, so that two monitors that do the same are equal, and nothing
else is. What is not known stays as it is: it can make two alike look different, never two different ones alike. Held to
recordings of the real plugin.
"""

from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]

# What OpenSearch writes by itself, and so is no difference.
VOLATILE = frozenset(
    {
        "last_update_time",
        "enabled_time",
        "schema_version",
        "user",
        "data_sources",
        "owner",
        "delete_query_index_in_every_run",
    }
)
EVERY_HIT = 2147483647  # what `track_total_hits: true` comes back as
EXACT = 2**53  # a whole number beyond it may be stored as a float, and come back as one

MATCH = {
    "operator": "OR",
    "prefix_length": 0,
    "max_expansions": 50,
    "fuzzy_transpositions": True,
    "lenient": False,
    "zero_terms_query": "NONE",
    "auto_generate_synonyms_phrase_query": True,
}
QUERY_STRING = {
    "type": "best_fields",
    "default_operator": "or",
    "max_determinized_states": 10000,
    "enable_position_increments": True,
    "fuzziness": "AUTO",
    "fuzzy_prefix_length": 0,
    "fuzzy_max_expansions": 50,
    "phrase_slop": 0,
    "escape": False,
    "auto_generate_synonyms_phrase_query": True,
    "fuzzy_transpositions": True,
    "fields": [],
}
# Queries of the form {field: value} or {field: {key: value, …}}: that key, its other spelling, and what comes back unasked.
ON_FIELD: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "term": ("value", "term", {"case_insensitive": False}),
    "wildcard": ("value", "wildcard", {"case_insensitive": False}),
    "prefix": ("value", "prefix", {"case_insensitive": False}),
    "regexp": (
        "value",
        "regexp",
        {"case_insensitive": False, "flags_value": 255, "flags": "ALL", "max_determinized_states": 10000},
    ),
    "match": ("query", "query", MATCH),
    "match_phrase": ("query", "query", {"slop": 0, "zero_terms_query": "NONE"}),
}


def normal(body: Body) -> dict[str, Any]:
    """Return the monitor without what OpenSearch writes by itself, and with its search, condition and actions in one form."""
    told = {key: value for key, value in body.items() if key not in VOLATILE}
    told["inputs"] = [_input(one) for one in body.get("inputs") or []]
    told["triggers"] = [_trigger(one) for one in body.get("triggers") or []]
    told = _without(told, {"type": "monitor", "should_create_single_alert_for_findings": False, "ui_metadata": {}})
    told.setdefault("monitor_type", "query_level_monitor")
    told.setdefault("enabled", True)
    kept: dict[str, Any] = _numbers(told)
    return kept


def search(source: Body) -> dict[str, Any]:
    """Return a search in one form."""
    told = {("aggregations" if key == "aggs" else key): value for key, value in source.items()}
    return {key: SOURCE[key](value) if key in SOURCE else value for key, value in told.items()}


def _input(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    if isinstance(given.get("doc_level_input"), Mapping):
        told = _without(given["doc_level_input"], {"description": "", "fan_out_enabled": True})
        usual: dict[str, Any] = {"fields": [], "tags": [], "query_field_names": []}
        return {"doc_level_input": {**told, "queries": [_without(one, usual) for one in told.get("queries") or []]}}
    inner = given.get("search")
    if not isinstance(inner, Mapping):
        return given
    return {"search": {**inner, "indices": inner.get("indices", []), "query": search(inner.get("query") or {})}}


def _trigger(given: Any) -> Any:
    if not isinstance(given, Mapping) or len(given) != 1:
        return given
    kind, body = next(iter(given.items()))
    if not isinstance(body, Mapping):
        return given
    told = {**body, "actions": [_action(one) for one in body.get("actions") or []]}
    if "severity" in told:
        told["severity"] = str(told["severity"])
    condition = body.get("condition")
    if isinstance(condition, Mapping) and "script" in condition:
        told["condition"] = _without({**condition, "script": _script(condition["script"])}, {"gap_policy": "skip"})
    return {kind: told}


def _action(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    told = dict(given)
    for name in ("message_template", "subject_template"):
        if told.get(name) is not None:
            told[name] = _template(told[name])
    return _without(told, {"throttle_enabled": False, "throttle": None, "subject_template": None})


def _template(given: Any) -> Any:
    told = {"source": given} if isinstance(given, str) else given
    return _without(told, {"lang": "mustache"}) if isinstance(told, Mapping) else told


def _script(given: Any) -> Any:
    told = {"source": given} if isinstance(given, str) else given
    return _without(told, {"lang": "painless", "params": {}}) if isinstance(told, Mapping) else told


def query(clause: Any) -> Any:
    """Return one query clause, and those in it, in one form."""
    if not isinstance(clause, Mapping) or len(clause) != 1:
        return clause
    kind, body = next(iter(clause.items()))
    if not isinstance(body, Mapping):
        return clause
    if kind in ON_FIELD:
        return {kind: _on_field(body, *ON_FIELD[kind])}
    return {kind: (QUERIES.get(kind) or _plain)(body)}


def _on_field(body: Body, key: str, spelled: str, defaults: Mapping[str, Any]) -> Any:
    if len(body) != 1:
        return dict(body)
    field, given = next(iter(body.items()))
    options = dict(given) if isinstance(given, Mapping) else {key: given}
    if spelled in options:
        options[key] = options.pop(spelled)
    return {field: _plain(_without(options, defaults))}


def _plain(body: Body) -> dict[str, Any]:
    """A clause's body; its boost is told where it is not the one that every clause has."""
    told = dict(body)
    if "boost" in told and _is_number(told["boost"]):
        told["boost"] = float(told["boost"])
    return _without(told, {"boost": 1.0})


def _range(body: Body) -> Any:
    if len(body) != 1:
        return dict(body)
    field, given = next(iter(body.items()))
    if not isinstance(given, Mapping):
        return dict(body)
    told = {key: value for key, value in given.items() if key not in _BOUNDS}
    for side, (inclusive, exclusive, named, include) in _SIDES.items():
        value, includes = given.get(named), given.get(include, True)
        if given.get(exclusive) is not None:
            value, includes = given[exclusive], False
        elif given.get(inclusive) is not None:
            value, includes = given[inclusive], True
        if value is not None:
            told[side] = value
            told |= {} if includes is True else {include: includes}
    return {field: _plain(told)}


_SIDES = {"from": ("gte", "gt", "from", "include_lower"), "to": ("lte", "lt", "to", "include_upper")}
_BOUNDS = frozenset(name for names in _SIDES.values() for name in names)


def _bool(body: Body) -> dict[str, Any]:
    told = dict(body)
    if "mustNot" in told:
        told["must_not"] = told.pop("mustNot")
    for occur in ("must", "filter", "must_not", "should"):
        clauses = told.pop(occur, None)
        if clauses:
            told[occur] = [query(one) for one in (clauses if isinstance(clauses, list) else [clauses])]
    if "minimum_should_match" in told:
        told["minimum_should_match"] = str(told["minimum_should_match"])
    return _plain(_without(told, {"adjust_pure_negative": True}))


def _query_string(body: Body) -> dict[str, Any]:
    told = dict(body)
    if isinstance(told.get("default_operator"), str):
        told["default_operator"] = told["default_operator"].lower()
    if isinstance(told.get("fields"), list):
        told["fields"] = [name if "^" in str(name) else f"{name}^1.0" for name in told["fields"]]
    return _plain(_without(told, QUERY_STRING))


def _around(key: str, inner: Callable[[Any], Any], **defaults: Any) -> Callable[[Body], Any]:
    """A query around one other thing."""

    def told(body: Body) -> dict[str, Any]:
        around = {**body, key: inner(body[key])} if key in body else dict(body)
        return _plain(_without(around, defaults))

    return told


QUERIES: Mapping[str, Callable[[Body], Any]] = {
    "range": _range,
    "bool": _bool,
    "query_string": _query_string,
    "script": _around("script", _script),
    "constant_score": _around("filter", query),
    "nested": _around("query", query, ignore_unmapped=False, score_mode="avg"),
}


def _aggregations(named: Any) -> Any:
    return {name: _aggregation(body) for name, body in named.items()} if isinstance(named, Mapping) else named


def _aggregation(body: Any) -> Any:
    if not isinstance(body, Mapping):
        return body
    told: dict[str, Any] = {}
    for key, value in body.items():
        if key in {"aggs", "aggregations"}:
            told["aggregations"] = _aggregations(value)
        else:
            told[key] = AGGREGATIONS[key](value) if key in AGGREGATIONS and isinstance(value, Mapping) else value
    return told


def _scripted_metric(body: Body) -> dict[str, Any]:
    return {key: _script(value) if key.endswith("_script") else value for key, value in body.items()}


def _terms_aggregation(body: Body) -> dict[str, Any]:
    told = dict(body)
    order = told.get("order")
    if isinstance(order, Mapping):
        told["order"] = [dict(order), *([] if "_key" in order else [{"_key": "asc"}])]
    usual = {"size": 10, "min_doc_count": 1, "shard_min_doc_count": 0, "show_term_doc_count_error": False}
    return _without(told, {**usual, "order": [{"_count": "desc"}, {"_key": "asc"}]})


def _composite(body: Body) -> dict[str, Any]:
    def source(named: Any) -> Any:
        return {
            name: {key: _without(value, {"missing_bucket": False, "order": "asc"}) for key, value in kind.items()}
            for name, kind in named.items()
        }

    return _without({**body, "sources": [source(one) for one in body.get("sources", [])]}, {"size": 10})


def _filters(body: Body) -> dict[str, Any]:
    given = body.get("filters")
    named = {name: query(clause) for name, clause in given.items()} if isinstance(given, Mapping) else given
    return {**body, "filters": named}


def _sort(value: Any) -> list[Any]:
    def one(key: Any) -> Any:
        if isinstance(key, str):
            return {key: {"order": "desc" if key == "_score" else "asc"}}
        return {
            field: {"order": order} if isinstance(order, str) else {"order": "asc", **order}
            for field, order in key.items()
        }

    return [one(key) for key in (value if isinstance(value, list) else [value])]


def _fetched(value: Any) -> Any:
    if value is False:
        return False
    if isinstance(value, Mapping):
        told = {
            "includes": value.get("includes", value.get("include", [])),
            "excludes": value.get("excludes", value.get("exclude", [])),
        }
    else:
        told = {"includes": [] if value is True else value, "excludes": []}
    return {key: [item] if isinstance(item, str) else item for key, item in told.items()}


SOURCE: Mapping[str, Callable[[Any], Any]] = {
    "query": query,
    "post_filter": query,
    "aggregations": _aggregations,
    "sort": _sort,
    "_source": _fetched,
    "track_total_hits": lambda value: EVERY_HIT if value is True else (-1 if value is False else value),
}
AGGREGATIONS: Mapping[str, Callable[[Any], Any]] = {
    "scripted_metric": _scripted_metric,
    "terms": _terms_aggregation,
    "composite": _composite,
    "filter": query,
    "filters": _filters,
}


def _without(told: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says no more than its default; True is not 1 here."""
    return {
        key: value
        for key, value in told.items()
        if not (
            key in defaults and value == defaults[key] and isinstance(value, bool) == isinstance(defaults[key], bool)
        )
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(node: Any) -> Any:
    """Return `node` with whole floats that no longer are exact as integers: which of the two they are, storing decides."""
    if isinstance(node, float) and abs(node) >= EXACT and node.is_integer():
        return int(node)
    if isinstance(node, Mapping):
        return {key: _numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_numbers(value) for value in node]
    return node
