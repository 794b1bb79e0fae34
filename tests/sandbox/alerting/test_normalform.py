"""A search comes back with every default written out, and what is not known as it was sent."""

import json
from typing import Any

import pytest

from sandbox.alerting.normalform import as_java_orders, query, search_source, template


@pytest.mark.parametrize(
    ("sent", "given_back"),
    [
        ({"match_all": {}}, {"match_all": {"boost": 1.0}}),
        ({"term": {"a": 1}}, {"term": {"a": {"value": 1, "boost": 1.0}}}),
        ({"term": {"a": {"value": "x", "boost": 2}}}, {"term": {"a": {"value": "x", "boost": 2.0}}}),
        ({"terms": {"a": [1, 2], "boost": 3}}, {"terms": {"a": [1, 2], "boost": 3.0}}),
        (
            {"terms": {"a": {"index": "i", "id": "1", "path": "v"}}},
            {"terms": {"a": {"index": "i", "id": "1", "path": "v"}, "boost": 1.0}},
        ),
        (
            {"range": {"a": {"gt": 1, "lt": 2}}},
            {"range": {"a": {"from": 1, "to": 2, "include_lower": False, "include_upper": False, "boost": 1.0}}},
        ),
        (
            {"range": {"a": {"gte": "now-1h", "time_zone": "+01:00"}}},
            {
                "range": {
                    "a": {
                        "from": "now-1h",
                        "to": None,
                        "include_lower": True,
                        "include_upper": True,
                        "time_zone": "+01:00",
                        "boost": 1.0,
                    }
                }
            },
        ),
        ({"exists": {"field": "a"}}, {"exists": {"field": "a", "boost": 1.0}}),
        ({"prefix": {"a": "x"}}, {"prefix": {"a": {"value": "x", "boost": 1.0}}}),
        ({"wildcard": {"a": {"value": "x*"}}}, {"wildcard": {"a": {"wildcard": "x*", "boost": 1.0}}}),
        ({"ids": {"values": ["1"]}}, {"ids": {"values": ["1"], "boost": 1.0}}),
        (
            {"match_phrase": {"a": "x y"}},
            {"match_phrase": {"a": {"query": "x y", "slop": 0, "zero_terms_query": "NONE", "boost": 1.0}}},
        ),
        (
            {"script": {"script": "doc['a'].value>params.n"}},
            {"script": {"script": {"source": "doc['a'].value>params.n", "lang": "painless"}, "boost": 1.0}},
        ),
        (
            {"nested": {"path": "target", "query": {"term": {"target.id": "x"}}}},
            {
                "nested": {
                    "query": {"term": {"target.id": {"value": "x", "boost": 1.0}}},
                    "path": "target",
                    "ignore_unmapped": False,
                    "score_mode": "avg",
                    "boost": 1.0,
                }
            },
        ),
        ({"sltp": {"a": {"x": 1}}}, {"sltp": {"a": {"x": 1}}}),
    ],
)
def test_a_query_is_given_back_in_full(sent: dict[str, Any], given_back: dict[str, Any]) -> None:
    assert query(sent) == given_back
    assert query(given_back) == given_back


def test_a_bool_is_ordered_its_single_clauses_listed_and_its_empty_ones_dropped() -> None:
    sent = {"bool": {"must_not": {"exists": {"field": "b"}}, "should": [], "minimum_should_match": 1, "filter": [{}]}}
    (given_back,) = query(sent).values()
    assert list(given_back) == ["filter", "must_not", "adjust_pure_negative", "minimum_should_match", "boost"]
    assert given_back["must_not"] == [{"exists": {"field": "b", "boost": 1.0}}]
    assert given_back["minimum_should_match"] == "1"


def test_a_search_is_ordered_and_its_short_forms_are_written_out() -> None:
    sent = {"aggs": {"m": {"max": {"field": "a"}}}, "sort": ["a", {"b": "desc"}, "_score"], "_source": "x", "size": 1}
    given_back = search_source(sent | {"track_total_hits": False})
    assert list(given_back) == ["size", "_source", "sort", "track_total_hits", "aggregations"]
    assert given_back["sort"] == [{"a": {"order": "asc"}}, {"b": {"order": "desc"}}, {"_score": {"order": "desc"}}]
    assert given_back["_source"] == {"includes": ["x"], "excludes": []}
    assert given_back["track_total_hits"] == -1
    assert search_source(given_back) == given_back


def test_what_is_given_back_is_stable_when_it_is_sent_again() -> None:
    metric = {phase: {"source": "1"} for phase in ("reduce_script", "init_script", "combine_script", "map_script")}
    source = {
        "query": {"query_string": {"query": "a:b", "fields": ["a"], "default_operator": "AND"}},
        "aggs": {
            "f": {"scripted_metric": {**metric, "params": {"b": {"z": 1, "a": 2}}}},
            "t": {"terms": {"field": "a", "order": {"_key": "asc"}}, "aggs": {"x": {"filter": {"term": {"a": 1}}}}},
        },
    }
    once = search_source(source)
    assert search_source(json.loads(json.dumps(once))) == once


FITTED = ["tol", "km", "end", "cap", "max", "kmh"]  # as the positions in r95's errors show


def test_params_come_in_the_order_of_a_java_map_which_depends_on_its_size() -> None:
    """A template goes by text: what a stray `{{` swallows is what comes after it in this order."""
    params = dict.fromkeys(["end", "km", "kmh", "cap", "max", "tol"], 0)
    assert list(as_java_orders(params)) == ["tol", "km", "cap", "max", "kmh", "end"]
    rendered = json.loads(template({"aggregations": {"f": {"scripted_metric": {"params": as_java_orders(params)}}}}))
    assert list(rendered["aggregations"]["f"]["scripted_metric"]["params"]) == FITTED
