"""
The queue by entity, address or detection: one row a group.

The newest GROUPED alerts that match are grouped, so that the price stays the same however many there are; most queues hold fewer,
and then nothing is left out. An alert stands under each entity and each address that took part in it. Plain lists of keys are
fetched and put together here: a database that is asked to join and count them itself at times reads every alert there is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

from django.db.models import QuerySet

from alerts import search
from alerts.models import Alert, AlertEntity, Entity

GROUPED = 1_000
DAYS = 14
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


class _Told(NamedTuple):
    pk: int
    severity: int
    last_seen: datetime
    detection: str


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

    `searched_in` as in `search.settled`; it asks for up to three more.
    """
    fields = search.settled(alerts, GROUPED + 1, searched_in=searched_in).order_by("-pk").values_list(*_Told._fields)
    found = [_Told(*row) for row in fields[: GROUPED + 1]]
    counted = found[:GROUPED]
    members = _members(counted, by)  # a group's alerts, the newest first
    listed = sorted(members, key=lambda key: (-members[key][0].pk, str(key)))
    below = [key for key in listed if before is None or members[key][0].pk < before]
    page = _page(below, members, limit)
    newest = Alert.objects.only("sentence").in_bulk([members[key][0].pk for key in page])
    entities = {} if by == "detection" else Entity.objects.in_bulk(page)
    return Groups(
        rows=[_group(by, key, members[key], newest[members[key][0].pk], entities.get(key), now) for key in page],
        counted=len(counted),
        is_cut=len(found) > GROUPED,
        older=members[page[-1]][0].pk if len(below) > len(page) else None,
        newest=found[0].pk if found else 0,
    )


def _members(counted: Sequence[_Told], by: str) -> dict[Any, list[_Told]]:
    """Return the alerts of each group, by what makes it one: a detection's title, or an entity's key."""
    if by == "detection":
        return _gathered((one.detection, one) for one in counted)
    told = {one.pk: one for one in counted}
    links = AlertEntity.objects.filter(alert__any_of=told)
    if by == "address":
        links = links.exclude(role="session").filter(entity__kind="ip")
    named = list(links.order_by().values_list("alert", "entity", "role"))
    own = {entity for _, entity, role in named if by == "address" or role == "entity"}
    pairs = {(entity, alert) for alert, entity, _ in named if entity in own}
    return _gathered((entity, told[alert]) for entity, alert in sorted(pairs, key=lambda pair: -pair[1]))


def _gathered(pairs: Iterable[tuple[Any, _Told]]) -> dict[Any, list[_Told]]:
    found: dict[Any, list[_Told]] = {}
    for key, one in pairs:
        found.setdefault(key, []).append(one)
    return found


def _page(listed: list[Any], members: dict[Any, list[_Told]], limit: int) -> list[Any]:
    """Return the first `limit`, and with them all whose newest alert is that of the last one: the next page begins below it."""
    page = listed[:limit]
    return page + list(takewhile(lambda key: members[key][0].pk == members[page[-1]][0].pk, listed[limit:]))


def _group(by: str, key: Any, members: list[_Told], newest: Alert, entity: Entity | None, now: datetime) -> Group:
    return Group(
        field=by,
        value=entity.value if entity else key,
        name=str(entity) if entity else key,
        kind=entity.kind if entity else "",
        alerts=len(members),
        severity=min(one.severity for one in members),
        last_seen=max(one.last_seen for one in members),
        newest=newest,
        days=_by_day(members, now),
    )


def _by_day(members: list[_Told], now: datetime) -> list[int]:
    """Return how many were last seen on each of the last DAYS days, of UTC."""
    first = (now - timedelta(days=DAYS - 1)).date()
    days = [0] * DAYS
    for one in members:
        if one.last_seen.date() >= first:
            days[min((one.last_seen.date() - first).days, DAYS - 1)] += 1
    return days
