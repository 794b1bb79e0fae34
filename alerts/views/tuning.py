"""From an alert to its monitor's tuning, and to leaving out what it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from alerts.models import Alert

MAX_NETWORKS = 3  # more say nothing about where somebody is
KINDS = {"ip": "address", "device": "device"}


@dataclass(frozen=True)
class Links:
    """Addresses in the admin, which lead back here; empty where the person may not go there."""

    tune: str
    leave_out: str


def links(request: HttpRequest, alert: Alert, events: Iterable[Mapping[str, Any]]) -> Links | None:
    """Return where the alert's monitor is tuned, and the form of an exclusion with what it shows filled in; None without a monitor."""
    user = request.user
    if alert.monitor_id is None or not user.is_staff:
        return None
    tune = f"{reverse('admin:monitors_monitor_tune', args=[alert.monitor_id])}?{urlencode({'alert': alert.pk})}"
    told = {"monitor": alert.monitor_id, **_conditions(alert, events), "reason": f"{alert}: "}
    told["next"] = reverse("alerts:alert", args=[alert.pk])
    leave_out = f"{reverse('admin:monitors_exclusion_add')}?{urlencode(told, doseq=True)}"
    return Links(
        tune if user.has_perm("monitors.view_monitor") else "",
        leave_out if user.has_perm("monitors.add_exclusion") else "",
    )


def _conditions(alert: Alert, events: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the conditions that say most narrowly what was seen: a user only on the networks of the evidence."""
    if alert.entity_type in KINDS:
        return {KINDS[alert.entity_type]: [alert.entity_id]}
    if alert.entity_type != "user":
        return {}
    networks = sorted({str(event["asn"]) for event in events if event.get("asn")})
    where = {"network": networks} if 0 < len(networks) <= MAX_NETWORKS else {}
    return {"user": list(dict.fromkeys([alert.entity_id, alert.entity_name])), **where}
