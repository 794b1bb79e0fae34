"""What each monitor costs the cluster: how long its searches take, what they read, and how that moves over a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Avg, Count, Max
from django.db.models.functions import TruncHour

from alerts import partitions
from alerts.models import Delivery
from core import clock
from monitors.models import Monitor

HOURS = 24


@dataclass(frozen=True)
class Cost:
    """
    One monitor's searches of the last day, as its envelopes told.

    `hourly` is the mean `took_ms` of each of the last 24 hours, None where nothing was heard.
    """

    monitor: Monitor
    heard: int
    took_ms: float
    slowest_ms: int
    events_read: float
    bytes: float
    hourly: Sequence[float | None]


def of_the_last_day() -> list[Cost]:
    """Return what every monitor cost that was heard in the last 24 hours, the dearest first. Three queries, whatever their number."""
    now = clock.now()
    rows = Delivery.objects.filter(
        pk__gte=partitions.first_key(now - timedelta(hours=HOURS)), took_ms__isnull=False, monitor__isnull=False
    )
    by_monitor = rows.values("monitor").order_by()
    totals = by_monitor.annotate(
        heard=Count("pk"), took=Avg("took_ms"), slowest=Max("took_ms"), read=Avg("events_read"), size_of=Avg("size")
    )
    hours: dict[UUID | None, dict[datetime, float]] = {}
    for row in by_monitor.annotate(hour=TruncHour("received_at"), took=Avg("took_ms")):
        hours.setdefault(row["monitor"], {})[row["hour"]] = row["took"]
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    wanted = [this_hour - timedelta(hours=back) for back in reversed(range(HOURS))]
    monitors = Monitor.objects.in_bulk([row["monitor"] for row in totals])
    found = [
        Cost(
            monitor=monitors[row["monitor"]],
            heard=row["heard"],
            took_ms=row["took"],
            slowest_ms=row["slowest"],
            events_read=row["read"] or 0.0,
            bytes=row["size_of"],
            hourly=[hours[row["monitor"]].get(hour) for hour in wanted],
        )
        for row in totals
        if row["monitor"] in monitors
    ]
    return sorted(found, key=lambda cost: -cost.took_ms)
