"""What each monitor costs the cluster: how long its searches take, what they read, and how that moves over a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from uuid import UUID

from django.db.models import Count, Max, Sum
from django.db.models.functions import TruncHour

from alerts import partitions
from alerts.models import Delivery
from core import clock
from core.queries import Prepared, Written, written
from monitors.models import Monitor

HOURS = 24
# Of each monitor: the columns of Cost, then the hours since 1970 in which it was heard, and the mean time of each.
OF_A_MONITOR = """
SELECT monitor, sum(heard), sum(took)::float / sum(heard), max(slowest), sum(events)::float / greatest(sum(counted), 1),
  sum(size)::float / sum(heard), array_agg((extract(epoch FROM hour) / 3600)::int), array_agg(took::float / heard)
FROM ({hours}) hours (monitor, hour, heard, counted, took, slowest, events, size) GROUP BY monitor ORDER BY 3 DESC
"""


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


def _by_monitor(since: UUID) -> Written:
    heard = Delivery.objects.filter(pk__gte=since, took_ms__isnull=False, monitor__isnull=False).order_by()
    by_hour = heard.values_list("monitor", TruncHour("received_at", tzinfo=UTC)).annotate(
        Count("pk"), Count("events_read"), Sum("took_ms"), Max("took_ms"), Sum("events_read", default=0), Sum("size")
    )
    hours, values = written(by_hour)
    return OF_A_MONITOR.format(hours=hours), values


BY_MONITOR = Prepared(_by_monitor, since=UUID(int=1))


def of_the_last_day() -> list[Cost]:
    """Return what every monitor cost that was heard in the last 24 hours, the dearest first. Two queries, whatever their number."""
    now = clock.now()
    first = int(now.timestamp() // 3600) - HOURS + 1
    rows = BY_MONITOR.rows(since=UUID(partitions.first_key(now - timedelta(hours=HOURS))))
    monitors = Monitor.objects.only("name").in_bulk([row[0] for row in rows])
    return [
        Cost(monitors[monitor], heard, took, slowest, read, size, _hourly(dict(zip(hours, means, strict=True)), first))
        for monitor, heard, took, slowest, read, size, hours, means in rows
        if monitor in monitors
    ]


def _hourly(means: dict[int, float], first: int) -> list[float | None]:
    return [means.get(hour) for hour in range(first, first + HOURS)]
