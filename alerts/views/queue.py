"""The queue: alerts, newest first. What is shown is wholly said by the address."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from alerts import querysets
from alerts.choices import Status
from alerts.models import Alert, TicketOperation
from alerts.views.observed import Reading, headline
from core import clock
from monitors.definitions import SEVERITIES

PAGE = 50
BIGGEST_ID = 2**63 - 1
RECENT = 2000  # alerts whose detections are offered as a filter


class QueueFilter(forms.Form):
    """What an address may ask of the queue. A value that makes no sense is said and left out; the others hold."""

    tab = forms.ChoiceField(choices=list(querysets.TABS.items()), required=False)
    severity = forms.TypedChoiceField(choices=list(SEVERITIES.items()), coerce=int, empty_value=None, required=False)
    detection = forms.CharField(max_length=120, required=False)
    status = forms.ChoiceField(choices=Status.choices, required=False)
    entity = forms.CharField(max_length=200, required=False)
    before = forms.IntegerField(min_value=1, max_value=BIGGEST_ID, required=False)
    after = forms.IntegerField(min_value=0, max_value=BIGGEST_ID, required=False)


@dataclass(frozen=True)
class Row:
    """An alert as the queue shows it; `operation` is what Jira is owed first, while there is something."""

    alert: Alert
    reading: Reading | None
    operation: TicketOperation | None


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show a page of alerts."""
    form = QueueFilter(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    tab = wanted.get("tab") or "new"
    alerts = _matching(request, wanted, tab)
    if wanted.get("before"):
        alerts = alerts.filter(pk__lt=wanted["before"])
    found = list(querysets.with_ticket(alerts).order_by("-id")[: PAGE + 1])
    context = {
        "section": "queue",
        "tab": tab,
        "tabs": _tabs(request),
        "form": form,
        "wanted": wanted,
        "filtered": any(wanted.get(name) for name in ("severity", "detection", "status", "entity")),
        "rows": [Row(alert, headline(alert), querysets.first_owed(alert)) for alert in found[:PAGE]],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "newest": found[0].pk if found else 0,
        "severities": [(number, word.capitalize()) for number, word in SEVERITIES.items()],
        "statuses": Status.choices,
        "detections": _detections(wanted.get("detection") or ""),
        "any_alert": bool(found) or Alert.objects.exists(),
    }
    return render(request, "alerts/queue.html", context)


@require_safe
def newer(request: HttpRequest) -> HttpResponse:
    """Say how many alerts came since the page was made: `after` is the newest it shows. A fragment, asked for every few seconds."""
    form = QueueFilter(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    alerts = _matching(request, wanted, wanted.get("tab") or "new").filter(pk__gt=wanted.get("after") or 0)
    context = {"count": querysets.capped_count(alerts), "after": wanted.get("after") or 0}
    return render(request, "alerts/_newer.html", context)


def _matching(request: HttpRequest, wanted: dict[str, Any], tab: str) -> QuerySet[Alert]:
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    alerts = querysets.in_tab(Alert.objects.all(), tab, user_id=request.user.pk, now=clock.now())
    for name in ("severity", "detection", "status"):
        if wanted.get(name):
            alerts = alerts.filter(**{name: wanted[name]})
    return querysets.about(alerts, wanted["entity"]) if wanted.get("entity") else alerts


def _tabs(request: HttpRequest) -> list[tuple[str, str, int | None]]:
    """Return each tab's key, name, and how many it holds; *Closed* and *All* only ever grow and are not counted."""
    counted = {key for key in querysets.TABS if key not in {"closed", "all"}}
    return [
        (key, name, querysets.capped_count(_matching(request, {}, key)) if key in counted else None)
        for key, name in querysets.TABS.items()
    ]


def _detections(chosen: str) -> list[str]:
    """Return the detections of the latest alerts, and the chosen one, in alphabetical order."""
    recent = Alert.objects.order_by("-id").values("detection")[:RECENT]
    names = set(
        Alert.objects.filter(pk__in=recent.values("pk")).order_by().values_list("detection", flat=True).distinct()
    )
    return sorted(names | ({chosen} if chosen else set()))
