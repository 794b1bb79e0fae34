"""The queue: alerts, newest first. What is shown is wholly said by the address."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from alerts import querysets
from alerts.choices import Verdict
from alerts.grouping import GROUPS, Group, grouped
from alerts.models import Alert, TicketOperation
from alerts.services import entities, saved
from alerts.services.entities import KINDS
from alerts.views import alert as alert_page
from alerts.views.filters import PERIODS, SEVERITY_WORDS, Asked, asked
from alerts.views.forms import AssignForm
from alerts.views.observed import Reading, headline, readings
from alerts.views.walk import trail
from core import activity, clock

PAGE = 25  # two screens; each row costs the server more than half a millisecond
RECENT = 1000  # alerts whose detections and countries are offered as filters


@dataclass(frozen=True)
class Day:
    """A bar of the sparkline: where it begins and how high it is, in its 14 by 16 units, and what it counts."""

    x: int
    y: int
    height: int
    times: int


@dataclass(frozen=True)
class Row:
    """An alert as the queue shows it; `operation` is what Jira is owed first, while there is something."""

    alert: Alert
    reading: Reading | None
    operation: TicketOperation | None
    days: list[Day]


@dataclass(frozen=True)
class GroupRow:
    """A group as the queue shows it: of which `kind` in words where it has a page, and by `query` the address of its alerts."""

    group: Group
    kind: str
    query: str
    days: list[Day]


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show a page of alerts; with `all` in the address, choose all that match, and say exactly how many that are."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    understood = asked(request.GET)
    wanted = understood.wanted
    matching = understood.alerts(request.user.pk)
    detections, countries = _offered(wanted.get("detection") or "", wanted.get("country") or "")
    context = {
        "section": "queue",
        "tab": understood.tab,
        "tabs": _tabs(request),
        "form": understood.form,
        "wanted": wanted,
        "left_out": understood.left_out,
        "pairs": understood.pairs,
        "trail": trail(understood.of_alerts),
        "entity_name": entities.name_of(wanted["entity"]) if wanted.get("entity") else "",
        "filtered": understood.is_filtered,
        "short": 0 < len(wanted.get("q") or "") < entities.LETTERS,
        "groups": list(GROUPS.items()),
        "severities": SEVERITY_WORDS,
        "statuses": list(querysets.STATUSES.items()),
        "verdicts": Verdict.choices,
        "periods": list(PERIODS.items()),
        "people": [(value, name) for value, name in AssignForm().fields["to"].choices if value],  # type: ignore[attr-defined]
        "detections": detections,
        "countries": countries,
        "views": saved.offered(activity.person_of(request.user)),
        "all": _all(matching.values_list("pk", flat=True)) if "all" in request.GET else None,
        **(_groups(understood, matching) if wanted.get("group") else _rows(understood, matching)),
    }
    context["any_alert"] = bool(context["rows"]) or Alert.objects.exists()
    return render(request, "alerts/queue.html", context)


@require_safe
def newer(request: HttpRequest) -> HttpResponse:
    """Say how many alerts came since the page was made: `after` is the newest it shows. A fragment, asked for every few seconds."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    understood = asked(request.GET)
    after = understood.wanted.get("after") or 0
    count = querysets.capped_count(understood.alerts(request.user.pk).filter(pk__gt=after))
    return render(request, "alerts/_newer.html", {"count": count, "after": after})


@require_safe
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an alert beside the queue: what happened, why it fired, who is involved. A fragment."""
    alert = alert_page.find(pk)
    context = {
        "alert": alert,
        "operation": querysets.first_owed(alert.case),
        "readings": readings(alert, alert.observed),
        "involved": list(alert.involved.select_related("entity").order_by("id")),
    }
    return render(request, "alerts/_preview.html", context)


def _rows(understood: Asked, matching: QuerySet[Alert]) -> dict[str, Any]:
    found = querysets.newest(
        matching, PAGE + 1, before=understood.wanted.get("before"), searched=understood.is_searched
    )
    page = found[:PAGE]
    days = querysets.seen_by_day(page, clock.now()) if page else {}
    return {
        "rows": [Row(one, headline(one), querysets.first_owed(one.case), _bars(days[one.pk])) for one in page],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "newest": found[0].pk if found else 0,
    }


def _groups(understood: Asked, matching: QuerySet[Alert]) -> dict[str, Any]:
    wanted = understood.wanted
    found = grouped(matching, wanted["group"], now=clock.now(), limit=PAGE, before=wanted.get("before"),
                    searched=understood.is_searched)  # fmt: skip
    return {
        "rows": [GroupRow(one, KINDS.get(one.kind, ""), understood.within(one), _bars(one.days)) for one in found.rows],
        "older": found.older,
        "newest": found.newest,
        "counted": found.counted if found.is_cut else None,
    }


def _all(keys: QuerySet[Alert, int]) -> dict[str, int]:
    """Return exactly how many match, and the newest of them: what comes later is not meant."""
    newest = keys.order_by("-pk").first() or 0
    return {"newest": newest, "count": keys.order_by().count()}


def _bars(days: list[int]) -> list[Day]:
    most = max([*days, 1])
    heights = [round(14 * times / most) if times else 0 for times in days]
    return [
        Day(4 * at, 16 - high, high, times) for at, (high, times) in enumerate(zip(heights, days, strict=True)) if times
    ]


def _tabs(request: HttpRequest) -> list[tuple[str, str, int | None]]:
    """Return each tab's key, name, and how many it holds; *Closed* and *All* only ever grow and are not counted."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    tab = partial(querysets.in_tab, Alert.objects.all(), user_id=request.user.pk, now=clock.now())
    counted = {key for key in querysets.TABS if key not in {"closed", "all"}}
    return [
        (key, name, querysets.capped_count(tab(key)) if key in counted else None)
        for key, name in querysets.TABS.items()
    ]


def _offered(detection: str, country: str) -> tuple[list[str], list[str]]:
    """Return the detections and the countries of the latest alerts, and the chosen ones, in alphabetical order."""
    recent = list(Alert.objects.order_by("-id").values_list("detection", "countries")[:RECENT])
    detections, countries = {one for one, _ in recent}, {one for _, found in recent for one in found}
    return sorted(detections | ({detection} - {""})), sorted(countries | ({country} - {""}))
