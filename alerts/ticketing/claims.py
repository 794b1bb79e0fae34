"""
Who works what: operations are claimed one at a time of a ticket, in order, and held by a lease.

A claim is a conditional update of the row, made while nobody else claims of the same case. A worker that dies leaves its row in
*sending*; once its lease has passed it is *unknown*, or *pending* where nothing was sent. Nobody writes a row that is not held any more.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from alerts.choices import OperationState
from alerts.models import TicketOperation
from core import clock
from core.locks import take_turns

log = structlog.get_logger(__name__)

MARGIN = timedelta(seconds=30)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
TURNS = 0x7C << 56  # above every lock of an identity (`alerts.fingerprint.lock_key`), which has 60 bits

FREE = Q(depends_on=None) | Q(depends_on__state=OperationState.DONE)


def due(limit: int) -> list[int]:
    """Return the cases with an operation that somebody must work now, those that wait for the longest first."""
    now = clock.now()
    rows = TicketOperation.objects.filter(_ready(now) & FREE | _lease_passed(now)).order_by("not_before", "id")
    return list(dict.fromkeys(rows.values_list("case_id", flat=True)[: 2 * limit]))[:limit]


def claim_next(case_id: int, but: Collection[UUID]) -> UUID | None:
    """
    Hold the case's next operation that is ready, and return its id; None when there is none, or another worker is at this ticket.

    `but` are those that this worker had already. The last update looks at the row alone: with a join in it, Postgres would test a
    row that it waited for by what it was before.
    """
    with transaction.atomic():
        take_turns(TURNS | case_id)
        of_case = TicketOperation.objects.filter(case_id=case_id)
        if of_case.filter(state=OperationState.SENDING).exists():
            return None
        now = clock.now()
        ready = of_case.filter(_ready(now) & FREE).exclude(pk__in=but).order_by("id").values_list("pk", flat=True)
        for operation_id in ready:
            free = TicketOperation.objects.filter(_ready(now), pk=operation_id)
            if free.update(state=OperationState.SENDING, lease_until=lease()):
                return operation_id
    return None


def _ready(now: datetime) -> Q:
    """What may be claimed once what it depends on is done: its time has come, and nobody holds it."""
    waits = Q(not_before=None) | Q(not_before__lte=now)
    return Q(state__in=[OperationState.PENDING, OperationState.WAITING, OperationState.UNKNOWN]) & waits


def lease(requests: int = 1) -> datetime:
    """Return until when a worker may hold a row from now on: longer than all timeouts of so many requests together."""
    timeouts = settings.JIRA_CONNECT_TIMEOUT_SECONDS + settings.JIRA_READ_TIMEOUT_SECONDS
    return clock.now() + timedelta(seconds=requests * timeouts) + MARGIN


def renew(operation: TicketOperation, requests: int, **changes: Any) -> bool:
    """Hold the row for so many requests more; False when it is no longer ours: then nothing may be sent."""
    until = lease(requests)
    renewed = held(operation).update(lease_until=until, **changes)
    operation.lease_until = until
    return bool(renewed)


def held(operation: TicketOperation) -> QuerySet[TicketOperation]:
    """Narrow to the operation while it is held by the lease that was read with it. Nobody else's row is ever written."""
    return TicketOperation.objects.filter(
        pk=operation.pk, state=OperationState.SENDING, lease_until=operation.lease_until
    )


def _lease_passed(now: datetime) -> Q:
    return Q(state=OperationState.SENDING, lease_until__lt=now)


def expire_leases(case_id: int) -> None:
    """Take back what a worker held that died. Whether its request left is not known, unless none was noted."""
    rows = TicketOperation.objects.filter(_lease_passed(clock.now()), case_id=case_id)
    rows.filter(sent_at=None).update(state=OperationState.PENDING, lease_until=None)
    rows.filter(sent_at__isnull=False).update(
        state=OperationState.UNKNOWN, lease_until=None, not_before=past_the_lag(),
        last_error="The worker stopped before Jira's answer. What Jira holds is looked up.",
    )  # fmt: skip


def past_the_lag() -> datetime:
    """Return from when on a search in Jira knows what was written there until now."""
    return clock.now() + timedelta(seconds=settings.JIRA_INDEX_LAG_SECONDS)


def backoff(attempts: int) -> datetime:
    """Return when to try again after so many attempts: twice as late each time, up to a quarter of an hour."""
    return clock.now() + min(FIRST_WAIT * float(2 ** min(attempts, 10)), LONGEST_WAIT)


def put_off(
    operation: TicketOperation, state: OperationState, error: str, not_before: datetime | None, **changes: Any
) -> bool:
    """Give the row back with what came in its way; return whether it was still ours."""
    marked = held(operation).update(state=state, last_error=error, not_before=not_before, lease_until=None, **changes)
    log.warning("operation_put_off", operation=str(operation.pk), kind=operation.kind, state=state.value, error=error)
    return bool(marked)
