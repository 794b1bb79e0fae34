"""The monitors: what runs, what was heard of it last, what is wrong, and what of ATT&CK they cover."""

import csv
import io
from dataclasses import dataclass

from django.db.models import Count, FilteredRelation, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from monitors.diagnosis import diagnose
from monitors.errors import DefinitionError
from monitors.findings import duration
from monitors.models import Deployment, IndexProfile, Monitor
from monitors.services import coverage, events
from monitors.services.coverage import Rehearsed

CLOSED = "closed"  # alerts.choices.Status.CLOSED: that app stands above this one and is not imported


@dataclass(frozen=True)
class Row:
    """A monitor as the list shows it; `deployment` is None before its first push; `mend` is the button that mends its fault."""

    monitor: Monitor
    title: str
    deployment: Deployment | None
    state: str
    every: str
    open_alerts: int
    rehearsal: Rehearsed | None
    mend: str


@require_safe
def monitors(request: HttpRequest) -> HttpResponse:
    """Show every monitor, the gravest first, faults before all others."""
    opened = FilteredRelation("alerts", condition=~Q(alerts__status=CLOSED))
    counted = Monitor.objects.order_by().annotate(opened=opened).annotate(open=Count("opened"))
    open_alerts = dict(counted.values_list("pk", "open"))
    rehearsals = coverage.last_rehearsals()
    found = Monitor.objects.select_related("deployment__revision")
    rows = [_row(monitor, open_alerts.get(monitor.pk, 0), rehearsals.get(monitor.pk)) for monitor in found]
    rows.sort(key=lambda row: not (row.deployment and row.deployment.fault))
    may_change = request.user.has_perm("monitors.change_monitor") and getattr(request.user, "is_staff", False)
    context = {"section": "monitors", "rows": rows, "may_change": may_change}
    return render(request, "monitors/monitors.html", context)


@require_safe
def coverage_page(request: HttpRequest) -> HttpResponse:
    """Show which techniques are covered how well; `state` narrows to those whose best detection is so."""
    found = coverage.techniques()
    state = request.GET.get("state", "")
    context = {
        "section": "coverage",
        "techniques": [one for one in found if state not in coverage.State.values or one.state == state],
        "all": len(found),
        "counts": coverage.counts(found),
        "state": state if state in coverage.State.values else "",
        "indices": [
            (row, events.engine(row.event_types), events.stopped(row))
            for row in IndexProfile.objects.order_by("pattern")
        ],
    }
    return render(request, "monitors/coverage.html", context)


@require_safe
def coverage_csv(_request: HttpRequest) -> HttpResponse:
    """Return the whole table as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([_inert(value) for value in row] for row in coverage.rows(coverage.techniques()))
    named = {"Content-Disposition": 'attachment; filename="coverage.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=named)


def _inert(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: people choose the names of monitors."""
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


@require_safe
def coverage_layer(_request: HttpRequest) -> HttpResponse:
    """Return a layer for MITRE's ATT&CK Navigator."""
    named = {"Content-Disposition": 'attachment; filename="oktadetect-layer.json"'}
    return JsonResponse(coverage.layer(coverage.techniques()), headers=named)


def _row(monitor: Monitor, open_alerts: int, rehearsal: Rehearsed | None) -> Row:
    try:
        title = monitor.definition().title
    except DefinitionError as error:
        title = str(error)  # it left the catalogue; the list stays readable and says so
    deployment = getattr(monitor, "deployment", None)
    told = diagnose(deployment.fault) if deployment else None
    return Row(
        monitor=monitor,
        title=title,
        deployment=deployment,
        state=Deployment.State(deployment.state).label if deployment else Deployment.State.NEVER.label,
        every=duration(monitor.interval_seconds),
        open_alerts=open_alerts,
        rehearsal=rehearsal,
        mend=told.mend if told else "",
    )
