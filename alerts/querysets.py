"""Which alerts a page asks for. Each function narrows or enriches a queryset; none counts without a limit."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.db.models.functions import TruncDate

from alerts import search
from alerts.choices import OperationState, Status
from alerts.models import Alert, AlertEntity, Case, Occurrence, TicketOperation
from alerts.services.entities import KINDS
from core.models import Person
from core.queries import Prepared, PreparedModels, Written, written

COUNT_LIMIT = 99
TABS = {
    "new": "New",
    "mine": "Mine",
    "progress": "In progress",
    "snoozed": "Snoozed",
    "closed": "Closed",
    "all": "All",
}
GROWING = ("closed", "all")
SUPPRESSED = "suppressed"
STATUSES = {**dict(Status.choices), SUPPRESSED: "Suppressed"}
IN_A_ROW = (
    "sentence", "severity", "detection", "detection_id", "entity_type", "entity_id", "entity_name", "observed", "limits", "status",
    "snoozed_until", "verdict", "occurrence_count", "last_seen", "recovered", "rehearsal_id", "suppressed_by_id", "assignee__name", "case",
    "case__ticket__key", "case__ticket__url", "case__ticket__status", "case__ticket__gone_at",
)  # fmt: skip
NEARBY = timedelta(hours=24)
NEAREST = 100
OPEN = ~Q(status=Status.CLOSED)


def in_tab(alerts: QuerySet[Alert], tab: str, *, user_id: int, now: datetime) -> QuerySet[Alert]:
    """
    Narrow to a tab of the queue (a key of TABS). *Mine* is what is open and assigned to the user; a snoozed one stands only there.

    Rehearsals are work for nobody: they stand under *Closed* and *All* alone.
    """
    real = Q(rehearsal=None)
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    conditions = {
        "new": real & Q(status=Status.NEW) & awake,
        "mine": real & OPEN & Q(assignee__user_id=user_id),
        "progress": real & Q(status__in=[Status.ACKNOWLEDGED, Status.IN_PROGRESS]) & awake,
        "snoozed": real & OPEN & Q(snoozed_until__gt=now),
        "closed": Q(status=Status.CLOSED),
        "all": Q(),
    }
    return alerts.filter(conditions[tab])


def newest(
    alerts: QuerySet[Alert], limit: int, *, before: int | None = None, searched_in: search.Searched | None = None
) -> list[Alert]:
    """
    Return the newest of them, below a key where one is given, with what `with_ticket` fetches; `searched_in` as in `search.settled`.

    Of each only IN_A_ROW is read: anything else would be asked for one by one.
    """
    found = NEWEST.all(keys=search.newest(alerts, limit, before=before, searched_in=searched_in))
    owed_to = defaultdict(list)
    for operation in UNFINISHED.all(cases=[alert.case_id for alert in found]):
        owed_to[operation.case_id].append(operation)
    for alert in found:
        alert.case.unfinished = owed_to[alert.case_id]  # type: ignore[attr-defined]
    return found


def _in_rows(keys: list[int]) -> QuerySet[Alert]:
    rows = Alert.objects.filter(pk__any_of=keys).select_related("assignee", "case__ticket")
    return rows.only(*IN_A_ROW).order_by("-id")


NEWEST = PreparedModels(_in_rows, keys=[-1])


def narrowing(field: str, value: Any) -> Q:
    """Return what holds of the alerts of a value, of one of NARROWS: filtered in as it is, filtered out when it is negated."""
    match field:
        case "entity":
            return search.naming(value, KINDS)
        case "address":
            return search.naming(value, ("ip",))
        case "country":
            return Q(countries__contains=[value])
        case "assignee":
            person = Person.objects.filter(user__username=value).values("pk")[:1]
            return Q(assignee=None) if value == "nobody" else Q(assignee=person)
        case "status" if value == SUPPRESSED:
            return Q(suppressed_by__isnull=False)
    return Q(**{field: value})


NARROWS = ("severity", "detection", "entity", "address", "country", "status", "verdict", "assignee")


def _seen(alerts: list[int], since: datetime) -> Written:
    last = Occurrence.objects.filter(alert__any_of=alerts, last_at__gte=since).order_by()
    return written(last.values_list("alert", TruncDate("last_at", tzinfo=UTC)).annotate(times=Count("pk")))


SEEN = Prepared(_seen, alerts=[-1], since=datetime(1, 1, 1, tzinfo=UTC))


def seen_by_day(alerts: list[Alert], now: datetime, days: int = 14) -> dict[int, list[int]]:
    """Return how many occurrences each alert had on each of the last days (of UTC, today last): one query for all of them."""
    first = now.astimezone(UTC).date() - timedelta(days=days - 1)
    rows = SEEN.rows(alerts=[alert.pk for alert in alerts], since=datetime.combine(first, time(), UTC))
    seen = {alert.pk: [0] * days for alert in alerts}
    for alert, day, times in rows:
        seen[alert][min((day - first).days, days - 1)] += times
    return seen


def with_ticket(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """Fetch what a row shows of people and Jira: three queries for any number of rows. `case.unfinished` holds what is still owed."""
    return alerts.select_related("assignee", "case__ticket").prefetch_related(unfinished("case__operations"))


def unfinished(operations: str) -> Prefetch[Any]:
    """Return what fetches along this path the operations that Jira is still owed, the oldest first, as `unfinished`."""
    return Prefetch(operations, queryset=owed(TicketOperation.objects.order_by("id")), to_attr="unfinished")


def owed(operations: QuerySet[TicketOperation]) -> QuerySet[TicketOperation]:
    """Narrow to what Jira is still owed: neither done nor dismissed."""
    return operations.exclude(state__in=[OperationState.DONE, OperationState.DISMISSED])


UNFINISHED = PreparedModels(
    lambda cases: owed(TicketOperation.objects.filter(case__any_of=cases).order_by("id")), cases=[-1]
)


def dismissed(operations: QuerySet[TicketOperation]) -> QuerySet[TicketOperation]:
    """Narrow to what was dismissed by itself, not with what it would have followed."""
    gone = operations.filter(state=OperationState.DISMISSED)
    return gone.exclude(depends_on__state=OperationState.DISMISSED)


def first_owed(case: Case) -> TicketOperation | None:
    """Return what a case owes Jira first: a failed one before others. Needs `unfinished()`, as `with_ticket()` has it."""
    return first_of(getattr(case, "unfinished", []))


def first_of(unfinished: Iterable[TicketOperation]) -> TicketOperation | None:
    """Return what comes first of what Jira is owed: a failed one before others, then the oldest."""
    return min(unfinished, key=lambda one: (one.state != OperationState.FAILED, one.pk), default=None)


def related(alert: Alert, limit: int) -> list[Alert]:
    """
    Return other alerts of a day before to a day after: of the same entity, or with an address or session of it; newest first.

    Of each it looks at the NEAREST by number on both sides: what an attacker repeats costs no more. Two queries.
    """
    same_entity = Alert.objects.filter(entity_type=alert.entity_type, entity_id=alert.entity_id)
    around = _around(same_entity, "pk", alert.pk)
    shared = AlertEntity.objects.filter(alert=alert, entity__kind__in=["ip", "session"]).values_list(
        "entity", flat=True
    )
    for entity in set(shared):
        around += _around(AlertEntity.objects.filter(entity=entity), "alert", alert.pk)
    near = Alert.objects.filter(last_seen__gte=alert.first_seen - NEARBY, first_seen__lte=alert.last_seen + NEARBY)
    return list(near.filter(pk__in=around[0].union(*around[1:])).order_by("-id")[:limit])


def _around(rows: QuerySet[Any], key: str, pk: int) -> list[QuerySet[Any]]:
    """Return the rows nearest to a key on both sides, by that key alone."""
    before, after = rows.filter(**{f"{key}__lt": pk}), rows.filter(**{f"{key}__gt": pk})
    return [
        before.order_by(f"-{key}").values_list(key, flat=True)[:NEAREST],
        after.order_by(key).values_list(key, flat=True)[:NEAREST],
    ]


def earlier_verdicts(alert: Alert, limit: int) -> list[Alert]:
    """Return the latest other alerts on the same entity that somebody judged, newest first; rehearsals are judged by nobody."""
    same = Alert.objects.filter(entity_type=alert.entity_type, entity_id=alert.entity_id, rehearsal=None)
    return list(same.exclude(verdict="").exclude(pk=alert.pk).order_by("-id")[:limit])


def capped_count(rows: QuerySet[Alert]) -> int:
    """Return how many there are, at most COUNT_LIMIT + 1: the price of a count stays the same however many there are."""
    return rows.order_by()[: COUNT_LIMIT + 1].count()


def counting(rows: QuerySet[Any]) -> Written:
    """Return the SQL of `capped_count`, to ask for several at once."""
    sql, values = written(rows.order_by().values("pk")[: COUNT_LIMIT + 1])
    return f"SELECT count(*) FROM ({sql}) counted", values  # noqa: S608 - Django's own SQL
