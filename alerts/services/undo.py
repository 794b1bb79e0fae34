"""Taking a decision back within seconds, before Jira hears of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from alerts import tasks
from alerts.choices import OperationKind, OperationState, Status
from alerts.fingerprint import lock_key
from alerts.models import Alert, TicketOperation
from alerts.services import cases, triage
from core import activity, clock
from core.locks import take_turns
from core.models import Activity, Person
from core.wakeups import wake

WINDOW = timedelta(seconds=triage.UNDO_SECONDS)


class TooLate(triage.TriageError):
    """The time for undoing has passed, or something else came after the decision."""

    code = "too_late"


@transaction.atomic
def undo(line: int, by: Person, *, within: timedelta = WINDOW) -> Alert:
    """
    Bring the alert back to what it was before the decision of that history line, which `by` took, and write that down.

    What it owes Jira is taken back while it has not left; else Jira is owed what is right again. Raises NoSuchAlert when
    the line is no decision of theirs, TooLate when more time than `within` passed or the alert has changed since.
    """
    told = Activity.objects.filter(pk=line, person=by.key, subject_kind="alert", data__has_key="before").first()
    alert = Alert.objects.filter(pk=int(told.subject_id)).first() if told else None
    if told is None or alert is None:
        raise triage.NoSuchAlert("There is no decision of yours to undo.")
    take_turns(
        lock_key(alert.fingerprint)
    )  # before the alert's own row, as the ingest does: it may open another right now
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if told.at < clock.now() - within:
        raise TooLate(
            f"A decision can be undone for {triage.UNDO_SECONDS} seconds. Take the opposite decision instead."
        )
    if triage.newest_change(alert) != told.pk:
        raise TooLate("The alert has changed since. Nothing was undone.")
    before = told.data["before"]
    if before.get("status", Status.CLOSED) != Status.CLOSED and not alert.is_open:
        another = Alert.objects.filter(fingerprint=alert.fingerprint).exclude(status=Status.CLOSED).first()
        if another is not None:
            raise TooLate(f"{another} about the same was opened meanwhile. Work that one.")
    _restore(alert, before)
    _take_back(alert, told.data.get("owes", ()))
    activity.record("alert.undone", alert, by=by, undone=told.action, line=told.pk)
    return alert


def owe_no_more(operations: QuerySet[TicketOperation]) -> None:
    """Take back what of these has not left. A worker that claims a row waits for its lock, and then finds it gone."""
    waiting = operations.filter(state=OperationState.PENDING, sent_at=None).select_for_update()
    TicketOperation.objects.filter(pk__in=[row.pk for row in waiting]).delete()


def _restore(alert: Alert, before: dict[str, Any]) -> None:
    for name, value in before.items():
        field = Alert._meta.get_field(name)
        if field.is_relation:
            setattr(alert, f"{name}_id", value)
        elif name in {"snoozed_until", "closed_at"}:
            setattr(alert, name, datetime.fromisoformat(value) if value else None)
        else:
            setattr(alert, name, value)
    alert.save(update_fields=[*before, "updated_at"])


def _take_back(alert: Alert, owes: Sequence[str]) -> None:
    rows = TicketOperation.objects.filter(pk__in=owes)
    owe_no_more(rows)
    if rows.filter(kind=OperationKind.TRANSITION).exists() and cases.owe_transition(alert) is not None:
        transaction.on_commit(partial(wake, tasks.work_case, alert.case_id))
