"""
How well alerts are found and worked: times, volumes, and the share of false positives of each detection.

Everything is read from rows that are kept anyway. Rehearsals are left out; what is suppressed is counted apart, for nobody works it.
Times are in seconds, weeks begin on Monday (UTC).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import TruncWeek

from alerts import partitions
from alerts.choices import DeliveryStatus, Status, Verdict
from alerts.models import Alert, Delivery
from core import clock
from monitors.models import Deployment

AGES = (("under an hour", 3600), ("under a day", 86_400), ("under a week", 604_800))
ENOUGH_VERDICTS = 5  # below that a share says nothing

# Who acted first, of the people: programs acknowledge nothing. One row of history by its index, for each alert of the span.
TIMES = """
WITH spans AS (
  SELECT alert.severity, date_trunc('week', alert.created_at AT TIME ZONE 'UTC') AS week,
    extract(epoch FROM alert.created_at - alert.first_seen) AS detect,
    extract(epoch FROM acted.at - alert.created_at) AS acknowledge,
    extract(epoch FROM alert.closed_at - alert.created_at) AS resolve
  FROM alerts_alert alert
  LEFT JOIN LATERAL (
    SELECT at FROM core_activity
    WHERE subject_kind = 'alert' AND subject_id = alert.id::text AND person IS NOT NULL ORDER BY id LIMIT 1
  ) acted ON true
  WHERE alert.created_at >= %s AND alert.rehearsal_id IS NULL AND NOT alert.recovered AND alert.suppressed_by_id IS NULL
)
SELECT severity, week, count(*),
  percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY detect),
  percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY acknowledge),
  percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY resolve)
FROM spans GROUP BY GROUPING SETS ((), (severity), (week)) ORDER BY severity, week
"""


@dataclass(frozen=True)
class Percentiles:
    """The half and nine tenths of some times, in seconds; None where there were none."""

    p50: float | None
    p90: float | None


@dataclass(frozen=True)
class Times:
    """How long it took to find, to act for the first time, and to close; of one severity, of one week, or (neither) of all."""

    severity: int | None
    week: datetime | None
    alerts: int
    detect: Percentiles
    acknowledge: Percentiles
    resolve: Percentiles

    @property
    def spans(self) -> tuple[Percentiles, Percentiles, Percentiles]:
        """The three, in the order in which they happen."""
        return self.detect, self.acknowledge, self.resolve


@dataclass(frozen=True)
class OfDetection:
    """One detection's alerts, what they turned out to be, and the monitor to tune (the one with most of them)."""

    detection: str
    alerts: int
    judged: int
    true_positives: int
    false_positives: int
    suppressed: int
    monitor: str | None

    @property
    def false_share(self) -> float | None:
        """The share of false positives among what was judged for good; None while too little was."""
        return self.false_positives / self.judged if self.judged >= ENOUGH_VERDICTS else None


@dataclass(frozen=True)
class Plumbing:
    """What came in and what got in the way."""

    deliveries: int
    quarantined: int
    recovered: int
    suppressed: int
    faulty_monitors: int


def times(days: int) -> list[Times]:
    """Return the times of alerts found in the last `days`: first of all, then by severity, then by week. One query."""
    with connection.cursor() as cursor:
        cursor.execute(TIMES, [_since(days)])
        rows = cursor.fetchall()
    told = [
        Times(severity, week, number, *(Percentiles(*(pair or (None, None))) for pair in found))
        for severity, week, number, *found in rows
    ]
    overall = [one for one in told if one.severity is None and one.week is None]
    return [*overall, *(one for one in told if one.severity), *(one for one in told if one.week)]


def detections(days: int) -> list[OfDetection]:
    """Return each detection that alerted in the last `days`, the one with the most false positives first. Two queries."""
    verdict = {one: Count("pk", filter=Q(verdict=one)) for one in (Verdict.TRUE_POSITIVE, Verdict.FALSE_POSITIVE)}
    settled = Q(verdict__in=[Verdict.TRUE_POSITIVE, Verdict.BENIGN, Verdict.FALSE_POSITIVE])
    rows = (
        _alerts(days)
        .values("detection")
        .annotate(
            n=Count("pk", filter=Q(suppressed_by=None)),
            suppressed=Count("pk", filter=Q(suppressed_by__isnull=False)),
            judged=Count("pk", filter=settled),
            true=verdict[Verdict.TRUE_POSITIVE],
            false=verdict[Verdict.FALSE_POSITIVE],
        )
    )
    busiest: dict[str, tuple[int, str]] = {}
    by_monitor = _alerts(days).filter(monitor__isnull=False).values("detection", "monitor").annotate(n=Count("pk"))
    for row in by_monitor:
        busiest[row["detection"]] = max(busiest.get(row["detection"], (0, "")), (row["n"], str(row["monitor"])))
    found = [
        OfDetection(
            row["detection"], row["n"], row["judged"], row["true"], row["false"], row["suppressed"],
            busiest.get(row["detection"], (0, None))[1],
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.false_positives, -one.alerts, one.detection))


def noisiest(found: Sequence[OfDetection], limit: int = 3) -> list[OfDetection]:
    """Return the detections most worth tuning: of which most was false, by number."""
    return [one for one in found if one.false_share and one.monitor][:limit]


def weekly(days: int) -> list[tuple[datetime, int]]:
    """Return how many alerts each week had, oldest first, weeks without any among them. One query."""
    rows = dict(
        _alerts(days, suppressed_by=None)
        .annotate(week=TruncWeek("created_at"))
        .values_list("week")
        .annotate(n=Count("pk"))
        .order_by("week")
    )
    monday = min(rows, default=None)
    found: list[tuple[datetime, int]] = []
    while monday is not None and monday <= clock.now():
        found.append((monday, rows.get(monday, 0)))
        monday += timedelta(days=7)
    return found


def open_by_age() -> list[tuple[str, int]]:
    """Return how many open alerts there are of each age, the youngest first. One query."""
    now = clock.now()
    counted, younger = {}, Q()
    for words, seconds in AGES:
        since = now - timedelta(seconds=seconds)
        counted[words] = Count("pk", filter=Q(created_at__gt=since) & younger)
        younger = Q(created_at__lte=since)
    counted["older"] = Count("pk", filter=younger)
    aliases = {f"age_{place}": count for place, count in enumerate(counted.values())}
    told = Alert.objects.filter(rehearsal=None).exclude(status=Status.CLOSED).aggregate(**aliases)
    return [(words, told[f"age_{place}"]) for place, words in enumerate(counted)]


def plumbing(days: int) -> Plumbing:
    """Return what came in over the last `days`, and what got in the way. Four queries."""
    rows = Delivery.objects.filter(pk__gte=partitions.first_key(_since(days)))
    told = rows.aggregate(n=Count("pk"), bad=Count("pk", filter=Q(status=DeliveryStatus.QUARANTINED)))
    return Plumbing(
        deliveries=told["n"],
        quarantined=told["bad"],
        recovered=_alerts(days, recovered=True).count(),
        suppressed=_alerts(days, suppressed_by__isnull=False).count(),
        faulty_monitors=Deployment.objects.exclude(fault="").count(),
    )


def _alerts(days: int, **narrowed: Any) -> Any:
    return Alert.objects.filter(created_at__gte=_since(days), rehearsal=None, **narrowed).order_by()


def _since(days: int) -> datetime:
    return clock.now() - timedelta(days=days)
