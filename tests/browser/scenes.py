"""A queue as a team has it on a working day, for screenshots and for the eye."""

from datetime import timedelta

import time_machine

from alerts.choices import DeliveryStatus, OperationKind, OperationState, Status
from alerts.models import Alert
from alerts.services import triage
from core import activity, clock
from core.models import Person
from tests.factories import (
    ago,
    involve,
    make_alert,
    make_delivery,
    make_event,
    make_evidence,
    make_monitor,
    make_occurrence,
    make_operation,
    make_person,
    make_ticket,
    make_travel_alert,
    make_user,
)


def working_day(mira: Person) -> Alert:
    """Make it, and return the alert that tells most: Anna Berg's journey."""
    jonas = make_person(make_user("jonas", first_name="Jonas", last_name="Lind"))
    for detection, severity in (("impossible-travel", 2), ("push-fatigue-success", 1), ("password-spray-source", 2)):
        make_monitor(detection, name=detection.replace("-", " ").capitalize(), severity=severity)
    make_delivery()
    make_delivery(status=DeliveryStatus.PROCESSED, findings=2)

    brute = make_alert(entity_name="tomas.ruiz@example.com", occurrence_count=4, last_seen=ago(hours=2), severity=4,
                       assignee=jonas, sentence="22 failed sign-ins of tomas.ruiz@example.com in 11 min 4 s, from 1 address")  # fmt: skip
    make_ticket(brute, "SEC-131", status="To Do")
    spray = make_alert(
        detection="Password spray from one address", detection_id="password-spray-source", severity=2,
        entity_type="ip", entity_name="203.0.113.77", entity_id="203.0.113.77", occurrence_count=9, assignee=jonas,
        sentence="61 failed sign-ins against 38 users from 203.0.113.77 in 11 min 20 s",
        observed={"count": 61, "values": 38, "seconds": 680}, limits={"users": 15, "tries": 15}, last_seen=ago(minutes=14),
    )  # fmt: skip
    make_ticket(spray, "SEC-138", status="In Progress")
    group = make_alert(
        detection="Member added to a privileged group", detection_id="privileged-group-add", severity=3,
        entity_name="priya.nair@example.com", sentence="priya.nair@example.com added contractor-17@example.com to Domain Admins",
        observed={"count": 1, "groups": "Domain Admins", "receiver": "contractor-17@example.com"}, limits={},
        last_seen=ago(minutes=31),
    )  # fmt: skip
    make_operation(group, state=OperationState.WAITING, not_before=clock.now() + timedelta(seconds=41),
                   last_error="Jira is busy (429) and asked for 40 s.", attempts=2)  # fmt: skip
    root = make_alert(
        detection="Admin role granted", detection_id="admin-role-granted", severity=1, entity_name="root.admin@example.com",
        sentence="root.admin@example.com granted Super Administrator to themself",
        severity_reasons=["the granter is the receiver"],
        observed={"count": 1, "roles": "Super Administrator", "receiver": "themself", "self_grant": True}, limits={},
        last_seen=ago(minutes=6),
        events=[make_event(type="user.account.privilege.grant", result="SUCCESS", user="root.admin@example.com",
                           ip="198.51.100.7", city="Berlin", country="Germany", at=ago(minutes=6))],
    )  # fmt: skip
    make_ticket(root, "SEC-140", status="To Do")
    push = make_alert(
        detection="Push fatigue that worked", detection_id="push-fatigue-success", severity=1,
        entity_name="li.wei@example.com", sentence="14 pushes refused in 3 min 20 s, then one accepted: li.wei@example.com",
        observed={"count": 14, "seconds": 200}, limits={"refusals": 5, "window_minutes": 10}, last_seen=ago(minutes=9),
    )  # fmt: skip
    make_ticket(push, "SEC-142", status="To Do")
    return _journey(mira)


def quarter(by: Person) -> None:
    """Make what a team worked in the twelve weeks before: found within minutes, looked at within the hour, most of it no attack."""
    detections = (
        "Brute force on one user",
        "Password spray from one address",
        "Impossible travel",
        "Admin role granted",
    )
    verdicts = ("false_positive", "benign", "true_positive", "false_positive", "benign")
    for number in range(124):
        at = ago(days=4 + min(number, 200 - number), hours=number % 7)
        with time_machine.travel(at, tick=False):
            alert = make_alert(
                detection=detections[number * number % 7 % 4], severity=1 + number % 4, status=Status.CLOSED, closed_by=by,
                verdict=verdicts[number % 5], first_seen=ago(minutes=2 + number % 9), last_seen=clock.now(),
                closed_at=clock.now() + timedelta(minutes=35 + 3 * number),
            )  # fmt: skip
        with time_machine.travel(at + timedelta(minutes=3 + number % 40), tick=False):
            activity.record("alert.acknowledged", alert, by=by)


def _journey(mira: Person) -> Alert:
    alert = make_travel_alert(occurrence_count=3, first_seen=ago(minutes=5), last_seen=ago(minutes=3))
    make_ticket(alert, "SEC-141", status="In Progress")
    make_operation(alert, OperationKind.COMMENT, state=OperationState.DONE, done_at=clock.now())
    for hours in (7, 4):
        make_occurrence(alert, first_at=ago(hours=hours, minutes=2), last_at=ago(hours=hours))
    newest = alert.occurrences.order_by("-last_at")[0]
    make_evidence(newest, [{"uuid": "5c0d", "eventType": "user.session.start", "published": "2026-11-24T14:02:11.000Z",
                            "actor": {"alternateId": "anna.berg@example.com"}, "outcome": {"result": "SUCCESS"}}])  # fmt: skip
    involve(alert, "device", "4e1c9f0ab27d", "device")
    make_alert(entity_name="anna.berg@example.com", status=Status.CLOSED, verdict="false_positive", severity=4,
               verdict_reason="VPN or network", last_seen=ago(hours=9), first_seen=ago(hours=9),
               events=[make_event()])  # fmt: skip
    triage.acknowledge(alert.pk, mira)
    return alert
