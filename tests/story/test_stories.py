"""Attacks of several stages, the whole way: from events in the index to one critical alert with its stages and one ticket."""

import time
from collections.abc import Generator
from datetime import timedelta
from uuid import uuid4

import pytest

from sandbox.okta.places import TRUSTED_ZONES
from sandbox.okta.play import Index
from sandbox.okta.stories import STORIES
from sandbox.okta.traffic import Traffic, now, plan
from sandbox.okta.truth import Attack
from tests.story.conftest import Story, wait_until

FAMILIES = tuple(one.__name__.replace("_", "-") for one in STORIES)
INTERVAL = 60
ALERTS = "SELECT id, severity, case_id FROM alerts_alert WHERE detection_id = %s AND entity_id = %s"
EVIDENCE = """SELECT e.events FROM alerts_evidence e JOIN alerts_occurrence o ON o.id = e.occurrence_id
              WHERE o.alert_id = %s AND e.fetched_at IS NOT NULL"""
TICKETS = "SELECT key FROM alerts_ticket WHERE case_id = %s"


@pytest.fixture
def traffic(story: Story) -> Generator[Traffic, None, None]:
    """One story of each family in the index, and monitors for them that ran once, by the stand-in's clock."""
    story.portal.push_monitors(FAMILIES, INTERVAL, {"trusted_zones": TRUSTED_ZONES})
    end = now()
    told = plan(
        seed=31,
        users=0,
        start=end - timedelta(hours=26),
        end=end,
        attacks=len(FAMILIES),
        run_id=uuid4().hex[:8],
        decide_from=end - timedelta(minutes=20),
        families=FAMILIES,
    )
    index = Index(story.portal.environ["SANDBOX_OPENSEARCH_NODE_URL"])
    index.write(told.events)
    index.refresh()
    story.opensearch("POST", "/_sandbox/clock", {"now": int(time.time() * 1000)})
    story.opensearch("POST", "/_sandbox/clock", {"advance_ms": INTERVAL * 1000})
    yield told
    story.opensearch("POST", "/_sandbox/clock", {"now": None})


def test_each_story_becomes_one_critical_alert_with_its_stages_and_one_ticket(story: Story, traffic: Traffic) -> None:
    assert [attack.family for attack in traffic.truth] == list(FAMILIES)
    for attack in traffic.truth:
        follow(story, attack)


def follow(story: Story, attack: Attack) -> None:
    """See a story become an alert with evidence and a ticket."""
    entity = attack.expect[0].entity
    wait_until(lambda: story.rows(ALERTS, attack.family, entity), 30, attack.story)
    ((alert, severity, case),) = story.rows(ALERTS, attack.family, entity)
    assert severity == 1
    wait_until(lambda: story.rows(EVIDENCE, alert), 30, f"the events of {attack.story}")
    ((events,),) = story.rows(EVIDENCE, alert)
    uuids = {event["uuid"] for event in events}
    assert attack.deciding_uuid in uuids
    assert uuids <= set(attack.uuids)
    wait_until(lambda: story.rows(TICKETS, case), 30, f"a ticket about {attack.story}")
    assert len(story.rows(TICKETS, case)) == 1
