"""Taking a decision back, before Jira hears of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from alerts.choices import Cause, OperationKind, OperationState, Status, Verdict
from alerts.models import Alert, TicketOperation
from alerts.services import triage, undo
from alerts.ticketing import operations
from core import activity, clock
from core.models import Activity, Person
from tests.factories import make_alert, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db

KEPT = (
    "status", "assignee", "snoozed_until", "wakes_when_it_grows", "severity", "severity_reasons",
    "verdict", "verdict_reason", "verdict_cause", "closed_by", "closed_at",
)  # fmt: skip


@pytest.fixture
def mira() -> Person:
    return make_person(make_user("mira"))


def state(alert: Alert) -> dict[str, Any]:
    alert.refresh_from_db()
    return {name: getattr(alert, name) for name in KEPT}


def newest(alert: Alert) -> Activity:
    return activity.history(alert)[0]


DECISIONS: dict[str, Callable[[Alert, Person], object]] = {
    "assign": lambda alert, by: triage.assign(alert.pk, by, to=by),
    "acknowledge": lambda alert, by: triage.acknowledge(alert.pk, by),
    "snooze": lambda alert, by: triage.snooze(alert.pk, by, until=clock.now() + timedelta(hours=1), or_growth=True),
    "judge": lambda alert, by: triage.judge_true(alert.pk, by),
    "escalate": lambda alert, by: triage.escalate(alert.pk, by),
    "close": lambda alert, by: triage.close(
        alert.pk, by, verdict=Verdict.FALSE_POSITIVE, reason="Frankfurt", cause=Cause.VPN
    ),
}


@pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS)
def test_every_decision_is_taken_back_whole_and_history_says_so(
    mira: Person, decide: Callable[[Alert, Person], object]
) -> None:
    alert = make_alert()
    make_ticket(alert)
    before = state(alert)
    decide(alert, mira)
    assert state(alert) != before
    undo.undo(newest(alert).pk, mira)
    assert state(alert) == before
    assert newest(alert).action == "alert.undone"
    assert not alert.operations.exclude(kind=OperationKind.CREATE).exists()


def test_reopening_is_taken_back_with_verdict_author_and_time(mira: Person) -> None:
    alert = make_alert()
    DECISIONS["close"](alert, mira)
    before = state(alert)
    triage.reopen(alert.pk, mira)
    undo.undo(newest(alert).pk, mira)
    assert state(alert) == before


def test_jira_hears_of_a_closing_only_once_it_cannot_be_undone(mira: Person) -> None:
    alert = make_alert()
    make_ticket(alert)
    DECISIONS["close"](alert, mira)
    assert alert.case_id not in operations.due()
    with time_machine.travel(clock.now() + timedelta(seconds=triage.UNDO_SECONDS + 1)):
        assert alert.case_id in operations.due()


def test_after_ten_seconds_it_is_too_late(mira: Person) -> None:
    alert = make_alert()
    DECISIONS["acknowledge"](alert, mira)
    with time_machine.travel(clock.now() + timedelta(seconds=triage.UNDO_SECONDS + 1)), pytest.raises(undo.TooLate):
        undo.undo(newest(alert).pk, mira)
    assert state(alert)["status"] == Status.ACKNOWLEDGED


def test_what_somebody_else_did_since_is_not_undone_with_it(mira: Person) -> None:
    alert = make_alert()
    DECISIONS["acknowledge"](alert, mira)
    line = newest(alert).pk
    jonas = make_person()
    triage.assign(alert.pk, jonas, to=jonas)
    with pytest.raises(undo.TooLate, match="changed since"):
        undo.undo(line, mira)
    assert state(alert)["assignee"] == jonas


def test_nobody_undoes_what_somebody_else_decided(mira: Person) -> None:
    alert = make_alert()
    DECISIONS["acknowledge"](alert, mira)
    with pytest.raises(triage.NoSuchAlert):
        undo.undo(newest(alert).pk, make_person())


def test_a_decision_is_undone_once(mira: Person) -> None:
    alert = make_alert()
    DECISIONS["acknowledge"](alert, mira)
    line = newest(alert).pk
    undo.undo(line, mira)
    with pytest.raises(undo.TooLate):
        undo.undo(line, mira)


def test_a_closing_is_not_undone_beside_another_open_alert_about_the_same(mira: Person) -> None:
    alert = make_alert(fingerprint="f" * 64)
    DECISIONS["close"](alert, mira)
    new = make_alert(fingerprint="f" * 64)
    with pytest.raises(undo.TooLate, match=str(new)):
        undo.undo(newest(alert).pk, mira)


def test_when_jira_heard_of_it_already_it_is_owed_the_status_that_is_right_again(mira: Person) -> None:
    alert = make_alert()
    make_ticket(alert)
    DECISIONS["close"](alert, mira)
    TicketOperation.objects.filter(kind=OperationKind.TRANSITION).update(
        state=OperationState.DONE, sent_at=clock.now(), not_before=None
    )
    undo.undo(newest(alert).pk, mira)
    states = alert.operations.filter(kind=OperationKind.TRANSITION).values_list("state", flat=True)
    assert sorted(states) == [OperationState.DONE, OperationState.PENDING]
