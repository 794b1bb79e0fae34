"""What people may decide about an alert, and what is written when they do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from alerts.choices import Cause, OperationKind, OperationState, Status, Verdict
from alerts.models import Alert
from alerts.services import triage
from core import activity, clock
from core.models import Activity, Person
from tests.factories import make_alert, make_operation, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira() -> Person:
    return make_person(make_user("mira"))


def newest(alert: Alert) -> Activity:
    return activity.history(alert)[0]


def test_assigning_gives_the_alert_to_somebody_and_writes_who_had_it_before(mira: Person) -> None:
    jonas = make_person()
    alert = make_alert(assignee=jonas)
    triage.assign(alert.pk, mira, to=mira)
    alert.refresh_from_db()
    assert alert.assignee == mira
    told = newest(alert).data
    assert (told["was"], told["now"]) == (str(jonas.key), str(mira.key))


def test_an_alert_can_be_given_back_to_nobody(mira: Person) -> None:
    alert = make_alert(assignee=mira)
    assert triage.assign(alert.pk, mira, to=None).assignee is None


def test_acknowledging_a_new_alert_makes_it_the_persons_own(mira: Person) -> None:
    alert = triage.acknowledge(make_alert().pk, mira)
    assert (alert.status, alert.assignee) == (Status.ACKNOWLEDGED, mira)


def test_acknowledging_takes_an_alert_from_nobody_who_has_it(mira: Person) -> None:
    jonas = make_person()
    assert triage.acknowledge(make_alert(assignee=jonas).pk, mira).assignee == jonas


def test_only_a_new_alert_can_be_acknowledged(mira: Person) -> None:
    alert = make_alert(status=Status.IN_PROGRESS)
    with pytest.raises(triage.NotNow, match="in progress already"):
        triage.acknowledge(alert.pk, mira)


def test_a_true_positive_stays_open_and_is_in_progress(mira: Person) -> None:
    alert = triage.judge_true(make_alert().pk, mira)
    assert (alert.status, alert.verdict, alert.assignee) == (Status.IN_PROGRESS, Verdict.TRUE_POSITIVE, mira)
    assert newest(alert).action == "alert.judged"


def test_closing_keeps_verdict_reason_author_and_time(mira: Person) -> None:
    alert = make_alert()
    triage.close(
        alert.pk, mira, verdict=Verdict.FALSE_POSITIVE, reason="VPN or network:  Frankfurt\negress", cause=Cause.VPN
    )
    alert.refresh_from_db()
    assert (alert.status, alert.verdict, alert.closed_by) == (Status.CLOSED, Verdict.FALSE_POSITIVE, mira)
    assert (alert.verdict_reason, alert.verdict_cause) == ("VPN or network: Frankfurt egress", Cause.VPN)
    assert alert.closed_at is not None
    told = newest(alert).data
    assert (told["verdict"], told["reason"], told["cause"]) == ("false_positive", alert.verdict_reason, "vpn")
    assert newest(alert).person == mira.key


def test_closing_needs_a_reason(mira: Person) -> None:
    alert = make_alert()
    with pytest.raises(triage.ReasonMissing):
        triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="  ")
    alert.refresh_from_db()
    assert alert.is_open


def test_a_closed_alert_can_be_neither_assigned_nor_judged_nor_closed_again(mira: Person) -> None:
    alert = make_alert(status=Status.CLOSED)
    decisions: list[Callable[[], Any]] = [
        lambda: triage.assign(alert.pk, mira, to=mira),
        lambda: triage.judge_true(alert.pk, mira),
        lambda: triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="Test"),
    ]
    for decide in decisions:
        with pytest.raises(triage.NotNow, match="Reopen it first"):
            decide()


def test_reopening_takes_the_verdict_back_and_remembers_it_in_history(mira: Person) -> None:
    alert = make_alert()
    triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="Test")
    reopened = triage.reopen(alert.pk, mira)
    assert (reopened.status, reopened.verdict, reopened.closed_at) == (Status.IN_PROGRESS, "", None)
    assert (newest(alert).data["verdict"], newest(alert).data["reason"]) == ("benign", "Test")


def test_an_alert_is_not_reopened_beside_another_open_one_about_the_same(mira: Person) -> None:
    old = make_alert(status=Status.CLOSED, fingerprint="f" * 64)
    new = make_alert(fingerprint="f" * 64)
    with pytest.raises(triage.NotNow, match=str(new)):
        triage.reopen(old.pk, mira)


@pytest.mark.parametrize("name", ["mira@example.com", "MIRA@example.com", "mira"])
def test_nobody_judges_an_alert_about_themself(mira: Person, name: str) -> None:
    alert = make_alert(entity_name=name)
    judgements: list[Callable[[], Any]] = [
        lambda: triage.judge_true(alert.pk, mira),
        lambda: triage.close(alert.pk, mira, verdict=Verdict.FALSE_POSITIVE, reason="Test"),
    ]
    for judge in judgements:
        with pytest.raises(triage.AboutYourself):
            judge()
    alert.refresh_from_db()
    assert (alert.verdict, alert.status) == ("", Status.NEW)


def test_somebody_else_judges_an_alert_about_an_analyst(mira: Person) -> None:
    alert = make_alert(entity_name="mira@example.com")
    assert triage.judge_true(alert.pk, make_person()).verdict == Verdict.TRUE_POSITIVE


def test_a_decision_on_an_alert_that_changed_meanwhile_does_nothing_and_says_what_changed(mira: Person) -> None:
    alert, jonas = make_alert(), make_person()
    seen = triage.newest_change(alert)
    triage.acknowledge(alert.pk, jonas)
    with pytest.raises(triage.ChangedMeanwhile) as caught:
        triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="Test", seen=seen)
    assert [change.action for change in caught.value.changes] == ["alert.acknowledged"]
    alert.refresh_from_db()
    assert (alert.status, alert.assignee) == (Status.ACKNOWLEDGED, jonas)


def test_what_happens_to_the_ticket_meanwhile_is_no_change_of_the_alert(mira: Person) -> None:
    alert = make_alert()
    seen = triage.newest_change(alert)
    activity.record("ticket.created", alert, by="ticketing", key="SEC-1")
    assert triage.acknowledge(alert.pk, mira, seen=seen).status == Status.ACKNOWLEDGED


def test_an_alert_that_does_not_exist_is_a_typed_error(mira: Person) -> None:
    with pytest.raises(triage.NoSuchAlert):
        triage.acknowledge(404, mira)


def test_a_failed_ticket_is_tried_again_and_history_says_by_whom(mira: Person) -> None:
    operation = make_operation(make_alert(), state=OperationState.FAILED, last_error="No such project.")
    triage.retry_ticket(operation.pk, mira)
    operation.refresh_from_db()
    assert operation.state == OperationState.WAITING
    assert operation.alert is not None
    assert (newest(operation.alert).action, newest(operation.alert).person) == ("ticket.retried", mira.key)


@pytest.mark.parametrize("state", [OperationState.DONE, OperationState.SENDING, OperationState.UNKNOWN])
def test_what_neither_failed_nor_waits_is_left_alone_and_writes_no_history(mira: Person, state: OperationState) -> None:
    alert = make_alert()
    operation = make_operation(alert, state=state)
    triage.retry_ticket(operation.pk, mira)
    operation.refresh_from_db()
    assert operation.state == state
    assert newest(alert).action == "alert.opened"


def test_a_snoozed_alert_is_quiet_until_its_time(mira: Person) -> None:
    until = clock.now() + timedelta(hours=4)
    alert = triage.snooze(make_alert().pk, mira, until=until)
    assert (alert.is_snoozed, alert.snoozed_until, alert.wakes_when_it_grows) == (True, until, False)
    assert newest(alert).action == "alert.snoozed"


@pytest.mark.parametrize("days", [-1, 0, 31])
def test_a_snooze_ends_in_the_coming_thirty_days(mira: Person, days: int) -> None:
    with pytest.raises(triage.NotNow, match="within 30 days"):
        triage.snooze(make_alert().pk, mira, until=clock.now() + timedelta(days=days))


def test_a_snooze_is_ended_by_hand_and_once_only(mira: Person) -> None:
    alert = triage.snooze(make_alert().pk, mira, until=clock.now() + timedelta(hours=1), or_growth=True)
    woken = triage.unsnooze(alert.pk, mira)
    assert (woken.is_snoozed, woken.wakes_when_it_grows) == (False, False)
    with pytest.raises(triage.NotNow):
        triage.unsnooze(alert.pk, mira)


def test_escalating_gives_it_to_the_responder_with_the_fewest_open_alerts(mira: Person, settings: Any) -> None:
    busy, free = make_person(make_user("busy")), make_person(make_user("free"))
    make_alert(assignee=busy)
    make_alert(assignee=free, status=Status.CLOSED)
    settings.OKTADETECT_RESPONDERS = ["busy", "free", "nobody-here"]
    alert = triage.escalate(make_alert(severity=3).pk, mira)
    assert (alert.assignee, alert.status, alert.severity) == (free, Status.IN_PROGRESS, 2)
    assert alert.severity_reasons == ["somebody escalated it"]


def test_escalating_owes_the_ticket_its_priority_in_ten_seconds(mira: Person) -> None:
    alert = make_alert(severity=3, assignee=make_person())
    make_ticket(alert)
    alert.operations.update(sent_at=clock.now())
    escalated = triage.escalate(alert.pk, mira)
    owed = alert.operations.get(kind=OperationKind.UPDATE)
    assert escalated.assignee == alert.assignee
    assert owed.payload["fields"]["priority"]
    assert owed.not_before is not None
    assert timedelta(seconds=8) < owed.not_before - clock.now() <= timedelta(seconds=10)


def test_a_critical_alert_stays_critical_when_it_is_escalated(mira: Person) -> None:
    alert = triage.escalate(make_alert(severity=1).pk, mira)
    assert (alert.severity, alert.severity_reasons, alert.assignee) == (1, [], mira)


def test_closing_an_alert_ends_its_snooze(mira: Person) -> None:
    alert = triage.snooze(make_alert().pk, mira, until=clock.now() + timedelta(hours=1), or_growth=True)
    closed = triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="Test", cause=Cause.TEST)
    assert (closed.snoozed_until, closed.wakes_when_it_grows) == (None, False)
