"""Looking before pushing: what a monitor would do if it ran now, and the JSON that a push would send."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from monitors import told
from monitors.errors import MonitorsError
from monitors.forms import MonitorForm
from monitors.models import Monitor
from monitors.services import preview, push

SHOWN = 50  # findings in words
LONGEST = 200_000  # characters of JSON on a page


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the pages, behind the admin's own sign-in."""
    return [
        path("dry-run/", site.admin_view(require_POST(dry_run_new)), name="monitors_monitor_dry_run_new"),
        path("<uuid:pk>/dry-run/", site.admin_view(dry_run), name="monitors_monitor_dry_run"),
        path("<uuid:pk>/json/", site.admin_view(as_json), name="monitors_monitor_json"),
    ]


def dry_run(request: HttpRequest, pk: str) -> HttpResponse:
    """Run the monitor as it is saved, or with the values of its form, which stay unsaved."""
    monitor = get_object_or_404(Monitor, pk=pk)
    _require(request, "monitors.view_monitor")
    if request.method != "POST":
        return _ran(request, monitor, unsaved=False)
    return _with_form(request, MonitorForm(request.POST, instance=monitor))


def dry_run_new(request: HttpRequest) -> HttpResponse:
    """Run a monitor that was never saved, with the values of its form."""
    _require(request, "monitors.add_monitor")
    try:
        form = MonitorForm(request.POST)
    except MonitorsError as error:
        return _page(request, Monitor(), {"error": str(error)})
    return _with_form(request, form)


def as_json(request: HttpRequest, pk: str) -> HttpResponse:
    """Show what a push would send, or with ?download=1 give it as a file."""
    monitor = get_object_or_404(Monitor, pk=pk)
    _require(request, "monitors.view_monitor")
    context: dict[str, Any] = {"title": f"JSON of {monitor}"}
    try:
        text = json.dumps(push.body_of(monitor, monitor.revisions.first()), indent=2, ensure_ascii=False)
    except MonitorsError as error:
        return _page(request, monitor, {**context, "error": str(error)}, template="json")
    if request.GET.get("download"):
        name = slugify(monitor.name) or "monitor"
        headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
        return HttpResponse(text, content_type="application/json", headers=headers)
    return _page(request, monitor, {**context, "text": text}, template="json")


def _with_form(request: HttpRequest, form: MonitorForm) -> HttpResponse:
    form.ask_about_newer = False  # nothing is written over
    if not form.is_valid():
        wrong = [
            f"{form[name].label if name in form.fields else ''}: {' '.join(map(str, errors))}"
            for name, errors in form.errors.items()
        ]
        return _page(request, form.instance, {"wrong": wrong})
    return _ran(request, form.instance, unsaved=True)


def _ran(request: HttpRequest, monitor: Monitor, *, unsaved: bool) -> HttpResponse:
    try:
        ran = preview.dry_run(monitor)
    except MonitorsError as error:
        return _page(request, monitor, {"error": str(error), "unsaved": unsaved})
    definition = monitor.definition()
    values = definition.values(monitor.params)
    limits = [(one, definition.parameters[one.limit] if one.limit else None) for one in definition.observed]
    rows = [
        (
            finding,
            [
                (one.label, f"{finding.observed[one.value]} {one.unit}".strip(), told.in_words(limit, values[limit.name]) if limit else "")
                for one, limit in limits
                if finding.observed.get(one.value) is not None
            ],
        )
        for finding in ran.answer.findings[:SHOWN]
    ]  # fmt: skip
    text = json.dumps(ran.envelope, indent=2, ensure_ascii=False)
    context = {
        "ran": ran,
        "unsaved": unsaved,
        "sentence": told.sentence(definition, values),
        "rows": rows,
        "more": len(ran.answer.findings) - len(rows),
        "envelope": text[:LONGEST],
        "cut": max(0, len(text) - LONGEST),
    }
    return _page(request, monitor, context)


def _page(
    request: HttpRequest, monitor: Monitor, context: dict[str, Any], *, template: str = "dry_run"
) -> HttpResponse:
    saved = not monitor._state.adding
    back = reverse("admin:monitors_monitor_change", args=[monitor.pk]) if saved else ""
    base = {
        **admin.site.each_context(request),
        "title": f"Dry run of {monitor.name or 'a new monitor'}",
        "monitor": monitor,
        "opts": Monitor._meta,
        "back": back,
    }
    return render(request, f"admin/monitors/monitor/{template}.html", {**base, **context})


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
