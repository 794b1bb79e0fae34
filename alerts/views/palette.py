"""What the command palette finds: alerts, cases, entities, monitors, kept views, pages. Actions on a page it finds in the page itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from alerts import search
from alerts.models import Alert, Case
from alerts.services import entities, saved
from alerts.services.entities import KINDS
from monitors.models import Monitor

MOST = 6  # of each kind
SHORTEST = 2  # letters that are worth a search of words
CASE = re.compile(r"c-(\d{1,18})", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"(?:a-)?(\d{1,18})", re.ASCII | re.IGNORECASE)
PAGES = [
    ("Queue", "alerts:queue", "", "new alerts inbox triage"),
    ("My alerts", "alerts:queue", "tab=mine", "queue mine"),
    ("Alerts in progress", "alerts:queue", "tab=progress", "queue acknowledged"),
    ("Snoozed alerts", "alerts:queue", "tab=snoozed", "queue"),
    ("Closed alerts", "alerts:queue", "tab=closed", "queue verdicts"),
    ("Alerts by entity", "alerts:queue", "group=entity", "queue group user"),
    ("Alerts by address", "alerts:queue", "group=address", "queue group ip"),
    ("Alerts by detection", "alerts:queue", "group=detection", "queue group"),
    ("Cases", "alerts:cases", "", "score joined tickets"),
    ("Suppressions", "alerts:suppressions", "", "rules mute hide"),
    ("Entities", "alerts:entities", "", "users addresses devices sessions"),
    ("Monitors", "monitors:monitors", "", "detections faults opensearch"),
    ("Coverage", "monitors:coverage", "", "att&ck techniques mitre blind"),
    ("Surveys of the past", "alerts:surveys", "", "catalogue backtest"),
    ("Measures", "alerts:measures", "", "time to detect resolve false positives charts"),
    ("Pipeline", "alerts:pipeline", "", "deliveries quarantine"),
    ("Jira", "alerts:jira", "", "tickets operations check pipeline"),
    ("First run", "alerts:first-run", "", "set up onboarding checklist settings test"),
    ("API", "api-docs", "", "openapi documentation rest"),
    ("API tokens", "alerts:tokens", "", "account bearer"),
]
STAFF_PAGES = [
    ("Admin", "admin:index", "", "settings sources people"),
    ("Add a monitor", "admin:monitors_monitor_add", "", "new detection"),
    ("All in OpenSearch", "admin:monitors_monitor_in_opensearch", "", "foreign monitors import"),
]


class PaletteFilter(forms.Form):
    """What is typed."""

    q = forms.CharField(max_length=200, required=False)


@dataclass(frozen=True)
class Found:
    """One thing to go to: its words, what stands quietly beside them, an icon of the sprite, and its address."""

    words: str
    detail: str
    icon: str
    to: str


@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """Find what goes by the text: a fragment. Whoever comes without the palette gets the queue's own search."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    form = PaletteFilter(request.GET)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    if request.headers.get("HX-Request") != "true":
        return HttpResponseRedirect(f"{reverse('alerts:queue')}?{urlencode({'tab': 'all', 'q': text})}")
    groups = {
        "Alerts": _alerts(text),
        "Cases": _cases(text),
        "Entities": _entities(text),
        "Monitors": _monitors(text, request.user),
        "Views": _views(text, request.user),
        "Pages": _pages(text, request.user),
    }
    found = [(name, rows) for name, rows in groups.items() if rows]
    return render(request, "alerts/_palette.html", {"groups": found, "text": text})


def _alerts(text: str) -> list[Found]:
    number = NUMBER.fullmatch(text)
    rows = list(Alert.objects.filter(pk=int(number[1]))) if number else []
    if len(text) >= SHORTEST and not rows:
        found = search.settled(search.about(Alert.objects.all(), text), MOST, searched_in=search.EVERYTHING)
        rows += found.order_by("-pk")[:MOST]
    return [
        Found(one.sentence, f"{one} · {one.get_status_display()}", "inbox", reverse("alerts:alert", args=[one.pk]))
        for one in rows
    ]


def _cases(text: str) -> list[Found]:
    number = CASE.fullmatch(text)
    rows = Case.objects.filter(pk=int(number[1])) if number else Case.objects.none()
    return [
        Found(str(case), f"{case.entity_type} {case.entity_id}", "ticket", reverse("alerts:case", args=[case.pk]))
        for case in rows
    ]


def _entities(text: str) -> list[Found]:
    rows = entities.search(text) if len(text) >= SHORTEST else []
    return [
        Found(str(row), KINDS[row.kind], "user", reverse("alerts:entity", args=[row.kind, row.value]))
        for row in rows[:MOST]
        if row.kind in KINDS
    ]


def _monitors(text: str, user: User) -> list[Found]:
    if len(text) < SHORTEST:
        return []
    keeps = user.is_staff and user.has_perm("monitors.change_monitor")
    return [
        Found(row.name, row.detection, "radar",
              reverse("admin:monitors_monitor_change", args=[row.pk]) if keeps else reverse("monitors:monitors"))
        for row in Monitor.objects.filter(name__icontains=text).order_by("name")[:MOST]
    ]  # fmt: skip


def _views(text: str, user: User) -> list[Found]:
    return [
        Found(view.name, f"Kept by {view.owner}", "inbox", f"{reverse('alerts:queue')}?{view.query}")
        for view in saved.offered(user)
        if _fits(text, view.name)
    ][:MOST]


def _pages(text: str, user: User) -> list[Found]:
    return list(_named(text, PAGES + (STAFF_PAGES if user.is_staff else [])))


def _named(text: str, pages: list[tuple[str, str, str, str]]) -> Iterator[Found]:
    for name, url, query, words in pages:
        if _fits(text, f"{name} {words}"):
            to = reverse(url)
            yield Found(name, "", "chevron-right", f"{to}?{query}" if query else to)


def _fits(text: str, words: str) -> bool:
    """Whether each word of the text begins one of the words."""
    known = words.lower().split()
    return all(any(word.startswith(typed) for word in known) for typed in text.lower().split())
