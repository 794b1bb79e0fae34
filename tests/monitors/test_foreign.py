"""Others' monitors are listed and imported with their query as it is; ours that nobody knows here are found again."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from alerts.choices import DeliveryStatus
from alerts.models import Alert, Delivery
from alerts.services import catchup, ingest
from core import clock
from monitors import kept, opensearch
from monitors.difference import difference
from monitors.errors import NotFound, PushError
from monitors.models import Deployment, Monitor
from monitors.normal import normal
from monitors.services import foreign, health, push, revisions
from tests.events import sign_in
from tests.factories import make_delivery, make_person
from tests.monitors.indexing import index_by_template

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]


def article(pattern: str, **changes: Any) -> dict[str, Any]:
    """A monitor as articles have it."""
    return {
        "type": "monitor",
        "name": f"Article {uuid.uuid4().hex[:8]}",
        "monitor_type": "query_level_monitor",
        "enabled": True,
        "schedule": {"period": {"interval": 1, "unit": "HOURS"}},
        "inputs": [
            {
                "search": {
                    "indices": [pattern],
                    "query": {"size": 5, "query": {"term": {"eventType": "user.session.start"}}},
                }
            }
        ],
        "triggers": [
            {
                "query_level_trigger": {
                    "name": "any",
                    "severity": "2",
                    "condition": {"script": {"source": "ctx.results[0].hits.total.value > 0", "lang": "painless"}},
                    "actions": [
                        {
                            "name": "slack",
                            "destination_id": "slack",
                            "message_template": {"source": "{{ctx.monitor.name}}"},
                        }
                    ],
                }
            }
        ],
        **changes,
    }


@pytest.fixture
def pattern() -> Iterator[str]:
    yield index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    for hit in opensearch.all_monitors():
        opensearch.delete_monitor(hit["_id"])


def imported(pattern: str, **changes: Any) -> tuple[Monitor, dict[str, Any]]:
    """An imported monitor, and what it was before."""
    made = opensearch.create_monitor(article(pattern))
    held = foreign.read(made["_id"])
    monitor = foreign.import_monitor(
        made["_id"], by="test", seen_seq_no=held.seq_no, **{"actions": "replace", **changes}
    )
    return monitor, held.body


def envelope(monitor: Monitor, *events: dict[str, Any], **changes: Any) -> Delivery:
    """What the imported monitor posts."""
    now = clock.now()
    hits = [{"_id": event["uuid"], "_source": event} for event in events]
    shards = {"total": 1, "successful": 1, "failed": 0}
    result = {"took": 3, "timed_out": False, "_shards": shards, "hits": {"total": {"value": len(hits)}, "hits": hits}}
    body = {
        "oktadetect": 1,
        "trigger": str(monitor.uuid),
        "revision": "1",
        "period_start": now.isoformat(),
        "period_end": now.isoformat(),
        "error": "",
        "results": [result],
        **changes,
    }
    return make_delivery(orjson.dumps(body), status=DeliveryStatus.RECEIVED, next_attempt_at=now)


def test_others_monitors_are_listed_beside_ours(pattern: str) -> None:
    theirs = opensearch.create_monitor(article(pattern))
    ours = Monitor(detection="brute-force-user", name=f"B {uuid.uuid4().hex[:6]}", index_pattern=pattern, severity=2)
    revisions.save(ours, by="test")
    push.push(ours, by="test")
    rows, total = foreign.listed(0)
    assert total == 2
    assert {(row.opensearch_id == theirs["_id"], row.monitor, row.lost) for row in rows} == {
        (True, None, False),
        (False, ours, False),
    }


def test_an_imported_monitor_keeps_query_and_condition_and_posts_to_us(pattern: str) -> None:
    monitor, before = imported(pattern)
    held = opensearch.read_monitor(Deployment.objects.get(monitor=monitor).opensearch_id)["monitor"]
    changed = {change.path for change in difference(normal(before), normal(held))}
    assert not [path for path in changed if path.startswith("inputs") or ".condition" in path or path == "schedule"]
    assert push.trigger_id(held) == str(monitor.uuid)
    (action,) = held["triggers"][0]["query_level_trigger"]["actions"]
    assert action["destination_id"] == push.CHANNEL_ID
    health.watch()
    assert Deployment.objects.get(monitor=monitor).fault == ""


def test_its_own_actions_stay_where_they_are_asked_to(pattern: str) -> None:
    monitor, _ = imported(pattern, actions="append")
    held = opensearch.read_monitor(Deployment.objects.get(monitor=monitor).opensearch_id)["monitor"]
    actions = held["triggers"][0]["query_level_trigger"]["actions"]
    assert [action["destination_id"] for action in actions] == ["slack", push.CHANNEL_ID]


def test_given_back_it_is_what_it_was_and_its_alerts_stay(pattern: str) -> None:
    monitor, before = imported(pattern)
    ingest.process(str(envelope(monitor, sign_in(clock.now())).pk))
    opensearch_id = Deployment.objects.get(monitor=monitor).opensearch_id
    foreign.give_back(monitor, by="test")
    held = opensearch.read_monitor(opensearch_id)["monitor"]
    assert difference(normal(before), normal(held)) == []
    assert not Monitor.objects.exists()
    assert Alert.objects.count() == 1


def test_what_it_finds_is_alerts_of_its_row_by_entity_and_told_twice_is_one(pattern: str) -> None:
    monitor, _ = imported(pattern)
    event = sign_in(clock.now())
    for _ in range(2):
        delivery = envelope(monitor, event)
        ingest.process(str(delivery.pk))
        delivery.refresh_from_db()
        assert (delivery.status, delivery.findings) == (DeliveryStatus.PROCESSED, 1)
    alert = Alert.objects.get()
    assert (alert.monitor, alert.entity_type, alert.occurrence_count, alert.severity) == (monitor, "user", 1, 2)


def test_one_that_tells_no_event_is_an_alert_about_the_monitor(pattern: str) -> None:
    monitor, _ = imported(pattern)
    ingest.process(str(envelope(monitor).pk))
    assert Alert.objects.get().entity_type == "monitor"


def test_its_failed_search_is_a_fault_and_no_alert(pattern: str) -> None:
    monitor, _ = imported(pattern)
    ingest.process(str(envelope(monitor, error="ScriptException[boom]", results=[]).pk))
    assert not Alert.objects.exists()
    assert "boom" in Deployment.objects.get(monitor=monitor).fault


def test_nothing_of_an_imported_monitor_is_caught_up(pattern: str) -> None:
    monitor, _ = imported(pattern)
    Deployment.objects.filter(monitor=monitor).update(catch_up_at=clock.now(), covered_to=None)
    assert catchup.catch_up() == []
    assert Deployment.objects.get(monitor=monitor).catch_up_failures == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"monitor_type": "bucket_level_monitor"}, "never their values"),
        ({"monitor_type": "doc_level_monitor"}, "each document once"),
        ({"triggers": []}, "0 triggers"),
    ],
)
def test_what_would_be_lost_is_said_and_not_imported(changes: dict[str, Any], why: str) -> None:
    assert why in kept.refused(article("x", **changes))


def test_one_that_changed_since_it_was_looked_at_is_not_imported(pattern: str) -> None:
    made = opensearch.create_monitor(article(pattern))
    with pytest.raises(PushError, match="at this moment"):
        foreign.import_monitor(made["_id"], by="test", actions="replace", seen_seq_no=made["_seq_no"] + 1)
    assert not Monitor.objects.exists()


def lost(pattern: str) -> tuple[Monitor, str, int]:
    """A monitor of ours that OpenSearch holds and nobody here knows."""
    ours = Monitor(
        detection="brute-force-user",
        name=f"B {uuid.uuid4().hex[:6]}",
        index_pattern=pattern,
        severity=2,
        params={"failures": 9},
    )
    revisions.save(ours, by="test")
    deployment = push.push(ours, by="test")
    Deployment.objects.all().delete()
    Monitor.objects.all().delete()
    return ours, deployment.opensearch_id, deployment.seq_no or 0


def test_one_of_ours_that_nobody_knows_here_is_imported_back_and_in_sync_after_a_push(pattern: str) -> None:
    ours, opensearch_id, seq_no = lost(pattern)
    assert [row.lost for row in foreign.listed(0)[0]] == [True]
    again = foreign.import_back(opensearch_id, by="test", seen_seq_no=seq_no)
    assert (again.uuid, again.detection, again.params["failures"]) == (ours.uuid, ours.detection, 9)
    assert push.push(again, by="test").opensearch_id == opensearch_id
    health.watch()
    assert Deployment.objects.get(monitor=again).fault == ""


def test_one_of_ours_that_nobody_knows_here_is_taken_out_and_never_anothers(pattern: str) -> None:
    _, opensearch_id, seq_no = lost(pattern)
    foreign.take_out(opensearch_id, by=make_person(), seen_seq_no=seq_no)
    with pytest.raises(NotFound):
        opensearch.read_monitor(opensearch_id)
    theirs = opensearch.create_monitor(article(pattern))
    with pytest.raises(PushError, match="left alone"):
        foreign.take_out(theirs["_id"], by=make_person(), seen_seq_no=theirs["_seq_no"])
