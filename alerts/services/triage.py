"""
What people decide about alerts. Each function changes one alert and writes its history in one transaction.

Rules that hold for all of them:
- `seen` is the id of the newest history line that the person had before their eyes (`newest_change()`). When somebody or something
  changed the alert since, nothing is done and ChangedMeanwhile says what changed. None asks for no such check.
- Nobody judges an alert about themself; they may take it, acknowledge it and read it.
- Closing and reopening owe the ticket its new status, where OKTADETECT_JIRA_CLOSE_POLICY lets them; no other decision owes Jira anything.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet

from alerts import tasks
from alerts.choices import Status, Verdict
from alerts.fingerprint import lock_key
from alerts.models import Alert, TicketOperation
from alerts.services import cases
from alerts.ticketing import operations
from core import activity, clock
from core.locks import take_turns
from core.models import Activity, Person
from core.wakeups import wake

MAX_REASON = Alert._meta.get_field("verdict_reason").max_length or 0


class TriageError(Exception):
    """A decision that was not taken; `str()` is the sentence to show. Nothing was changed."""

    code = "triage"


class NoSuchAlert(TriageError):
    """There is no alert of that number."""

    code = "no_such_alert"


class AboutYourself(TriageError):
    """The alert is about the person who wants to judge it."""

    code = "about_yourself"


class NotNow(TriageError):
    """The alert's status does not allow it: closing a closed one, say."""

    code = "not_now"


class ReasonMissing(TriageError):
    """A verdict that closes needs its reason."""

    code = "reason_missing"


class ChangedMeanwhile(TriageError):
    """Somebody or something changed the alert since it was looked at; `changes` are those history lines, oldest first."""

    code = "changed_meanwhile"

    def __init__(self, changes: Sequence[Activity]) -> None:
        super().__init__("The alert changed while you were deciding. Nothing was done.")
        self.changes = changes


def newest_change(alert: Alert) -> int:
    """Return the id of the newest history line about the alert itself (not its ticket); 0 when there is none."""
    return _changes(alert).aggregate(newest=Max("id"))["newest"] or 0


@transaction.atomic
def assign(alert_id: int, by: Person, *, to: Person | None, seen: int | None = None) -> Alert:
    """Give the alert to somebody, or to nobody."""
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    was, alert.assignee = alert.assignee_id, to
    alert.save(update_fields=["assignee", "updated_at"])
    activity.record("alert.assigned", alert, by=by, was=_key(was), now=_key(to.key if to else None))
    return alert


@transaction.atomic
def acknowledge(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """Say that somebody has seen it. One that nobody has becomes theirs."""
    alert = _take(alert_id, seen)
    if alert.status != Status.NEW:
        raise NotNow(f"The alert is {alert.get_status_display().lower()} already.")
    alert.status = Status.ACKNOWLEDGED
    alert.assignee = alert.assignee or by
    alert.save(update_fields=["status", "assignee", "updated_at"])
    activity.record("alert.acknowledged", alert, by=by, assignee=_key(alert.assignee_id))
    return alert


@transaction.atomic
def judge_true(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """Judge it a true positive. It stays open and is in progress: the work begins now. One that nobody has becomes theirs."""
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    _must_be_judged_by(alert, by)
    alert.verdict, alert.status, alert.assignee = Verdict.TRUE_POSITIVE, Status.IN_PROGRESS, alert.assignee or by
    alert.save(update_fields=["verdict", "status", "assignee", "updated_at"])
    activity.record("alert.judged", alert, by=by, verdict=alert.verdict, assignee=_key(alert.assignee_id))
    return alert


@transaction.atomic
def close(alert_id: int, by: Person, *, verdict: Verdict, reason: str, seen: int | None = None) -> Alert:
    """Close it with a verdict and its reason (1 to MAX_REASON characters)."""
    reason = " ".join(reason.split())[:MAX_REASON]
    if not reason:
        raise ReasonMissing("Say why: the next alert of this kind is judged by it.")
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    _must_be_judged_by(alert, by)
    alert.status, alert.snoozed_until = Status.CLOSED, None
    alert.verdict, alert.verdict_reason = verdict, reason
    alert.closed_by, alert.closed_at = by, clock.now()
    alert.save(
        update_fields=[
            "status", "snoozed_until", "verdict", "verdict_reason", "closed_by", "closed_at", "updated_at",
        ]
    )  # fmt: skip
    activity.record("alert.closed", alert, by=by, verdict=verdict.value, reason=reason)
    _owe_status(alert)
    return alert


@transaction.atomic
def reopen(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """Take a closing back: the alert is in progress again, without a verdict, and belongs to whoever reopened it."""
    fingerprint = Alert.objects.filter(pk=alert_id).values_list("fingerprint", flat=True).first()
    if fingerprint is not None:
        take_turns(
            lock_key(fingerprint)
        )  # before the alert's own row, as the ingest does: it may open another right now
    alert = _take(alert_id, seen)
    if alert.is_open:
        raise NotNow("The alert is open already.")
    another = Alert.objects.filter(fingerprint=alert.fingerprint).exclude(status=Status.CLOSED).first()
    if another is not None:
        raise NotNow(f"{another} about the same is open already. Work that one.")
    was, why = alert.verdict, alert.verdict_reason
    alert.status, alert.assignee = Status.IN_PROGRESS, by
    alert.verdict, alert.verdict_reason, alert.closed_by, alert.closed_at = "", "", None, None
    alert.save(
        update_fields=["status", "assignee", "verdict", "verdict_reason", "closed_by", "closed_at", "updated_at"]
    )
    activity.record("alert.reopened", alert, by=by, verdict=was, reason=why)
    _owe_status(alert)
    return alert


@transaction.atomic
def retry_ticket(operation_id: UUID, by: Person) -> TicketOperation:
    """Have an effect on Jira tried again now, if it failed or waits; another is left alone. Raises TicketOperation.DoesNotExist."""
    operation = _locked(operation_id)
    if operations.retry(operation) and operation.alert is not None:
        activity.record("ticket.retried", operation.alert, by=by, operation=operation.kind)
    transaction.on_commit(partial(wake, tasks.work_case, operation.case_id))
    return operation


@transaction.atomic
def dismiss_ticket(operation_id: UUID, by: Person, *, reason: str) -> TicketOperation:
    """
    Owe Jira a failed effect no more, and say why. Without its create a case gets no ticket and no comments.

    Raises TicketOperation.DoesNotExist, and NotNow when it has not failed.
    """
    operation = _locked(operation_id)
    if not operations.dismiss(operation):
        raise NotNow(f"Only what failed is dismissed; this is {operation.get_state_display().lower()}.")
    if operation.alert is not None:
        activity.record("ticket.dismissed", operation.alert, by=by, operation=operation.kind, id=str(operation.pk),
                        reason=reason)  # fmt: skip
    return operation


@transaction.atomic
def restore_ticket(operation_id: UUID, by: Person) -> TicketOperation:
    """Take a dismissal back: it has failed, as before. Raises TicketOperation.DoesNotExist, and NotNow when it is not dismissed."""
    operation = _locked(operation_id)
    if not operations.restore(operation):
        raise NotNow("It is not dismissed, or was dismissed with what it follows.")
    if operation.alert is not None:
        activity.record("ticket.restored", operation.alert, by=by, operation=operation.kind, id=str(operation.pk))
    return operation


def _locked(operation_id: UUID) -> TicketOperation:
    return TicketOperation.objects.select_for_update(of=("self",)).select_related("alert").get(pk=operation_id)


def is_about(alert: Alert, person: Person) -> bool:
    """Whether the alert's entity is the person: by user name or e-mail address, in whatever case."""
    names = {person.email, person.user.get_username(), person.user.email} if person.user else {person.email}
    own = {name.lower() for name in names if name}
    return alert.entity_type == "user" and not own.isdisjoint({alert.entity_name.lower(), alert.entity_id.lower()})


def _owe_status(alert: Alert) -> None:
    """Owe the ticket the status that its case has now, and wake whoever brings it there."""
    if cases.owe_transition(alert) is not None:
        transaction.on_commit(partial(wake, tasks.work_case, alert.case_id))


def _take(alert_id: int, seen: int | None) -> Alert:
    """Return the alert, locked until the transaction ends."""
    alert = Alert.objects.select_for_update().filter(pk=alert_id).first()
    if alert is None:
        raise NoSuchAlert(f"There is no alert {alert_id}.")
    if seen is not None:
        changes = list(_changes(alert).filter(id__gt=seen).order_by("id")[:20])
        if changes:
            raise ChangedMeanwhile(changes)
    return alert


def _changes(alert: Alert) -> QuerySet[Activity]:
    return activity.history(alert).filter(action__startswith="alert.")


def _must_be_open(alert: Alert) -> None:
    if not alert.is_open:
        raise NotNow("The alert is closed. Reopen it first.")


def _must_be_judged_by(alert: Alert, person: Person) -> None:
    if alert.rehearsal_id:
        raise NotNow("It is a rehearsal: it closes by itself, and no verdict on it counts.")
    if is_about(alert, person):
        raise AboutYourself("This alert is about you. Somebody else judges it.")


def _key(key: UUID | None) -> str | None:
    return str(key) if key else None
