"""
Catch-up: what was not delivered is found by the same search, run from here, and ingested as *recovered*.

Two ways: periods that no whole answer covered (a long outage, a cut answer, a body that was too large), stepping by *emit* from
`covered_to`; and events that were indexed late, by looking once more over the last hours. One search at a time for a cluster.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import connection
from django.db.models import F, Q

from alerts.services.alerting import Outcome
from alerts.services.ingest import judged, origin_of, take_all
from core import clock
from monitors.errors import MonitorsError
from monitors.models import Deployment
from monitors.services import health, revisions, search

log = structlog.get_logger(__name__)

ONE_AT_A_TIME = 0x63617463  # "catc": an advisory lock


def catch_up() -> list[Outcome]:
    """Run what is owed; return what became of the findings. A failure waits in its row, for longer each time."""
    outcomes: list[Outcome] = []
    with _alone() as alone:
        for deployment in _owed() if alone else ():
            try:
                outcomes += _catch_up(deployment)
            except MonitorsError as error:
                log.warning("catch_up_failed", monitor=str(deployment.monitor_id), error=str(error))
                health.put_off_catch_up(deployment)
    return outcomes


def look_for_late_events(hours: int) -> list[Outcome]:
    """Run every running monitor's search over the last `hours`: events that were indexed late lie behind its look-back."""
    outcomes: list[Outcome] = []
    with _alone() as alone:
        for deployment in _running() if alone else ():
            inputs = replace(revisions.inputs_of(deployment.monitor), emit_seconds=hours * 3600)
            try:
                findings = search.run_whole(inputs, end_ms=clock.to_ms(clock.now()))
            except MonitorsError as error:
                log.warning("late_events_not_looked_for", monitor=str(deployment.monitor_id), error=str(error))
                continue
            taken, _ = take_all(
                judged(findings, deployment.monitor, inputs), origin_of(deployment.monitor), delivery=None
            )
            outcomes += taken
    return outcomes


def _catch_up(deployment: Deployment) -> list[Outcome]:
    inputs = revisions.inputs_of(deployment.monitor)
    step = timedelta(milliseconds=inputs.emit_ms)
    now = clock.now()
    outcomes: list[Outcome] = []
    for end in ends(deployment.covered_to or now, now, step):
        findings = search.run_whole(inputs, end_ms=clock.to_ms(end))
        taken, _ = take_all(judged(findings, deployment.monitor, inputs), origin_of(deployment.monitor), delivery=None)
        outcomes += taken
        health.caught_up(deployment, end)
    return outcomes


def ends(covered_to: datetime, now: datetime, step: timedelta) -> list[datetime]:
    """Return the ends of the searches that together cover everything from `covered_to` to `now`, each looking back one `step`."""
    found, end = [], covered_to
    while end + step < now:
        end += step
        found.append(end)
    return [*found, now]


def _running() -> list[Deployment]:
    rows = Deployment.objects.exclude(opensearch_id="").filter(monitor__enabled=True)
    return list(rows.select_related("monitor").order_by("pk"))


def _owed() -> list[Deployment]:
    """Return what is asked for, and what was not heard whole for so long that OpenSearch will soon not repeat it any more."""
    now = clock.now()
    asked = Q(catch_up_at__lte=now)
    silent = Q(catch_up_at=None, covered_to__lt=now - timedelta(minutes=45))
    rows = Deployment.objects.exclude(opensearch_id="").filter(asked | silent, monitor__enabled=True)
    return list(rows.select_related("monitor").order_by(F("covered_to").asc(nulls_first=True)))


@contextmanager
def _alone() -> Iterator[bool]:
    """Say whether no other worker is searching for what was missed; while the block runs, none will."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ONE_AT_A_TIME])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
