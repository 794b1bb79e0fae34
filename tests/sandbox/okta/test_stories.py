"""The stories of several stages, through the rendered searches on a real node: each is one critical finding with its stages."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core import clock
from monitors import opensearch
from monitors.definitions import Definition, catalog
from monitors.findings import Finding
from monitors.profiles import Profile, learn
from monitors.rendering import Inputs
from monitors.services import search
from sandbox.okta.places import TRUSTED_ZONES
from sandbox.okta.traffic import Traffic, plan
from tests.monitors.indexing import index_by_template

pytestmark = pytest.mark.opensearch

END = datetime(2026, 11, 24, 0, 40, tzinfo=UTC)  # stories lie on both sides of midnight, in two indices
STAGES = {
    "session-cookie-replay": {"user.session.start": 1, "user.authentication.sso": 1},
    "helpdesk-takeover": {"user.mfa.factor.reset_all": 1, "user.mfa.factor.activate": 1, "user.session.start": 1},
}
FAMILIES = (*STAGES, "password-spray-success")


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """Twelve stories, each family on both engines, within the time that a monitor tells of; everyday life around them."""
    start, decide_from = END - timedelta(hours=30), END - timedelta(minutes=80)
    return plan(seed=5, users=60, start=start, end=END, attacks=12, families=FAMILIES, decide_from=decide_from)


@pytest.fixture(scope="module")
def found(traffic: Traffic) -> dict[str, list[Finding]]:
    """What each detection of the catalogue finds in it."""
    pattern = index_by_template(f"t-{uuid4().hex[:12]}", traffic.events)
    profile = learn(pattern, opensearch.field_caps(pattern))
    return {one.id: findings(one, profile) for one in catalog().values()}


def findings(definition: Definition, profile: Profile) -> list[Finding]:
    params = {"trusted_zones": TRUSTED_ZONES} if "trusted_zones" in definition.parameters else {}
    inputs = Inputs(definition, params, profile, "story", definition.title, definition.severity, 60)
    return list(search.run_whole(inputs, end_ms=clock.to_ms(END)))


def test_each_story_is_found_once_by_every_detection_that_its_truth_names(
    traffic: Traffic, found: dict[str, list[Finding]]
) -> None:
    told = Counter((detection, one.entity_id) for detection in found for one in found[detection])
    expected = Counter((each.detection, each.entity) for attack in traffic.truth for each in attack.expect)
    assert len(expected) == 20  # twelve stories, and what eight of them set off besides
    assert {pair: told[pair] for pair in expected} == dict(expected)


def test_no_other_detection_speaks_of_whom_a_story_is_about(traffic: Traffic, found: dict[str, list[Finding]]) -> None:
    expected = {(each.detection, each.entity) for attack in traffic.truth for each in attack.expect}
    involved = {entity for _, entity in expected}
    told = {(detection, one.entity_id) for detection in found for one in found[detection]}
    assert {pair for pair in told if pair[1] in involved} == expected


def test_each_story_is_critical_and_its_evidence_holds_the_stages_up_to_the_deciding_event(
    traffic: Traffic, found: dict[str, list[Finding]]
) -> None:
    kinds = {event["uuid"]: event["eventType"] for event in traffic.events}
    for attack in traffic.truth:
        (finding,) = [one for one in found[attack.family] if one.entity_id == attack.expect[0].entity]
        uuids = [str(row["uuid"]) for row in finding.events]
        assert finding.severity == 1
        assert uuids[-1] == finding.last.uuid == attack.deciding_uuid
        assert set(uuids) <= set(attack.uuids)
        if attack.family in STAGES:
            assert Counter(kinds[uuid] for uuid in uuids) == STAGES[attack.family]
        else:
            assert len(uuids) == finding.observed["count"] + 1 >= 15 + 1  # all failures, then the success
