"""What people say about an alert, here and in its ticket."""

from datetime import timedelta

from django.db import transaction

from alerts.choices import OperationKind, OperationState
from alerts.models import Alert, Comment, Ticket, TicketOperation
from alerts.services import triage, undo
from core import activity, clock
from core.models import Person

MAX_LENGTH = Comment._meta.get_field("text").max_length or 0


class NothingSaid(triage.TriageError):
    """A comment has no words, or too many."""

    code = "nothing_said"


@transaction.atomic
def add(alert_id: int, by: Person, *, text: str, in_ticket: bool = False) -> Comment:
    """Keep a comment of 1 to MAX_LENGTH characters; `in_ticket` owes it to Jira, too, after the time in which it may be taken back."""
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise triage.NoSuchAlert(f"There is no alert {alert_id}.")
    text = text.strip()
    if not 0 < len(text) <= MAX_LENGTH:
        raise NothingSaid(f"A comment has 1 to {MAX_LENGTH:,} characters.")
    operation = _owe(alert, by, text) if in_ticket else None
    comment = Comment.objects.create(alert=alert, author=by, text=text, operation=operation)
    activity.record("comment.added", alert, by=by, comment=comment.pk, in_ticket=in_ticket)
    return comment


@transaction.atomic
def remove(comment_id: int, by: Person) -> Comment:
    """Take one's own comment back: its words are erased; what has reached the ticket stays there. Raises NoSuchAlert for others'."""
    comment = (
        Comment.objects.select_for_update(of=("self",))
        .select_related("alert")
        .filter(pk=comment_id, author=by, removed_at=None)
        .first()
    )
    if comment is None:
        raise triage.NoSuchAlert("There is no comment of yours to take back.")
    if comment.operation_id:
        undo.owe_no_more(TicketOperation.objects.filter(pk=comment.operation_id))
    comment.text, comment.removed_at = "", clock.now()
    comment.save(update_fields=["text", "removed_at"])
    activity.record("comment.removed", comment.alert, by=by, comment=comment.pk)
    return comment


def _owe(alert: Alert, by: Person, text: str) -> TicketOperation:
    create = TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).first()
    dismissed = create is not None and create.state == OperationState.DISMISSED
    if dismissed or (create is None and not Ticket.objects.filter(case_id=alert.case_id).exists()):
        raise triage.NotNow("The alert has no ticket. Leave it here only.")
    return TicketOperation.objects.create(
        case_id=alert.case_id, alert=alert, kind=OperationKind.COMMENT, depends_on=create,
        payload={"text": f"{by.name}: {text}"}, not_before=clock.now() + timedelta(seconds=triage.UNDO_SECONDS),
    )  # fmt: skip
