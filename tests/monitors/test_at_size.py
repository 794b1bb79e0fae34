"""
A hundred thousand users over three daily indices of three shards: every attacker among them is found exactly, and nobody else.

Each user has few events here, so that a test can wait for it: what grows with the number of events is measured by `bench/`.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core import clock
from monitors import opensearch
from monitors.definitions import Definition, catalog
from monitors.errors import OpenSearchError
from monitors.findings import Finding
from monitors.profiles import Profile, learn
from monitors.rendering import Inputs
from monitors.services import search
from sandbox.okta import crowd
from sandbox.okta.people import PRIVILEGED_GROUPS
from sandbox.okta.places import TRUSTED_ZONES
from sandbox.okta.traffic import KNOWN, Traffic, plan
from tests.monitors.indexing import index_by_template
from tests.sandbox.okta.node import call

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("at-size")]

USERS = 100_000
EVENTS = 150_000
START = datetime(2026, 11, 22, tzinfo=UTC)
END = datetime(2026, 11, 24, 0, 40, tzinfo=UTC)  # attacks lie on both sides of midnight
FAMILIES = tuple(KNOWN)
# What a team tells its monitors: its own egress, its groups, and what is much for a tenant of this size.
TOLD: dict[str, dict[str, Any]] = {
    "": {"trusted_zones": TRUSTED_ZONES, "groups": [group_id for group_id, _ in PRIVILEGED_GROUPS]},
    "password-spray-many-sources": {"tries": 2_000, "users": 1_000},
}


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """Thirty-six attacks of nine families with their look-alikes, decided in the fifty minutes before the end."""
    decide_from = END - timedelta(minutes=50)
    return plan(seed=23, users=20, start=START, end=END, attacks=36, families=FAMILIES, decide_from=decide_from)


@pytest.fixture(scope="module")
def found(
    traffic: Traffic, opensearch_node_url: str, record_testsuite_property: Callable[[str, object], None]
) -> dict[str, list[Finding]]:
    """What each detection of the catalogue finds in one search; how long each took is written into the report."""
    name = f"t-{uuid4().hex[:12]}"
    pattern = index_by_template(name, traffic.events, shards=3)
    quick = {"index": {"refresh_interval": "-1", "translog.durability": "async"}}
    call(opensearch_node_url, "PUT", f"/{pattern}/_settings", quick)
    for body in crowd.bulk(users=USERS, events=EVENTS, start=START, end=END, prefix=f"{name}-"):
        answer = patiently(opensearch.call, "POST", "/_bulk", body=body.decode(), timeout=60)
        assert not answer["errors"]
    call(opensearch_node_url, "POST", f"/{pattern}/_refresh")
    profile = learn(pattern, opensearch.field_caps(pattern))
    told = {}
    for definition in catalog().values():
        began = time.perf_counter()
        told[definition.id] = findings(definition, profile)
        record_testsuite_property(f"seconds a round: {definition.id}", round(time.perf_counter() - began, 3))
    return told


def patiently(ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Ask until the node has room: that of the tests has half a gigabyte, and refuses (429) what a collection makes room for."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return ask(*args, **kwargs)
        except OpenSearchError as error:
            if error.status != 429 or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def findings(definition: Definition, profile: Profile) -> list[Finding]:
    params = {name: value for name, value in TOLD[""].items() if name in definition.parameters}
    inputs = Inputs(
        definition, params | TOLD.get(definition.id, {}), profile, "size", definition.title, definition.severity, 60
    )
    answer = patiently(search.run, inputs, end_ms=clock.to_ms(END))
    assert answer.whole, (definition.id, answer.faults)
    return list(answer.findings)


def test_every_attacker_is_found_exactly_and_nobody_else(traffic: Traffic, found: dict[str, list[Finding]]) -> None:
    expected = Counter((each.detection, each.entity) for attack in traffic.truth for each in attack.expect)
    detections = {detection for detection, _ in expected}
    assert detections == {*FAMILIES, "mfa-factor-reset"}
    told = Counter((detection, one.entity_id) for detection in detections for one in found[detection])
    assert told == expected


def test_a_journey_over_midnight_is_found_with_its_events_in_two_indices(found: dict[str, list[Finding]]) -> None:
    days = [(one.first.at.date(), one.last.at.date()) for one in found["impossible-travel"]]
    assert any(first != last for first, last in days)


def test_nothing_in_the_whole_catalogue_speaks_of_a_hundred_thousand_who_only_work(
    found: dict[str, list[Finding]],
) -> None:
    entities = {one.entity_id for answer in found.values() for one in answer}
    assert entities
    assert not {entity for entity in entities if entity == "org" or entity.startswith(("00ucrowd", "100."))}
