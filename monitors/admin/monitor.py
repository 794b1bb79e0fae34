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

from core import activity
from core.text import whole_number
from monitors import exclusions, told
from monitors.admin import bulk, choose, drift, foreign, origin, preview, tune
from monitors.admin import revisions as history
from monitors.difference import difference
from monitors.errors import DefinitionError, MonitorsError, OpenSearchError
from monitors.explain import explain
from monitors.forms import PREFIX, MonitorForm
from monitors.models import Deployment, Monitor, every_detection, find_detection
from monitors.services import cluster, push, revisions
from monitors.services.lists import place_of


@admin.register(Monitor)
class MonitorAdmin(admin.ModelAdmin[Monitor]):
    """Two clicks to a monitor: choose the detection, save. Then look at what a push would change, and push."""

    form = MonitorForm
    list_display = ("name", "detection", "severity", "every", "in_opensearch", "last_heartbeat", "fault")
    list_filter = ("severity", "enabled", "deployment__state")
    search_fields = ("name", "detection")
    list_select_related = ("deployment",)
    list_per_page = 50
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
        own += [*preview.urls(self.admin_site), *history.urls(self.admin_site)]
        return [
            *own,
            *tune.urls(self.admin_site),
            *drift.urls(self),
            *foreign.urls(self),
            *bulk.urls(self),
            *super().get_urls(),
        ]

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
            return choose.page(request, self.admin_site, list(detections.values()))
        return super().add_view(request, form_url, extra_context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start a new monitor from its detection's own values."""
        definition = find_detection(request.GET.get("detection", ""))
        initial = {
            "detection": definition.id,
            "name": definition.title,
            "severity": definition.severity,
            "index_pattern": settings.OKTADETECT_INDEX_PATTERN,
        }
        copied = history.find(request.GET.get("copy_of"))
        if copied is not None and copied.detection == definition.id:
            initial |= {name: getattr(copied, name) for name in ("index_pattern", "severity", "interval_seconds")}
            initial |= {PREFIX + name: value for name, value in copied.params.items()}
            initial["name"] = f"{copied.name[:110]} (copy)"
        return initial

    def get_form(self, request: HttpRequest, obj: Monitor | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class: its parameter fields come from the detection, ?default=… begins with a default."""
        return type("MonitorForm", (MonitorForm,), {"defaults": request.GET.getlist("default")})

    def get_fieldsets(self, request: HttpRequest, obj: Monitor | None = None) -> Any:
        """Return the detection's parameters, then the monitor's settings."""
        detection_id = request.GET.get("detection") or request.POST.get("detection", "")
        definition = obj.definition() if obj else find_detection(detection_id)
        parameters = [PREFIX + name for name in definition.parameters]
        return [
            *([("Parameters", {"fields": parameters})] if parameters else []),
            ("The monitor", {"fields": [*MonitorForm.Meta.fields, "made_from"]}),
            ("This change", {"fields": ["reason"]}),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add the sentence, what is left out, and the revisions at the side."""
        monitor: Monitor | None = kwargs.get("obj")
        definition = context["adminform"].form.definition()
        values = definition.values(monitor.params if monitor else {})
        context |= {"definition": definition, "sentence": told.sentence(definition, values)}
        if monitor is not None:
            rows = monitor.exclusions_in_force()
            context["left_out"] = [(row, exclusions.in_words(row.conditions), place_of(row)) for row in rows]
            context["past"] = history.past(monitor)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_post_save_add(self, request: HttpRequest, obj: Monitor) -> HttpResponseRedirect:
        """Stay with the monitor, or go on to its push."""
        return self.response_post_save_change(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Monitor) -> HttpResponseRedirect:
        """Stay with the monitor, or go on to its push."""
        page = "push" if "_push" in request.POST else "change"
        return HttpResponseRedirect(origin.page(request, f"monitors_monitor_{page}", obj.pk))

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
        push.remove(obj, by=activity.person_of(request.user))

    @admin.action(description="Push to OpenSearch", permissions=["change"])
    def push_selected(self, request: HttpRequest, queryset: QuerySet[Monitor]) -> HttpResponse:
        """Push each, and follow what becomes of them."""
        return bulk.ask(request, queryset)

    def push_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Show what a push would change; on POST, push."""
        monitor = get_object_or_404(Monitor, pk=pk)
        if not self.has_change_permission(request, monitor):
            raise PermissionDenied
        change_page = origin.page(request, "monitors_monitor_change", monitor.pk)
        if request.method == "POST":
            seen = request.POST.get("seen_seq_no", "")
            self._push(request, monitor, seen_seq_no=whole_number(seen))
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
