"""The stand-in's parts, where no node is needed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.alerting import faults, finder, schedules
from sandbox.alerting.clock import Clock
from sandbox.alerting.errors import ApiError
from sandbox.alerting.values import instant, new_id, pretty

MINUTE = 60_000
MONITOR = {"name": "Okta brute force", "enabled": True, "monitor_type": "query_level_monitor", "triggers": [{"a": 1}]}
OTHER = {"name": "travel", "enabled": False, "monitor_type": "query_level_monitor", "ui_metadata": {"k": "v"}}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("enabled", "after", "due"),
    [
        (0, 0, MINUTE),
        (0, MINUTE - 1, MINUTE),
        (0, MINUTE, 2 * MINUTE),
        (500, 10 * MINUTE, 10 * MINUTE + 500),
        (5 * MINUTE, 0, 6 * MINUTE),
    ],
)
def test_a_run_is_due_a_whole_number_of_intervals_after_the_enabled_time(enabled: int, after: int, due: int) -> None:
    schedule = schedules.parsed({"period": {"interval": 1, "unit": "minutes"}})
    assert schedules.next_due(schedule, enabled, after) == due
    assert schedules.period_start(schedule, due) == due - MINUTE
    assert schedules.last_due(schedule, due, due + 2 * MINUTE + 1) == due + 2 * MINUTE


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("*/5 * * * *", "2026-11-24T12:03:10+00:00", "2026-11-24T12:05:00+00:00"),
        ("0 9 * * *", "2026-11-24T12:00:00+00:00", "2026-11-25T04:00:00+00:00"),
        ("30 8-10 * * 1,3", "2026-11-24T12:00:00+00:00", "2026-11-25T03:30:00+00:00"),
        ("0 0 1 * 1", "2026-11-24T12:00:00+00:00", "2026-11-29T19:00:00+00:00"),
        ("0 0 * * 0", "2026-11-24T12:00:00+00:00", "2026-11-28T19:00:00+00:00"),
    ],
)
def test_a_cron_schedule_goes_by_its_own_time_zone(expression: str, after: str, due: str) -> None:
    schedule = schedules.parsed({"cron": {"expression": expression, "timezone": "Asia/Almaty"}})
    found = schedules.next_due(schedule, 0, ms(after))
    assert datetime.fromtimestamp(found / 1000, UTC).isoformat() == due
    assert schedules.period_start(schedule, schedules.next_due(schedule, 0, found)) == found


@pytest.mark.parametrize(
    "schedule",
    [
        None,
        {"period": {"interval": 0, "unit": "MINUTES"}},
        {"period": {"interval": 1, "unit": "FORTNIGHTS"}},
        {"cron": {"expression": "* * * *", "timezone": "UTC"}},
        {"cron": {"expression": "61 * * * *", "timezone": "UTC"}},
        {"cron": {"expression": "* * * * *", "timezone": "Nowhere/Land"}},
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(schedule: Any) -> None:
    with pytest.raises(ApiError) as refused:
        schedules.parsed(schedule)
    assert refused.value.status == 400


def test_a_clock_that_was_set_stands_still_and_can_run_again() -> None:
    clock = Clock()
    clock.set(1_000)
    assert (clock.now(), clock.seconds_until(1_000), clock.seconds_until(2_000)) == (1_000, 0.0, None)
    clock.forward_to(5_000)
    clock.forward_to(4_000)
    assert clock.now() == 5_000
    clock.set(0, speed=1000)
    assert 0 < (clock.seconds_until(60_000) or 0) <= 0.06
    clock.set(None)
    assert abs(clock.now() - datetime.now(UTC).timestamp() * 1000) < 1000


def find(query: dict[str, Any], **body: Any) -> list[str]:
    counters = {"_version": 1, "_seq_no": 0, "_primary_term": 1}
    stored = {key: {**counters, "monitor": monitor} for key, monitor in (("a", MONITOR), ("b", OTHER))}
    hits = finder.search(stored, {"query": query, **body}, to_dashboards=False)["hits"]["hits"]
    return [hit["_id"] for hit in hits]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"match_all": {}}, ["a", "b"]),
        ({"term": {"monitor.name.keyword": "Okta brute force"}}, ["a"]),
        ({"term": {"monitor.name.keyword": {"value": "okta brute force"}}}, []),
        ({"term": {"monitor.name": "brute"}}, ["a"]),
        ({"terms": {"_id": ["b", "c"]}}, ["b"]),
        ({"ids": {"values": ["a"]}}, ["a"]),
        ({"term": {"monitor.enabled": True}}, ["a"]),
        ({"match": {"monitor.name": "FORCE travel"}}, ["a", "b"]),
        ({"match": {"monitor.name": {"query": "okta travel", "operator": "and"}}}, []),
        ({"match_phrase": {"monitor.name": "brute force"}}, ["a"]),
        ({"prefix": {"monitor.name.keyword": "Okta"}}, ["a"]),
        ({"wildcard": {"monitor.name.keyword": {"value": "*force"}}}, ["a"]),
        ({"exists": {"field": "monitor.name"}}, ["a", "b"]),
        ({"exists": {"field": "monitor"}}, ["a", "b"]),
        ({"exists": {"field": "monitor.triggers"}}, []),
        ({"bool": {"must_not": {"term": {"monitor.enabled": True}}}}, ["b"]),
        ({"bool": {"should": [{"term": {"monitor.name": "okta"}}], "filter": [{"match_all": {}}]}}, ["a", "b"]),
        ({"bool": {"should": [{"term": {"monitor.name": "okta"}}, {"ids": {"values": ["x"]}}]}}, ["a"]),
    ],
)
def test_monitors_are_searched_as_their_index_would_be(query: dict[str, Any], found: list[str]) -> None:
    assert find(query) == found


def test_a_search_of_monitors_is_sorted_and_paged() -> None:
    assert find({"match_all": {}}, sort=[{"monitor.name.keyword": "desc"}]) == ["b", "a"]
    assert find({"match_all": {}}, sort="_id", **{"from": 1, "size": 1}) == ["b"]


@pytest.mark.parametrize(
    "body", [{"query": {"fuzzy": {"monitor.name": "x"}}}, {"query": {"match_all": {}}, "aggs": {}}]
)
def test_a_search_of_monitors_that_is_not_known_is_refused_and_not_misread(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        finder.search({}, body, to_dashboards=False)


def test_an_error_is_told_as_the_jvm_tells_it() -> None:
    inner = {"type": "script_exception", "reason": "runtime error", "caused_by": {"type": "illegal_argument_exception"}}
    inner["caused_by"]["reason"] = "x"  # type: ignore[index]
    error = {"type": "search_phase_execution_exception", "reason": "", "phase": "fetch", "caused_by": inner}
    told = "ScriptException[runtime error]; nested: IllegalArgumentException[x];"
    assert faults.detailed(error) == f"SearchPhaseExecutionException[]; nested: {told}"
    assert faults.to_string(error) == "Failed to execute phase [fetch], "
    assert faults.for_history(error) == (
        f"Failed to execute phase [fetch], ; {told}; java.lang.IllegalArgumentException: x"
    )


def test_values_look_as_they_do_in_java() -> None:
    assert instant(1795522530000) == "2026-11-24T12:15:30Z"
    assert instant(1795522530042) == "2026-11-24T12:15:30.042Z"
    assert (
        pretty({"a": [], "b": {}, "c": [1, "é"]}) == '{\n  "a" : [ ],\n  "b" : { },\n  "c" : [\n    1,\n    "é"\n  ]\n}'
    )
    assert len({new_id() for _ in range(100)}) == 100
    assert len(new_id()) == 20
