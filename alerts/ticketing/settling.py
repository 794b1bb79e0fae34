"""
What a person decides of an operation: that it is tried again, owed no more, or what became of one that nobody could find out.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from alerts.choices import OperationState
from alerts.models import TicketOperation
from core import clock


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


def unsettled(operations: QuerySet[TicketOperation]) -> QuerySet[TicketOperation]:
    """
    Narrow to those whose request left so long ago (OKTADETECT_JIRA_UNSETTLED_MINUTES) that a person may say what became of it.

    A worker goes on looking all the same.
    """
    since = clock.now() - timedelta(minutes=settings.OKTADETECT_JIRA_UNSETTLED_MINUTES)
    in_doubt = Q(state__in=[OperationState.UNKNOWN, OperationState.WAITING], sent_at__lt=since)
    return operations.filter(in_doubt)


def send_again(operation: TicketOperation) -> bool:
    """Take it that Jira did nothing of an operation in doubt: it is sent now. Return whether it was in doubt."""
    doubted = unsettled(TicketOperation.objects.filter(pk=operation.pk))
    return bool(doubted.update(state=OperationState.PENDING, sent_at=None, not_before=None, last_error=""))
