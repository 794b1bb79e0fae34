"""Every monitor that OpenSearch holds: ours, those of ours that nobody knows here, and others', which can be imported."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import activity
from core.text import whole_number
from monitors import kept
from monitors.errors import MonitorsError
from monitors.models import Monitor
from monitors.services import foreign

ACTIONS = {kept.APPEND: "keep its own actions, and post to us as well", kept.REPLACE: "post to us only"}


def urls(site: ModelAdmin[Monitor]) -> list[URLPattern]:
    """Return this module's pages, each behind the admin's sign-in."""
    wrap = site.admin_site.admin_view
    return [
        path("in-opensearch/", wrap(partial(list_view, site)), name="monitors_monitor_in_opensearch"),
        path("in-opensearch/<str:opensearch_id>/", wrap(partial(one_view, site)), name="monitors_monitor_foreign"),
        path("<uuid:pk>/give-back/", wrap(partial(give_back_view, site)), name="monitors_monitor_give_back"),
    ]


def list_view(site: ModelAdmin[Monitor], request: HttpRequest) -> HttpResponse:
    """List the cluster's monitors by name, a page at a time."""
    return _list(request, site)


@require_safe
def _list(request: HttpRequest, site: ModelAdmin[Monitor]) -> HttpResponse:
    if not site.has_view_permission(request):
        raise PermissionDenied
    begin, words = whole_number(request.GET.get("from", "")) or 0, request.GET.get("q", "")[:100]
    context: dict[str, Any] = {
        **site.admin_site.each_context(request),
        "title": "In OpenSearch",
        "opts": site.opts,
        "words": words,
        "may_change": site.has_change_permission(request),
    }
    try:
        rows, total = foreign.listed(begin, words=words)
    except MonitorsError as error:
        return render(request, "admin/monitors/foreign/list.html", {**context, "error": str(error)})
    context |= {"rows": rows, "total": total, "first": begin + 1, "last": begin + len(rows)}
    context |= {"earlier": begin and max(begin - foreign.PAGE_SIZE, 0), "has_earlier": begin > 0}
    context |= {"later": begin + foreign.PAGE_SIZE, "has_later": begin + len(rows) < total}
    return render(request, "admin/monitors/foreign/list.html", context)


def one_view(site: ModelAdmin[Monitor], request: HttpRequest, opensearch_id: str) -> HttpResponse:
    """Show what one does; on POST, import it, import it back, or take it out."""
    return _one(request, site, opensearch_id)


@require_http_methods(["GET", "HEAD", "POST"])
def _one(request: HttpRequest, site: ModelAdmin[Monitor], opensearch_id: str) -> HttpResponse:
    if not site.has_view_permission(request):
        raise PermissionDenied
    if request.method == "POST":
        if not site.has_change_permission(request) or not site.has_add_permission(request):
            raise PermissionDenied
        return _act(request, opensearch_id)
    context = {
        **site.admin_site.each_context(request),
        "title": "A monitor in OpenSearch",
        "opts": site.opts,
        "may_change": site.has_change_permission(request) and site.has_add_permission(request),
        "actions": ACTIONS,
    }
    try:
        context["held"] = foreign.read(opensearch_id)
    except MonitorsError as error:
        context["error"] = str(error)
    return render(request, "admin/monitors/foreign/one.html", context)


def _act(request: HttpRequest, opensearch_id: str) -> HttpResponse:
    by, seen = activity.person_of(request.user), whole_number(request.POST.get("seen_seq_no", ""))
    do = request.POST.get("do")
    try:
        if do == "take_out":
            foreign.take_out(opensearch_id, by=by, seen_seq_no=-1 if seen is None else seen)
            messages.success(request, "It was taken out of OpenSearch.")
            return HttpResponseRedirect(reverse("admin:monitors_monitor_in_opensearch"))
        if do == "import_back":
            monitor = foreign.import_back(opensearch_id, by=by, seen_seq_no=-1 if seen is None else seen)
            messages.success(request, f"{monitor} is known here again. Look at it, then push it.")
        else:
            actions = request.POST.get("actions", kept.APPEND)
            monitor = foreign.import_monitor(
                opensearch_id, by=by, actions=actions, seen_seq_no=-1 if seen is None else seen
            )
            messages.success(request, f"{monitor} was imported and posts to us now.")
    except MonitorsError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(request.path)
    return HttpResponseRedirect(reverse("admin:monitors_monitor_drift", args=[monitor.pk]))


def give_back_view(site: ModelAdmin[Monitor], request: HttpRequest, pk: str) -> HttpResponse:
    """Restore an imported monitor as it was, and forget it here."""
    return _give_back(request, site, pk)


@require_POST
def _give_back(request: HttpRequest, site: ModelAdmin[Monitor], pk: str) -> HttpResponse:
    monitor = get_object_or_404(Monitor, pk=pk)
    if not site.has_delete_permission(request, monitor):
        raise PermissionDenied
    try:
        foreign.give_back(monitor, by=activity.person_of(request.user))
    except MonitorsError as error:
        messages.error(request, f"{monitor}: {error}")
        return HttpResponseRedirect(reverse("admin:monitors_monitor_change", args=[pk]))
    messages.success(request, f"{monitor} is in OpenSearch as it was before the import. Its alerts stay.")
    return HttpResponseRedirect(reverse("admin:monitors_monitor_in_opensearch"))
