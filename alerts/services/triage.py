"""
What people decide about alerts. Each function changes one alert and writes its history in one transaction.

Rules that hold for all of them:
- `seen` is the id of the newest history line that the person had before their eyes (`newest_change()`). When somebody or something
  changed the alert since, nothing is done and ChangedMeanwhile says what changed. None asks for no such check.
- Nobody judges an alert about themself; they may take it, acknowledge it and read it.
- Closing and reopening owe the ticket its new status, where OKTADETECT_JIRA_CLOSE_POLICY lets them; escalating owes it its new
  priority. Jira hears of it UNDO_SECONDS later, so that whoever decided can take it back before (`alerts.services.undo`): the history
  line keeps what stood `before`, and which operations it `owes`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet

from alerts import tasks
from alerts.choices import Cause, Status, Verdict
from alerts.fingerprint import lock_key
from alerts.models import Alert, TicketOperation
from alerts.services import cases
from alerts.ticketing import operations
from core import activity, clock
from core.locks import take_turns
from core.models import Activity, Person
from core.wakeups import wake

UNDO_SECONDS = 10
LONGEST_SNOOZE = timedelta(days=30)
MAX_REASON = Alert._meta.get_field("verdict_reason").max_length or 0
AWAKE: Mapping[str, Any] = {"snoozed_until": None, "wakes_when_it_grows": False}


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
    was = _key(alert.assignee_id)
    return _change(alert, "alert.assigned", by, {"assignee": to}, was=was, now=_key(to.key if to else None))


@transaction.atomic
def acknowledge(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """Say that somebody has seen it. One that nobody has becomes theirs."""
    alert = _take(alert_id, seen)
    if alert.status != Status.NEW:
        raise NotNow(f"The alert is {alert.get_status_display().lower()} already.")
    owner = alert.assignee or by
    return _change(alert, "alert.acknowledged", by, {"status": Status.ACKNOWLEDGED, "assignee": owner},
                   assignee=_key(owner.key))  # fmt: skip


@transaction.atomic
def snooze(alert_id: int, by: Person, *, until: datetime, or_growth: bool = False, seen: int | None = None) -> Alert:
    """Let it be quiet until a time, at most LONGEST_SNOOZE from now; with `or_growth`, until more is found if that is earlier."""
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    if not clock.now() < until <= clock.now() + LONGEST_SNOOZE:
        raise NotNow(f"A snooze ends within {LONGEST_SNOOZE.days} days from now.")
    return _change(alert, "alert.snoozed", by, {"snoozed_until": until, "wakes_when_it_grows": or_growth},
                   until=until.isoformat(), or_growth=or_growth)  # fmt: skip


@transaction.atomic
def unsnooze(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """End a snooze now."""
    alert = _take(alert_id, seen)
    if not alert.is_snoozed:
        raise NotNow("The alert is not snoozed.")
    return _change(alert, "alert.woken", by, AWAKE)


@transaction.atomic
def judge_true(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """Judge it a true positive. It stays open and is in progress: the work begins now. One that nobody has becomes theirs."""
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    _must_be_judged_by(alert, by)
    owner = alert.assignee or by
    changes = {"verdict": Verdict.TRUE_POSITIVE, "status": Status.IN_PROGRESS, "assignee": owner, **AWAKE}
    return _change(alert, "alert.judged", by, changes, verdict=Verdict.TRUE_POSITIVE.value, assignee=_key(owner.key))


@transaction.atomic
def escalate(alert_id: int, by: Person, *, seen: int | None = None) -> Alert:
    """
    Give it to those who respond (OKTADETECT_RESPONDERS), one step graver and in progress; its ticket is owed the new priority.

    The responder who has the fewest open alerts gets it; where none is named, it stays with whoever has it, or becomes `by`'s.
    """
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    if alert.rehearsal_id:
        raise NotNow("It is a rehearsal: nobody has to respond.")
    owner = _responder() or alert.assignee or by
    severity = max(alert.severity - 1, 1)
    changes: dict[str, Any] = {"status": Status.IN_PROGRESS, "assignee": owner, **AWAKE}
    if severity != alert.severity:
        changes |= {"severity": severity, "severity_reasons": [*alert.severity_reasons, "somebody escalated it"]}
    return _change(alert, "alert.escalated", by, changes, owe=cases.owe_priority,
                   was=alert.severity, now=severity, assignee=_key(owner.key))  # fmt: skip


@transaction.atomic
def close(
    alert_id: int, by: Person, *, verdict: Verdict, reason: str, cause: Cause | None = None, seen: int | None = None
) -> Alert:
    """Close it with a verdict, its reason in words (1 to MAX_REASON characters), and the cause that the words explain."""
    reason = " ".join(reason.split())[:MAX_REASON]
    if not reason:
        raise ReasonMissing("Say why: the next alert of this kind is judged by it.")
    alert = _take(alert_id, seen)
    _must_be_open(alert)
    _must_be_judged_by(alert, by)
    code = cause.value if cause else ""
    changes = {"status": Status.CLOSED, "verdict": verdict, "verdict_reason": reason, "verdict_cause": code,
               "closed_by": by, "closed_at": clock.now(), **AWAKE}  # fmt: skip
    return _change(alert, "alert.closed", by, changes, owe=cases.owe_transition,
                   verdict=verdict.value, reason=reason, cause=code)  # fmt: skip


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
    if alert.suppressed_by_id:
        raise NotNow("The alert is suppressed. Bring it back instead, so that it owes its ticket.")
    another = Alert.objects.filter(fingerprint=alert.fingerprint).exclude(status=Status.CLOSED).first()
    if another is not None:
        raise NotNow(f"{another} about the same is open already. Work that one.")
    changes = {"status": Status.IN_PROGRESS, "assignee": by, "verdict": "", "verdict_reason": "", "verdict_cause": "",
               "closed_by": None, "closed_at": None}  # fmt: skip
    return _change(alert, "alert.reopened", by, changes, owe=cases.owe_transition,
                   verdict=alert.verdict, reason=alert.verdict_reason)  # fmt: skip


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
    return alert.entity_type == "user" and not person.names.isdisjoint(
        {alert.entity_name.lower(), alert.entity_id.lower()}
    )


def _change(
    alert: Alert, action: str, by: Person, changes: Mapping[str, Any], *,
    owe: Callable[[Alert], TicketOperation | None] | None = None, **data: Any,
) -> Alert:  # fmt: skip
    """Write the changes and their history line, and what the changed alert owes Jira (by `owe`), after the time for undoing."""
    before = {name: plain(getattr(alert, name)) for name in changes}
    for name, value in changes.items():
        setattr(alert, name, value)
    alert.save(update_fields=[*changes, "updated_at"])
    owed = owe(alert) if owe else None
    if owed is not None:
        TicketOperation.objects.filter(pk=owed.pk).update(not_before=clock.now() + timedelta(seconds=UNDO_SECONDS))
        data["owes"] = [str(owed.pk)]
    activity.record(action, alert, by=by, before=before, **data)
    return alert


def plain(value: Any) -> Any:
    """Return a field's value as history keeps it: people by key, times in ISO 8601."""
    if isinstance(value, Person):
        return str(value.key)
    return value.isoformat() if isinstance(value, datetime) else value


def _responder() -> Person | None:
    """Return the active responder with the fewest open alerts."""
    known = User.objects.filter(username__in=settings.OKTADETECT_RESPONDERS, is_active=True)
    people = [activity.person_of(user) for user in known.order_by("pk")]
    held = Person.objects.filter(key__in=[person.key for person in people]).annotate(
        held=Count("alerts", filter=~Q(alerts__status=Status.CLOSED))
    )
    return held.order_by("held", "key").first()


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
