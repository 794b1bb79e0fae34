"""
Cases as a team works them: those in which several alerts or weak signals came together first, then the newest.

The newest POOL alerts are looked through, so that the price stays the same however many there are; most teams have fewer open.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, Max, Min, OuterRef, Q

from alerts import querysets
from alerts.choices import OperationKind, OperationState, Status
from alerts.models import Alert, AlertEntity, Case, Entity, TicketOperation
from alerts.services.entities import KINDS

POOL = 1_000
MAX_LINKS = 50
TABS = {"open": "Open", "all": "All"}
TICKETS = {
    "open": "Open in Jira",
    "done": "Done in Jira",
    "owed": "On its way",
    "failed": "Something failed",
    "gone": "Gone from Jira",
    "none": "No ticket",
}
OF_A_LEAD = ("case", "sentence", "severity", "entity_name", "status")
OPEN = [status for status in Status if status != Status.CLOSED]


@dataclass(frozen=True)
class Row:
    """A case with its alerts counted; `lead` is the one that tells most: open before closed, the gravest, the newest."""

    case: Case
    lead: Alert
    alerts: int
    open: int
    last_seen: datetime


@dataclass(frozen=True)
class Page:
    """A page of cases of `looked` alerts; `is_cut` says that there are more. `older` asks for the next page."""

    rows: list[Row]
    looked: int
    is_cut: bool
    older: tuple[int, int] | None


@dataclass(frozen=True)
class Link:
    """That Jira holds, or is owed, a link between two tickets: in its words, to which case, and how far it is."""

    type: str
    case: Case | None
    key: str
    operation: TicketOperation


def listed(
    tab: str, *, entity: str, policy: str, ticket: str, limit: int, before: tuple[int, int] | None = None
) -> Page:
    """
    Return the cases of a tab (a key of TABS) that match; empty filters let all through. Ten queries at most.

    `before` is the rank (1 for several alerts or a score) and key of the last one on the page before.
    """
    pairs = _pool(tab, entity)
    cases = _matching({case for _, case in pairs[:POOL]}, policy, ticket)
    first = _several(cases) | set(
        Case.objects.filter(pk__any_of=cases, score__isnull=False).values_list("pk", flat=True)
    )
    keys = ((int(pk in first), pk) for pk in cases)
    found = heapq.nlargest(limit + 1, (key for key in keys if before is None or key < before))
    page = found[:limit]
    return Page(
        rows=_rows([pk for _, pk in page]),
        looked=min(len(pairs), POOL),
        is_cut=len(pairs) > POOL,
        older=page[-1] if len(found) > limit else None,
    )


def lead(cases: Iterable[int]) -> dict[int, Alert]:
    """Return the alert of each case that tells most, by the case's key."""
    closed = _as_bool(Q(status=Status.CLOSED))
    alerts = Alert.objects.filter(case__in=list(cases)).annotate(closed=closed).only(*OF_A_LEAD)
    return {alert.case_id: alert for alert in alerts.order_by("case", "closed", "severity", "-pk").distinct("case")}


def counts(case: Case) -> dict[str, Any]:
    """Return how many alerts a case holds, how many are open, and when they were seen first and last."""
    return case.alerts.aggregate(
        alerts=Count("pk"), open=Count("pk", filter=querysets.OPEN), first_seen=Min("first_seen"), last_seen=Max("last_seen")
    )  # fmt: skip


def links(case: Case) -> list[Link]:
    """Return the links of a case's ticket, owed by either side, the newest first: two queries."""
    owed = TicketOperation.objects.filter(kind=OperationKind.LINK).exclude(state=OperationState.DISMISSED)
    found = list(owed.filter(Q(case=case) | Q(payload__other_case=case.pk)).order_by("-pk")[:MAX_LINKS])
    ends = [one.payload.get("other_case") if one.case_id == case.pk else one.case_id for one in found]
    rows = Case.objects.select_related("ticket").in_bulk([pk for pk in ends if isinstance(pk, int)])
    return [
        Link(str(one.payload.get("type", "")), rows.get(end), str(one.payload.get("other_key", "")), one)
        for one, end in zip(found, ends, strict=True)
    ]


def _pool(tab: str, entity: str) -> list[tuple[int, int]]:
    """Return (alert, case) of the newest alerts, one more than POOL where there are more; rehearsals are nobody's work."""
    real = Alert.objects.filter(rehearsal=None)
    if entity:
        rows = Entity.objects.filter(kind__in=KINDS, value__in={entity, entity.lower()}).values_list("pk", flat=True)
        links = AlertEntity.objects.filter(entity__in=list(rows)).order_by("-alert").values_list("alert", flat=True)
        real = real.filter(pk__any_of=list(links.distinct()[: POOL + 1]))
    # each status by its own index, newest first: asked for at once, the newest of all would be looked through
    statuses = [real.filter(status=status) for status in OPEN] if tab == "open" else [real]
    parts = [part.order_by("-pk").values_list("pk", "case")[: POOL + 1] for part in statuses]
    found = list(parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0])
    return heapq.nlargest(POOL + 1, found)


def _matching(cases: set[int], policy: str, ticket: str) -> set[int]:
    """Return those of the cases that match; without a filter, all of them."""
    if not (policy or ticket):
        return cases
    rows = Case.objects.filter(pk__any_of=cases)
    if policy:
        rows = rows.filter(ticket_policy=policy)
    if ticket:
        rows = rows.filter(_in_jira(ticket))
    return set(rows.values_list("pk", flat=True))


def _several(cases: set[int]) -> set[int]:
    """Return those of the cases that hold more than one alert."""
    held = (
        Alert.objects.filter(case__any_of=cases, rehearsal=None).order_by().values("case").annotate(alerts=Count("pk"))
    )
    return set(held.filter(alerts__gt=1).values_list("case", flat=True))


def _in_jira(state: str) -> Q:
    operations = TicketOperation.objects.filter(case=OuterRef("pk")).order_by()
    creates = operations.filter(kind=OperationKind.CREATE)
    owed = Exists(creates.exclude(state__in=[OperationState.DONE, OperationState.FAILED, OperationState.DISMISSED]))
    there = Q(ticket__isnull=False, ticket__gone_at=None)
    match state:
        case "open":
            return there & ~Q(ticket__status_category="done")
        case "done":
            return there & Q(ticket__status_category="done")
        case "gone":
            return Q(ticket__gone_at__isnull=False)
        case "owed":
            return Q(ticket=None) & Q(owed)
        case "failed":
            return Q(Exists(operations.filter(state=OperationState.FAILED)))
    return Q(ticket=None) & ~Q(Exists(creates.exclude(state=OperationState.DISMISSED)))


def _as_bool(condition: Q) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(condition, output_field=BooleanField())


def _rows(page: list[int]) -> list[Row]:
    real = Alert.objects.filter(case__in=page, rehearsal=None).order_by()
    counted = real.values("case").annotate(
        alerts=Count("pk"), open=Count("pk", filter=querysets.OPEN), last_seen=Max("last_seen")
    )
    counts = {row["case"]: row for row in counted}
    cases = Case.objects.select_related("ticket").prefetch_related(querysets.unfinished("operations")).in_bulk(page)
    leads = lead(page)
    told = [(cases[pk], leads[pk], counts[pk]) for pk in page]
    return [Row(case, first, row["alerts"], row["open"], row["last_seen"]) for case, first, row in told]
