"""The ticket of an alert's case, and the case itself, as people arrange them: attach an issue, join two cases, take either back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from alerts import querysets
from alerts.models import Alert
from alerts.services import joining, triage
from core import activity
from core.models import Person


@require_http_methods(["GET", "HEAD", "POST"])
def arrange(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what can be arranged; on POST do what `do` names."""
    alert = get_object_or_404(querysets.with_ticket(Alert.objects.select_related("case__joined_into")), pk=pk)
    if request.method == "POST":
        try:
            said = _DO.get(request.POST.get("do", ""), _nothing)(request, alert, activity.person_of(request.user))
        except triage.TriageError as error:
            messages.error(request, str(error))
            return render(request, "alerts/arrange.html", _context(alert), status=422)
        messages.success(request, said)
        return redirect("alerts:alert", pk=pk)
    return render(request, "alerts/arrange.html", _context(alert))


def _context(alert: Alert) -> dict[str, Any]:
    together = Alert.objects.filter(case_id=alert.case_id).exclude(pk=alert.pk).order_by("-pk")[:50]
    return {
        "section": "queue",
        "alert": alert,
        "ticket": getattr(alert.case, "ticket", None),
        "together": together,
        "joined": list(alert.case.joined.order_by("pk")[:50]),
        "candidates": querysets.related(alert, 10),
    }


def _attach(request: HttpRequest, alert: Alert, person: Person) -> str:
    return f"{joining.attach(alert.pk, request.POST.get('key', ''), person)} is the ticket of this case now."


def _detach(_request: HttpRequest, alert: Alert, person: Person) -> str:
    joining.detach(alert.pk, person)
    return "The issue was taken away. Restore the ticket under Pipeline to have one made."


def _join(request: HttpRequest, alert: Alert, person: Person) -> str:
    into = joining.join(alert.pk, _number(request, "other"), person)
    return f"Joined into {into}."


def _part(request: HttpRequest, alert: Alert, person: Person) -> str:
    wanted = _number(request, "case")
    if not alert.case.joined.filter(pk=wanted).exists():
        raise triage.NotNow("That case is not part of this one.")
    return f"{joining.part(wanted, person)} stands by itself again."


def _nothing(_request: HttpRequest, _alert: Alert, _person: Person) -> str:
    raise triage.NotNow("Nothing was chosen.")


def _number(request: HttpRequest, name: str) -> int:
    """Return a number that somebody typed, as 12 or A-12."""
    text = request.POST.get(name, "").strip().upper().removeprefix("A-").removeprefix("C-")
    if not text.isdecimal() or not text.isascii() or len(text) > 18:
        raise triage.NotNow("Give the number of an alert, as A-12.")
    return int(text)


_DO: dict[str, Callable[[HttpRequest, Alert, Person], str]] = {
    "attach": _attach,
    "detach": _detach,
    "join": _join,
    "part": _part,
}
