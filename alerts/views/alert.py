"""One alert: the page that answers what happened, how bad it is and what now, and the decisions taken on it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from alerts import querysets
from alerts.choices import OperationState, Verdict
from alerts.models import Alert, Evidence, Occurrence, TicketOperation
from alerts.services import baseline, triage
from alerts.views import evidence, history, travel, tuning
from alerts.views.observed import definition_of, readings
from core import activity

MAX_OCCURRENCES = 50
MAX_RELATED = 10
MAX_HISTORY = 100
CLOSING = {"b": Verdict.BENIGN, "f": Verdict.FALSE_POSITIVE, "u": Verdict.UNDETERMINED}
REASONS = ["VPN or network", "Known change", "Test", "Bad rule", "Other"]


class CloseForm(forms.Form):
    """A verdict and why: one of REASONS, and words of one's own, which *Other* needs."""

    verdict = forms.ChoiceField(
        choices=Verdict.choices, widget=forms.RadioSelect, error_messages={"required": "Choose a verdict."}
    )
    reason = forms.ChoiceField(
        choices=[(reason, reason) for reason in REASONS],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a reason."},
    )
    note = forms.CharField(max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """Ask for words where the reason says nothing by itself."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("reason") == "Other" and not cleaned.get("note"):
            self.add_error("note", "Say what the other reason is.")
        return cleaned

    def words(self) -> str:
        """Return the reason as it is kept."""
        return ": ".join(filter(None, [self.cleaned_data["reason"], self.cleaned_data["note"]]))


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one alert."""
    return render(request, "alerts/alert.html", _context(request, _alert(pk)))


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the alert to whoever is signed in, or to nobody."""
    person = activity.person_of(request.user)
    to = None if request.POST.get("to") == "nobody" else person
    said = "The alert is yours." if to else "The alert is nobody's now."
    wish = "Assign it to me" if to else "Assign it to nobody"
    return _decide(request, pk, wish, lambda seen: triage.assign(pk, person, to=to, seen=seen), said)


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that somebody has seen it."""
    person = activity.person_of(request.user)
    return _decide(
        request, pk, "Acknowledge it", lambda seen: triage.acknowledge(pk, person, seen=seen), "Acknowledged."
    )


@require_POST
def judge_true(request: HttpRequest, pk: int) -> HttpResponse:
    """Judge it a true positive, which stays open."""
    person = activity.person_of(request.user)
    said = "Judged a true positive. It is in progress; the runbook says what comes next."
    return _decide(request, pk, "Judge it a true positive", lambda seen: triage.judge_true(pk, person, seen=seen), said)


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a closing back."""
    person = activity.person_of(request.user)
    return _decide(
        request, pk, "Reopen it", lambda seen: triage.reopen(pk, person, seen=seen), "Reopened. The alert is yours."
    )


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for verdict and reason, and close. The dialog on the alert's page posts here, too."""
    if request.method != "POST":
        form = CloseForm(initial={"verdict": request.GET.get("verdict", "")})
        return render(request, "alerts/close.html", _closing(_alert(pk), form))
    form = CloseForm(request.POST)
    if not form.is_valid():
        return render(request, "alerts/close.html", _closing(_alert(pk), form), status=422)
    person, verdict = activity.person_of(request.user), Verdict(form.cleaned_data["verdict"])

    def act(seen: int | None) -> Alert:
        return triage.close(pk, person, verdict=verdict, reason=form.words(), seen=seen)

    return _decide(request, pk, f"Close it as {verdict.label.lower()}: {form.words()}", act,
                   f"Closed as {verdict.label.lower()}.")  # fmt: skip


@require_POST
def retry(request: HttpRequest, pk: int, operation: UUID) -> HttpResponse:
    """Have something that Jira is owed tried again now."""
    get_object_or_404(TicketOperation, pk=operation, alert_id=pk)
    triage.retry_ticket(operation, activity.person_of(request.user))
    messages.success(request, "Jira is asked again now.")
    return redirect("alerts:alert", pk=pk)


def _decide(request: HttpRequest, pk: int, wish: str, act: Callable[[int | None], Alert], said: str) -> HttpResponse:
    """Take one decision and go back to the alert; when it changed meanwhile, show what was wanted beside what happened (409)."""
    try:
        act(_seen(request))
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    except triage.ChangedMeanwhile as error:
        conflict = {"wish": wish, "changes": history.lines(error.changes), "error": error, "fields": _fields(request)}
        context = _context(request, _alert(pk)) | {"conflict": conflict}
        return render(request, "alerts/alert.html", context, status=409)
    except triage.TriageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return HttpResponseRedirect(_page_of(pk))


def _page_of(pk: int) -> str:
    return redirect("alerts:alert", pk=pk).url


def _seen(request: HttpRequest) -> int | None:
    """Return the newest history line that the person saw; a form without one is not ours."""
    seen = request.POST.get("seen", "")
    if not seen.isdecimal() or len(seen) > 18:
        raise BadRequest("The form does not say what was seen.")
    return int(seen)


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was posted, for the button that does it all the same: but for the token, and for what was seen."""
    return [(name, str(value)) for name, value in request.POST.items() if name not in {"csrfmiddlewaretoken", "seen"}]


def _alert(pk: int) -> Alert:
    rows = querysets.with_ticket(Alert.objects.select_related("monitor", "closed_by"))
    return get_object_or_404(rows, pk=pk)


def _closing(alert: Alert, form: CloseForm) -> dict[str, Any]:
    return {"section": "queue", "alert": alert, "form": form, "seen": triage.newest_change(alert)}


def _context(request: HttpRequest, alert: Alert) -> dict[str, Any]:
    """Return all that the page shows."""
    occurrences = list(alert.occurrences.defer("events")[:MAX_OCCURRENCES])
    shown = _shown(request, alert, occurrences)
    kept = Evidence.objects.filter(occurrence=shown).first() if shown else None
    events = shown.events if shown else []
    observed = shown.observed if shown and shown.observed else alert.observed
    definition = definition_of(alert)
    learning, known = _baseline(alert, shown, kept)
    complete = evidence.completed(events)
    new = {(one.kind, one.value) for one in known if one.is_new}
    return {
        "section": "queue",
        "alert": alert,
        "seen": triage.newest_change(alert),
        "operation": querysets.first_owed(alert),
        "readings": readings(alert, observed),
        "definition": definition,
        "tuning": tuning.links(request, alert, events),
        "journey": travel.journey(alert, observed, complete),
        "occurrences": occurrences,
        "shown": shown,
        "rows": evidence.rows(complete, new),
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
        "is_own": triage.is_about(alert, activity.person_of(request.user)),
        "close_form": CloseForm(auto_id="close_%s"),
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
