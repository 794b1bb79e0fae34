"""
What becomes of a case's alerts when its ticket was closed or reopened in Jira.

Call these within the transaction that read the change. Nobody closes an alert about themself, in Jira either.
"""

from django.conf import settings
from django.db.models import Max

from alerts.choices import Status
from alerts.fingerprint import lock_key
from alerts.models import Alert, Ticket
from alerts.services import triage
from core import activity, clock
from core.locks import take_turns
from core.models import Person

FOLLOWING = {"both", "from_jira"}


def ticket_closed(ticket: Ticket, by: Person | str) -> int:
    """Close what is open of the ticket's case, with the verdict that was given before, if any; return how many alerts that were."""
    if settings.OKTADETECT_JIRA_CLOSE_POLICY not in FOLLOWING:
        return 0
    reason = f"{ticket.key} is {ticket.status} in Jira" + (f" ({ticket.resolution})" if ticket.resolution else "")
    now, closed = clock.now(), 0
    rows = Alert.objects.select_for_update().filter(case_id=ticket.case_id, rehearsal=None).order_by("pk")
    for alert in rows.exclude(status=Status.CLOSED):
        if isinstance(by, Person) and triage.is_about(alert, by):
            activity.record("alert.not_closed", alert, by=by, reason=reason)
            continue
        alert.status, alert.snoozed_until, alert.wakes_when_it_grows = Status.CLOSED, None, False
        alert.closed_by, alert.closed_at = by if isinstance(by, Person) else None, now
        alert.verdict_reason = alert.verdict_reason or reason[: triage.MAX_REASON]
        alert.save(
            update_fields=[
                "status",
                "snoozed_until",
                "wakes_when_it_grows",
                "closed_at",
                "closed_by",
                "verdict_reason",
                "updated_at",
            ]
        )
        activity.record("alert.closed", alert, by=by, verdict=alert.verdict, reason=reason, in_jira=True)
        closed += 1
    return closed


def ticket_reopened(ticket: Ticket, by: Person | str) -> int:
    """
    Reopen what the ticket's closing had closed (where it was closed from here: the alert that was closed last); return how many.

    One whose successor about the same is open already stays closed.
    """
    if settings.OKTADETECT_JIRA_CLOSE_POLICY not in FOLLOWING:
        return 0
    alerts = Alert.objects.filter(case_id=ticket.case_id, rehearsal=None, suppressed_by=None)
    if alerts.exclude(status=Status.CLOSED).exists():
        return 0
    last = alerts.aggregate(at=Max("closed_at"))["at"]
    reopened = 0
    for pk, fingerprint in alerts.filter(closed_at=last).order_by("fingerprint").values_list("pk", "fingerprint"):
        take_turns(lock_key(fingerprint))  # as the ingest does: it may open another right now
        if Alert.objects.filter(fingerprint=fingerprint).exclude(status=Status.CLOSED).exists():
            continue
        alert = Alert.objects.select_for_update().get(pk=pk)
        was, why = alert.verdict, alert.verdict_reason
        alert.status, alert.verdict, alert.verdict_reason, alert.verdict_cause = Status.IN_PROGRESS, "", "", ""
        alert.closed_by, alert.closed_at = None, None
        alert.save(
            update_fields=[
                "status",
                "verdict",
                "verdict_reason",
                "verdict_cause",
                "closed_by",
                "closed_at",
                "updated_at",
            ]
        )
        activity.record("alert.reopened", alert, by=by, verdict=was, reason=why, in_jira=True)
        reopened += 1
    return reopened
