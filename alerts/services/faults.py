"""
A fault that lasts is an alert, and so exactly one ticket: a detection that died is as grave as what it would have found.

Each monitor's fault is one alert while it lasts; a fault whose cause lies in the cluster or the channel, and the silence of most
monitors, is one alert for all of them. An index gone quiet is one too. What is mended is said in the ticket, and its alert
closes itself unless somebody is working on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from alerts.choices import OperationKind, OperationState, Status
from alerts.models import Alert, TicketOperation
from alerts.services import cases
from alerts.services.alerting import Origin, Outcome, take
from core import activity, clock
from monitors import diagnosis
from monitors.diagnosis import Kind
from monitors.findings import Finding, Mark, duration
from monitors.models import Deployment
from monitors.services import quiet

log = structlog.get_logger(__name__)

BY = "watch"
MONITOR, INDEX = "Monitor fault", "Index gone quiet"
SEVERITY = 2
MANY = 3  # silent monitors; where at least half of all are, the silence is one
NAMES = {
    Kind.AWAY: "OpenSearch",
    Kind.CHANNEL: "the webhook channel",
    Kind.COMPILATIONS: "the cluster's limits",
    Kind.BUSY: "the cluster",
    Kind.SILENT: "monitors gone silent",
}


@dataclass(frozen=True)
class Fault:
    """Something that is wrong and has been since a while. `key` is its identity within its `detection`."""

    detection: str
    entity_type: str
    key: str
    name: str
    sentence: str
    since: datetime
    monitors: int = 1

    def origin(self) -> Origin:
        """Return how it is known as an alert."""
        return Origin(
            None,
            "oktadetect",
            detection=self.detection,
            detection_id="",
            limits={"seconds": settings.OKTADETECT_FAULT_TICKET_SECONDS},
        )

    def finding(self, now: datetime) -> Finding:
        """Return it as a finding: its evidence is the time that it lasts."""
        return Finding(
            entity_type=self.entity_type,
            entity_id=self.key,
            entity_name=self.name,
            count=self.monitors,
            first=Mark(self.since, None),
            last=Mark(now, None),
            observed={"count": self.monitors, "seconds": int((now - self.since).total_seconds())},
            events=[],
            sentence=self.sentence,
            severity=SEVERITY,
        )


def tell() -> list[Outcome]:
    """
    Make alerts of the faults that last, and close those of what was mended. Idempotent: a fault that is told already is left alone.

    With OKTADETECT_FAULT_TICKET_SECONDS 0 nothing is told, and what was is closed when it is mended.
    """
    now = clock.now()
    faults = [*_of_monitors(), *_of_indices()]
    wait = timedelta(seconds=settings.OKTADETECT_FAULT_TICKET_SECONDS)
    outcomes = []
    if wait:
        for fault in faults:
            if now - fault.since >= wait:
                outcomes += _tell(fault, now)
    _close_mended({(fault.detection, fault.key) for fault in faults} | _still_faulty())
    return outcomes


def _tell(fault: Fault, now: datetime) -> list[Outcome]:
    finding, origin = fault.finding(now), fault.origin()
    is_told = Alert.objects.filter(fingerprint=origin.fingerprint(finding), sentence=fault.sentence[:1000])
    if is_told.exclude(status=Status.CLOSED).exists():
        return []
    return [take(finding, origin, delivery=None)]


def _of_monitors() -> Iterator[Fault]:
    rows = Deployment.objects.exclude(opensearch_id="").select_related("monitor")
    running = [row for row in rows if row.runs]
    faulty = [(row, told) for row in running if (told := diagnosis.diagnose(row.fault)) is not None]
    silent = sum(told.kind == Kind.SILENT for _, told in faulty)
    all_silent = silent >= MANY and 2 * silent >= len(running)
    common: dict[Kind, list[Deployment]] = {}
    for row, told in faulty:
        if told.common or (told.kind == Kind.SILENT and all_silent):
            common.setdefault(told.kind, []).append(row)
        else:
            yield Fault(
                MONITOR,
                "monitor",
                str(row.monitor_id),
                row.monitor.name,
                f"{row.monitor.name}: {row.fault}",
                _since(row),
            )
    for kind, concerned in common.items():
        first = min(concerned, key=_since)
        sentence = "Most monitors are silent." if kind == Kind.SILENT else first.fault
        yield Fault(MONITOR, "monitor", kind.value, NAMES[kind], sentence, _since(first), len(concerned))


def _since(row: Deployment) -> datetime:
    return row.fault_since or clock.now()


def _of_indices() -> Iterator[Fault]:
    for one in quiet.late_indices():
        if one.usual is None:
            since = (
                clock.now()
            )  # whether that is usual cannot be asked now: what is told stays told, and nothing new is
            yield Fault(INDEX, "index", one.pattern, one.pattern, "", since)
            continue
        words = duration(int((clock.now() - one.newest_at).total_seconds()) // 3600 * 3600)
        sentence = (
            f"No event of {one.pattern} is younger than {words}, where some {one.usual} an hour were usual. Look at the "
            "pipeline that brings Okta's events."
        )
        yield Fault(INDEX, "index", one.pattern, one.pattern, sentence, one.newest_at)


def _still_faulty() -> set[tuple[str, str]]:
    """Return the monitors that have any fault: while the cluster is away, nobody knows whether their own was mended."""
    rows = Deployment.objects.exclude(opensearch_id="").exclude(fault="").select_related("monitor")
    return {(MONITOR, str(row.monitor_id)) for row in rows if row.runs}


def _close_mended(holding: set[tuple[str, str]]) -> None:
    mine = Alert.objects.filter(monitor=None, detection__in=[MONITOR, INDEX], entity_type__in=["monitor", "index"])
    for alert in mine.exclude(status=Status.CLOSED):
        if (alert.detection, alert.entity_id) not in holding:
            _mended(alert.pk)


@transaction.atomic
def _mended(alert_id: int) -> None:
    """Say in the ticket that it is over, once, and close the alert where nobody has it."""
    alert = Alert.objects.select_for_update().filter(pk=alert_id).exclude(status=Status.CLOSED).first()
    newest = alert.occurrences.order_by("-last_at").first() if alert is not None else None
    if alert is None or newest is None:
        return
    if activity.history(alert).filter(action="alert.fault_over", at__gt=newest.created_at).exists():
        return  # said already; somebody has the alert
    now = clock.now()
    said = f"This is over since {now:%Y-%m-%d %H:%M} UTC."
    create = TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).first()
    if create is not None and create.state != OperationState.DISMISSED:
        TicketOperation.objects.create(
            case_id=alert.case_id, alert=alert, kind=OperationKind.COMMENT, depends_on=create, payload={"text": said}
        )
    activity.record("alert.fault_over", alert, by=BY)
    if alert.status == Status.NEW and alert.assignee_id is None:
        alert.status, alert.snoozed_until, alert.closed_at = Status.CLOSED, None, now
        alert.save(
            update_fields=["status", "snoozed_until", "closed_at", "updated_at"]
        )  # and no verdict: nobody judged it
        activity.record("alert.closed", alert, by=BY, reason="the fault is over")
        cases.owe_transition(alert)
    log.info("fault_over", alert=alert.pk)
