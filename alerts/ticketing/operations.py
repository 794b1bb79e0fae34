"""
The operation machine: every effect on Jira is a row first, and happens exactly once.

pending → sending (leased) → done | unknown | waiting | failed; a person retries or dismisses what failed. *Unknown* is settled by
looking in Jira, past its index lag, never by guessing; what cannot be settled so, by a person (`settling`). Different tickets are
worked in parallel, the operations of one in order. Only a create holds back the rest of its ticket, a failure only what depends on it.

`claims` says who works what, `effects` what each kind asks of Jira, `gate` whether anything may leave at all.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from alerts.choices import OperationKind, OperationState
from alerts.models import Ticket, TicketOperation
from alerts.services import cases
from alerts.ticketing import claims, client, effects, gate
from alerts.ticketing.effects import NotYet
from alerts.ticketing.errors import JiraHeld, JiraLater, JiraRefused, JiraUnknown
from alerts.ticketing.settling import dismiss, restore, retry
from core import activity, clock

__all__ = ["dismiss", "done", "due", "restore", "retry", "work_case"]

log = structlog.get_logger(__name__)

NOT_YET = timedelta(seconds=10)


def due(limit: int = 200) -> list[int]:
    """Return the cases with an operation that somebody must work now; none while nothing may go to Jira."""
    return [] if gate.shut() else claims.due(limit)


def work_case(case_id: int) -> None:
    """Work every operation of a case that is ready, in order. Two workers at once never do one twice."""
    claims.expire_leases(case_id)
    had: set[UUID] = set()
    while not gate.shut() and (operation_id := claims.claim_next(case_id, had)):
        had.add(operation_id)
        _work(TicketOperation.objects.select_related("case__ticket", "alert").get(pk=operation_id))


def _work(operation: TicketOperation) -> None:
    attempts = operation.attempts
    was_sent = operation.sent_at is not None
    no_doubt: dict[str, Any] = (
        {} if was_sent else {"sent_at": None}
    )  # a request that surely did nothing leaves none behind
    try:
        looks = effects.LOOK_REQUESTS.get(OperationKind(operation.kind), 1) if was_sent else 0
        if not claims.renew(operation, looks + effects.READ_REQUESTS):
            return
        result = effects.look(operation) if was_sent else None
        if result is None:
            send = effects.prepared(operation)
            operation.attempts += 1
            if not _note_sending(operation):
                return  # the lease passed while we read: whoever holds it now decides
            result = send()
    except NotYet as error:
        _wait(operation, str(error), clock.now() + NOT_YET, **no_doubt)
    except JiraHeld as error:
        _wait(operation, str(error), error.not_before, attempts=attempts, **no_doubt)
    except JiraLater as error:
        _wait(
            operation, str(error), max(error.not_before or clock.now(), claims.backoff(operation.attempts)), **no_doubt
        )
    except JiraRefused as error:
        _failed(operation, str(error))
    except JiraUnknown as error:
        is_searched = operation.kind == OperationKind.CREATE
        later = claims.past_the_lag() if is_searched else claims.backoff(operation.attempts)
        claims.put_off(operation, OperationState.UNKNOWN, str(error), later)
    else:
        done(operation, result)


def _note_sending(operation: TicketOperation) -> bool:
    """
    Commit that a request is about to leave, and which occurrences it tells, so that a worker's death after this moment is known
    to leave a doubt. Returns False when the lease is no longer ours: then nothing may be sent.
    """
    return claims.renew(operation, 1, sent_at=clock.now(), attempts=operation.attempts, payload=operation.payload)


@transaction.atomic
def done(operation: TicketOperation, result: dict[str, Any]) -> None:
    """Note the effect. Its lease may have passed meanwhile: what Jira holds is true all the same."""
    if operation.kind == OperationKind.CREATE:
        key = result["key"]
        try:
            with transaction.atomic():
                ticket, made = Ticket.objects.get_or_create(
                    case_id=operation.case_id,
                    defaults={"key": key, "jira_id": result["id"], "url": client.address(key)},
                )
        except IntegrityError:
            _failed(operation, _key_is_taken(key))
            return
        if made and operation.alert is not None:
            activity.record("ticket.created", operation.alert, by="ticketing", key=ticket.key)
            cases.owe_extras(operation)
    if operation.kind == OperationKind.TRANSITION:  # heard from ourselves: its webhook then tells nothing new
        Ticket.objects.filter(case_id=operation.case_id).update(
            status=result["status"][:80], status_category=result["category"][:16]
        )
    TicketOperation.objects.filter(pk=operation.pk).update(
        state=OperationState.DONE, last_error="", result=result, lease_until=None, done_at=clock.now(), not_before=None
    )
    if result.get("onward") and operation.alert is not None:
        cases.owe_transition(operation.alert)
    log.info("operation_done", operation=str(operation.pk), kind=operation.kind)


def _key_is_taken(key: str) -> str:
    """
    Say that another case goes by this key: Jira was restored or is another one, or somebody attached the issue meanwhile.

    That case's ticket is read at once, so that one which is gone is soon known to be.
    """
    Ticket.objects.filter(key=key).update(read_due_at=clock.now())
    other = Ticket.objects.filter(key=key).select_related("case").first()
    whose = f"{other.case}'s ticket" if other is not None else "another case's ticket"
    return (
        f"Jira made {key} for this case, and here {key} is {whose}. Nothing was lost or doubled. If Jira was restored or replaced, "
        f"have {whose} made anew from its alert's page; if it is the same issue, join the two cases. Then try again."
    )


@transaction.atomic
def _failed(operation: TicketOperation, error: str) -> None:
    """Note that Jira refused it for good, on the alert too."""
    failed = claims.put_off(operation, OperationState.FAILED, error, None, done_at=clock.now())
    if failed and operation.alert is not None:
        activity.record("ticket.failed", operation.alert, by="ticketing", operation=operation.kind, error=error)


def _wait(operation: TicketOperation, error: str, not_before: Any, **changes: Any) -> None:
    claims.put_off(operation, OperationState.WAITING, error, not_before, **changes)
