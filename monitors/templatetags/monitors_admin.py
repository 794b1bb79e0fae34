"""What pages of the admin show of a monitor beside its form."""

from typing import Any

from django import template

from monitors.diagnosis import diagnose
from monitors.models import Deployment, Monitor

register = template.Library()


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
