"""A fault that lasts makes exactly one alert and one ticket; one cause of many is one; what is mended says so and closes itself."""

from datetime import timedelta

import pytest
import time_machine
from pytest_django import Settings

from alerts.choices import OperationKind, Status
from alerts.models import Alert, TicketOperation
from alerts.services import faults
from core import clock
from core.models import Activity
from monitors import opensearch
from monitors.errors import OpenSearchAway
from monitors.models import Deployment, IndexProfile, Monitor
from monitors.services import quiet
from tests.factories import ago, make_monitor, make_person

pytestmark = pytest.mark.django_db

GONE = "OpenSearch no longer holds this monitor. Push it to mend it."
AWAY = "OpenSearch did not answer within 10 s."


def faulty(fault: str = GONE, *, minutes: float = 20) -> Monitor:
    """A monitor that has had this fault for so many minutes."""
    monitor = make_monitor()
    Deployment.objects.filter(monitor=monitor).update(fault=fault, fault_since=ago(minutes=minutes))
    return monitor


def mended() -> None:
    Deployment.objects.update(fault="", fault_since=None)


def test_a_lasting_fault_is_one_alert_with_one_ticket_however_often_it_is_told() -> None:
    monitor = faulty()
    for minutes in (0, 1, 30, 300):
        with time_machine.travel(ago(minutes=-minutes)):
            faults.tell()
    alert = Alert.objects.get()
    assert (alert.entity_type, alert.entity_id, alert.entity_name) == ("monitor", str(monitor.uuid), monitor.name)
    assert GONE in alert.sentence
    assert (alert.occurrence_count, TicketOperation.objects.count()) == (1, 1)


def test_a_fault_of_a_moment_is_none() -> None:
    faulty(minutes=14)
    faults.tell()
    assert not Alert.objects.exists()


def test_with_zero_seconds_no_fault_makes_a_ticket(settings: Settings) -> None:
    settings.OKTADETECT_FAULT_TICKET_SECONDS = 0
    faulty(minutes=6000)
    faults.tell()
    assert not Alert.objects.exists()


def test_two_monitors_with_faults_of_their_own_are_two_alerts() -> None:
    faulty()
    faulty()
    faults.tell()
    assert Alert.objects.count() == 2


def test_a_cluster_that_is_away_is_one_alert_for_all_monitors() -> None:
    for _ in range(5):
        faulty(AWAY)
    faults.tell()
    alert = Alert.objects.get()
    assert (alert.entity_name, alert.sentence, alert.observed["count"]) == ("OpenSearch", AWAY, 5)


def test_most_monitors_silent_is_one_alert_and_one_silent_among_many_is_its_own() -> None:
    silent = "Nothing was heard from this monitor since 2026-11-24 10:0{} UTC."
    for number in range(3):
        faulty(silent.format(number))
    for _ in range(2):
        make_monitor()
    faults.tell()
    assert Alert.objects.get().entity_name == "monitors gone silent"
    Alert.objects.all().delete()
    Deployment.objects.filter(fault__contains="10:02").update(fault="", fault_since=None)
    faults.tell()
    assert Alert.objects.count() == 2


def test_what_is_mended_is_said_in_the_ticket_and_closes_itself() -> None:
    faulty()
    faults.tell()
    mended()
    faults.tell()
    faults.tell()
    alert = Alert.objects.get()
    assert (alert.status, alert.verdict, alert.closed_by) == (Status.CLOSED, "", None)
    comment = TicketOperation.objects.get(kind=OperationKind.COMMENT)
    assert "This is over since" in comment.payload["text"]
    assert [row.program for row in Activity.objects.filter(action="alert.closed")] == ["watch"]


def test_what_somebody_works_on_stays_theirs_when_it_is_mended_and_the_ticket_says_so_once() -> None:
    faulty()
    faults.tell()
    Alert.objects.update(status=Status.IN_PROGRESS, assignee=make_person())
    mended()
    faults.tell()
    faults.tell()
    assert Alert.objects.get().status == Status.IN_PROGRESS
    assert TicketOperation.objects.filter(kind=OperationKind.COMMENT).count() == 1


def test_while_the_cluster_is_away_no_fault_of_a_monitor_counts_as_mended() -> None:
    monitor = faulty()
    faults.tell()
    Deployment.objects.filter(monitor=monitor).update(fault=AWAY)
    faults.tell()
    assert set(Alert.objects.values_list("entity_name", "status")) == {
        (monitor.name, Status.NEW),
        ("OpenSearch", Status.NEW),
    }


def test_an_alert_that_was_closed_stays_closed_while_the_same_fault_lasts_and_a_new_fault_is_a_new_alert() -> None:
    monitor = faulty()
    faults.tell()
    Alert.objects.update(status=Status.CLOSED)
    faults.tell()
    assert Alert.objects.count() == 1
    mended()
    later = clock.now() + timedelta(hours=2)
    Deployment.objects.filter(monitor=monitor).update(fault=GONE, fault_since=later)
    with time_machine.travel(later + timedelta(minutes=16)):
        faults.tell()
    assert Alert.objects.count() == 2


def test_a_paused_monitor_has_no_fault_that_matters() -> None:
    monitor = faulty()
    Deployment.objects.filter(monitor=monitor).update(pushed_body={"enabled": False})
    faults.tell()
    assert not Alert.objects.exists()


def quiet_index(monkeypatch: pytest.MonkeyPatch, *, events_a_day: int, hours: float) -> None:
    make_monitor()
    IndexProfile.objects.create(
        pattern="okta-system-log-*",
        learnt=Monitor.objects.get().profile().to_json(),
        learnt_at=clock.now(),
        newest_event_at=ago(hours=hours),
    )
    monkeypatch.setattr(opensearch, "search", lambda *_, **__: {"hits": {"total": {"value": events_a_day}}})


def test_an_index_gone_quiet_that_was_busy_is_a_fault_and_ends_with_the_next_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quiet_index(monkeypatch, events_a_day=24_000, hours=2)
    faults.tell()
    faults.tell()
    alert = Alert.objects.get()
    assert (alert.entity_type, alert.entity_id) == ("index", "okta-system-log-*")
    assert "some 1000 an hour were usual" in alert.sentence
    IndexProfile.objects.update(newest_event_at=clock.now())
    faults.tell()
    assert Alert.objects.get().status == Status.CLOSED


def test_an_index_that_is_never_busy_is_not_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_index(monkeypatch, events_a_day=30, hours=9)
    faults.tell()
    assert not Alert.objects.exists()


def test_an_index_that_cannot_be_asked_is_neither_told_nor_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_index(monkeypatch, events_a_day=24_000, hours=2)
    faults.tell()

    def away(*_: object, **__: object) -> None:
        raise OpenSearchAway("not reached")

    monkeypatch.setattr(opensearch, "search", away)
    faults.tell()
    assert Alert.objects.get().status == Status.NEW


def test_the_newest_event_of_each_index_that_is_searched_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_index(monkeypatch, events_a_day=1, hours=9)
    newest = ago(seconds=3).replace(microsecond=0)
    answer = {"aggregations": {"newest": {"value": float(clock.to_ms(newest))}}}
    monkeypatch.setattr(opensearch, "search", lambda *_, **__: answer)
    quiet.measure()
    assert IndexProfile.objects.get().newest_event_at == newest
