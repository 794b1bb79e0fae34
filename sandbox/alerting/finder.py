"""A small evaluator for `POST …/monitors/_search`.

It knows `match_all`, `term`, `terms`, `ids`, `exists`, `prefix`, `wildcard`, `match`, `match_phrase` and `bool` over
the fields of a monitor as `monitor.NAME`; `NAME.keyword` is the whole value, `NAME` of a text its words. Triggers,
inputs and `ui_metadata` are not indexed. It sorts by such fields and by `_id`, and pages by `from` and `size`. Whatever
else is asked for is refused, not ignored.
"""

import fnmatch
import re
from collections.abc import Callable
from typing import Any

from sandbox.alerting.errors import rest_error
from sandbox.alerting.monitors import shown
from sandbox.alerting.values import Json

INDEX = ".opendistro-alerting-config"
NOT_INDEXED = {"triggers", "inputs", "ui_metadata", "data_sources"}
TEXT = {"name", "monitor_type", "type", "owner"}
KNOWN = {"query", "from", "size", "sort", "_source", "version", "seq_no_primary_term", "track_total_hits"}
TERM_SCORE = 2.0  # what the recorded searches by name scored

Item = tuple[str, Json]  # the id of a stored monitor, and the stored monitor


def search(stored: dict[str, Json], body: Json, to_dashboards: bool) -> Json:
    """The answer to a search among stored monitors. Raises ApiError (400) for what it does not know."""
    if unknown := set(body) - KNOWN:
        raise _unsupported(f"the field {min(unknown)}")
    query = body.get("query", {"match_all": {}})
    _check(query)
    hits = [item for item in stored.items() if _matches(item, query)]
    for key in reversed(_sort_keys(body.get("sort", []))):
        ((field, order),) = key.items()
        hits.sort(key=lambda item, field=field: _sortable(item, field), reverse=order == "desc")  # type: ignore[misc]
    score = 1.0 if "match_all" in query else TERM_SCORE
    first, size = int(body.get("from", 0)), int(body.get("size", 10))
    return {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {
            "total": {"value": len(hits), "relation": "eq"},
            "max_score": score if hits else None,
            "hits": [_hit(item, score, to_dashboards) for item in hits[first : first + size]],
        },
    }


def _hit(item: Item, score: float, to_dashboards: bool) -> Json:
    monitor_id, stored = item
    counters = {key: stored[key] for key in ("_version", "_seq_no", "_primary_term")}
    source = shown(stored["monitor"], to_dashboards)
    return {"_index": INDEX, "_id": monitor_id, **counters, "_score": score, "_source": source}


def _check(query: Json) -> None:
    """Refuse what the evaluator does not know, also when there is nothing to search."""
    if len(query) != 1:
        raise _unsupported("a query of several kinds")
    ((kind, body),) = query.items()
    if kind == "bool":
        for occur in ("must", "filter", "must_not", "should"):
            for clause in _clauses(body, occur):
                _check(clause)
    elif kind not in LEAVES:
        raise _unsupported(f"the query {kind}")


def _matches(item: Item, query: Json) -> bool:
    ((kind, body),) = query.items()
    return _bool(item, body) if kind == "bool" else LEAVES[kind](item, body)


def _clauses(body: Json, occur: str) -> list[Json]:
    given: Any = body.get(occur, [])
    return given if isinstance(given, list) else [given]


def _bool(item: Item, body: Json) -> bool:
    if not all(_matches(item, clause) for occur in ("must", "filter") for clause in _clauses(body, occur)):
        return False
    if any(_matches(item, clause) for clause in _clauses(body, "must_not")):
        return False
    should = [_matches(item, clause) for clause in _clauses(body, "should")]
    needed = int(body.get("minimum_should_match", 0 if body.get("must") or body.get("filter") else 1))
    return not should or sum(should) >= needed


def _values(item: Item, field: str) -> list[Any]:
    """What is indexed under a field."""
    monitor_id, stored = item
    if field == "_id":
        return [monitor_id]
    if field == "monitor":
        return [True]
    path = field.removeprefix("monitor.").removesuffix(".keyword").split(".")
    if not field.startswith("monitor.") or path[0] in NOT_INDEXED:
        return []
    value: Any = stored["monitor"]
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return []
    if path[-1] in TEXT and not field.endswith(".keyword"):
        return _words(str(value))
    return [value]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool):
        return str(value).lower() == str(wanted).lower()
    return str(value) == str(wanted)


def _on_field(key: str, test: Callable[[list[Any], Any], bool]) -> Callable[[Item, Json], bool]:
    def leaf(item: Item, body: Json) -> bool:
        ((field, given),) = ((name, value) for name, value in body.items() if name != "boost")
        return test(_values(item, field), given.get(key) if isinstance(given, dict) else given)

    return leaf


def _match(item: Item, body: Json) -> bool:
    ((field, given),) = body.items()
    options = given if isinstance(given, dict) else {"query": given}
    present = {str(value).lower() for value in _values(item, field)}
    wanted = [word in present for word in _words(str(options["query"]))]
    return all(wanted) if str(options.get("operator", "or")).lower() == "and" else any(wanted)


def _phrase(values: list[Any], wanted: Any) -> bool:
    words = _words(str(wanted))
    return any(values[start : start + len(words)] == words for start in range(len(values) - len(words) + 1))


LEAVES: dict[str, Callable[[Item, Json], bool]] = {
    "match_all": lambda _item, _body: True,
    "term": _on_field("value", lambda values, wanted: any(_same(value, wanted) for value in values)),
    "terms": _on_field("", lambda values, wanted: any(_same(value, one) for value in values for one in wanted)),
    "ids": lambda item, body: item[0] in body.get("values", []),
    "exists": lambda item, body: bool(_values(item, body["field"])),
    "prefix": _on_field("value", lambda values, wanted: any(str(value).startswith(wanted) for value in values)),
    "wildcard": _on_field("value", lambda values, wanted: any(fnmatch.fnmatchcase(str(v), wanted) for v in values)),
    "match": _match,
    "match_phrase": _on_field("query", _phrase),
}


def _sort_keys(sort: Any) -> list[dict[str, str]]:
    keys = []
    for key in sort if isinstance(sort, list) else [sort]:
        if isinstance(key, str):
            keys.append({key: "asc"})
        else:
            ((field, order),) = key.items()
            keys.append({field: order if isinstance(order, str) else order.get("order", "asc")})
    return keys


def _sortable(item: Item, field: str) -> tuple[bool, str | float]:
    values = _values(item, field)
    if not values:
        return (True, "")
    return (False, values[0] if isinstance(values[0], int | float) else str(values[0]))


def _unsupported(what: str) -> Exception:
    return rest_error(400, "illegal_argument_exception", f"The stand-in's search of monitors does not know {what}")
