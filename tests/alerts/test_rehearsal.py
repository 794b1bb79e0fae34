"""A rehearsal goes the whole way and leaves nothing behind; nothing real is ever taken for one."""

import copy
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from alerts import querysets
from alerts.models import Alert, Delivery, Evidence, Rehearsal, TicketOperation
from alerts.services import ingest, rehearsal, rehearsed, triage
from alerts.services.rehearsal import RehearsalRefused
from alerts.ticketing import fields
from core import clock
from core.models import Activity
from monitors import opensearch, rehearsing, rendering
from monitors.errors import OpenSearchAway
from monitors.ingest import load_template
from monitors.models import Deployment, Monitor
from monitors.services import push, revisions
from tests.alerts.test_ingest import deliver
from tests.events import sign_in
from tests.factories import make_person
from tests.monitors.indexing import index_by_template, index_dynamically

pytestmark = [pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]


def make(detection: str, pattern: str = "", **values: Any) -> Monitor:
    pattern = pattern or index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    monitor = Monitor(
        detection=detection, name=f"{detection} {uuid.uuid4().hex[:6]}", index_pattern=pattern, severity=2, **values
    )
    revisions.save(monitor, by="test")
    push.push(monitor, by="test")
    return monitor


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    """Travel, pushed; what rehearsals left is gone afterwards."""
    made = make("impossible-travel", interval_seconds=3600)
    yield made
    opensearch.call("DELETE", f"/{rehearsing.PREFIX}*", params={"allow_no_indices": "true"})


def begin(monitor: Monitor) -> Rehearsal:
    row = rehearsal.start(monitor, by="test")
    rehearsal.advance(str(row.pk))
    row.refresh_from_db()
    return row


def tell(monitor: Monitor) -> Delivery:
    """Deliver what OpenSearch would tell of the monitor now: its search over all that it reads."""
    now = clock.now()
    body = rendering.plain_search(revisions.inputs_of(monitor), end_ms=clock.to_ms(now))
    wide = f"{monitor.index_pattern},{rehearsing.pattern(monitor.index_pattern)}"
    message = {
        "oktadetect": 1,
        "trigger": str(monitor.pk),
        "revision": "1",
        "period_start": (now - timedelta(minutes=1)).isoformat(),
        "period_end": now.isoformat(),
        "error": "",
        "results": [opensearch.search(wide, body)],
    }
    delivery = deliver(json.loads(json.dumps(message)))
    ingest.process(str(delivery.pk))
    delivery.refresh_from_db()
    return delivery


def documents(row: Rehearsal) -> dict[str, dict[str, Any]]:
    return {hit["_id"]: hit["_source"] for hit in opensearch.search(row.index, {"size": 100})["hits"]["hits"]}


def forge(index: str, found: dict[str, dict[str, Any]]) -> None:
    """Write documents as somebody would who may write there; an index that is not there yet gets the right mapping."""
    opensearch.make_index(index, rehearsing.index_body(load_template()["template"]["mappings"], {}))
    opensearch.put_documents(index, found)


def test_a_rehearsal_goes_the_whole_way_and_leaves_nothing_but_its_result(monitor: Monitor) -> None:
    row = begin(monitor)
    assert (row.state, row.error, row.alerted_at) == ("running", "", None)
    assert row.indexed_at is not None
    assert row.searchable_at is not None
    delivery = tell(monitor)
    assert delivery.status == "processed"
    alert = Alert.objects.get(rehearsal=row)
    assert "example.com signed in from Berlin, Germany, 1 h later from Singapore" in alert.sentence
    assert fields.summary(alert).startswith("[Rehearsal] Security Alert: ")
    assert not TicketOperation.objects.filter(case=alert.case).exists()
    rehearsal.advance(str(row.pk))
    row.refresh_from_db()
    alert.refresh_from_db()
    assert (row.state, row.error) == ("done", "")
    assert [at is not None for _, _, at in row.stages()] == [True] * 5
    assert row.delivered_at == delivery.received_at
    assert (alert.status, alert.verdict, alert.verdict_reason) == ("closed", "", "Rehearsal")
    assert len(Evidence.objects.get(occurrence__alert=alert).events) == 2
    assert row.cleaned_at is not None
    assert not opensearch.call("GET", f"/{row.index}", params={"ignore_unavailable": "true"})


def test_the_queue_shows_a_rehearsal_only_where_everything_stands(monitor: Monitor) -> None:
    begin(monitor)
    tell(monitor)
    tabs = {
        tab: querysets.in_tab(Alert.objects.all(), tab, user_id=0, now=clock.now()).count() for tab in querysets.TABS
    }
    assert {tab for tab, count in tabs.items() if count} == {"all"}


def test_no_verdict_is_taken_on_a_rehearsal(monitor: Monitor) -> None:
    begin(monitor)
    tell(monitor)
    with pytest.raises(triage.NotNow, match="It is a rehearsal"):
        triage.judge_true(Alert.objects.get().pk, make_person())


@pytest.mark.parametrize("layout", ["dynamic", "prefix"])
def test_a_rehearsal_is_laid_out_as_the_monitors_own_index(layout: str) -> None:
    prefix = "detail" if layout == "prefix" else ""
    name = f"t-{uuid.uuid4().hex[:12]}"
    monitor = make("brute-force-user", index_dynamically(name, [sign_in(clock.now())], prefix=prefix))
    row = begin(monitor)
    assert (row.state, row.error) == ("running", "")
    tell(monitor)
    assert Alert.objects.get().rehearsal == row


def test_a_higher_limit_is_rehearsed_with_more_events() -> None:
    monitor = make("brute-force-user", params={"failures": 45})
    row = begin(monitor)
    assert (row.state, row.error) == ("running", "")
    assert len(row.uuids) >= 45
    tell(monitor)
    assert Alert.objects.get().rehearsal == row


def test_an_event_with_a_bad_signature_is_taken_for_real_and_said_so(monitor: Monitor) -> None:
    row = begin(monitor)
    found = documents(row)
    for source in found.values():
        source["client"]["ipAddress"] = "192.0.2.66"
    forge(row.index, found)
    tell(monitor)
    alert = Alert.objects.get()
    assert (alert.rehearsal, alert.rehearsal_claim) == (None, rehearsed.FORGED)
    assert TicketOperation.objects.filter(case=alert.case, kind="create").exists()
    assert Activity.objects.filter(action="alert.rehearsal_refused").count() == 1


def test_an_event_without_a_signature_is_taken_for_real_and_said_so(monitor: Monitor) -> None:
    row = begin(monitor)
    found = documents(row)
    for source in found.values():
        del source[rehearsing.MARK]
    forge(row.index, found)
    tell(monitor)
    assert Alert.objects.get().rehearsal_claim == rehearsed.FORGED


def test_a_forged_twin_of_a_signed_event_unmasks_it(monitor: Monitor) -> None:
    row = begin(monitor)
    twin = copy.deepcopy(next(iter(documents(row).values())))
    twin["client"]["ipAddress"] = "192.0.2.66"
    forge(row.index, {"twin": twin})
    tell(monitor)
    assert Alert.objects.get().rehearsal_claim == rehearsed.FORGED


def test_events_of_a_rehearsal_that_is_over_are_taken_for_real_when_they_are_played_again(monitor: Monitor) -> None:
    row = begin(monitor)
    found = documents(row)
    Rehearsal.objects.filter(pk=row.pk).update(state="failed", finished_at=clock.now())
    rehearsal.advance(str(row.pk))
    Rehearsal.objects.filter(pk=row.pk).update(cleaned_at=clock.now() - timedelta(minutes=5))
    forge(row.index, found)  # the same documents, in an index of the same name
    tell(monitor)
    alert = Alert.objects.get()
    assert (alert.rehearsal, alert.rehearsal_claim) == (None, rehearsed.REPLAYED)


def test_a_signature_is_worth_nothing_in_another_index(monitor: Monitor) -> None:
    row = begin(monitor)
    found = documents(row)
    opensearch.delete_index(row.index)
    forge(f"{row.index}0", found)
    tell(monitor)
    assert Alert.objects.get().rehearsal_claim == rehearsed.FORGED


def test_events_of_a_rehearsal_among_real_ones_are_taken_for_real(monitor: Monitor) -> None:
    row = begin(monitor)
    forge(monitor.index_pattern.replace("*", "2026.11.24"), documents(row))
    tell(monitor)
    assert Alert.objects.get().rehearsal_claim == rehearsed.ELSEWHERE


def test_a_finding_of_real_and_rehearsed_events_is_taken_for_real(monitor: Monitor) -> None:
    row = begin(monitor)
    arrival = max(documents(row).values(), key=lambda source: str(source["published"]))
    real = copy.deepcopy(arrival)
    del real[rehearsing.MARK]
    real["uuid"] = str(uuid.uuid4())
    real["published"] = (clock.now() - timedelta(seconds=20)).isoformat()
    real["client"]["geographicalContext"]["geolocation"] = {"lat": 52.52, "lon": 13.405}
    forge(monitor.index_pattern.replace("*", "2026.11.24"), {real["uuid"]: real})
    tell(monitor)
    assert [alert.rehearsal_claim for alert in Alert.objects.all() if not alert.rehearsal] == [rehearsed.MIXED]


def test_what_a_monitor_tells_late_of_a_rehearsal_that_ended_makes_nothing(monitor: Monitor) -> None:
    row = begin(monitor)
    Rehearsal.objects.filter(pk=row.pk).update(state="failed", finished_at=clock.now())
    assert tell(monitor).status == "processed"
    assert not Alert.objects.exists()


def test_while_opensearch_is_away_nothing_of_a_rehearsal_is_decided(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_away(*_: object, **__: object) -> None:
        raise OpenSearchAway("OpenSearch did not answer within 2 s.")

    begin(monitor)
    with monkeypatch.context() as patched:
        patched.setattr(rehearsed, "_held", is_away)
        delivery = tell(monitor)
    assert (delivery.status, Alert.objects.count()) == ("received", 0)
    Delivery.objects.update(next_attempt_at=clock.now())
    ingest.process(str(delivery.pk))
    assert Alert.objects.get().rehearsal is not None


def test_the_portals_own_searches_never_meet_a_rehearsal(monitor: Monitor) -> None:
    row = begin(monitor)
    uuids = {"query": {"terms": {"uuid": row.uuids}}}
    for pattern in (monitor.index_pattern, "okta-*", "*"):
        assert opensearch.search(pattern, uuids)["hits"]["hits"] == []
    assert len(opensearch.search(rehearsing.pattern(monitor.index_pattern), uuids)["hits"]["hits"]) == 2


def test_a_monitor_that_does_not_answer_is_named_with_what_to_do(monitor: Monitor) -> None:
    row = begin(monitor)
    assert row.limit_at is not None
    Rehearsal.objects.filter(pk=row.pk).update(limit_at=clock.now() - timedelta(seconds=1))
    rehearsal.advance(str(row.pk))
    row.refresh_from_db()
    assert row.state == "failed"
    assert row.error.startswith("Nothing was heard from the monitor within")
    assert row.cleaned_at is not None


def test_what_a_monitor_leaves_out_is_said_at_once_and_not_waited_for(monitor: Monitor) -> None:
    monitor.params = {"max_kmh": 20000}
    revisions.save(monitor, by="test")
    push.push(monitor, by="test")
    row = begin(monitor)
    assert row.state == "failed"
    assert "its test ‘fires for Berlin and Singapore within an hour’ fires nothing" in row.error


def test_a_worker_that_died_while_it_wrote_is_followed_by_another(monitor: Monitor) -> None:
    row = rehearsal.start(monitor, by="test")
    long_ago = clock.now() - timedelta(minutes=5)
    Rehearsal.objects.filter(pk=row.pk).update(state="running", attempts=1, alive_at=long_ago, index="")
    assert str(row.pk) in rehearsal.due()
    rehearsal.advance(str(row.pk))
    row.refresh_from_db()
    assert row.indexed_at is not None


def test_only_one_rehearsal_of_a_monitor_is_under_way(monitor: Monitor) -> None:
    rehearsal.start(monitor, by="test")
    with pytest.raises(RehearsalRefused, match="under way already"):
        rehearsal.start(monitor, by="test")


def test_a_monitor_pushed_before_there_were_rehearsals_must_be_pushed_again(monitor: Monitor) -> None:
    deployment = Deployment.objects.get(monitor=monitor)
    assert deployment.pushed_body is not None
    deployment.pushed_body["inputs"][0]["search"]["indices"] = [monitor.index_pattern]
    deployment.save()
    with pytest.raises(RehearsalRefused, match="Push it again"):
        rehearsal.start(monitor, by="test")


def test_the_ticket_of_a_rehearsal_goes_to_its_own_project_and_is_deleted_again(
    monitor: Monitor, settings: Any
) -> None:
    settings.OKTADETECT_JIRA_REHEARSAL_PROJECT = "TEST"
    row = begin(monitor)
    tell(monitor)
    create = TicketOperation.objects.get(kind="create")
    assert create.alert is not None
    assert fields.create(create.alert, str(create.pk))["project"] == {"key": "TEST"}
    TicketOperation.objects.filter(pk=create.pk).update(state="done", done_at=clock.now(), result={"key": "TEST-1"})
    rehearsal.advance(str(row.pk))
    row.refresh_from_db()
    assert (row.state, row.ticket_key) == ("done", "TEST-1")
    assert TicketOperation.objects.get(kind="delete").depends_on == create


def test_the_schedule_begins_with_whatever_was_rehearsed_longest_ago(monitor: Monitor, settings: Any) -> None:
    other = make("brute-force-user", interval_seconds=3600)
    Rehearsal.objects.create(monitor=monitor, index_pattern=monitor.index_pattern, state="done", cleaned_at=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE alerts_rehearsal SET asked_at = now() - interval '9 days'")
    assert rehearsal.start_scheduled() == []
    settings.OKTADETECT_REHEARSE_EVERY_DAYS = 7
    assert [row.monitor for row in rehearsal.start_scheduled()] == [other]
    assert [row.monitor for row in rehearsal.start_scheduled()] == [monitor]
    assert rehearsal.start_scheduled() == []
