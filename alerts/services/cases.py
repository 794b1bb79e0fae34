"""From an alert to its case and what is owed to Jira: which ticket, which links, which comments. Rows only; nothing is sent here."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, QuerySet

from alerts.choices import OperationKind, OperationState
from alerts.models import Alert, AlertEntity, Case, Ticket, TicketOperation
from alerts.services import policies
from alerts.ticketing import attachment, fields, words
from core import activity, clock
from core.locks import take_turns

MAX_LINKS = 10
MAX_SHARING = 500  # rows looked at for a story
CROWD = 5
EVIDENCE_WAIT = timedelta(minutes=1)  # for whole events to come, before they are attached
NOT_SENT = Q(state__in=[OperationState.PENDING, OperationState.WAITING], sent_at=None)


def owe_for(alert: Alert, because: str = "") -> TicketOperation | None:
    """
    Owe Jira what a new alert means for it; return the create where that is a ticket. Call it in the ingest's transaction.

    `because` is what `policies.place` said of its case: in one that has a ticket, that is a comment at once, a graver priority, and
    its status again; in one that gathers weak signals, a ticket once their sum is reached; in a new one, a ticket.
    """
    if TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).exists():
        if alert.case.ticket_policy == policies.Policy.SCORE:
            _weigh(alert)
        owe_comment(alert, at_once=True)
        owe_priority(alert)
        if because == "recurred":
            owe_transition(alert)
        return None
    if alert.case.ticket_policy == policies.Policy.SCORE:
        return owe_when_reached(alert)
    return owe_ticket(alert)


def owe_when_reached(alert: Alert) -> TicketOperation | None:
    """Weigh the alert's case anew, and owe its ticket when that is reached now; return it, or None. For cases that gather signals."""
    if alert.case.ticket_policy != policies.Policy.SCORE:
        return None
    take_turns(policies.turn_of(alert.case.entity_type, alert.case.entity_id))
    score = _weigh(alert)
    has_ticket = TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).exists()
    if has_ticket or score["sum"] < score["needed"]:
        return None
    gravest = Alert.objects.select_related("case").get(pk=score["signals"][0]["alert"])
    activity.record("alert.score_reached", gravest, by="ingest", sum=score["sum"], needed=score["needed"])
    return owe_ticket(gravest)


def _weigh(alert: Alert) -> dict[str, Any]:
    alert.case.score = policies.weigh(alert.case)
    Case.objects.filter(pk=alert.case_id).update(score=alert.case.score)
    return alert.case.score


def owe_ticket(alert: Alert) -> TicketOperation | None:
    """
    Owe the alert's case one ticket, linked to those that belong to its story. Call it in the ingest's transaction.

    A rehearsal owes one only where it has a project of its own; None says that it owes none.
    """
    if alert.rehearsal_id and not settings.OKTADETECT_JIRA_REHEARSAL_PROJECT:
        return None
    create = TicketOperation.objects.create(case=alert.case, alert=alert, kind=OperationKind.CREATE)
    for other in _story_of(alert):
        owe_link(alert, other, "Relates", create)
    return create


def owe_link(alert: Alert, other_case: int, kind: str, create: TicketOperation) -> TicketOperation:
    """Owe a link of that type from the ticket that `create` makes to another case's."""
    return TicketOperation.objects.create(
        case_id=create.case_id,
        alert=alert,
        kind=OperationKind.LINK,
        payload={"type": kind, "other_case": other_case},
        depends_on=create,
    )


def _story_of(alert: Alert) -> list[int]:
    """
    Return the cases that belong to the alert's story and have a ticket or will: the ticket that it recurs from, then the entity's cases
    of the last hours, then those in which somebody or something of its own took part; at most MAX_LINKS.

    Something that took part in more than CROWD cases, as the address of an office does, tells no story.
    """
    since = clock.now() - timedelta(hours=settings.OKTADETECT_LINK_HOURS)
    last = policies.last_ticketed(alert.fingerprint)
    kin = Case.objects.filter(alerts__rehearsal=alert.rehearsal_id, joined_into=None).exclude(pk=alert.case_id)
    same_entity = kin.filter(entity_type=alert.entity_type, entity_id=alert.entity_id, opened_at__gte=since)
    mine = AlertEntity.objects.filter(alert__case_id=alert.case_id).values("entity")
    sharing = (
        AlertEntity.objects.filter(entity__in=mine, alert__created_at__gte=since)
        .exclude(alert__case_id=alert.case_id)
        .values_list("entity_id", "alert__case_id")
        .distinct()
    )
    sharers: dict[int, set[int]] = {}
    for entity, case in sharing[:MAX_SHARING]:
        sharers.setdefault(entity, set()).add(case)
    told = {case for cases in sharers.values() if len(cases) <= CROWD for case in cases}
    found = [last.case_id] if last and last.case_id != alert.case_id else []
    found += policies.owes_ticket(same_entity).order_by("-opened_at").values_list("pk", flat=True)[:MAX_LINKS]
    found += (
        policies.owes_ticket(kin.filter(pk__in=told)).order_by("-opened_at").values_list("pk", flat=True)[:MAX_LINKS]
    )
    return list(dict.fromkeys(found))[:MAX_LINKS]


def owe_priority(alert: Alert) -> TicketOperation | None:
    """Owe the ticket the alert's priority, where that is graver than its case's other alerts are and than Jira was last heard to hold."""
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE).exclude(state=OperationState.DISMISSED).first()
    if create is None or create.sent_at is None:  # what was not sent yet will say it
        return None
    graver = Alert.objects.filter(case_id=alert.case_id, severity__lte=alert.severity).exclude(pk=alert.pk)
    names = settings.JIRA_PRIORITIES
    ticket = Ticket.objects.filter(case_id=alert.case_id).first()
    held = names.index(ticket.priority) + 1 if ticket and ticket.priority in names else None
    if graver.exists() or (held is not None and held <= alert.severity) or (ticket and ticket.attached):
        return None
    return TicketOperation.objects.create(
        case_id=alert.case_id, alert=alert, kind=OperationKind.UPDATE, depends_on=create,
        payload={"fields": {"priority": fields.priority(alert)}},
    )  # fmt: skip


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
    unwritten = comments.exclude(payload__has_key="text").filter(NOT_SENT)
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


def owe_extras(create: TicketOperation) -> None:
    """
    Owe a ticket that was made just now what hangs on it: the link back to its alert, and its evidence as a file where the description
    does not show it all. A rehearsal's ticket, which goes again, has neither.
    """
    alert = create.alert
    if alert is None or alert.rehearsal_id:
        return
    extras: list[tuple[OperationKind, dict[str, Any]]] = [(OperationKind.REMOTE_LINK, {})]
    occurrence = words.latest(alert)
    if occurrence is not None and attachment.is_due(occurrence):
        extras.append((OperationKind.ATTACH, {"name": attachment.NAME}))
    TicketOperation.objects.bulk_create(
        TicketOperation(
            case_id=create.case_id, alert=alert, kind=kind, payload=payload, depends_on=create,
            not_before=clock.now() + EVIDENCE_WAIT if kind == OperationKind.ATTACH else None,
        )
        for kind, payload in extras
    )  # fmt: skip


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
    to_go = operations.filter(NOT_SENT, kind=OperationKind.TRANSITION)
    if to_go.select_for_update().first() is not None:
        return None
    return TicketOperation.objects.create(
        case_id=alert.case_id, alert=alert, kind=OperationKind.TRANSITION, depends_on=create
    )


def owe_update(alert: Alert) -> None:
    """Owe the ticket its description once more (a comment where somebody edited it), since evidence came after it went out. Once a case."""
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    create = operations.filter(kind=OperationKind.CREATE, state=OperationState.DONE).first()
    described = operations.filter(kind=OperationKind.UPDATE).exclude(payload__has_key="fields")
    if create is not None and not described.exists():
        TicketOperation.objects.create(case_id=alert.case_id, alert=alert, kind=OperationKind.UPDATE, depends_on=create)
