"""Where detection engineers keep monitors: thresholds, schedule, severity, and the push with what it will change."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from core import activity
from monitors.admin import drift, tune
from monitors.difference import difference
from monitors.errors import DefinitionError, MonitorsError, OpenSearchError
from monitors.explain import explain
from monitors.forms import PREFIX, MonitorForm
from monitors.models import (
    Deployment,
    Monitor,
    MonitorRevision,
    every_detection,
    find_detection,
)
from monitors.services import cluster, push, revisions


class RevisionInline(admin.TabularInline[MonitorRevision, Monitor]):
    """What was saved before, by whom and why."""

    model = MonitorRevision
    fields = readonly_fields = ("number", "created_at", "author", "program", "reason", "hash")
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revisions are made by saving."""
        return False


@admin.register(Monitor)
class MonitorAdmin(admin.ModelAdmin[Monitor]):
    """Two clicks to a monitor: choose the detection, save. Then look at what a push would change, and push."""

    form = MonitorForm
    list_display = ("name", "detection", "severity", "every", "in_opensearch", "last_heartbeat", "fault")
    list_filter = ("severity", "enabled", "deployment__state")
    search_fields = ("name", "detection")
    list_select_related = ("deployment",)
    inlines = (RevisionInline,)
    actions = ("push_selected",)
    change_form_template = "admin/monitors/monitor/change_form.html"

    @admin.display(ordering="interval_seconds")
    def every(self, monitor: Monitor) -> str:
        """How often it runs."""
        seconds = monitor.interval_seconds
        return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"

    @admin.display(description="In OpenSearch", ordering="deployment__state")
    def in_opensearch(self, monitor: Monitor) -> str:
        """How OpenSearch holds it, as last read."""
        deployment = _deployment(monitor)
        return deployment.get_state_display() if deployment else "never pushed"

    @admin.display(ordering="deployment__heard_at")
    def last_heartbeat(self, monitor: Monitor) -> Any:
        """When it was last heard."""
        deployment = _deployment(monitor)
        return deployment.heard_at if deployment else None

    @admin.display(ordering="deployment__fault_since")
    def fault(self, monitor: Monitor) -> str:
        """What is wrong now."""
        deployment = _deployment(monitor)
        return deployment.fault[:200] if deployment and deployment.fault else "none"

    def get_urls(self) -> list[URLPattern]:
        """Add the push, and the explanation of a pasted monitor."""
        own = [
            path("explain/", self.admin_site.admin_view(self.explain_view), name="monitors_monitor_explain"),
            path("<uuid:pk>/push/", self.admin_site.admin_view(self.push_view), name="monitors_monitor_push"),
        ]
        return [*own, *tune.urls(self.admin_site), *drift.urls(self), *super().get_urls()]

    def explain_view(self, request: HttpRequest) -> HttpResponse:
        """Say what a pasted monitor does, and which detections answer it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form, told = PastedForm(request.POST or None), None
        if request.method == "POST" and form.is_valid():
            try:
                told = explain(form.cleaned_data["text"], every_detection())
            except DefinitionError as error:
                form.add_error("text", str(error))
        context = {**self.admin_site.each_context(request), "title": "Explain a monitor", "form": form, "told": told}
        return render(request, "admin/monitors/monitor/explain.html", {**context, "opts": self.model._meta})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the catalogue first; a chosen detection brings its form."""
        chosen = request.GET.get("detection") or request.POST.get("detection")
        detections = {one.id: one for one in every_detection()}
        if chosen not in detections:
            context = {
                **self.admin_site.each_context(request),
                "title": "Choose a detection",
                "detections": detections.values(),
                "opts": self.model._meta,
            }
            return render(request, "admin/monitors/monitor/choose.html", context)
        return super().add_view(request, form_url, extra_context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start a new monitor from its detection's own values."""
        definition = find_detection(request.GET.get("detection", ""))
        return {
            "detection": definition.id,
            "name": definition.title,
            "severity": definition.severity,
            "index_pattern": settings.OKTADETECT_INDEX_PATTERN,
        }

    def get_form(self, request: HttpRequest, obj: Monitor | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class as it is: its parameter fields come from the detection, not from the model."""
        return MonitorForm

    def get_fieldsets(self, request: HttpRequest, obj: Monitor | None = None) -> Any:
        """Return the monitor's settings, then its detection's parameters."""
        detection_id = obj.detection if obj else request.GET.get("detection") or request.POST.get("detection", "")
        definition = find_detection(detection_id)
        parameters = [PREFIX + name for name in definition.parameters]
        told = format_html("{}", definition.why)
        return [
            (definition.title, {"fields": [*MonitorForm.Meta.fields], "description": told}),
            *([("Parameters", {"fields": parameters})] if parameters else []),
            ("This change", {"fields": ["reason"]}),
        ]

    def save_model(self, request: HttpRequest, obj: Monitor, form: Any, change: bool) -> None:
        """Save as a revision with its author and reason."""
        revisions.save(obj, by=activity.person_of(request.user), reason=form.cleaned_data["reason"])

    def get_actions(self, request: HttpRequest) -> Any:
        """Offer no deleting of many at once: each is taken out of OpenSearch first, and that may fail."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Delete, or say why OpenSearch would not let go of it; then nothing was changed."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except MonitorsError as error:
            messages.error(request, f"Nothing was deleted. {error}")
            return HttpResponseRedirect(reverse("admin:monitors_monitor_change", args=[object_id]))

    def delete_model(self, request: HttpRequest, obj: Monitor) -> None:
        """Take it out of OpenSearch first, so that nothing keeps posting for a monitor that nobody knows."""
        if _deployment(obj) and obj.deployment.opensearch_id:
            push.delete(obj, by=activity.person_of(request.user))
        activity.record("monitor.deleted", obj, by=activity.person_of(request.user), name=obj.name)
        super().delete_model(request, obj)

    @admin.action(description="Push to OpenSearch", permissions=["change"])
    def push_selected(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> None:
        """Push each; say for each what became of it."""
        for monitor in queryset:
            self._push(request, monitor, seen_seq_no=None)

    def push_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Show what a push would change; on POST, push."""
        monitor = get_object_or_404(Monitor, pk=pk)
        if not self.has_change_permission(request, monitor):
            raise PermissionDenied
        change_page = reverse("admin:monitors_monitor_change", args=[monitor.pk])
        if request.method == "POST":
            seen = request.POST.get("seen_seq_no", "")
            self._push(request, monitor, seen_seq_no=int(seen) if seen.isdecimal() else None)
            return HttpResponseRedirect(change_page)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Push {monitor}",
            "monitor": monitor,
            "opts": self.model._meta,
        }
        try:
            planned = push.preview(monitor)
        except MonitorsError as error:
            return render(request, "admin/monitors/monitor/push.html", {**context, "error": str(error)})
        deployment = _deployment(monitor)
        before = (deployment.pushed_body if deployment and planned.seen is not None else None) or {}
        theirs = difference(deployment.read_body, planned.seen) if planned.needs_force and deployment else []
        context |= {
            "planned": planned,
            "changes": difference(before, planned.body),
            "theirs": theirs,
            "is_new": planned.seen is None,
            "cluster": _cluster(),
        }
        return render(request, "admin/monitors/monitor/push.html", context)

    def _push(self, request: HttpRequest, monitor: Monitor, *, seen_seq_no: int | None) -> None:
        try:
            deployment = push.push(monitor, by=activity.person_of(request.user), seen_seq_no=seen_seq_no)
        except MonitorsError as error:
            messages.error(request, f"{monitor}: {error}")
        else:
            number = deployment.revision.number if deployment.revision else "?"
            messages.success(request, f"{monitor}: OpenSearch holds revision {number} now (read back, in sync).")


class PastedForm(forms.Form):
    """The JSON of a monitor."""

    text = forms.CharField(label="Monitor", max_length=200_000, widget=forms.Textarea(attrs={"rows": 16, "cols": 100}))


def _deployment(monitor: Monitor) -> Deployment | None:
    return (
        Deployment.objects.filter(pk=monitor.pk).first() if not hasattr(monitor, "deployment") else monitor.deployment
    )


def _cluster() -> list[str]:
    """Return what of the cluster's settings would make monitors fail, in sentences. It never keeps anybody from pushing."""
    try:
        return [str(one) for one in cluster.check()]
    except OpenSearchError as error:
        return [f"Whether its settings let every monitor run could not be checked. {error}"]
