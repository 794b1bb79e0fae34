"""What pages of the admin show of a monitor beside its form."""

from typing import Any

from django import template

from monitors.admin import origin
from monitors.diagnosis import diagnose
from monitors.errors import DefinitionError
from monitors.models import Deployment, IndexProfile, Monitor
from monitors.services import coverage, events

register = template.Library()


@register.simple_tag(takes_context=True)
def onward(context: Any, name: str, *args: object) -> str:
    """Return the address of a page of the admin that still knows the alert from which somebody came."""
    return origin.page(context["request"], name, *args)


@register.inclusion_tag("admin/monitors/monitor/_back.html", takes_context=True)
def back_to_alert(context: Any) -> dict[str, str]:
    """Show the way back to the alert from which somebody came, if they did."""
    return {"alert": origin.alert_of(context["request"])}


@register.inclusion_tag("admin/monitors/drift/_health.html", takes_context=True)
def monitor_health(context: Any, monitor: Monitor) -> dict[str, Any]:
    """Show how OpenSearch holds it, its fault as what it is, and the buttons that mend, pause and resume."""
    deployment = Deployment.objects.select_related("revision").filter(pk=monitor.pk).first()
    return {
        "monitor": monitor,
        "deployment": deployment,
        "diagnosis": diagnose(deployment.fault) if deployment else None,
        "may_change": context.get("has_change_permission", False),
    }


@register.inclusion_tag("admin/monitors/monitor/_coverage.html")
def monitor_coverage(monitor: Monitor) -> dict[str, Any]:
    """Show how its last rehearsal went, and which of the events that it needs do not come in its index."""
    row = IndexProfile.objects.filter(pattern=monitor.index_pattern).first()
    try:
        needs = events.need(monitor.definition(), row).sentences(row.pattern) if row and monitor.detection else []
    except DefinitionError:
        needs = []  # it left the catalogue, which its form says
    return {"monitor": monitor, "needs": needs, "rehearsed": coverage.last_rehearsals(monitor).get(monitor.pk)}
