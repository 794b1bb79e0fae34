"""One alert: the page that answers what happened, how bad it is and what now."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from alerts import querysets
from alerts.choices import OperationState
from alerts.models import Alert, Evidence, Occurrence, TicketOperation
from alerts.services import baseline, triage
from alerts.views import evidence, grants, history, runbook, timeline, travel, tuning
from alerts.views.forms import CLOSING, CloseForm, SnoozeForm
from alerts.views.observed import definition_of, readings
from alerts.views.walk import walk
from core import activity

MAX_OCCURRENCES = 50
MAX_RELATED = 10
MAX_VERDICTS = 5
MAX_HISTORY = 100


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one alert."""
    return render(request, "alerts/alert.html", context(request, find(pk)))


@require_POST
def retry(request: HttpRequest, pk: int, operation: UUID) -> HttpResponse:
    """Have something that Jira is owed tried again now."""
    get_object_or_404(TicketOperation, pk=operation, alert_id=pk)
    triage.retry_ticket(operation, activity.person_of(request.user))
    messages.success(request, "Jira is asked again now.")
    return redirect("alerts:alert", pk=pk)


def find(pk: int) -> Alert:
    """Return the alert with what its page shows of people and Jira; 404 without."""
    rows = querysets.with_ticket(Alert.objects.select_related("monitor", "closed_by"))
    return get_object_or_404(rows, pk=pk)


def context(request: HttpRequest, alert: Alert) -> dict[str, Any]:
    """Return all that the page shows."""
    person = activity.person_of(request.user)
    occurrences = list(alert.occurrences.defer("events")[:MAX_OCCURRENCES])
    shown = _shown(request, alert, occurrences)
    kept = Evidence.objects.filter(occurrence=shown).first() if shown else None
    events = shown.events if shown else []
    observed = shown.observed if shown and shown.observed else alert.observed
    definition = definition_of(alert)
    learning, known = _baseline(alert, shown, kept)
    complete = evidence.completed(events)
    rows = evidence.rows(complete, {(one.kind, one.value) for one in known if one.is_new})
    return {
        "section": "queue",
        "alert": alert,
        "seen": triage.newest_change(alert),
        "walk": walk(request, alert.pk),
        "operation": querysets.first_owed(alert.case),
        "readings": readings(alert, observed),
        "definition": definition,
        "tuning": tuning.links(request, alert, events),
        "journey": travel.journey(alert, observed, complete),
        "timeline": timeline.timeline(alert, shown, complete),
        "grants": grants.graph(alert, events, kept.events if kept else (), observed),
        **runbook.context(alert),
        "verdicts": querysets.earlier_verdicts(alert, MAX_VERDICTS),
        "occurrences": occurrences,
        "shown": shown,
        "rows": rows,
        "all_by": evidence.only_person(rows),
        "evidence": kept,
        "whole": evidence.whole(kept),
        "learning": learning,
        "known": known,
        "judges_novelty": any(name.startswith("new_") for name in observed),
        "involved": list(alert.involved.select_related("entity").order_by("id")),
        "related": querysets.related(alert, MAX_RELATED),
        "operations": list(alert.case.operations.order_by("id")),
        "retryable": (OperationState.FAILED, OperationState.WAITING),
        "history": history.lines(activity.history(*_subjects(alert))[:MAX_HISTORY]),
        "person": person,
        "is_own": triage.is_about(alert, person),
        "close_form": CloseForm(auto_id="close_%s"),
        "snooze_form": SnoozeForm(auto_id="snooze_%s"),
        "closing": [(key, verdict.value, verdict.label) for key, verdict in CLOSING.items()],
    }


def _subjects(alert: Alert) -> list[Model]:
    """Return what the alert's history is about: itself, and its case's ticket."""
    ticket = getattr(alert.case, "ticket", None)
    return [alert, ticket] if ticket else [alert]


def _baseline(
    alert: Alert, shown: Occurrence | None, kept: Evidence | None
) -> tuple[baseline.Learning | None, list[baseline.Known]]:
    """Return how much is known of the users of the alert's index, and what of its evidence is known of this one; nothing for no user."""
    if alert.entity_type != "user" or alert.monitor is None or shown is None:
        return None, []
    learning = baseline.learning(alert.monitor.index_pattern)
    whole = kept.events if kept else []
    return learning, baseline.known(alert.entity_id, shown.first_at, learning, shown.events, whole)


def _shown(request: HttpRequest, alert: Alert, occurrences: list[Occurrence]) -> Occurrence | None:
    """Return the occurrence whose evidence is shown: the one that the address names, else the latest."""
    named = request.GET.get("occurrence", "")
    if named.isdecimal() and len(named) <= 18:
        return get_object_or_404(Occurrence, alert=alert, pk=int(named))
    return Occurrence.objects.get(pk=occurrences[0].pk) if occurrences else None
