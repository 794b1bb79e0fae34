"""What OpenSearch holds of a monitor beside what we want, and the ways out; mending, pausing and resuming in one click each."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from core import activity
from core.models import Person
from core.text import whole_number
from monitors.errors import MonitorsError
from monitors.models import Deployment, Monitor
from monitors.services import drift, health, push, revisions

PAGE = "admin/monitors/drift/drift.html"


def urls(site: ModelAdmin[Monitor]) -> list[URLPattern]:
    """Return this module's pages, each behind the admin's sign-in."""
    pages = {"drift": drift_view, "mend": mend_view, "pause": pause_view, "resume": resume_view}
    return [
        *(
            path(f"<uuid:pk>/{name}/", site.admin_site.admin_view(partial(view, site)), name=f"monitors_monitor_{name}")
            for name, view in pages.items()
        ),
        path("rotate-token/", site.admin_site.admin_view(partial(rotate_view, site)), name="monitors_monitor_rotate"),
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def _drift(request: HttpRequest, site: ModelAdmin[Monitor], monitor: Monitor) -> HttpResponse:
    change_page = reverse("admin:monitors_monitor_change", args=[monitor.pk])
    if request.method == "POST":
        _must_change(site, request, monitor)
        _take_way_out(request, monitor)
        return HttpResponseRedirect(change_page)
    context: dict[str, Any] = {
        **site.admin_site.each_context(request),
        "title": f"{monitor} in OpenSearch",
        "opts": site.opts,
        "monitor": monitor,
        "deployment": Deployment.objects.filter(pk=monitor.pk).first(),
        "may_change": site.has_change_permission(request, monitor),
    }
    try:
        found = drift.look(monitor)
    except MonitorsError as error:
        return render(request, PAGE, {**context, "error": str(error)})
    earlier = monitor.revisions.select_related("author")[:20]
    return render(request, PAGE, {**context, "found": found, "earlier": earlier})


def drift_view(site: ModelAdmin[Monitor], request: HttpRequest, pk: str) -> HttpResponse:
    """Show what differs; on POST, adopt it, overwrite it, or roll back to an earlier revision."""
    monitor = get_object_or_404(Monitor, pk=pk)
    if not site.has_view_permission(request, monitor):
        raise PermissionDenied
    return _drift(request, site, monitor)


def _take_way_out(request: HttpRequest, monitor: Monitor) -> None:
    seen_text, by = request.POST.get("seen_seq_no", ""), activity.person_of(request.user)
    seen = whole_number(seen_text)
    way, reason = request.POST.get("way"), request.POST.get("reason", "")[:300]
    try:
        if way == "adopt" and seen is not None:
            deployment = drift.adopt(monitor, by=by, seen_seq_no=seen, reason=reason)
        elif way == "roll_back":
            number = request.POST.get("revision", "")
            revision = get_object_or_404(monitor.revisions, number=whole_number(number) or 0)
            for sentence in revisions.restore(monitor, revision, by=by, reason=reason).left:
                messages.warning(request, sentence)
            deployment = push.push(monitor, by=by, seen_seq_no=seen)
        else:
            deployment = push.push(monitor, by=by, seen_seq_no=seen)
    except MonitorsError as error:
        messages.error(request, f"{monitor}: {error}")
    else:
        told = deployment.revision.number if deployment.revision else "?"
        messages.success(request, f"{monitor}: OpenSearch holds revision {told} now (read back, in sync).")


@require_POST
def _done(
    request: HttpRequest, site: ModelAdmin[Monitor], pk: str, do: Callable[[Monitor, Person], str]
) -> HttpResponse:
    """Do one thing to a monitor, say what became of it, and go back to where the button stood."""
    monitor = get_object_or_404(Monitor, pk=pk)
    _must_change(site, request, monitor)
    try:
        messages.success(request, f"{monitor}: {do(monitor, activity.person_of(request.user))}")
    except MonitorsError as error:
        messages.error(request, f"{monitor}: {error}")
    return HttpResponseRedirect(_back(request, reverse("admin:monitors_monitor_change", args=[monitor.pk])))


def mend_view(site: ModelAdmin[Monitor], request: HttpRequest, pk: str) -> HttpResponse:
    """Mend the fault, where a click can."""
    return _done(request, site, pk, lambda monitor, by: health.mend(monitor, by=by))


def pause_view(site: ModelAdmin[Monitor], request: HttpRequest, pk: str) -> HttpResponse:
    """Pause it: a revision, and its push. Resuming undoes it."""
    return _done(request, site, pk, lambda monitor, by: _run(monitor, by, enabled=False))


def resume_view(site: ModelAdmin[Monitor], request: HttpRequest, pk: str) -> HttpResponse:
    """Let it run again."""
    return _done(request, site, pk, lambda monitor, by: _run(monitor, by, enabled=True))


def _run(monitor: Monitor, by: Person, *, enabled: bool) -> str:
    health.pause_or_resume(monitor, by=by, enabled=enabled)
    return (
        "It runs again."
        if enabled
        else "It is paused. Resume it to have it run again; what happens meanwhile is not searched."
    )


@require_POST
def _rotate(request: HttpRequest, site: ModelAdmin[Monitor]) -> HttpResponse:
    if not site.has_change_permission(request):
        raise PermissionDenied
    try:
        push.rotate_token(by=activity.person_of(request.user))
    except MonitorsError as error:
        messages.error(request, f"The token was not rotated. {error}")
    else:
        messages.success(request, "The channel carries a new token. The old one lets in until the new one is seen.")
    return HttpResponseRedirect(_back(request, reverse("admin:monitors_monitor_changelist")))


def rotate_view(site: ModelAdmin[Monitor], request: HttpRequest) -> HttpResponse:
    """Have the webhook channel carry a new token."""
    return _rotate(request, site)


def _must_change(site: ModelAdmin[Monitor], request: HttpRequest, monitor: Monitor) -> None:
    if not site.has_change_permission(request, monitor):
        raise PermissionDenied


def _back(request: HttpRequest, otherwise: str) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()) else otherwise
