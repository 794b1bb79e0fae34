"""What the portal asks the index about an entity, and what Okta did for a runbook, on a real node in each layout that people have."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from alerts.services import entities, runbook
from alerts.services.entities import named
from core import activity, clock
from monitors.models import find_detection
from monitors.services import profiles
from tests.events import event, failed_sign_in, sign_in, user_target
from tests.factories import make_alert, make_monitor
from tests.monitors.indexing import index_by_template, index_dynamically

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db]


def indexed(layout: Any, events: list[dict[str, Any]]) -> str:
    """Index the events, learn how they lie, and return the pattern."""
    pattern = str(layout(f"entities-{uuid.uuid4().hex[:8]}", events))
    profiles.learn(pattern)
    return pattern


@pytest.mark.parametrize("layout", [index_by_template, index_dynamically])
def test_an_entity_is_found_by_each_name_that_events_give_it(layout: Any) -> None:
    now = clock.now()
    told = [
        sign_in(now - timedelta(hours=30), ip="198.51.100.9"),
        failed_sign_in(now - timedelta(hours=2)),
        sign_in(now - timedelta(hours=1), user="bert", ip="198.51.100.9"),
        event("user.lifecycle.suspend", now - timedelta(minutes=5), user="admin", targets=[user_target("anna")]),
    ]
    make_monitor(index_pattern=indexed(layout, told))
    for value in ("00uanna", "anna@example.com"):
        found = entities.look(named("user", value))
        assert [row["type"] for row in found.events] == [
            "user.lifecycle.suspend", "user.session.start", "user.session.start",
        ]  # fmt: skip
        assert found.total == 3
    assert entities.look(named("ip", "198.51.100.9")).total == 2
    assert entities.look(named("ip", "203.0.113.254")).total == 0
    assert entities.look(named("session", "no-such-session")).events == []


@pytest.mark.parametrize("layout", [index_by_template, index_dynamically])
def test_what_an_administrator_did_ticks_the_runbook(layout: Any) -> None:
    now = clock.now()
    told = [
        sign_in(now - timedelta(minutes=20)),
        event("user.session.clear", now - timedelta(minutes=5), user="admin", targets=[user_target("anna")]),
        event("user.lifecycle.suspend", now - timedelta(minutes=4), user="anna", targets=[user_target("anna")]),
    ]
    alert = make_alert(
        monitor=make_monitor("push-fatigue-success", index_pattern=indexed(layout, told)), detection_id="push-fatigue-success",
        entity_id="00uanna", entity_name="anna@example.com", first_seen=now - timedelta(minutes=15),
    )  # fmt: skip
    runbook.hear(alert)
    found = runbook.steps(find_detection(alert.detection_id), activity.history(alert))
    assert [step.ticked for step in found] == [True, False, False, False, False]
