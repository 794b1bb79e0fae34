"""
Which case an alert goes into, by its monitor's ticket policy: *own*, *join* or *score*; and which old ticket goes on when something recurs.

Decisions only: what is then owed to Jira is `cases`' to write. All of it runs while the entity's turn is held (`place`), so that of
two alerts at once the later sees the case of the earlier.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from alerts.choices import OperationKind, OperationState, Status, Verdict
from alerts.fingerprint import fingerprint, lock_key
from alerts.models import Alert, Case, Ticket, TicketOperation
from core import clock
from core.locks import take_turns
from monitors.models import Monitor

Policy = Monitor.Policy
POINTS = {1: 8, 2: 5, 3: 3, 4: 2, 5: 1}  # by severity
HARMLESS = (Verdict.FALSE_POSITIVE, Verdict.BENIGN)
SHOWN_DAYS = 30
MAX_REPLAYED = 1_000


@dataclass(frozen=True)
class Place:
    """The case that an alert goes into, and why it was not a new one (empty: it is)."""

    case: Case
    because: str = ""


def turn_of(entity_type: str, entity_id: str) -> int:
    """Return the key of the turn that whoever changes which case an entity's alerts are in has to take."""
    return lock_key(fingerprint("case", entity_type, entity_id))


def place(policy: str, entity_type: str, entity_id: str, alert_fingerprint: str, *, apart: bool = False) -> Place:
    """
    Return the case for a new alert; the entity's turn is held until the transaction ends.

    `apart`: it is a rehearsal or suppressed, and has one of its own, whatever the policy.
    """
    take_turns(turn_of(entity_type, entity_id))
    if not apart:
        recurring = _goes_on(alert_fingerprint)
        if recurring is not None:
            return Place(recurring, "recurred")
        finders: dict[str, Callable[[str, str], Case | None]] = {Policy.JOIN: _to_join, Policy.SCORE: _gathering}
        found = finders[policy](entity_type, entity_id) if policy in finders else None
        if found is not None:
            return Place(found, "joined" if policy == Policy.JOIN else "gathers")
    else:
        policy = Policy.OWN
    return Place(Case.objects.create(entity_type=entity_type, entity_id=entity_id, ticket_policy=policy))


def last_ticketed(alert_fingerprint: str) -> Alert | None:
    """Return the newest closed alert of the fingerprint whose case has a ticket."""
    closed = Alert.objects.filter(fingerprint=alert_fingerprint, status=Status.CLOSED, case__ticket__isnull=False)
    return closed.select_related("case__ticket").order_by("-id").first()


def _goes_on(alert_fingerprint: str) -> Case | None:
    """Return the case of a closed alert that a recurrence goes on in: closed a short while ago, and not for good."""
    last = last_ticketed(alert_fingerprint)
    since = clock.now() - timedelta(hours=settings.OKTADETECT_REOPEN_HOURS)
    if last is None or last.closed_at is None or last.closed_at < since:
        return None
    ticket: Ticket = last.case.ticket
    final = {name.casefold() for name in settings.JIRA_FINAL_RESOLUTIONS}
    if ticket.gone_at or (ticket.is_done and ticket.resolution.casefold() in final):
        return None
    return last.case


def owes_ticket(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Narrow to cases that have a ticket or will: whose create was not given up."""
    creates = TicketOperation.objects.filter(case=OuterRef("pk"), kind=OperationKind.CREATE)
    return cases.filter(Exists(creates.exclude(state=OperationState.DISMISSED)))


def _to_join(entity_type: str, entity_id: str) -> Case | None:
    """Return the entity's newest case of the last hours that owes a ticket and is still worked."""
    since = clock.now() - timedelta(hours=settings.OKTADETECT_LINK_HOURS)
    open_ones = Alert.objects.filter(case=OuterRef("pk"), rehearsal=None).exclude(status=Status.CLOSED)
    mine = Case.objects.filter(
        entity_type=entity_type, entity_id=entity_id, opened_at__gte=since, joined_into=None, ticket__gone_at=None
    )
    return owes_ticket(mine).filter(Exists(open_ones)).order_by("-opened_at").first()


def _gathering(entity_type: str, entity_id: str) -> Case | None:
    """Return the case in which the entity's weak signals gather: one whose sum they can still reach, or whose ticket is still worked."""
    since = clock.now() - timedelta(hours=settings.OKTADETECT_SCORE_HOURS)
    mine = Case.objects.filter(
        entity_type=entity_type, entity_id=entity_id, ticket_policy=Policy.SCORE, joined_into=None
    )
    recent = Alert.objects.filter(case=OuterRef("pk"), rehearsal=None, created_at__gte=since)
    open_ones = recent.exclude(status=Status.CLOSED)
    ticketed = Exists(TicketOperation.objects.filter(case=OuterRef("pk"), kind=OperationKind.CREATE))
    return mine.filter((~ticketed & Exists(recent)) | (ticketed & Exists(open_ones))).order_by("-opened_at").first()


def weigh(case: Case) -> dict[str, Any]:
    """
    Return how the case's sum comes about: {sum, needed, hours, signals: [{alert, sentence, severity, points}]}, the gravest first.

    One monitor's findings about one entity count once, at their gravest; what was judged harmless counts nothing.
    """
    since = clock.now() - timedelta(hours=settings.OKTADETECT_SCORE_HOURS)
    alerts = Alert.objects.filter(case=case, last_seen__gte=since, rehearsal=None).exclude(verdict__in=HARMLESS)
    signals: dict[str, Alert] = {}
    for alert in alerts.order_by("severity", "-id"):
        signals.setdefault(alert.fingerprint, alert)
    told = [
        {"alert": one.pk, "sentence": one.sentence, "severity": one.severity, "points": POINTS[one.severity]}
        for one in signals.values()
    ]
    return {
        "sum": sum(POINTS[one.severity] for one in signals.values()),
        "needed": settings.OKTADETECT_SCORE_NEEDED,
        "hours": settings.OKTADETECT_SCORE_HOURS,
        "signals": told,
    }


# what a policy would have done


@dataclass(frozen=True)
class Outlook:
    """What a policy would have made of a monitor's alerts: tickets, comments on tickets of others, and what would have stayed unsaid."""

    policy: str
    label: str
    tickets: int
    comments: int
    quiet: int


@dataclass(frozen=True)
class _Past:
    at: datetime
    closed_at: datetime | None
    fingerprint: str
    entity: tuple[str, str]
    severity: int
    mine: bool
    ticketed: bool


def would_have_made(monitor: Monitor, days: int = SHOWN_DAYS) -> list[Outlook]:
    """
    Return what each policy would have made of the monitor's alerts of the last days, beside the alerts of others as they were.

    Two queries; at most MAX_REPLAYED alerts, the newest. Comments on what was seen again come with every policy and are not counted.
    """
    since = clock.now() - timedelta(days=days)
    real = Alert.objects.filter(rehearsal=None, suppressed_by=None, created_at__gte=since)
    mine = real.filter(monitor=monitor).order_by("-id").values_list("entity_id", flat=True)
    entities = set(mine[:MAX_REPLAYED])
    rows = real.filter(Q(monitor=monitor) | Q(entity_id__any_of=entities)).order_by("-id")
    ticketed = Exists(TicketOperation.objects.filter(case=OuterRef("case"), kind=OperationKind.CREATE))
    past = [
        _Past(at, closed_at, print_, (kind, entity), severity, monitor_id == monitor.pk, has_ticket)
        for at, closed_at, print_, kind, entity, severity, monitor_id, has_ticket in rows.annotate(
            has_ticket=ticketed
        ).values_list(
            "created_at", "closed_at", "fingerprint", "entity_type", "entity_id", "severity", "monitor_id", "has_ticket"
        )[:MAX_REPLAYED]
    ]
    past.reverse()
    return [_replay(past, policy) for policy in Policy]


def _replay(past: Iterable[_Past], policy: Policy) -> Outlook:
    tickets = comments = quiet = 0
    worked: dict[tuple[str, str], list[_Past]] = {}  # what of an entity had a ticket, and a later one might join
    weak: dict[tuple[str, str], list[_Past]] = {}
    for one in past:
        before = worked.setdefault(one.entity, [])
        if not one.mine:
            if one.ticketed and policy == Policy.JOIN:
                before.append(one)
            continue
        if policy != Policy.OWN and _joins(one, before):
            comments += 1
        elif policy == Policy.SCORE and not _reaches(one, weak.setdefault(one.entity, [])):
            quiet += 1
            continue
        else:
            tickets += 1
        before.append(one)
    return Outlook(policy.value, str(policy.label), tickets, comments, quiet)


def _joins(one: _Past, before: list[_Past]) -> bool:
    hours = timedelta(hours=settings.OKTADETECT_LINK_HOURS)
    return any(one.at - other.at <= hours and (other.closed_at is None or other.closed_at > one.at) for other in before)


def _reaches(one: _Past, weak: list[_Past]) -> bool:
    """Whether the sum is reached with this one."""
    hours = timedelta(hours=settings.OKTADETECT_SCORE_HOURS)
    weak[:] = [other for other in weak if one.at - other.at <= hours] + [one]
    gravest: dict[str, int] = {}
    for other in weak:
        gravest[other.fingerprint] = max(gravest.get(other.fingerprint, 0), POINTS[other.severity])
    return sum(gravest.values()) >= settings.OKTADETECT_SCORE_NEEDED
