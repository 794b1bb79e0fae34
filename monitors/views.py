"""The monitors: what runs, what was heard of it last, and what is wrong."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from monitors.errors import DefinitionError
from monitors.findings import duration
from monitors.models import Deployment, Monitor
from monitors.services import coverage
from monitors.services.coverage import Rehearsed

CLOSED = "closed"  # alerts.choices.Status.CLOSED: that app stands above this one and is not imported


@dataclass(frozen=True)
class Row:
    """A monitor as the list shows it; `deployment` is None before its first push."""

    monitor: Monitor
    title: str
    deployment: Deployment | None
    state: str
    every: str
    open_alerts: int
    rehearsal: Rehearsed | None


@require_safe
def monitors(request: HttpRequest) -> HttpResponse:
    """Show every monitor, the gravest first, faults before all others."""
    alerts = Monitor.objects.order_by().annotate(open=Count("alerts", filter=~Q(alerts__status=CLOSED)))
    open_alerts = dict(alerts.values_list("pk", "open"))
    rehearsals = coverage.last_rehearsals()
    found = Monitor.objects.select_related("deployment__revision")
    rows = [_row(monitor, open_alerts.get(monitor.pk, 0), rehearsals.get(monitor.pk)) for monitor in found]
    rows.sort(key=lambda row: not (row.deployment and row.deployment.fault))
    return render(request, "monitors/monitors.html", {"section": "monitors", "rows": rows})


def _row(monitor: Monitor, open_alerts: int, rehearsal: Rehearsed | None) -> Row:
    try:
        title = monitor.definition().title
    except DefinitionError as error:
        title = str(error)  # it left the catalogue; the list stays readable and says so
    deployment = getattr(monitor, "deployment", None)
    return Row(
        monitor=monitor,
        title=title,
        deployment=deployment,
        state=Deployment.State(deployment.state).label if deployment else Deployment.State.NEVER.label,
        every=duration(monitor.interval_seconds),
        open_alerts=open_alerts,
        rehearsal=rehearsal,
    )
