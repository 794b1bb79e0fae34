"""
The queue by entity, address or detection: one row a group.

The newest GROUPED alerts that match are grouped, so that the price stays the same however many there are; most queues hold fewer,
and then nothing is left out. An alert stands under each entity and each address that took part in it. Their keys are found first: a
database that is asked to find, join and count them at once at times reads every alert there is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Value

from alerts import search
from alerts.models import Alert, AlertEntity, Entity
from core.queries import Prepared, Written, written

GROUPED = 1_000
DAYS = 14
DAY = 86_400  # seconds
GROUPS = {"entity": "entity", "address": "address", "detection": "detection"}


@dataclass(frozen=True)
class Group:
    """Alerts that share a value; `field` and `value` are the filter that leaves them. `days` counts them by day, today last."""

    field: str
    value: str
    name: str
    kind: str
    alerts: int
    severity: int
    last_seen: datetime
    newest: Alert
    days: list[int]


@dataclass(frozen=True)
class Groups:
    """A page of groups of `counted` alerts; `is_cut` says that more match. `older` asks for the next page; `newest` is the newest alert."""

    rows: list[Group]
    counted: int
    is_cut: bool
    older: int | None
    newest: int


# Of each group: what makes it one, how many alerts, the highest severity, when one was last seen, the newest, the days on which they
# were last seen (of UTC, since 1970), and how many groups there are. An alert counts for everybody who took part in it, in whatever
# role; who never was the one that an alert is about has no group.
OF_MEMBERS = """
SELECT key, count(*), min(severity), max(seen), max(alert), array_agg(floor(extract(epoch FROM seen) / {day})::int), count(*) OVER ()
FROM (
  SELECT key, alert, min(severity), max(seen), bool_or(role = 'entity')
  FROM ({members}) links (key, alert, severity, seen, role) GROUP BY key, alert
) members (key, alert, severity, seen, is_own)
GROUP BY key HAVING bool_or(is_own) AND max(alert) < %s ORDER BY max(alert) DESC FETCH FIRST (%s) ROWS WITH TIES
"""


def _links(keys: list[int]) -> QuerySet[AlertEntity]:
    return AlertEntity.objects.filter(alert__any_of=keys).order_by()


def _alerts(keys: list[int]) -> QuerySet[Alert]:
    return Alert.objects.filter(pk__any_of=keys).order_by()


OF_AN_ALERT = ("entity", "alert", "alert__severity", "alert__last_seen")
OWN = Value("entity")
MEMBERS: dict[str, Callable[[list[int]], QuerySet[Any, Any]]] = {
    "entity": lambda keys: _links(keys).values_list(*OF_AN_ALERT, "role"),
    "address": lambda keys: _links(keys).filter(entity__kind="ip").values_list(*OF_AN_ALERT, OWN),
    "detection": lambda keys: _alerts(keys).values_list("detection", "pk", "severity", "last_seen", OWN),
}


def _prepared(by: str) -> Prepared:
    def write(keys: list[int], before: int, limit: int) -> Written:
        members, values = written(MEMBERS[by](keys))
        return OF_MEMBERS.format(members=members, day=DAY), (*values, before, limit)

    return Prepared(write, keys=[-1], before=-2, limit=-3)


GROUPING = {by: _prepared(by) for by in GROUPS}


def grouped(
    alerts: QuerySet[Alert],
    by: str,
    *,
    now: datetime,
    limit: int,
    before: int | None = None,
    searched_in: search.Searched | None = None,
) -> Groups:
    """
    Return the groups (a key of GROUPS) of the newest alerts, the one with the newest alert first: four queries.

    With the first `limit` come all whose newest alert is that of the last one: the next page begins below it. `searched_in` as in
    `search.newest`; it asks for up to three more.
    """
    found = search.newest(alerts, GROUPED + 1, searched_in=searched_in)
    latest = found[0] if found else 0
    rows = GROUPING[by].rows(keys=found[:GROUPED], before=before or latest + 1, limit=limit)
    rows.sort(key=lambda row: (-row[4], str(row[0])))
    newest = Alert.objects.only("sentence").in_bulk([row[4] for row in rows])
    entities = {} if by == "detection" else Entity.objects.in_bulk([row[0] for row in rows])
    return Groups(
        rows=[
            _group(by, key, entities.get(key), count, severity, seen, newest[pk], _by_day(days, now))
            for key, count, severity, seen, pk, days, _ in rows
        ],
        counted=min(len(found), GROUPED),
        is_cut=len(found) > GROUPED,
        older=rows[-1][4] if rows and rows[0][-1] > len(rows) else None,
        newest=latest,
    )


def _group(by: str, key: Any, entity: Entity | None, *told: Any) -> Group:
    if entity is None:
        return Group(by, key, key, "", *told)
    return Group(by, entity.value, str(entity), entity.kind, *told)


def _by_day(days: Iterable[int], now: datetime) -> list[int]:
    """Return how many were last seen on each of the last DAYS days."""
    first = int(now.timestamp() // DAY) - DAYS + 1
    counts = [0] * DAYS
    for day in days:
        if day >= first:
            counts[min(day - first, DAYS - 1)] += 1
    return counts
