"""One decision on many alerts: chosen one by one, or all that match. And the views of the queue that people keep."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from alerts.models import Alert, BulkDecision, SavedView
from alerts.services import bulk, saved, triage
from alerts.views.decide import offer_undo
from alerts.views.filters import BIGGEST_ID, asked, cleaned
from alerts.views.forms import AssignForm, CloseForm, SnoozeForm
from core import activity
from core.models import Person

Kind = BulkDecision.Kind
FORMS = {Kind.ASSIGN: AssignForm, Kind.SNOOZE: SnoozeForm, Kind.CLOSE: CloseForm}
QUESTIONS = {Kind.ASSIGN: "Assign", Kind.SNOOZE: "Snooze", Kind.CLOSE: "Close"}


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Decide on what was chosen; ask first what the decision needs. What matches is fixed by the number that the person saw."""
    person = activity.person_of(request.user)
    try:
        chosen = _chosen(request)
        kind, parameters, form = _asked(request, person)
        if form is not None:
            return _ask(request, kind, chosen, form)
        job = bulk.ask(kind, person, chosen, **parameters)
    except triage.TriageError as error:
        messages.error(request, str(error))
        return _back(request)
    done = sum(1 for _, line, _ in job.results if line)
    if not job.is_over or done < len(chosen):
        return redirect("alerts:bulk", pk=job.pk)
    said = f"{job.get_kind_display()}: {done} alert{'s' if done != 1 else ''}."
    offer_undo(request, said, reverse("alerts:undo-bulk", args=[job.pk]))
    return _back(request)


@require_safe
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show how far it is, and what became of each alert."""
    job = get_object_or_404(BulkDecision, pk=pk)
    refused = [(key, said) for key, line, said in job.results if not line]
    context = {
        "section": "queue",
        "job": job,
        "refused": refused,
        "done": [(key, said) for key, line, said in job.results if line],
        "undo_until": bulk.undo_until(job) if _can_undo(job, request) else None,
    }
    return render(request, "alerts/bulk.html", context)


@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take it back on every alert that has not changed since."""
    job = get_object_or_404(BulkDecision, pk=pk)
    request.session.pop("undo", None)
    try:
        reverse_job = bulk.take_back(job, activity.person_of(request.user))
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    except triage.TriageError as error:
        messages.error(request, str(error))
        return redirect("alerts:bulk", pk=pk)
    return redirect("alerts:bulk", pk=reverse_job.pk)


@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keep the queue as its address asks for it."""
    query = cleaned(QueryDict(request.POST.get("query", "")))
    shared, name = bool(request.POST.get("shared")), request.POST.get("name", "")
    try:
        saved.keep(activity.person_of(request.user), name=name.replace("\x00", ""), query=query, shared=shared)
    except triage.TriageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The view is kept.")
    return HttpResponseRedirect(f"{reverse('alerts:queue')}?{query}")


@require_POST
def drop_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep one's own view no longer."""
    person = activity.person_of(request.user)
    saved.drop(get_object_or_404(SavedView, pk=pk, owner=person), person)
    messages.success(request, "The view is gone.")
    return redirect("alerts:queue")


def _can_undo(job: BulkDecision, request: HttpRequest) -> bool:
    return bulk.can_undo(job) and job.asked_by == activity.person_of(request.user)


def _chosen(request: HttpRequest) -> list[int]:
    """Return the keys of what was chosen, newest first."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    if not request.POST.get("all"):
        keys = {_number(key) for key in request.POST.getlist("alert")}
        if not keys:
            raise triage.NotNow("No alert is chosen. Tick some, or press x on them.")
        return sorted(keys, reverse=True)
    count, newest = _number(request.POST.get("count", "")), _number(request.POST.get("newest", ""))
    matching = asked(QueryDict(request.POST.get("query", ""))).alerts(request.user.pk).filter(pk__lte=newest)
    keys_found = list(matching.order_by("-pk").values_list("pk", flat=True)[: bulk.MOST + 1])
    if count <= bulk.MOST and len(keys_found) != count:
        raise triage.NotNow(f"{len(keys_found):,} match now, not {count:,}. Nothing was done: look again.")
    return keys_found


def _number(text: str) -> int:
    if not text.isdecimal() or int(text[:20]) > BIGGEST_ID:
        raise BadRequest("The form names no alerts.")
    return int(text)


def _asked(request: HttpRequest, person: Person) -> tuple[BulkDecision.Kind, dict[str, Any], Any]:
    """Return which decision, its parameters, and the form that must be filled in before."""
    wanted = request.POST.get("decision", "")
    if wanted == "take":
        return Kind.ASSIGN, {"to": str(person.key)}, None
    if wanted == Kind.ACKNOWLEDGE:
        return Kind.ACKNOWLEDGE, {}, None
    if wanted not in FORMS:
        raise BadRequest("The form says no decision.")
    kind = Kind(wanted)
    form = FORMS[kind](request.POST if "answered" in request.POST else None)
    if not form.is_valid():
        return kind, {}, form
    told = form.cleaned_data
    if isinstance(form, AssignForm):
        return kind, {"to": str(activity.person_of(told["to"]).key)}, None
    if isinstance(form, SnoozeForm):
        return kind, {"until": told["until"].isoformat(), "or_growth": form.or_growth}, None
    assert isinstance(form, CloseForm)  # noqa: S101 - for the type checker
    return kind, {"verdict": told["verdict"], "cause": told["reason"], "reason": form.words()}, None


def _ask(request: HttpRequest, kind: BulkDecision.Kind, chosen: list[int], form: Any) -> HttpResponse:
    carried = [
        (name, value) for name in ("alert", "all", "count", "newest", "query") for value in request.POST.getlist(name)
    ]
    some = Alert.objects.filter(pk__in=chosen[:5]).order_by("-pk")
    context = {"section": "queue", "kind": kind, "question": QUESTIONS[kind], "form": form, "carried": carried,
               "count": len(chosen), "some": some, "query": request.POST.get("query", "")}  # fmt: skip
    return render(request, "alerts/bulk_ask.html", context, status=422 if form.is_bound else 200)


def _back(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('alerts:queue')}?{cleaned(QueryDict(request.POST.get('query', '')))}")
