"""
The queue by entity, address or detection: one row a group.

The newest GROUPED alerts that match are grouped, so that the price stays the same however many there are; most queues hold fewer,
and then nothing is left out. An alert stands under each entity and each address that took part in it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db.models import Count, F, Max, Min, QuerySet
from django.db.models.functions import TruncDate

from alerts.models import Alert, AlertEntity, Entity

GROUPED = 2_000
TIES = 1_000  # groups that may share their newest alert: one that hundreds of addresses took part in
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


def grouped(
    alerts: QuerySet[Alert], by: str, *, now: datetime, limit: int, before: int | None = None, days: int = 14
) -> Groups:
    """Return the groups (a key of GROUPS) of the newest alerts, the one with the newest alert first: five queries at most."""
    found = list(alerts.order_by("-pk").values_list("pk", flat=True)[: GROUPED + 1])
    counted = found[:GROUPED]
    rows, alert = _rows(counted, by)
    groups = rows.values("key").annotate(
        alerts=Count(f"{alert}pk", distinct=True),
        severity=Min(f"{alert}severity"),
        last_seen=Max(f"{alert}last_seen"),
        newest=Max(f"{alert}pk"),
    )
    if before is not None:
        groups = groups.filter(newest__lt=before)
    listed = list(groups.order_by("-newest", "key")[: limit + TIES])
    page = _page(listed, limit)
    by_day = _by_day(rows.filter(key__in=[one["key"] for one in page]), alert, now, days)
    newest = Alert.objects.in_bulk([one["newest"] for one in page])
    entities = {} if by == "detection" else Entity.objects.in_bulk([one["key"] for one in page])
    return Groups(
        rows=[
            Group(field=by, **_named(one["key"], entities), alerts=one["alerts"], severity=one["severity"],
                  last_seen=one["last_seen"], newest=newest[one["newest"]], days=by_day.get(one["key"], [0] * days))
            for one in page
        ],
        counted=len(counted),
        is_cut=len(found) > GROUPED,
        older=page[-1]["newest"] if len(listed) > len(page) else None,
        newest=found[0] if found else 0,
    )  # fmt: skip


def _rows(counted: list[int], by: str) -> tuple[QuerySet[Any], str]:
    """Return rows that have a group's `key`, and the way from them to their alert."""
    if by == "detection":
        return Alert.objects.filter(pk__in=counted).order_by().annotate(key=F("detection")), ""
    links = AlertEntity.objects.filter(alert__in=counted).order_by().annotate(key=F("entity"))
    if by == "address":
        return links.filter(entity__kind="ip"), "alert__"
    own = AlertEntity.objects.filter(alert__in=counted, role="entity").values("entity")
    return links.filter(entity__in=own), "alert__"


def _page(listed: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Return the first `limit`, and with them all whose newest alert is that of the last one: the next page begins below it."""
    page = listed[:limit]
    return page + list(takewhile(lambda one: one["newest"] == page[-1]["newest"], listed[limit:]))


def _by_day(rows: QuerySet[Any], alert: str, now: datetime, days: int) -> dict[Any, list[int]]:
    """Return how many alerts of each group were last seen on each of the last days (of UTC): one query."""
    first = (now - timedelta(days=days - 1)).date()
    recent = rows.filter(**{f"{alert}last_seen__date__gte": first})
    counts = recent.values_list("key", TruncDate(f"{alert}last_seen")).annotate(
        times=Count(f"{alert}pk", distinct=True)
    )
    found: dict[Any, list[int]] = {}
    for key, day, times in counts:
        found.setdefault(key, [0] * days)[min((day - first).days, days - 1)] += times
    return found


def _named(key: Any, entities: dict[int, Entity]) -> dict[str, str]:
    if key not in entities:
        return {"value": key, "name": key, "kind": ""}
    entity = entities[key]
    return {"value": entity.value, "name": str(entity), "kind": entity.kind}
