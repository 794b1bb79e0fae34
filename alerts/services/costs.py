"""What each monitor costs the cluster: how long its searches take, what they read, and how that moves over a day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Sum
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
    """Return what every monitor cost that was heard in the last 24 hours, the dearest first. Two queries, whatever their number."""
    now = clock.now()
    rows = Delivery.objects.filter(
        pk__gte=partitions.first_key(now - timedelta(hours=HOURS)), took_ms__isnull=False, monitor__isnull=False
    )
    by_hour = rows.order_by().values_list("monitor", TruncHour("received_at"))
    told: dict[UUID | None, list[_Hour]] = defaultdict(list)
    for monitor, *sums in by_hour.annotate(
        Count("pk"), Count("events_read"), Sum("took_ms"), Max("took_ms"), Sum("events_read"), Sum("size")
    ):
        told[monitor].append(_Hour(*sums))
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    wanted = [this_hour - timedelta(hours=back) for back in reversed(range(HOURS))]
    monitors = Monitor.objects.in_bulk([monitor for monitor in told if monitor])
    found = [_cost(monitor, told[pk], wanted) for pk, monitor in monitors.items()]
    return sorted(found, key=lambda cost: -cost.took_ms)


class _Hour(NamedTuple):
    at: datetime
    heard: int
    counted: int  # of those, how many told what they read
    took_ms: int
    slowest_ms: int
    events_read: int | None
    size: int


def _cost(monitor: Monitor, hours: Sequence[_Hour], wanted: Sequence[datetime]) -> Cost:
    heard, counted = sum(one.heard for one in hours), sum(one.counted for one in hours)
    means = {one.at: one.took_ms / one.heard for one in hours}
    return Cost(
        monitor=monitor,
        heard=heard,
        took_ms=sum(one.took_ms for one in hours) / heard,
        slowest_ms=max(one.slowest_ms for one in hours),
        events_read=sum(one.events_read or 0 for one in hours) / max(counted, 1),
        bytes=sum(one.size for one in hours) / heard,
        hourly=[means.get(hour) for hour in wanted],
    )
