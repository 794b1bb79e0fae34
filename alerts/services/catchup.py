"""
Catch-up: what was not delivered is found by the same search, run from here, and ingested as *recovered*.

Two ways: periods that no whole answer covered (a long outage, a cut answer, a body that was too large), stepping by *emit* from
`covered_to`; and events that were indexed late, by looking once more over the last hours. One search at a time for a cluster.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q, QuerySet

from alerts.services import hiding
from alerts.services.alerting import Outcome
from alerts.services.ingest import judged, origin_of, take_all
from core import clock
from core.locks import alone
from monitors.errors import MonitorsError
from monitors.findings import Finding
from monitors.models import Deployment, Monitor
from monitors.rendering import Inputs
from monitors.services import health, revisions, search

log = structlog.get_logger(__name__)

SHORTEST_SILENCE = timedelta(minutes=45)  # half of the shortest look-back


def catch_up() -> list[Outcome]:
    """Run what is owed; return what became of the findings. A failure waits in its row, for longer each time, and holds up no other."""
    outcomes: list[Outcome] = []
    with alone(search.ONE_AT_A_TIME) as nobody_else:
        for deployment in _owed() if nobody_else else ():
            try:
                outcomes += _catch_up(deployment)
            except MonitorsError as error:
                log.warning("catch_up_failed", monitor=str(deployment.monitor_id), error=str(error))
    return outcomes


def look_for_late_events(hours: int) -> list[Outcome]:
    """Run every running monitor's search over the last `hours`: events that were indexed late lie behind its look-back."""
    outcomes: list[Outcome] = []
    with alone(search.ONE_AT_A_TIME) as nobody_else:
        for deployment in _running() if nobody_else else ():
            try:
                monitor = revisions.pushed(deployment)
                inputs = replace(revisions.inputs_of(monitor), emit_seconds=hours * 3600)
                outcomes += _take(monitor, inputs, search.run_whole(inputs, end_ms=clock.to_ms(clock.now())))
            except MonitorsError as error:
                log.warning("late_events_not_looked_for", monitor=str(deployment.monitor_id), error=str(error))
    return outcomes


def _catch_up(deployment: Deployment) -> list[Outcome]:
    monitor = revisions.pushed(deployment)
    inputs = revisions.inputs_of(monitor)
    emit = timedelta(milliseconds=inputs.emit_ms)
    now = clock.now()
    if deployment.catch_up_at is None and deployment.covered_to and now - deployment.covered_to <= emit / 2:
        return []  # OpenSearch itself will repeat for long enough yet
    health.begin_catch_up(deployment)
    outcomes: list[Outcome] = []
    for end in ends(deployment.covered_to or now, now, emit):
        outcomes += _take(monitor, inputs, search.run_whole(inputs, end_ms=clock.to_ms(end)))
        health.caught_up(deployment, end)
    return outcomes


def _take(monitor: Monitor, inputs: Inputs, findings: Iterable[Finding]) -> list[Outcome]:
    found = judged(findings, monitor, inputs)
    outcomes, refused = take_all(found, origin_of(monitor), delivery=None, rules=hiding.InForce())
    if refused:
        log.error("findings_refused", monitor=str(monitor.uuid), refused=refused[:20])
    return outcomes


def ends(covered_to: datetime, now: datetime, step: timedelta) -> list[datetime]:
    """Return the ends of the searches that together cover everything from `covered_to` to `now`, each looking back one `step`."""
    found, end = [], covered_to
    while end + step < now:
        end += step
        found.append(end)
    return [*found, now]


def _running() -> list[Deployment]:
    """Return what OpenSearch is to run, in another order each time: where time runs out, it is never the same ones that wait."""
    return [deployment for deployment in _deployed().order_by("?") if deployment.runs]


def _owed() -> list[Deployment]:
    """Return what is asked for, and what was not heard whole for so long that OpenSearch may soon not repeat it any more."""
    now = clock.now()
    asked = Q(catch_up_at__lte=now)
    silent = Q(catch_up_at=None, covered_to__lt=now - SHORTEST_SILENCE)
    rows = _deployed().filter(asked | silent).order_by(F("covered_to").asc(nulls_first=True))
    return [deployment for deployment in rows if deployment.runs]


def _deployed() -> QuerySet[Deployment]:
    """What OpenSearch holds and the portal can search itself: an imported monitor's search is its own."""
    ours = Deployment.objects.filter(monitor__kept__isnull=True)
    return ours.exclude(opensearch_id="").select_related("monitor", "revision")
