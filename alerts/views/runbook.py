"""The runbook on an alert's page: ticks by people, ticks by Okta, and the way into Okta's admin."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from alerts.models import Alert
from alerts.services import runbook
from alerts.services.runbook import Step
from core import activity
from core.models import Person
from monitors.errors import MonitorsError


@dataclass(frozen=True)
class Line:
    """A step as the page shows it: with the name of who ticked it, and where in Okta's admin it is done."""

    step: Step
    who: str
    link: str


@require_safe
def section(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the index what Okta reported meanwhile, then show the runbook: as a fragment for htmx, else on the alert's page."""
    alert = get_object_or_404(Alert.objects.select_related("monitor"), pk=pk)
    fault = ""
    try:
        runbook.hear(alert)
    except MonitorsError as error:
        fault = str(error)
    if request.headers.get("HX-Request") == "true":
        return render(
            request, "alerts/_runbook.html", {"alert": alert, **context(alert), "fault": fault, "asked": True}
        )
    if fault:
        messages.error(request, f"{fault} What Okta reported since may be missing.")
    return _back(pk)


@require_POST
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick a step, or take the tick back."""
    get_object_or_404(Alert.objects.only("pk"), pk=pk)
    done = request.POST.get("done")
    if done not in {"1", "0"}:
        raise BadRequest("The form does not say whether the step is done.")
    try:
        runbook.tick(pk, request.POST.get("step", ""), activity.person_of(request.user), done=done == "1")
    except runbook.NoSuchStep as error:
        raise Http404("The runbook has no such step.") from error
    return _back(pk)


def context(alert: Alert) -> dict[str, Any]:
    """Return the runbook's lines, and whether Okta may still report one of them; nothing without a detection. Two queries."""
    found = runbook.steps_of(alert)
    keys = {UUID(step.person) for step in found if step.person}
    names = dict(Person.objects.filter(key__in=keys).values_list("key", "name")) if keys else {}
    lines = [
        Line(step, names.get(UUID(step.person), "Somebody") if step.person else "", _link(alert, step))
        for step in found
    ]
    return {"runbook": lines, "listens": runbook.listens(alert, found)}


def _link(alert: Alert, step: Step) -> str:
    """Return where in Okta's admin the step is done: the user's own page; empty where that is not known."""
    is_user = alert.entity_type == "user" and alert.entity_id.startswith("00u")
    if not (settings.OKTADETECT_OKTA_ADMIN_URL and is_user and step.wanted):
        return ""
    return f"{settings.OKTADETECT_OKTA_ADMIN_URL}/admin/user/profile/view/{quote(alert.entity_id, safe='')}"


def _back(pk: int) -> HttpResponse:
    return HttpResponseRedirect(f"{redirect('alerts:alert', pk=pk).url}#runbook")
