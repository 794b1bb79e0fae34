"""From an alert to its case and what is owed to Jira: which ticket, which links, which comments. Rows only; nothing is sent here."""

from datetime import timedelta

from django.conf import settings

from alerts.choices import OperationKind, OperationState
from alerts.models import Alert, Case, TicketOperation
from core import clock

MAX_LINKS = 10
ENDED = (OperationState.DONE, OperationState.FAILED)


def open_case(entity_type: str, entity_id: str) -> Case:
    """Return a new case, for an alert whose monitor's policy is *own*."""
    return Case.objects.create(entity_type=entity_type, entity_id=entity_id)


def owe_ticket(alert: Alert) -> TicketOperation:
    """Owe the alert's case one ticket, linked to those of the entity's other cases of the last day. Call it in the ingest's transaction."""
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
    Owe the ticket a comment on what is new; return it, or None when one that is still to go will say it.

    At most one comment a period (OKTADETECT_COMMENT_MINUTES), unless `at_once`. Its text is written when it goes, so it tells all.
    """
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE).first()
    if create is None:
        return None
    comments = operations.filter(kind=OperationKind.COMMENT)
    waiting = comments.exclude(state__in=ENDED).first()
    if waiting is not None:
        if at_once:
            TicketOperation.objects.filter(pk=waiting.pk, state=OperationState.PENDING).update(not_before=None)
        return None
    last = comments.filter(state=OperationState.DONE).order_by("-done_at").first()
    spoke_at = last.done_at if last else create.done_at
    period = timedelta(minutes=settings.OKTADETECT_COMMENT_MINUTES)
    not_before = None if at_once or spoke_at is None else max(clock.now(), spoke_at + period)
    return TicketOperation.objects.create(
        case_id=alert.case_id, alert=alert, kind=OperationKind.COMMENT, depends_on=create, not_before=not_before
    )


def owe_update(alert: Alert) -> None:
    """Owe the ticket its description once more, since its evidence arrived after it went out. Once a case."""
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE, state=OperationState.DONE).first()
    if create is not None and not operations.filter(kind=OperationKind.UPDATE).exists():
        TicketOperation.objects.create(case_id=alert.case_id, alert=alert, kind=OperationKind.UPDATE, depends_on=create)
