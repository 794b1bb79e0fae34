"""A push of many monitors, followed while it runs: how far it is, and what became of each."""

from functools import partial

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from core import activity, jobs
from core.wakeups import wake
from monitors.models import BulkPush, Monitor
from monitors.services import bulk


def urls(site: ModelAdmin[Monitor]) -> list[URLPattern]:
    """Return this module's pages, each behind the admin's sign-in."""
    return [
        path("bulk/<uuid:pk>/", site.admin_site.admin_view(partial(bulk_view, site)), name="monitors_monitor_bulk"),
    ]


def ask(request: HttpRequest, chosen: QuerySet[Monitor]) -> HttpResponse:
    """Ask for the push and go where it can be followed. It never overwrites what somebody changed in OpenSearch."""
    from monitors.tasks import run_bulk_push  # tasks import services, which the admin's own modules are imported with

    job = bulk.ask(chosen, by=activity.person_of(request.user))
    wake(run_bulk_push, str(job.pk))
    return HttpResponseRedirect(reverse("admin:monitors_monitor_bulk", args=[job.pk]))


def bulk_view(site: ModelAdmin[Monitor], request: HttpRequest, pk: str) -> HttpResponse:
    """Show how far it is; on POST, take back what has not been pushed yet."""
    return _bulk(request, site, pk)


@require_http_methods(["GET", "HEAD", "POST"])
def _bulk(request: HttpRequest, site: ModelAdmin[Monitor], pk: str) -> HttpResponse:
    job = get_object_or_404(BulkPush, pk=pk)
    if not site.has_view_permission(request):
        raise PermissionDenied
    if request.method == "POST":
        if not site.has_change_permission(request):
            raise PermissionDenied
        if jobs.cancel(job):
            messages.success(request, "The push stops after the monitor that it is at. What was pushed stays.")
        return HttpResponseRedirect(request.path)
    context = {
        **site.admin_site.each_context(request),
        "title": f"Push of {len(job.monitors)} monitors",
        "opts": site.opts,
        "job": job,
        "failed": sum(bool(one["error"]) for one in job.results),
        "may_change": site.has_change_permission(request),
    }
    return render(request, "admin/monitors/bulk/bulk.html", context)
