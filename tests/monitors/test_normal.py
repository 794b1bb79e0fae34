"""One form for what is sent and what comes back: nothing that OpenSearch writes is a difference, and every real change is one."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from monitors import definitions, rendering
from monitors.difference import difference
from monitors.exclusions import Exclusion
from monitors.normal import VOLATILE, normal
from monitors.profiles import template_profile
from sandbox.alerting import normalform

RECORDED = Path(__file__).parents[1] / "data" / "alerting"
UUID = "019b0000-0000-7000-8000-000000000001"


def writes() -> Iterator[Any]:
    """Every recorded create or change of a monitor that the plugin took: what was sent, and what came back."""
    for path in sorted(RECORDED.rglob("*.json")):
        told = json.loads(path.read_text())
        if not isinstance(told, dict) or not isinstance(told.get("response"), dict):
            continue
        sent, answer = told.get("request", {}).get("body"), told["response"].get("body")
        if isinstance(sent, dict) and "triggers" in sent and isinstance(answer, dict) and "monitor" in answer:
            yield pytest.param(sent, answer["monitor"], id=path.stem)


def rendered(detection: str) -> dict[str, Any]:
    """A monitor of the catalogue with two exclusions, as it is sent."""
    inputs = rendering.Inputs(
        definition=definitions.detection(detection),
        params={},
        profile=template_profile("okta-system-log-*"),
        monitor_uuid=UUID,
        name="One",
        severity=2,
        interval_seconds=60,
        exclusions=(
            Exclusion.from_json([{"kind": "user", "values": ["a@example.com"]}, {"kind": "network", "values": ["7"]}]),
            Exclusion.from_json([{"kind": "zone", "values": [f"zone {number}" for number in range(300)]}]),
        ),
    )
    return rendering.monitor(inputs, channel_id="c", revision=3, enabled=True, enabled_time_ms=1)


def given_back(body: dict[str, Any]) -> dict[str, Any]:
    """The monitor with its search as the plugin gives it back."""
    told = deepcopy(body)
    search = told["inputs"][0]["search"]
    search["query"] = normalform.search_source(search["query"])
    return told


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value."""
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from leaves(inner, (*path, place))
    else:
        yield path


def changed_at(body: Any, path: tuple[Any, ...]) -> Any:
    """A copy with another value at the path."""
    told = deepcopy(body)
    *way, last = path
    node = told
    for step in way:
        node = node[step]
    value = node[last]
    if isinstance(value, bool):
        node[last] = not value
    elif isinstance(value, int | float):
        node[last] = value + 1
    else:
        node[last] = f"{value}x"
    return told


@pytest.mark.parametrize(("sent", "back"), [*writes()])
def test_what_was_sent_equals_what_came_back(sent: dict[str, Any], back: dict[str, Any]) -> None:
    made = deepcopy(sent)
    made.pop("x_unknown", None)  # what the plugin does not know, it drops
    for trigger, theirs in zip(made["triggers"], back["triggers"], strict=True):
        (own,), (known,) = trigger.values(), theirs.values()
        own.setdefault("id", known["id"])  # made by the server where none was sent
        for action, their in zip(own.get("actions", []), known["actions"], strict=True):
            action.setdefault("id", their["id"])
    if made.get("ui_metadata") and "ui_metadata" not in back:
        del made["ui_metadata"]  # hidden from whoever is not OpenSearch Dashboards
    assert difference(normal(made), normal(back)) == []
    assert normal(normal(back)) == normal(back)


@pytest.mark.parametrize("detection", definitions.detection_ids())
def test_every_detection_equals_what_is_given_back_of_it(detection: str) -> None:
    body = rendered(detection)
    assert difference(normal(body), normal(given_back(body))) == []


@pytest.mark.parametrize(
    "detection", ["brute-force-user", "impossible-travel", "helpdesk-takeover", "mfa-factor-reset"]
)
def test_every_single_change_of_what_is_there_is_seen(detection: str) -> None:
    body = given_back(rendered(detection))
    form = normal(body)
    paths = [path for path in leaves(body) if path[0] not in VOLATILE]
    assert len(paths) > 50
    for path in paths:
        changed = normal(changed_at(body, path))
        assert difference(form, changed), path


def test_what_is_taken_away_or_added_is_seen() -> None:
    body = given_back(rendered("brute-force-user"))
    filters = body["inputs"][0]["search"]["query"]["query"]["bool"]["filter"]
    for place in range(len(filters)):
        less = deepcopy(body)
        del less["inputs"][0]["search"]["query"]["query"]["bool"]["filter"][place]
        assert difference(normal(body), normal(less)), place
    more = deepcopy(body)
    more["inputs"][0]["search"]["query"]["query"]["bool"]["filter"].append({"term": {"a": {"value": 1}}})
    assert difference(normal(body), normal(more))


def test_one_is_not_true() -> None:
    assert difference(normal({"name": "x", "a": {"b": 1}}), normal({"name": "x", "a": {"b": True}}))
