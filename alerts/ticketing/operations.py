"""
The operation machine: every effect on Jira is a row first, and happens exactly once.

pending → sending (leased) → done | unknown | waiting | failed; a person retries or dismisses what failed. A worker claims a row by a
conditional update; one whose worker died is *unknown* once its lease has passed. *Unknown* is settled by looking in Jira, past its
index lag, never by guessing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from alerts.choices import OperationKind, OperationState
from alerts.models import Alert, Occurrence, Ticket, TicketOperation
from alerts.ticketing import client, fields, transitions
from alerts.ticketing.document import Body
from alerts.ticketing.errors import JiraLater, JiraRefused, JiraUnknown
from core import activity, clock

log = structlog.get_logger(__name__)

MARGIN = timedelta(seconds=30)
LOOK_REQUESTS = 3  # who we are, the search, and the search at the old address
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
OPEN_STATES = (OperationState.PENDING, OperationState.SENDING, OperationState.WAITING, OperationState.UNKNOWN)


class NotYet(Exception):
    """What the operation needs is not there yet (the other case's ticket): it waits, and that is no fault."""


def due(limit: int = 100) -> list[int]:
    """Return the cases with an operation that somebody must work now."""
    now = clock.now()
    rows = TicketOperation.objects.filter(_claimable(now) & FREE | _lease_passed(now))
    return list(rows.order_by("case_id").values_list("case_id", flat=True).distinct()[:limit])


def work_case(case_id: int) -> None:
    """Work every operation of a case that is ready, in order. Two workers at once never do one twice."""
    now = clock.now()
    _expire_leases(case_id)
    open_ones = TicketOperation.objects.filter(case_id=case_id, state__in=OPEN_STATES)
    for operation_id in open_ones.values_list("pk", flat=True):
        if _claim(operation_id, now):
            _work(operation_id)


def retry(operation: TicketOperation) -> bool:
    """Try a failed or waiting operation again now, since somebody mended what it failed at; return whether it was one."""
    stopped = TicketOperation.objects.filter(pk=operation.pk, state__in=[OperationState.FAILED, OperationState.WAITING])
    return bool(stopped.update(state=OperationState.WAITING, not_before=clock.now(), done_at=None))


def dismiss(operation: TicketOperation) -> bool:
    """Owe Jira a failed operation no more, nor what could only have followed it; return whether it had failed."""
    failed = TicketOperation.objects.filter(pk=operation.pk, state=OperationState.FAILED)
    dismissed = bool(failed.update(state=OperationState.DISMISSED))
    if dismissed:
        operation.dependants.filter(state=OperationState.PENDING).update(state=OperationState.DISMISSED)
    return dismissed


def restore(operation: TicketOperation) -> bool:
    """
    Take a dismissal back: it has failed as before, and what follows it waits for it again. Return whether it was one.

    What was dismissed with another operation comes back with that one only.
    """
    dismissed = TicketOperation.objects.filter(pk=operation.pk, state=OperationState.DISMISSED)
    restored = bool(dismissed.exclude(depends_on__state=OperationState.DISMISSED).update(state=OperationState.FAILED))
    if restored:
        operation.dependants.filter(state=OperationState.DISMISSED).update(state=OperationState.PENDING)
    return restored


FREE = Q(depends_on=None) | Q(depends_on__state=OperationState.DONE)


def _claimable(now: datetime) -> Q:
    """What may be claimed once what it depends on is done: its time has come, and nobody holds it."""
    waits = Q(not_before=None) | Q(not_before__lte=now)
    return Q(state__in=[OperationState.PENDING, OperationState.WAITING, OperationState.UNKNOWN]) & waits


def _claim(operation_id: UUID, now: datetime) -> bool:
    """
    Hold the operation; False when it is not ready or somebody else holds it.

    The update looks at the row alone: with a join in it, Postgres would test a row that it waited for by what it was before.
    """
    if not TicketOperation.objects.filter(FREE, pk=operation_id).exists():
        return False
    free = TicketOperation.objects.filter(_claimable(now), pk=operation_id)
    return bool(free.update(state=OperationState.SENDING, lease_until=_lease()))


def _lease(requests: int = 1) -> datetime:
    """Return until when a worker may hold a row from now on: longer than all timeouts of so many requests together."""
    timeouts = settings.JIRA_CONNECT_TIMEOUT_SECONDS + settings.JIRA_READ_TIMEOUT_SECONDS
    return clock.now() + timedelta(seconds=requests * timeouts) + MARGIN


def _held(operation: TicketOperation) -> QuerySet[TicketOperation]:
    """Narrow to the operation while it is held by the lease that was read with it. Nobody else's row is ever written."""
    return TicketOperation.objects.filter(
        pk=operation.pk, state=OperationState.SENDING, lease_until=operation.lease_until
    )


def _lease_passed(now: datetime) -> Q:
    return Q(state=OperationState.SENDING, lease_until__lt=now)


def _expire_leases(case_id: int) -> None:
    """A worker died while it held the row. Whether its request left is not known, unless none was noted."""
    now = clock.now()
    held = TicketOperation.objects.filter(_lease_passed(now), case_id=case_id)
    held.filter(sent_at=None).update(state=OperationState.PENDING, lease_until=None)
    held.filter(sent_at__isnull=False).update(
        state=OperationState.UNKNOWN, lease_until=None, not_before=_past_the_lag(),
        last_error="The worker stopped before Jira's answer. What Jira holds is looked up.",
    )  # fmt: skip


def _past_the_lag() -> Any:
    return clock.now() + timedelta(seconds=settings.JIRA_INDEX_LAG_SECONDS)


def _work(operation_id: UUID) -> None:
    operation = TicketOperation.objects.select_related("case__ticket", "alert").get(pk=operation_id)
    was_sent = operation.sent_at is not None
    if was_sent and not _renew(operation, LOOK_REQUESTS):
        return
    try:
        result = _look(operation) if was_sent else None
        if result is None:
            send = _prepared(operation)
            if not _note_sending(operation):
                return  # the lease passed while we read: whoever holds it now decides
            result = send()
    except NotYet as error:
        _wait(operation, str(error), clock.now() + FIRST_WAIT * 2, count=False, sent=was_sent)
    except JiraLater as error:
        _wait(operation, str(error), error.not_before, sent=was_sent)
    except JiraRefused as error:
        _failed(operation, str(error))
    except JiraUnknown as error:
        lag = _past_the_lag() if operation.kind == OperationKind.CREATE else clock.now() + FIRST_WAIT
        _mark(operation, OperationState.UNKNOWN, str(error), lag)
    else:
        _done(operation, result)


def _note_sending(operation: TicketOperation) -> bool:
    """
    Commit that a request is about to leave, and which occurrences it tells, so that a worker's death after this moment is known
    to leave a doubt. Returns False when the lease is no longer ours: then nothing may be sent.
    """
    operation.attempts += 1
    return _renew(operation, sent_at=clock.now(), attempts=operation.attempts, payload=operation.payload)


def _renew(operation: TicketOperation, requests: int = 1, **changes: Any) -> bool:
    """Hold the row for so many requests more; False when it is no longer ours."""
    lease = _lease(requests)
    renewed = _held(operation).update(lease_until=lease, **changes)
    operation.lease_until = lease
    return bool(renewed)


def _prepared(operation: TicketOperation) -> Callable[[], dict[str, Any]]:
    """Return the request, ready to go: everything that can fail on our side has been read by then."""
    alert = operation.alert
    if operation.kind == OperationKind.CREATE and alert is not None:
        # read before the text is: what comes between is told twice rather than never
        _tells(operation, list(Occurrence.objects.filter(alert__case_id=operation.case_id)))
        wanted = fields.create(alert, str(operation.pk))
        operation.payload["description"] = fields.digest(wanted["description"])
        return lambda: client.create_issue(wanted, str(operation.pk))
    key = _key(operation)
    if operation.kind == OperationKind.COMMENT and "text" in operation.payload:
        told = fields.said(str(operation.payload["text"]))
        return lambda: {"comment": client.add_comment(key, told, str(operation.pk))}
    if operation.kind == OperationKind.COMMENT and alert is not None:
        fresh = _untold(operation)
        _tells(operation, fresh)
        if not fresh:
            return dict  # the ticket's first text or another comment told it meanwhile
        text = fields.comment(alert, fresh)
        return lambda: {"comment": client.add_comment(key, text, str(operation.pk))}
    if operation.kind == OperationKind.LINK:
        other = Ticket.objects.filter(case_id=operation.payload["other_case"]).first()
        if other is None:
            raise NotYet("The other case has no ticket yet.")
        return partial(_link, key, other.key, operation.payload["type"])
    if operation.kind == OperationKind.TRANSITION:
        return transitions.prepared(operation.case_id, key)
    if operation.kind == OperationKind.DELETE and alert is not None and alert.rehearsal_id:
        return partial(_delete, key)
    if operation.kind == OperationKind.UPDATE and alert is not None:
        return _description_told(operation, alert, key)
    raise JiraRefused(f"Nothing is known of an operation {operation.kind!r} without its alert.")


def _link(key: str, other: str, kind: str) -> dict[str, Any]:
    client.link_issues(key, other, kind)
    return {"linked": other}


def _delete(key: str) -> dict[str, Any]:
    client.delete_issue(key)
    return {"deleted": key}


def _describe(key: str, text: Body) -> dict[str, Any]:
    client.update_issue(key, {"description": text})
    return {}


def _description_told(operation: TicketOperation, alert: Alert, key: str) -> Callable[[], dict[str, Any]]:
    """
    Return the request that brings the description up to date, or a comment with what is new where somebody edited it.

    What Jira holds is read just before; it cannot be asked to write only over that, so an edit within that moment is lost.
    """
    text = fields.description(alert)
    create = TicketOperation.objects.filter(case_id=operation.case_id, kind=OperationKind.CREATE).first()
    written = create.payload.get("description") if create else None
    if fields.digest(text) == written:
        return dict  # it says all of this already
    held = fields.digest(client.description(key))
    if held == fields.digest(text):
        return dict  # an update whose answer was lost
    if held == written:
        return partial(_describe, key, text)
    late = fields.late_evidence(alert)
    return lambda: {"comment": client.add_comment(key, late, str(operation.pk))}


def _key(operation: TicketOperation) -> str:
    ticket = Ticket.objects.filter(case_id=operation.case_id).first()
    if ticket is None:
        raise NotYet("The case has no ticket yet.")
    return ticket.key


def _tells(operation: TicketOperation, occurrences: Iterable[Occurrence]) -> None:
    """Note which occurrences the request tells; committed before it leaves, and true once it is done."""
    operation.payload = {**operation.payload, "told": [occurrence.pk for occurrence in occurrences]}


def _untold(operation: TicketOperation) -> list[Occurrence]:
    """Return the occurrences of the case's alerts that neither the ticket's first text nor a comment told, oldest first."""
    done = TicketOperation.objects.filter(case_id=operation.case_id, state=OperationState.DONE)
    told = {pk for payload in done.values_list("payload", flat=True) for pk in payload.get("told", ())}
    fresh = Occurrence.objects.filter(alert__case_id=operation.case_id).exclude(pk__in=told)
    return list(fresh.select_related("alert__monitor").order_by("first_at"))


def _look(operation: TicketOperation) -> dict[str, Any] | None:
    """Return what Jira holds of an operation whose request once left; None when it surely holds nothing of it."""
    if operation.kind == OperationKind.CREATE:
        found = client.find_by_label(fields.label(str(operation.pk)))
        return dict(found[0]) if found else None
    if operation.kind in {OperationKind.COMMENT, OperationKind.UPDATE}:  # an update may have become a comment
        comment = client.find_comment(_key(operation), str(operation.pk))
        return {"comment": comment} if comment else None
    return None  # links, descriptions and transitions: doing them twice is doing them once


@transaction.atomic
def _done(operation: TicketOperation, result: dict[str, Any]) -> None:
    """Note the effect. Its lease may have passed meanwhile: what Jira holds is true all the same."""
    if operation.kind == OperationKind.CREATE:
        url = f"{settings.JIRA_URL.rstrip('/')}/browse/{result['key']}"
        ticket, made = Ticket.objects.get_or_create(
            case_id=operation.case_id, defaults={"key": result["key"], "jira_id": result["id"], "url": url}
        )
        if made and operation.alert is not None:
            activity.record("ticket.created", operation.alert, by="ticketing", key=ticket.key)
    if operation.kind == OperationKind.TRANSITION:  # heard from ourselves: its webhook then tells nothing new
        Ticket.objects.filter(case_id=operation.case_id).update(
            status=result["status"][:80], status_category=result["category"][:16]
        )
    TicketOperation.objects.filter(pk=operation.pk).update(
        state=OperationState.DONE, last_error="", result=result, lease_until=None, done_at=clock.now(), not_before=None
    )
    log.info("operation_done", operation=str(operation.pk), kind=operation.kind)


@transaction.atomic
def _failed(operation: TicketOperation, error: str) -> None:
    """Note that Jira refused it for good, on the alert too."""
    if _mark(operation, OperationState.FAILED, error, None, done_at=clock.now()) and operation.alert is not None:
        activity.record("ticket.failed", operation.alert, by="ticketing", operation=operation.kind, error=error)


def _wait(operation: TicketOperation, error: str, not_before: Any, *, count: bool = True, sent: bool = False) -> None:
    """Jira surely did nothing: try later. A request that is known not to have acted leaves no doubt behind."""
    attempts = operation.attempts if count else 0
    backoff = min(FIRST_WAIT * 2 ** min(attempts, 10), LONGEST_WAIT)
    changes: dict[str, Any] = {} if sent else {"sent_at": None}
    _mark(operation, OperationState.WAITING, error, max(not_before or clock.now(), clock.now() + backoff), **changes)


def _mark(operation: TicketOperation, state: OperationState, error: str, not_before: Any, **changes: Any) -> bool:
    """Give the row back with what came in its way; return whether it was still ours."""
    marked = _held(operation).update(state=state, last_error=error, not_before=not_before, lease_until=None, **changes)
    log.warning("operation_put_off", operation=str(operation.pk), kind=operation.kind, state=state.value, error=error)
    return bool(marked)
