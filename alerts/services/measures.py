"""
How well alerts are found and worked: times, volumes, and the share of false positives of each detection.

Everything is read from rows that are kept anyway. Rehearsals are left out; what is suppressed is counted apart, for nobody works it.
Times are in seconds, weeks begin on Monday (UTC). What is dear to ask for is kept for a while (`alerts.services.figures`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone

from alerts import partitions
from alerts.choices import DeliveryStatus, Status, Verdict
from alerts.models import Alert, Delivery
from alerts.services import figures
from alerts.services.figures import Rows
from core import clock
from monitors.models import Deployment

AGES = (("under an hour", 3600), ("under a day", 86_400), ("under a week", 604_800))
ENOUGH_VERDICTS = 5  # below that a share says nothing

TIMED = 50_000  # alerts whose times are told apart at most: more of them would move no percentile that anybody sees

# Who acted first, of the people: programs acknowledge nothing. One row of history by its index, for every so-manieth alert of the span.
TIMES = """
WITH found AS (
  SELECT id, severity, date_trunc('week', created_at AT TIME ZONE 'UTC') AS week, created_at, first_seen, closed_at
  FROM alerts_alert
  WHERE created_at >= %s AND rehearsal_id IS NULL AND NOT recovered AND suppressed_by_id IS NULL
), counted AS (
  SELECT severity, week, count(*) AS alerts FROM found GROUP BY GROUPING SETS ((), (severity), (week))
), spans AS (
  SELECT severity, week, extract(epoch FROM created_at - first_seen)::float AS detect,
    extract(epoch FROM acted.at - created_at)::float AS acknowledge, extract(epoch FROM closed_at - created_at)::float AS resolve
  FROM found LEFT JOIN LATERAL (
    SELECT at FROM core_activity
    WHERE subject_kind = 'alert' AND subject_id = found.id::text AND person IS NOT NULL ORDER BY id LIMIT 1
  ) acted ON true
  WHERE id %% %s = 0
), timed AS (
  SELECT severity, week,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY detect) AS detect,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY acknowledge) AS acknowledge,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY resolve) AS resolve
  FROM spans GROUP BY GROUPING SETS ((), (severity), (week))
)
SELECT counted.severity, to_char(counted.week, 'YYYY-MM-DD'), alerts, detect, acknowledge, resolve
FROM counted LEFT JOIN timed
  ON timed.severity IS NOT DISTINCT FROM counted.severity AND timed.week IS NOT DISTINCT FROM counted.week
ORDER BY counted.severity, counted.week
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
    """Return the times of alerts found in the last `days`: first of all, then by severity, then by week. Of at most TIMED alerts."""
    told = [
        Times(
            severity, datetime.fromisoformat(week) if week else None, number,
            *(Percentiles(*(pair or (None, None))) for pair in found),
        )
        for severity, week, number, *found in figures.rows("times", days, _times)
    ]  # fmt: skip
    overall = [one for one in told if one.severity is None and one.week is None]
    return [*overall, *(one for one in told if one.severity), *(one for one in told if one.week)]


def _times(days: int) -> Rows:
    alerts = Alert.objects.filter(created_at__gte=_since(days)).count()
    with connection.cursor() as cursor:
        cursor.execute(TIMES, [_since(days), max(alerts // TIMED, 1)])
        return [list(row) for row in cursor.fetchall()]


def detections(days: int) -> list[OfDetection]:
    """Return each detection that alerted in the last `days`, the one with the most false positives first."""
    found = [OfDetection(*row) for row in figures.rows("detections", days, _detections)]
    return sorted(found, key=lambda one: (-one.false_positives, -one.alerts, one.detection))


def _detections(days: int) -> Rows:
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
    return [
        [
            row["detection"], row["n"], row["judged"], row["true"], row["false"], row["suppressed"],
            busiest.get(row["detection"], (0, None))[1],
        ]
        for row in rows
    ]  # fmt: skip


def noisiest(found: Sequence[OfDetection], limit: int = 3) -> list[OfDetection]:
    """Return the detections most worth tuning: of which most was false, by number."""
    return [one for one in found if one.false_share and one.monitor][:limit]


def weekly(days: int) -> list[tuple[datetime, int]]:
    """Return how many alerts each week of the span had, oldest first, weeks without any among them; nothing where none had."""
    rows = {
        timezone.localtime(datetime.fromisoformat(week)): number
        for week, number in figures.rows("weekly", days, _weekly)
    }
    since = timezone.localtime(clock.now() - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = since - timedelta(days=since.weekday())
    found: list[tuple[datetime, int]] = []
    while rows and monday <= clock.now():
        found.append((monday, rows.get(monday, 0)))
        monday += timedelta(days=7)
    return found


def _weekly(days: int) -> Rows:
    weeks = _alerts(days, suppressed_by=None).annotate(week=TruncWeek("created_at")).values_list("week")
    return [[week.isoformat(), number] for week, number in weeks.annotate(n=Count("pk"))]


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
    """Return what came in over the last `days`, and what got in the way."""
    [[deliveries, quarantined, recovered, suppressed]] = figures.rows("plumbing", days, _plumbing)
    faulty = Deployment.objects.exclude(fault="").count()
    return Plumbing(deliveries, quarantined, recovered, suppressed, faulty)


def _plumbing(days: int) -> Rows:
    deliveries = Delivery.objects.filter(pk__gte=partitions.first_key(_since(days)))
    told = deliveries.aggregate(n=Count("pk"), bad=Count("pk", filter=Q(status=DeliveryStatus.QUARANTINED)))
    recovered, suppressed = _alerts(days, recovered=True), _alerts(days, suppressed_by__isnull=False)
    return [[told["n"], told["bad"], recovered.count(), suppressed.count()]]


def refresh() -> int:
    """Measure again what is dear to measure and old enough by now. Return how many figures that were."""
    return figures.refresh({"times": _times, "detections": _detections, "weekly": _weekly, "plumbing": _plumbing})


def _alerts(days: int, **narrowed: Any) -> Any:
    return Alert.objects.filter(created_at__gte=_since(days), rehearsal=None, **narrowed).order_by()


def _since(days: int) -> datetime:
    return clock.now() - timedelta(days=days)
