"""The queue: alerts, newest first. What is shown is wholly said by the address."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
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
from alerts.search import Searched
from alerts.services import entities, saved
from alerts.services.entities import KINDS
from alerts.views import alert as alert_page
from alerts.views.filters import PERIODS, SEVERITY_WORDS, Asked, asked
from alerts.views.frame import pulse
from alerts.views.observed import Reading, headline, readings
from alerts.views.walk import trail
from core import clock
from core.models import Person
from core.queries import Prepared, Written, one_row, written

PAGE = 25  # two screens; each row costs the server more than half a millisecond
RECENT = 500  # alerts whose detections and countries are offered as filters


@dataclass(frozen=True)
class Row:
    """An alert as the queue shows it; `operation` is what Jira is owed first, `days` how often it was seen on each, today last."""

    alert: Alert
    reading: Reading | None
    operation: TicketOperation | None
    days: list[int]


@dataclass(frozen=True)
class GroupRow:
    """A group as the queue shows it: of which `kind` in words where it has a page, and by `query` the address of its alerts."""

    group: Group
    kind: str
    query: str


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
        "pulse": (here := pulse()),
        "tabs": _tabs(request.user.pk, here.new_alerts),
        "form": understood.form,
        "wanted": wanted,
        "left_out": understood.left_out,
        "pairs": understood.pairs,
        "trail": trail(understood.of_alerts),
        "entity_name": entities.name_of(wanted["entity"]) if wanted.get("entity") else "",
        "filtered": understood.is_filtered,
        "short": 0 < len(wanted.get("q") or "") < entities.LETTERS,
        "groups": [(key, f"By {name}") for key, name in GROUPS.items()],
        "severities": SEVERITY_WORDS,
        "statuses": list(querysets.STATUSES.items()),
        "verdicts": Verdict.choices,
        "periods": list(PERIODS.items()),
        "people": _people(),
        "detections": detections,
        "countries": countries,
        "views": saved.offered(request.user),
        "all": _all(matching.values_list("pk", flat=True)) if "all" in request.GET else None,
        **(_groups if wanted.get("group") else _rows)(understood, matching, understood.searched_in(request.user.pk)),
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


def _rows(understood: Asked, matching: QuerySet[Alert], searched_in: Searched | None) -> dict[str, Any]:
    found = querysets.newest(matching, PAGE + 1, before=understood.wanted.get("before"), searched_in=searched_in)
    page = found[:PAGE]
    days = querysets.seen_by_day(page, clock.now()) if page else {}
    return {
        "rows": [Row(one, headline(one), querysets.first_owed(one.case), days[one.pk]) for one in page],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "newest": found[0].pk if found else 0,
    }


def _groups(understood: Asked, matching: QuerySet[Alert], searched_in: Searched | None) -> dict[str, Any]:
    wanted = understood.wanted
    found = grouped(matching, wanted["group"], now=clock.now(), limit=PAGE, before=wanted.get("before"),
                    searched_in=searched_in)  # fmt: skip
    return {
        "rows": [GroupRow(one, KINDS.get(one.kind, ""), understood.within(one)) for one in found.rows],
        "older": found.older,
        "newest": found.newest,
        "counted": found.counted if found.is_cut else None,
    }


def _all(keys: QuerySet[Alert, int]) -> dict[str, int]:
    """Return exactly how many match, and the newest of them: what comes later is not meant."""
    newest = keys.order_by("-pk").first() or 0
    return {"newest": newest, "count": keys.order_by().count()}


def _counts(user_id: int, now: datetime) -> Written:
    """Return the SQL of how many alerts the tabs of COUNTED hold for a user."""
    tab = partial(querysets.in_tab, Alert.objects.all(), user_id=user_id, now=now)
    return one_row(querysets.counting(tab(name)) for name in COUNTED)


COUNTED = ("mine", "progress", "snoozed")
COUNTS = Prepared(_counts, user_id=-1, now=datetime(1, 1, 1, tzinfo=UTC))


def _tabs(user_id: int, new: int) -> list[tuple[str, str, int | None]]:
    """Return each tab's key, name, and how many it holds; *Closed* and *All* only ever grow and are not counted."""
    [row] = COUNTS.rows(user_id=user_id, now=clock.now())
    counts = {"new": new, **dict(zip(COUNTED, row, strict=True))}
    return [(key, name, counts.get(key)) for key, name in querysets.TABS.items()]


def _active() -> Written:
    people = Person.objects.filter(user__is_active=True)
    return written(people.order_by("name").values_list("user__username", "name"))


ACTIVE = Prepared(_active)


def _people() -> list[tuple[str, str]]:
    """Return who may have an alert, nobody first, by user name and full name. An alert that somebody has made them a Person."""
    return [("nobody", "Nobody"), *ACTIVE.rows()]


def _told() -> Written:
    sql, values = written(Alert.objects.order_by("-pk").values_list("detection", "countries")[:RECENT])
    told = "ARRAY(SELECT DISTINCT detection FROM recent), ARRAY(SELECT DISTINCT unnest(countries) FROM recent)"
    return f"WITH recent AS ({sql}) SELECT {told}", values


TOLD = Prepared(_told)


def _offered(*chosen: str) -> Iterator[list[tuple[str, str]]]:
    """Return the detections and the countries of the latest alerts, and the chosen ones, as choices in alphabetical order."""
    [found] = TOLD.rows()
    return ([(name, name) for name in sorted({*names, one} - {""})] for names, one in zip(found, chosen, strict=True))
