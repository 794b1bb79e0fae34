"""From an alert to its case and what is owed to Jira: which ticket, which links, which comments. Rows only; nothing is sent here."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from alerts.choices import OperationKind, OperationState
from alerts.fingerprint import fingerprint, lock_key
from alerts.models import Alert, Case, Ticket, TicketOperation
from core import clock
from core.locks import take_turns

MAX_LINKS = 10


def open_case(entity_type: str, entity_id: str) -> Case:
    """
    Return a new case, for an alert whose monitor's policy is *own*.

    Cases of one entity are opened in turns: of two at once, the later sees the earlier and is linked to it.
    """
    take_turns(lock_key(fingerprint("case", entity_type, entity_id)))
    return Case.objects.create(entity_type=entity_type, entity_id=entity_id)


def owe_ticket(alert: Alert) -> TicketOperation | None:
    """
    Owe the alert's case one ticket, linked to those of the entity's other cases of the last day. Call it in the ingest's transaction.

    A rehearsal owes one only where it has a project of its own; None says that it owes none.
    """
    if alert.rehearsal_id and not settings.OKTADETECT_JIRA_REHEARSAL_PROJECT:
        return None
    create = TicketOperation.objects.create(case=alert.case, alert=alert, kind=OperationKind.CREATE)
    since = clock.now() - timedelta(hours=settings.OKTADETECT_LINK_HOURS)
    others = Case.objects.filter(
        entity_type=alert.entity_type, entity_id=alert.entity_id, opened_at__gte=since
    ).exclude(pk=alert.case_id)
    for other in others.order_by("-opened_at")[:MAX_LINKS]:
        TicketOperation.objects.create(
            case=alert.case,
            alert=alert,
            kind=OperationKind.LINK,
            payload={"type": "Relates", "other_case": other.pk},
            depends_on=create,
        )
    return create


def owe_comment(alert: Alert, *, at_once: bool) -> TicketOperation | None:
    """
    Owe the ticket a comment on what is new; return it, or None when one that is still to go will say it, or no ticket is to be.

    At most one comment a period (OKTADETECT_COMMENT_MINUTES), unless `at_once`. Its text is written when it goes, so it tells all.
    Call it in the transaction that wrote what is new: until that commits, no worker takes the comment that will say it.
    """
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE).first()
    if create is None or create.state == OperationState.DISMISSED:
        return None
    comments = operations.filter(kind=OperationKind.COMMENT)
    unwritten = comments.exclude(payload__has_key="text").filter(
        state__in=[OperationState.PENDING, OperationState.WAITING], sent_at=None
    )
    waiting = unwritten.select_for_update().first()
    if waiting is not None:
        if at_once:
            TicketOperation.objects.filter(pk=waiting.pk, state=OperationState.PENDING).update(not_before=None)
        return None
    return TicketOperation.objects.create(
        case_id=alert.case_id,
        alert=alert,
        kind=OperationKind.COMMENT,
        depends_on=create,
        not_before=None if at_once else _next_comment_at(operations),
    )


def _next_comment_at(operations: QuerySet[TicketOperation]) -> datetime | None:
    """Return when the ticket may be commented again: a period after something was last said there; None for at once."""
    spoken = operations.filter(kind__in=[OperationKind.CREATE, OperationKind.COMMENT])
    if spoken.filter(kind=OperationKind.COMMENT, state=OperationState.SENDING).exists():
        last: datetime | None = clock.now()
    else:
        last = spoken.aggregate(last=Max("sent_at"))["last"]
    return last and max(clock.now(), last + timedelta(minutes=settings.OKTADETECT_COMMENT_MINUTES))


def owe_deletion(alert: Alert) -> None:
    """Owe that the ticket of a rehearsal goes again, however far its making is; where none is owed, there is nothing to delete."""
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE).first()
    if create is not None and not operations.filter(kind=OperationKind.DELETE).exists():
        TicketOperation.objects.create(case_id=alert.case_id, alert=alert, kind=OperationKind.DELETE, depends_on=create)


def owe_transition(alert: Alert) -> TicketOperation | None:
    """
    Owe the ticket the status that its case has by now, where the policy lets closing go on to Jira; return it, or None.

    Which status that is, is seen when it goes; so one that is still to go will do. An issue that was there before it was attached
    is left to those who keep it.
    """
    if alert.rehearsal_id or settings.OKTADETECT_JIRA_CLOSE_POLICY not in {"both", "to_jira"}:
        return None
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE).first()
    if create is None or create.state == OperationState.DISMISSED:
        return None
    if Ticket.objects.filter(Q(attached=True) | Q(gone_at__isnull=False), case_id=alert.case_id).exists():
        return None
    to_go = operations.filter(
        kind=OperationKind.TRANSITION, state__in=[OperationState.PENDING, OperationState.WAITING], sent_at=None
    )
    if to_go.select_for_update().first() is not None:
        return None
    return TicketOperation.objects.create(
        case_id=alert.case_id, alert=alert, kind=OperationKind.TRANSITION, depends_on=create
    )


def owe_update(alert: Alert) -> None:
    """Owe the ticket its description once more (a comment where somebody edited it), since evidence came after it went out. Once a case."""
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE, state=OperationState.DONE).first()
    if create is not None and not operations.filter(kind=OperationKind.UPDATE).exists():
        TicketOperation.objects.create(case_id=alert.case_id, alert=alert, kind=OperationKind.UPDATE, depends_on=create)
