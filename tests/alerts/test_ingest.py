"""Every delivery ends processed or quarantined, and what it told becomes alerts."""

import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.models import Alert, Delivery, Evidence, Occurrence, Source
from alerts.services import ingest
from core import clock
from monitors.models import Deployment, Monitor
from monitors.services import revisions
from tests.factories import make_monitor

pytestmark = pytest.mark.django_db

SHARDS = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}


@pytest.fixture(autouse=True)
def no_evidence_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSearch is not asked here; what is wanted stays in its row."""
    monkeypatch.setattr("alerts.services.evidence.fetch", lambda *_args, **_kwargs: False)


def deliver(body: Any, source: str = "OpenSearch") -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    row, _ = Source.objects.get_or_create(name=source)
    now = clock.now()
    return Delivery.objects.create(
        received_at=now, source=row, body=raw, size=len(raw), sha256=hashlib.sha256(raw).digest(), next_attempt_at=now
    )


def process(body: Any, **options: Any) -> Delivery:
    delivery = deliver(body, **options)
    ingest.process(str(delivery.pk))
    delivery.refresh_from_db()
    return delivery


def row(entity: str | None = "00uanna", **changes: Any) -> dict[str, Any]:
    now = clock.to_ms(clock.now())
    told = {
        "entity": entity,
        "count": 20,
        "first": {"t": now - 600_000, "uuid": f"{entity}-a"},
        "last": {"t": now - 1_000, "uuid": f"{entity}-b"},
        "observed": {"count": 20, "values": 1, "seconds": 599},
        "events": [{"t": now - 1_000, "uuid": f"{entity}-b", "user": f"{entity}@example.com"}],
    }
    return {**told, **changes}


def envelope(monitor: Monitor, *rows: Any, error: str = "", results: Any = None, **value: Any) -> dict[str, Any]:
    told = {"truncated": False, "capped": False, "found": len(rows), "read": 1, "findings": list(rows), **value}
    end = clock.now()
    return {
        "oktadetect": 1,
        "trigger": str(monitor.pk),
        "revision": "1",
        "severity": "3",
        "monitor_id": "m",
        "period_start": (end - timedelta(minutes=1)).isoformat(),
        "period_end": end.isoformat(),
        "error": error,
        "results": [{"took": 5, "timed_out": False, "_shards": SHARDS, "aggregations": {"f": {"value": told}}}]
        if results is None
        else results,
    }


def deployment(monitor: Monitor) -> Deployment:
    return Deployment.objects.get(monitor=monitor)


def test_an_envelope_makes_one_alert_an_entity() -> None:
    monitor = make_monitor()
    delivery = process(envelope(monitor, row("00uanna"), row("00ubert")))
    assert (delivery.status, delivery.findings, delivery.monitor) == ("processed", 2, monitor.uuid)
    assert set(Alert.objects.values_list("entity_id", "detection_id", "detection")) == {
        ("00uanna", "brute-force-user", "Brute force on one user"),
        ("00ubert", "brute-force-user", "Brute force on one user"),
    }
    alert = Alert.objects.get(entity_id="00uanna")
    assert alert.limits["failures"] == 20
    assert alert.entity_name == "00uanna@example.com"
    assert Occurrence.objects.get(alert=alert).delivery == delivery.pk
    assert Evidence.objects.get(occurrence__alert=alert).wanted == ["00uanna-b"]


def test_an_envelope_without_findings_is_a_heartbeat() -> None:
    monitor = make_monitor(deployed=False)
    body = envelope(monitor)
    process(body)
    assert deployment(monitor).heard_at is not None
    assert deployment(monitor).covered_to.isoformat() == body["period_end"]  # type: ignore[union-attr]  # just set
    assert not Alert.objects.exists()


def test_covered_to_never_goes_back() -> None:
    monitor = make_monitor()
    ahead = clock.now() + timedelta(minutes=10)
    Deployment.objects.update(covered_to=ahead)
    process(envelope(monitor))
    assert deployment(monitor).covered_to == ahead


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "ScriptException[boom]"}, "The search failed: ScriptException[boom]"),
        ({"results": []}, "answered nothing"),
        ({"results": [{"timed_out": True, "_shards": SHARDS, "aggregations": {"f": {"value": {}}}}]}, "timed out"),
        ({"truncated": True}, "truncated"),
    ],
)
def test_an_answer_that_is_not_whole_is_a_fault_and_covers_nothing(body: dict[str, Any], words: str) -> None:
    monitor = make_monitor()
    before = deployment(monitor).covered_to
    process(envelope(monitor, **body))
    assert words in deployment(monitor).fault
    assert deployment(monitor).covered_to == before
    process(envelope(monitor))
    assert deployment(monitor).fault == ""


def test_a_cut_answer_is_completed_by_the_portal_soon_and_its_findings_count_at_once() -> None:
    monitor = make_monitor()
    process(envelope(monitor, row(), capped=True, found=900))
    assert deployment(monitor).catch_up_at is not None
    assert Alert.objects.count() == 1


def test_one_bad_finding_is_named_and_the_others_become_alerts() -> None:
    monitor = make_monitor()
    delivery = process(envelope(monitor, row(), row(entity=None), row("00ubert", first={"t": "soon"})))
    assert (delivery.status, delivery.findings, len(delivery.rejected)) == ("processed", 1, 2)
    assert "names no entity" in delivery.rejected[0]


def test_a_finding_that_the_database_refuses_harms_no_other() -> None:
    monitor = make_monitor()
    delivery = process(envelope(monitor, row("x" * 600), row("00uless", count=-1), row("00ubert")))
    assert (delivery.status, delivery.findings) == ("processed", 1)
    assert "value too long" in delivery.rejected[0]
    assert delivery.rejected[1].startswith("00uless")


@pytest.mark.parametrize("trigger", ["nobody", str(uuid.UUID(int=9))])
def test_an_envelope_of_no_monitor_of_ours_is_quarantined(trigger: str) -> None:
    body = envelope(make_monitor())
    delivery = process({**body, "trigger": trigger})
    assert (delivery.status, delivery.reason) == ("quarantined", f"Its trigger {trigger!r} is no monitor here.")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xff", b'{"oktadetect": 9}'])
def test_what_cannot_be_read_is_quarantined_with_its_reason(body: bytes) -> None:
    delivery = process(body)
    assert delivery.status == "quarantined"
    assert delivery.reason
    assert delivery.next_attempt_at is None


def article(*users: str, at: str = "2026-11-24T12:00:00Z") -> dict[str, Any]:
    hits = [
        {
            "_source": {
                "uuid": f"{user}-{at}",
                "published": at,
                "eventType": "user.session.start",
                "outcome": {"result": "FAILURE"},
                "actor": {"id": f"00u{user}", "alternateId": f"{user}@example.com"},
                "client": {"ipAddress": "203.0.113.9"},
            }
        }
        for user in users
    ]
    return {
        "ctx": {
            "monitor": {"name": "Okta brute force"},
            "trigger": {"severity": "2"},
            "results": [{"hits": {"hits": hits}}],
        }
    }


def test_the_articles_body_becomes_one_alert_an_entity_with_its_events_as_evidence() -> None:
    process(article("anna", "bert", "anna"))
    alert = Alert.objects.get(entity_id="00uanna")
    assert (Alert.objects.count(), alert.detection, alert.entity_name, alert.severity) == (
        2,
        "Okta brute force",
        "anna@example.com",
        2,
    )
    assert Evidence.objects.get(occurrence__alert=alert).events[0]["actor"]["id"] == "00uanna"


def test_the_same_body_twice_names_the_first_and_makes_nothing_new() -> None:
    first = process(article("anna"))
    second = process(article("anna"))
    assert (second.status, second.duplicate_of) == ("processed", first.pk)
    assert (Alert.objects.count(), Occurrence.objects.count()) == (1, 1)


def test_the_same_name_at_another_source_is_another_alert() -> None:
    process(article("anna"))
    process(article("anna"), source="other cluster")
    assert Alert.objects.count() == 2


def test_plain_text_is_an_alert_about_its_source_and_the_same_text_again_is_not_another() -> None:
    for _ in range(3):
        process(b"Brute force on bob\nlook now", source="curl")
    alert = Alert.objects.get()
    assert (alert.entity_type, alert.entity_name, alert.sentence) == ("source", "curl", "Brute force on bob look now")
    assert Occurrence.objects.get().told == 3
    process(b"Another thing", source="curl")
    assert Alert.objects.get().occurrence_count == 2


def test_a_delivery_is_worked_once_however_often_it_is_asked() -> None:
    delivery = deliver(article("anna"))
    for _ in range(3):
        ingest.process(str(delivery.pk))
    assert Occurrence.objects.get().told == 1


def test_a_delivery_that_its_worker_left_is_due_again_later() -> None:
    delivery = deliver(article("anna"))
    assert ingest.due() == [str(delivery.pk)]
    Delivery.objects.update(next_attempt_at=clock.now() + timedelta(seconds=15), attempts=1)
    assert ingest.due() == []


def test_a_delivery_that_never_finishes_is_quarantined_in_the_end() -> None:
    delivery = deliver(article("anna"))
    Delivery.objects.update(attempts=ingest.MAX_ATTEMPTS)
    ingest.process(str(delivery.pk))
    delivery.refresh_from_db()
    assert delivery.status == "quarantined"
    assert "never finished" in delivery.reason


def test_hostile_names_are_kept_as_data() -> None:
    monitor = make_monitor()
    name = "<script>alert(1)</script>{{7*7}}\u202e\"'\x00"
    process(envelope(monitor, row(name, events=[{"t": 1, "uuid": "a", "user": name}])))
    assert Alert.objects.get().entity_name == name.replace("\x00", "\ufffd")


def test_a_delivery_that_another_worker_holds_is_left_to_it() -> None:
    delivery = deliver(article("anna"))
    Delivery.objects.update(next_attempt_at=clock.now() + timedelta(seconds=15), attempts=1)
    ingest.process(str(delivery.pk))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("received", 1)
    assert not Alert.objects.exists()


def test_an_envelope_is_read_as_the_revision_that_sent_it_and_not_as_what_was_saved_since() -> None:
    monitor = make_monitor(deployed=False, params={"failures": 20})
    revisions.save(monitor, by="test")
    monitor.params, monitor.severity = {"failures": 99}, 1
    revisions.save(monitor, by="test")
    process({**envelope(monitor, row()), "revision": "1"})
    alert = Alert.objects.get()
    assert (alert.limits["failures"], alert.severity) == (20, 3)


@pytest.mark.parametrize("revision", ["", "7", "x", "9" * 30, "²"])
def test_an_envelope_of_an_unknown_revision_is_read_as_the_monitor_is_now(revision: str) -> None:
    assert process({**envelope(make_monitor(), row()), "revision": revision}).status == "processed"


def test_an_envelope_of_a_detection_that_left_the_catalogue_is_quarantined_and_says_so() -> None:
    delivery = process(envelope(make_monitor("left-the-catalogue"), row()))
    assert (delivery.status, delivery.attempts) == ("quarantined", 1)
    assert "left-the-catalogue" in delivery.reason


def test_ending_a_delivery_reads_no_other_body() -> None:
    process(b"the same text")
    with CaptureQueriesContext(connection) as queries:
        process(b"the same text")
    read = [one["sql"] for one in queries if one["sql"].startswith("SELECT") and '"body"' in one["sql"]]
    assert len(read) == 2  # the worker's own, and the test's look at it
