"""What was saved before: each revision with what it changed, and the way back to it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path

from core import activity
from monitors.admin import origin
from monitors.errors import MonitorsError
from monitors.models import Monitor, MonitorRevision
from monitors.services import revisions

SHOWN = 20


@dataclass(frozen=True)
class Past:
    """A revision, what it changed over the one before, and whether it is the newest."""

    revision: MonitorRevision
    changes: list[revisions.Change]
    is_newest: bool


class ReasonForm(forms.Form):
    """Why one goes back."""

    reason = forms.CharField(max_length=250, required=False, widget=forms.TextInput(attrs={"size": 60}))


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the pages, behind the admin's own sign-in."""

    def page(request: HttpRequest, pk: str, number: int) -> HttpResponse:
        return roll_back(request, site, pk, number)

    address = "<uuid:pk>/revisions/<int:number>/"
    return [path(address, site.admin_view(page), name="monitors_monitor_roll_back")]


def past(monitor: Monitor) -> list[Past]:
    """Return the newest revisions, the newest first."""
    rows = list(monitor.revisions.select_related("author")[: SHOWN + 1])
    older = dict(pairwise(rows))
    return [
        Past(row, revisions.changes_between(monitor, older[row], row) if row in older else [], is_newest=row is rows[0])
        for row in rows[:SHOWN]
    ]


def find(pk: str | None) -> Monitor | None:
    """Return the monitor that an address names, or None."""
    try:
        return Monitor.objects.filter(pk=pk).first() if pk else None
    except ValidationError:
        return None


def roll_back(request: HttpRequest, site: AdminSite, pk: str, number: int) -> HttpResponse:
    """Show what going back to a revision would change; on POST, make it the newest and offer the push."""
    monitor = get_object_or_404(Monitor, pk=pk)
    if not request.user.has_perm("monitors.change_monitor"):
        raise PermissionDenied
    wanted = get_object_or_404(monitor.revisions.select_related("author"), number=number)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by = activity.person_of(request.user)
        try:
            restored = revisions.restore(monitor, wanted, by=by, reason=form.cleaned_data["reason"])
        except MonitorsError as error:
            messages.error(request, f"Nothing was changed. {error}")
            return HttpResponseRedirect(origin.page(request, "monitors_monitor_change", pk))
        for sentence in restored.left:
            messages.warning(request, sentence)
        messages.success(
            request, f"Revision {restored.revision.number} holds what revision {number} held. Look at it, and push."
        )
        return HttpResponseRedirect(origin.page(request, "monitors_monitor_push", pk))
    newest = monitor.revisions.first()
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": f"Roll back {monitor} to revision {number}",
        "monitor": monitor,
        "wanted": wanted,
        "changes": revisions.changes_between(monitor, newest, wanted) if newest else [],
        "form": form,
        "opts": Monitor._meta,
    }
    return render(request, "admin/monitors/monitor/roll_back.html", context)
