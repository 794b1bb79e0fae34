"""What a person knows of an effect on Jira that nobody could find out: it was made, or nothing was."""

from functools import partial
from uuid import UUID

from django.db import transaction

from alerts import tasks
from alerts.choices import OperationKind
from alerts.models import Ticket, TicketOperation
from alerts.services.triage import NotNow
from alerts.ticketing import client, operations, settling
from alerts.ticketing.errors import JiraError
from core import activity
from core.models import Person
from core.wakeups import wake

NO_DOUBT = "There is no doubt about it: it was found out meanwhile, or a worker is at it."


def it_was_made(operation_id: UUID, by: Person, *, key: str = "") -> TicketOperation:
    """
    Take an effect whose answer was lost for made. For a ticket, `key` is that of the issue, which is looked up in Jira first.

    Raises TicketOperation.DoesNotExist, and NotNow when there is no doubt, no such issue, or it is another case's ticket.
    """
    operation = TicketOperation.objects.get(pk=operation_id)
    result: dict[str, str] = {}
    if operation.kind == OperationKind.CREATE:
        try:
            result = client.issue(key)
        except JiraError as error:
            raise NotNow(f"{key or 'The issue'} could not be looked up. {error}") from error
    with transaction.atomic():
        operation = _doubted(operation_id)
        taken = Ticket.objects.exclude(case_id=operation.case_id).filter(key=result.get("key")).select_related("case")
        if taken:
            raise NotNow(f"{result['key']} is the ticket of {taken[0].case} already.")
        operations.done(operation, result)
        _record(operation, by, made=result.get("key") or "yes")
    return operation


@transaction.atomic
def nothing_was_made(operation_id: UUID, by: Person) -> TicketOperation:
    """Send an effect again, since somebody looked in Jira and it is not there. Raises as `it_was_made` does."""
    operation = _doubted(operation_id)
    settling.send_again(operation)
    _record(operation, by, made="")
    transaction.on_commit(partial(wake, tasks.work_case, operation.case_id))
    return operation


def _doubted(operation_id: UUID) -> TicketOperation:
    rows = TicketOperation.objects.select_for_update(of=("self",)).select_related("alert")
    operation = rows.get(pk=operation_id)
    if not settling.unsettled(TicketOperation.objects.filter(pk=operation_id)).exists():
        raise NotNow(NO_DOUBT)
    return operation


def _record(operation: TicketOperation, by: Person, *, made: str) -> None:
    if operation.alert is not None:
        activity.record("ticket.settled", operation.alert, by=by, operation=operation.kind, made=made)
