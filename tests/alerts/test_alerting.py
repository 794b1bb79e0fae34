"""Evidence decides what is new: told again it is silent, apart it is a new occurrence, and races change nothing."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from alerts import fingerprint
from alerts.models import Alert, AlertEntity, Case, Evidence, Occurrence, TicketOperation
from alerts.services import triage
from alerts.services.alerting import Origin, Outcome, take
from core import clock
from core.models import Activity
from monitors.findings import Finding, Mark
from tests.factories import make_person

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = Origin(None, "test", "Brute force", "", {})
OTHER = replace(ORIGIN, detection="Other")
DELIVERY = uuid.UUID(int=7)


def finding(first: float | Mark = 0, last: float | Mark = 10, **changes: Any) -> Finding:
    """Return a finding of anna from `first` to `last`, in minutes after START where they are numbers."""
    marks = [at if isinstance(at, Mark) else Mark(START + timedelta(minutes=at), f"e-{at}") for at in (first, last)]
    told: dict[str, Any] = {
        "entity_type": "user",
        "entity_id": "00uanna",
        "entity_name": "anna@example.com",
        "count": 20,
        "first": marks[0],
        "last": marks[1],
        "observed": {"count": 20},
        "events": [
            {"t": clock.to_ms(mark.at), "uuid": mark.uuid, "ip": "203.0.113.7", "session": "s1"} for mark in marks
        ],
        "sentence": f"{changes.get('count', 20)} failed sign-ins",
        "severity": 3,
    }
    return Finding(**{**told, **changes})


def tell(*args: float | Mark, **changes: Any) -> Outcome:
    return take(finding(*args, **changes), ORIGIN, delivery=DELIVERY)


def operations(kind: str) -> int:
    return TicketOperation.objects.filter(kind=kind).count()


def test_a_first_finding_makes_alert_case_occurrence_and_owes_one_ticket() -> None:
    outcome = tell()
    alert = Alert.objects.get()
    assert (outcome.new_alert, alert.status, alert.occurrence_count, alert.case) == (True, "new", 1, Case.objects.get())
    assert (alert.first_seen, alert.last_seen) == (START, START + timedelta(minutes=10))
    assert operations("create") == 1
    assert list(Activity.objects.values_list("action", flat=True)) == ["alert.opened"]
    assert set(AlertEntity.objects.values_list("entity__kind", "role")) == {
        ("user", "entity"),
        ("ip", "source"),
        ("session", "session"),
    }


def test_the_same_finding_told_twenty_times_is_one_of_each() -> None:
    for _ in range(20):
        tell()
    assert (Alert.objects.count(), Occurrence.objects.count(), TicketOperation.objects.count()) == (1, 1, 1)
    assert Occurrence.objects.get().told == 20
    assert Activity.objects.count() == 1


def test_a_burst_that_grows_is_one_occurrence_that_grows_and_says_nothing() -> None:
    for run in range(10):
        tell(0, 10 + run, count=20 + run)
    occurrence, alert = Occurrence.objects.get(), Alert.objects.get()
    assert (occurrence.count, occurrence.last_at) == (29, START + timedelta(minutes=19))
    assert (alert.last_seen, alert.sentence) == (START + timedelta(minutes=19), "29 failed sign-ins")
    assert operations("comment") == 0


def test_a_burst_whose_beginning_slides_out_of_sight_stays_one_occurrence() -> None:
    for run in range(10):
        tell(run * 5, 30 + run * 5, count=20)
    assert Occurrence.objects.get().first_at == START
    assert Alert.objects.get().occurrence_count == 1


def test_a_smaller_count_told_later_does_not_shrink_what_was_seen() -> None:
    tell(0, 10, count=40)
    tell(5, 10, count=20)
    assert Occurrence.objects.get().count == 40


def test_a_finding_apart_is_a_new_occurrence_and_at_most_one_comment_in_a_while() -> None:
    for hour in range(5):
        tell(hour * 60, hour * 60 + 10)
    assert Alert.objects.get().occurrence_count == 5
    assert operations("create") == 1
    assert operations("comment") == 1
    assert Activity.objects.filter(action="alert.recurred").count() == 4


def test_a_closed_alert_whose_evidence_is_told_again_stays_closed() -> None:
    tell()
    Alert.objects.update(status="closed", verdict="false_positive")
    tell(0, 12, count=25)
    alert = Alert.objects.get()
    assert (alert.status, alert.sentence) == ("closed", "20 failed sign-ins")
    assert TicketOperation.objects.count() == 1


def test_a_new_occurrence_after_closing_is_a_new_alert_with_a_ticket_of_its_own_linked_to_the_first() -> None:
    tell()
    Alert.objects.update(status="closed")
    outcome = tell(60, 70)
    assert outcome.new_alert
    assert operations("create") == 2
    link = TicketOperation.objects.get(kind="link")
    assert link.depends_on == TicketOperation.objects.get(kind="create", case=outcome.occurrence.alert.case)


def test_an_older_stretch_than_a_closed_alerts_is_told_and_opens_nothing() -> None:
    tell(60, 70)
    Alert.objects.update(status="closed")
    outcome = take(finding(0, 10), ORIGIN, delivery=None)
    assert (outcome.new_alert, outcome.new_occurrence) == (False, True)
    assert Alert.objects.count() == 1
    assert operations("create") == 1


def test_an_occurrence_after_a_quiet_day_makes_an_open_alert_new_again_and_wakes_it() -> None:
    tell()
    Alert.objects.update(status="in_progress", snoozed_until=clock.now() + timedelta(days=30))
    tell(26 * 60, 26 * 60 + 5)
    alert = Alert.objects.get()
    assert (alert.status, alert.snoozed_until) == ("new", None)
    assert TicketOperation.objects.get(kind="comment").not_before is None


def test_an_occurrence_within_a_day_leaves_status_and_snooze_alone() -> None:
    tell()
    later = clock.now() + timedelta(days=30)
    Alert.objects.update(status="acknowledged", snoozed_until=later)
    tell(60, 70)
    assert (Alert.objects.get().status, Alert.objects.get().snoozed_until) == ("acknowledged", later)


def test_a_graver_occurrence_raises_the_alert_and_says_so() -> None:
    tell()
    tell(60, 70, severity=1, reasons=("through a proxy",))
    alert = Alert.objects.get()
    assert (alert.severity, alert.severity_reasons) == (1, ["through a proxy"])
    assert Activity.objects.filter(action="alert.severity_raised").count() == 1
    tell(120, 130, severity=4)
    assert Alert.objects.get().severity == 1


def test_another_entity_or_another_monitor_is_another_alert() -> None:
    tell()
    tell(entity_id="00ubert", events=[])
    take(finding(), OTHER, delivery=DELIVERY)
    assert Alert.objects.count() == 3
    # the second alert of one user within a day is linked to the first
    assert operations("link") == 1


def test_what_catch_up_found_is_shown_as_recovered() -> None:
    take(finding(), ORIGIN, delivery=None)
    assert (Alert.objects.get().recovered, Occurrence.objects.get().recovered) == (True, True)


def test_the_database_itself_refuses_a_second_open_alert_of_a_fingerprint() -> None:
    tell()
    alert = Alert.objects.get()
    alert.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        alert.save(force_insert=True)


def test_parts_of_a_fingerprint_cannot_run_together() -> None:
    assert fingerprint.fingerprint("ab", "c") != fingerprint.fingerprint("a", "bc")
    assert fingerprint.fingerprint("a", "") != fingerprint.fingerprint("a")
    assert len(fingerprint.fingerprint("x\ud800")) == 64


def test_an_earlier_stretch_that_is_found_late_moves_the_beginning_and_says_nothing() -> None:
    tell(60, 70)
    tell(0, 10, severity=1, reasons=("through a proxy",), sentence="the earlier")
    alert = Alert.objects.get()
    assert (alert.first_seen, alert.occurrence_count, alert.sentence) == (START, 2, "20 failed sign-ins")
    assert alert.severity == 1
    assert operations("comment") == 0


def test_a_graver_event_of_the_same_moment_raises_the_alert_and_its_evidence_is_wanted() -> None:
    for uuid_, severity in (("a", 3), ("b", 1)):
        mark = Mark(START, uuid_)
        events = [{"t": clock.to_ms(START), "uuid": uuid_}]
        tell(first=mark, last=mark, count=1, events=events, severity=severity, sentence=f"grant {uuid_}")
    alert = Alert.objects.get()
    assert (alert.severity, alert.sentence) == (1, "grant b")
    assert Evidence.objects.get().wanted == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_two_alerts_of_one_user_at_once_are_linked() -> None:
    take(finding(), replace(ORIGIN, detection="Earlier"), delivery=DELIVERY)
    with transaction.atomic():
        tell()
        other = ThreadPoolExecutor(max_workers=1).submit(closing(lambda: take(finding(), OTHER, delivery=DELIVERY)))
        wait([other], timeout=0.5)  # it ends within that where nothing makes it wait for us
    other.result(timeout=30)
    assert (operations("create"), operations("link")) == (3, 3)


@pytest.mark.django_db(transaction=True)
def test_reopening_while_another_alert_of_the_same_is_opened_is_refused_in_words() -> None:
    tell()
    Alert.objects.update(status="closed")
    closed = Alert.objects.get()
    person = make_person()
    with transaction.atomic():
        tell(60, 70)
        reopening = ThreadPoolExecutor(max_workers=1).submit(closing(lambda: triage.reopen(closed.pk, person)))
        wait([reopening], timeout=0.5)
    with pytest.raises(triage.NotNow, match="is open already"):
        reopening.result(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_an_alert_that_is_joined_into_another_case_while_it_is_seen_again_is_the_one_that_recurs() -> None:
    alert, into = tell().occurrence.alert, Case.objects.create(entity_type="user", entity_id="00uanna")
    with transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(case=into)
        again = ThreadPoolExecutor(max_workers=1).submit(closing(lambda: tell(60, 70)))
        wait([again], timeout=0.5)  # for the alert, which we hold
    assert again.result(timeout=30).occurrence.alert_id == alert.pk
    alert = Alert.objects.get()
    assert (alert.case, alert.occurrence_count) == (into, 2)


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one_alert_and_one_ticket() -> None:
    outcomes = at_once(20, lambda: tell())
    assert sum(outcome.new_alert for outcome in outcomes) == 1
    assert (Alert.objects.count(), Occurrence.objects.count(), operations("create")) == (1, 1, 1)
    assert Occurrence.objects.get().told == 20


@pytest.mark.django_db(transaction=True)
def test_different_entities_at_once_do_not_deadlock_over_what_they_share() -> None:
    numbers = iter(range(20))
    outcomes = at_once(20, lambda: tell(entity_id=f"00u{next(numbers)}"))
    assert len(outcomes) == Alert.objects.count() == 20


def closing(work: Callable[[], Any]) -> Callable[[], Any]:
    """Return `work` for a thread: it closes its connection at the end."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return run


def at_once(count: int, work: Callable[[], Outcome]) -> list[Outcome]:
    """Run `work` in so many threads, all let go at the same moment; raise what any of them raised."""
    gate, results, errors = threading.Barrier(count), [], []

    def run() -> None:
        try:
            gate.wait(timeout=30)
            results.append(work())
        except Exception as error:  # noqa: BLE001 - told to the test below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors, errors
    return results
