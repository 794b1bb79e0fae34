"""The form in which the plugin gives a search back: parsed, with every default written out.

It knows what is plausible in a monitor of ours; a clause, an aggregation or a field that it does not know stays as it
was sent. Keys come in the plugin's order, since errors name positions in this text.
"""

from collections.abc import Callable
from typing import Any

from sandbox.alerting.values import Json, compact

Normal = Callable[[Any], Any]

SOURCE_ORDER = (
    "from", "size", "timeout", "terminate_after", "query", "post_filter", "min_score", "version", "seq_no_primary_term",
    "explain", "profile", "_source", "stored_fields", "docvalue_fields", "script_fields", "sort", "track_scores",
    "track_total_hits", "search_after", "slice", "aggregations", "highlight", "suggest", "rescore", "stats", "ext",
    "collapse",
)  # fmt: skip
EVERY_HIT = 2147483647  # what `track_total_hits: true` is kept as


def search_source(source: Json) -> Json:
    """A whole search body."""
    named = {("aggregations" if key == "aggs" else key): value for key, value in source.items()}
    result: Json = {}
    for key in [*(key for key in SOURCE_ORDER if key in named), *(key for key in named if key not in SOURCE_ORDER)]:
        value = named[key]
        result[key] = SOURCE_FIELDS[key](value) if key in SOURCE_FIELDS else value
    return result


def query(clause: Json) -> Json:
    """One query clause, and those in it."""
    if len(clause) != 1:
        return clause
    (kind, body) = next(iter(clause.items()))
    if kind not in QUERIES or not isinstance(body, dict):
        return clause
    normal: Json = {kind: QUERIES[kind](body)}
    return normal


def script(value: str | Json) -> Json:
    """A script, its language written out."""
    if isinstance(value, str):
        return {"source": value, "lang": "painless"}
    if "id" in value:
        return value
    first = {"source": value.get("source"), "lang": value.get("lang", "painless")}
    return first | {key: as_java_orders(item) for key, item in value.items() if key not in first}


def template(source: Json) -> str:
    """The text that the plugin renders as one template: of a copy of the search, made through its wire format."""
    return compact(_copied(source))


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: as_java_orders(item, True) if key == "params" else _copied(item) for key, item in value.items()}


def as_java_orders(value: Any, fitted: bool = False) -> Any:
    """The value with the keys of its maps in the order of a Java HashMap; a fitted one was made for just as many keys.

    That is how a script's params are written into the search, which is a template: a `{{` in one of them can swallow
    those after it, so their order decides what survives.
    """
    if isinstance(value, list):
        return [as_java_orders(item, fitted) for item in value]
    if not isinstance(value, dict):
        return value
    capacity = 1 if fitted else 16
    while capacity < len(value):
        capacity *= 2
    if len(value) > capacity * 3 // 4:
        capacity *= 2
    keys = sorted(value, key=lambda key: _java_hash(key) & (capacity - 1))
    return {key: as_java_orders(value[key], fitted) for key in keys}


def _java_hash(text: str) -> int:
    """What a HashMap makes of a string's hash code, which goes by UTF-16 units."""
    units = text.encode("utf-16-be", "surrogatepass")
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (code * 31 + (high << 8) + low) & 0xFFFFFFFF
    return code ^ (code >> 16)


def aggregations(value: Json) -> Json:
    """Aggregations by name, with those below them."""
    return {name: _aggregation(body) for name, body in value.items()}


def _aggregation(body: Json) -> Json:
    result: Json = {}
    below: Json = {}
    for key, value in body.items():
        if key in {"aggs", "aggregations"}:
            below = {"aggregations": aggregations(value)}
        else:
            result[key] = AGGREGATIONS[key](value) if key in AGGREGATIONS else value
    meta = {"meta": result.pop("meta")} if "meta" in result else {}
    return {**result, **meta, **below}


def _boosted(body: Json, normal: Json) -> Json:
    name = {"_name": body["_name"]} if "_name" in body else {}
    return {**normal, "boost": float(body.get("boost", 1.0)), **name}


def _on_field(value_key: str, defaults: Json, renamed: dict[str, str] | None = None) -> Normal:
    """A query of the form {field: value} or {field: {value_key: value, …}}."""
    names: dict[str, str] = renamed or {}

    def normal(body: Json) -> Json:
        ((field, given),) = body.items()
        options: Json = (
            {str(names.get(k, k)): v for k, v in given.items()} if isinstance(given, dict) else {value_key: given}
        )
        rest = {key: item for key, item in options.items() if key not in {"boost", "_name"}}
        ordered: Json = {value_key: rest.get(value_key), **defaults, **rest}
        return {field: _boosted(options, ordered)}

    return normal


def _terms(body: Json) -> Json:
    fields = {key: value for key, value in body.items() if key not in {"boost", "_name"}}
    return _boosted(body, fields)


def _range(body: Json) -> Json:
    ((field, given),) = body.items()
    normal: Json = {
        "from": given.get("gte", given.get("gt", given.get("from"))),
        "to": given.get("lte", given.get("lt", given.get("to"))),
        "include_lower": given.get("include_lower", "gt" not in given),
        "include_upper": given.get("include_upper", "lt" not in given),
    }
    normal.update({key: given[key] for key in ("time_zone", "format", "relation") if key in given})
    return {field: _boosted(given, normal)}


def _bool(body: Json) -> Json:
    normal: Json = {}
    for occur in ("must", "filter", "must_not", "should"):
        clauses = body.get(occur, body.get("mustNot") if occur == "must_not" else None)
        if clauses:
            normal[occur] = [query(clause) for clause in (clauses if isinstance(clauses, list) else [clauses])]
    normal["adjust_pure_negative"] = body.get("adjust_pure_negative", True)
    if "minimum_should_match" in body:
        normal["minimum_should_match"] = str(body["minimum_should_match"])
    return _boosted(body, normal)


def _query_string(body: Json) -> Json:
    fields = body.get("fields", [])
    named = [field if "^" in field else f"{field}^1.0" for field in fields]
    normal: Json = {"query": body.get("query")}
    if "default_field" in body:
        normal["default_field"] = body["default_field"]
    normal |= {"fields": named, "type": "best_fields", "default_operator": "or", "max_determinized_states": 10000}
    normal |= {"enable_position_increments": True, "fuzziness": "AUTO", "fuzzy_prefix_length": 0}
    normal |= {"fuzzy_max_expansions": 50, "phrase_slop": 0, "escape": False}
    normal |= {"auto_generate_synonyms_phrase_query": True, "fuzzy_transpositions": True}
    normal |= {key: value for key, value in body.items() if key not in {"boost", "_name", "fields"}}
    if "default_operator" in body:
        normal["default_operator"] = str(body["default_operator"]).lower()
    return _boosted(body, normal)


def _nested(body: Json) -> Json:
    normal: Json = {"query": query(body["query"]), "path": body["path"], "ignore_unmapped": False, "score_mode": "avg"}
    normal |= {key: value for key, value in body.items() if key not in {"boost", "_name", "query"}}
    return _boosted(body, normal)


def _wrapping(key: str, inner: Normal) -> Normal:
    """A query around one other thing."""

    def normal(body: Json) -> Json:
        return _boosted(body, {key: inner(body[key])})

    return normal


MATCH: Json = {
    "operator": "OR",
    "prefix_length": 0,
    "max_expansions": 50,
    "fuzzy_transpositions": True,
    "lenient": False,
    "zero_terms_query": "NONE",
    "auto_generate_synonyms_phrase_query": True,
}
QUERIES: dict[str, Normal] = {
    "match_all": lambda body: _boosted(body, {}),
    "term": _on_field("value", {}),
    "terms": _terms,
    "range": _range,
    "exists": lambda body: _boosted(body, {"field": body.get("field")}),
    "match": _on_field("query", MATCH),
    "match_phrase": _on_field("query", {"slop": 0, "zero_terms_query": "NONE"}),
    "wildcard": _on_field("wildcard", {}, {"value": "wildcard"}),
    "prefix": _on_field("value", {}, {"prefix": "value"}),
    "ids": lambda body: _boosted(body, {"values": body.get("values", [])}),
    "bool": _bool,
    "query_string": _query_string,
    "nested": _nested,
    "script": _wrapping("script", script),
    "constant_score": _wrapping("filter", query),
}


def _sort(value: Any) -> list[Any]:
    def one(key: Any) -> Any:
        if isinstance(key, str):
            return {key: {"order": "desc" if key == "_score" else "asc"}}
        ((field, order),) = key.items()
        return {field: {"order": order} if isinstance(order, str) else {"order": "asc", **order}}

    return [one(key) for key in (value if isinstance(value, list) else [value])]


def _fetched(value: Any) -> Any:
    if value is False:
        return False
    if isinstance(value, dict):
        given = {"includes": value.get("includes", value.get("include", []))}
        given["excludes"] = value.get("excludes", value.get("exclude", []))
    else:
        given = {"includes": [] if value is True else value, "excludes": []}
    return {key: [item] if isinstance(item, str) else item for key, item in given.items()}


def _scripted_metric(body: Json) -> Json:
    phases = ("init_script", "map_script", "combine_script", "reduce_script")
    rest = {key: as_java_orders(value) for key, value in body.items() if key not in phases}
    return {phase: script(body[phase]) for phase in phases if phase in body} | rest


def _terms_aggregation(body: Json) -> Json:
    defaults: Json = {"size": 10, "min_doc_count": 1, "shard_min_doc_count": 0, "show_term_doc_count_error": False}
    order = [{"_count": "desc"}, {"_key": "asc"}]
    field = {"field": body["field"]} if "field" in body else {}
    normal: Json = {**field, **defaults, "order": order, **{k: v for k, v in body.items() if k != "field"}}
    if isinstance(body.get("order"), dict):
        ((key, _),) = body["order"].items()
        normal["order"] = body["order"] if key == "_key" else [body["order"], {"_key": "asc"}]
    return normal


def _composite(body: Json) -> Json:
    def source(named: Json) -> Json:
        ((name, kind),) = named.items()
        return {name: {key: {"missing_bucket": False, "order": "asc"} | value for key, value in kind.items()}}

    return {"size": 10, **body, "sources": [source(named) for named in body.get("sources", [])]}


def _filters(body: Json) -> Json:
    if isinstance(body.get("filters"), dict):
        return {**body, "filters": {name: query(clause) for name, clause in body["filters"].items()}}
    return body


SOURCE_FIELDS: dict[str, Normal] = {
    "query": query,
    "post_filter": query,
    "aggregations": aggregations,
    "sort": _sort,
    "_source": _fetched,
    "track_total_hits": lambda value: EVERY_HIT if value is True else (-1 if value is False else value),
}
AGGREGATIONS: dict[str, Normal] = {
    "scripted_metric": _scripted_metric,
    "terms": _terms_aggregation,
    "composite": _composite,
    "filter": query,
    "filters": _filters,
}
