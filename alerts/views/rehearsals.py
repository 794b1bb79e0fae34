"""Rehearsing a monitor: what it would do, the stages as they come, and how the last ones went."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from alerts import tasks
from alerts.models import Alert, Rehearsal
from alerts.services import rehearsal
from alerts.services.rehearsal import RehearsalRefused
from core import activity, jobs
from core.wakeups import wake
from monitors.models import Monitor

SHOWN = 20


@dataclass(frozen=True)
class Stage:
    """A stage as the page shows it: `seconds` since the one before; `state` is came, waited for, missing or open."""

    words: str
    at: datetime | None
    seconds: float | None
    state: str


@require_http_methods(["GET", "HEAD", "POST"])
def rehearse(request: HttpRequest, monitor: UUID) -> HttpResponse:
    """Say what a rehearsal of the monitor would do, beside the last ones; on POST, begin one."""
    found = get_object_or_404(Monitor, pk=monitor)
    if request.method == "POST":
        _must_keep_monitors(request)
        try:
            row = rehearsal.start(found, by=activity.person_of(request.user))
        except RehearsalRefused as error:
            messages.error(request, str(error))
            return redirect("alerts:rehearse", monitor=found.pk)
        wake(tasks.advance_rehearsal, str(row.pk))
        return redirect("alerts:rehearsal", pk=row.pk)
    context = {
        "section": "monitors",
        "monitor": found,
        "project": settings.OKTADETECT_JIRA_REHEARSAL_PROJECT,
        "rehearsals": Rehearsal.objects.filter(monitor=found).select_related("asked_by")[:SHOWN],
    }
    return render(request, "alerts/rehearse.html", context)


@require_safe
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one rehearsal; while it is under way, the page asks again by itself."""
    row = get_object_or_404(Rehearsal.objects.select_related("monitor", "asked_by"), pk=pk)
    context = {
        "section": "monitors",
        "rehearsal": row,
        "stages": stages(row),
        "alerts": Alert.objects.filter(rehearsal=row).order_by("id"),
        "under_way": not row.is_over,
    }
    return render(request, "alerts/rehearsal.html", context)


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a rehearsal back; what it made is cleaned up."""
    row = get_object_or_404(Rehearsal, pk=pk)
    _must_keep_monitors(request)
    if jobs.cancel(row):
        messages.success(request, "The rehearsal is cancelled, and what it made is cleaned up.")
        wake(tasks.advance_rehearsal, str(row.pk))
    return redirect("alerts:rehearsal", pk=row.pk)


def _must_keep_monitors(request: HttpRequest) -> None:
    if not request.user.has_perm("monitors.change_monitor"):
        raise PermissionDenied


def stages(row: Rehearsal) -> list[Stage]:
    """Return the stages in order, each with the seconds since the one before it."""
    found: list[Stage] = []
    before: datetime | None = None
    waited_for = False
    for _, words, at in row.stages():
        state = "came" if at else ("open" if waited_for else ("missing" if row.is_over else "waited for"))
        waited_for = waited_for or at is None
        # the monitor may fire before the portal's own search has answered: that took no time
        seconds = max((at - before).total_seconds(), 0.0) if at and before else None
        found.append(Stage(words, at, seconds, state))
        before = max(at, before) if at and before else at or before
    return found
