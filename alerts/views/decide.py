"""Decisions on one alert. Each can be undone for some seconds; a decision on an alert that changed meanwhile shows both (409)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from alerts.choices import Verdict
from alerts.models import Alert
from alerts.services import comments, triage
from alerts.services import undo as undoing
from alerts.views import alert as alert_page
from alerts.views import history
from alerts.views.forms import AssignForm, CloseForm, CommentForm, SnoozeForm
from alerts.views.walk import trail_of, walk
from core import activity, clock
from core.models import Person


class Decision(Protocol):
    """A decision of `alerts.services.triage`, whatever else it needs filled in."""

    def __call__(self, alert_id: int, by: Person, /, *, seen: int | None) -> Alert:
        """Take it."""


@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the alert to whoever is signed in, to nobody, or (asked by the form) to somebody else."""
    wanted = request.POST.get("to", "")
    if request.method == "POST" and wanted in {"", "nobody"}:
        to = activity.person_of(request.user) if not wanted else None
        wish, said = (
            ("Assign it to me", "The alert is yours.") if to else ("Assign it to nobody", "The alert is nobody's now.")
        )
    else:
        form = AssignForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return _ask(request, pk, "alerts/assign.html", form)
        to = activity.person_of(form.cleaned_data["to"])
        wish, said = f"Assign it to {to.name}", f"The alert is {to.name}'s now."
    return _decide(
        request, pk, wish, partial(triage.assign, to=to), said, goes_on=to != activity.person_of(request.user)
    )


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that somebody has seen it."""
    return _decide(request, pk, "Acknowledge it", triage.acknowledge, "Acknowledged.")


@require_http_methods(["GET", "HEAD", "POST"])
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask until when, and let it be quiet until then."""
    form = SnoozeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _ask(request, pk, "alerts/snooze.html", form)
    act = partial(triage.snooze, until=form.cleaned_data["until"], or_growth=form.or_growth)
    return _decide(request, pk, f"Snooze it until {form.words()}", act, f"Snoozed until {form.words()}.", goes_on=True)


@require_POST
def unsnooze(request: HttpRequest, pk: int) -> HttpResponse:
    """End a snooze."""
    return _decide(request, pk, "End the snooze", triage.unsnooze, "The snooze is over.")


@require_POST
def judge_true(request: HttpRequest, pk: int) -> HttpResponse:
    """Judge it a true positive, which stays open."""
    said = "Judged a true positive. It is in progress; the runbook says what comes next."
    return _decide(request, pk, "Judge it a true positive", triage.judge_true, said)


@require_POST
def escalate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it to those who respond."""

    def said(alert: Alert) -> str:
        return f"Escalated to {alert.assignee.name if alert.assignee else 'nobody'}."

    return _decide(request, pk, "Escalate it", triage.escalate, said, goes_on=True)


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a closing back."""
    return _decide(request, pk, "Reopen it", triage.reopen, "Reopened. The alert is yours.")


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for verdict and reason, and close. The dialog on the alert's page posts here, too."""
    if request.method != "POST":
        return _ask(request, pk, "alerts/close.html", CloseForm(initial={"verdict": request.GET.get("verdict", "")}))
    form = CloseForm(request.POST)
    if not form.is_valid():
        return _ask(request, pk, "alerts/close.html", form)
    verdict = Verdict(form.cleaned_data["verdict"])
    act = partial(triage.close, verdict=verdict, reason=form.words(), cause=form.cause)
    return _decide(request, pk, f"Close it as {verdict.label.lower()}: {form.words()}", act,
                   f"Closed as {verdict.label.lower()}.", goes_on=True)  # fmt: skip


@require_POST
def undo(request: HttpRequest, pk: int, line: int) -> HttpResponse:
    """Take the decision of that history line back."""
    try:
        undoing.undo(line, activity.person_of(request.user))
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    except triage.TriageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Undone.")
    request.session.pop("undo", None)
    return _to(request, pk)


@require_POST
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what somebody says."""
    form = CommentForm(request.POST)
    in_ticket = bool(request.POST.get("in_ticket"))
    try:
        text = form.cleaned_data["text"] if form.is_valid() else ""
        comments.add(pk, activity.person_of(request.user), text=text, in_ticket=in_ticket)
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    except triage.TriageError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Commented; the ticket says it in a moment." if in_ticket else "Commented.")
    return _to(request, pk, "#history")


@require_POST
def remove_comment(request: HttpRequest, pk: int, comment_id: int) -> HttpResponse:
    """Take one's own comment back."""
    try:
        comments.remove(comment_id, activity.person_of(request.user))
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    messages.success(request, "The comment is gone.")
    return _to(request, pk, "#history")


def offer_undo(request: HttpRequest, said: str, address: str) -> None:
    """Say what was decided, beside the way to take it back while there is time."""
    until = clock.now() + timedelta(seconds=triage.UNDO_SECONDS)
    request.session["undo"] = {"said": said, "address": address, "until": until.isoformat()}


def _decide(
    request: HttpRequest,
    pk: int,
    wish: str,
    act: Decision,
    said: str | Callable[[Alert], str],
    *,
    goes_on: bool = False,
) -> HttpResponse:
    """
    Take one decision and go back to the alert, or on in the list it was opened from where the reader is done with it (`goes_on`).

    When the alert changed meanwhile, show what was wanted beside what happened (409).
    """
    try:
        alert = act(pk, activity.person_of(request.user), seen=_seen(request))
    except triage.NoSuchAlert as error:
        raise Http404(str(error)) from error
    except triage.ChangedMeanwhile as error:
        conflict = {"wish": wish, "changes": history.lines(error.changes), "error": error, "fields": _fields(request)}
        context = alert_page.context(request, alert_page.find(pk)) | {"conflict": conflict}
        return render(request, "alerts/alert.html", context, status=409)
    except triage.TriageError as error:
        messages.error(request, str(error))
        return _to(request, pk)
    words = said if isinstance(said, str) else said(alert)
    undo_address = reverse("alerts:undo", args=[pk, triage.newest_change(alert)]) + trail_of(request)
    onward = walk(request, pk) if goes_on else None
    offer_undo(request, f"{alert}: {words}" if onward else words, undo_address)
    return HttpResponseRedirect(onward.onward) if onward else _to(request, pk)


def _to(request: HttpRequest, pk: int, fragment: str = "") -> HttpResponse:
    """Go to the alert, and take the list along that it was opened from."""
    return HttpResponseRedirect(reverse("alerts:alert", args=[pk]) + trail_of(request) + fragment)


def _ask(request: HttpRequest, pk: int, template: str, form: Any) -> HttpResponse:
    """Show the form of a decision; with what is wrong with it when it was posted (422)."""
    alert = alert_page.find(pk)
    context = {"section": "queue", "alert": alert, "form": form, "seen": triage.newest_change(alert),
               "walk": walk(request, pk)}  # fmt: skip
    return render(request, template, context, status=422 if form.is_bound else 200)


def _seen(request: HttpRequest) -> int | None:
    """Return the newest history line that the person saw; a form without one is not ours."""
    seen = request.POST.get("seen", "")
    if not seen.isdecimal() or len(seen) > 18:
        raise BadRequest("The form does not say what was seen.")
    return int(seen)


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was posted, for the button that does it all the same: but for the token, and for what was seen."""
    return [(name, str(value)) for name, value in request.POST.items() if name not in {"csrfmiddlewaretoken", "seen"}]
