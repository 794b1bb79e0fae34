"""Users, addresses, devices and sessions: what alerts, the baseline and the index know of each."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from alerts import querysets
from alerts.services import entities, story
from alerts.services.entities import KINDS, Look, Named
from alerts.views import evidence
from alerts.views.filters import BIGGEST_ID
from alerts.views.heat import heat
from monitors.errors import MonitorsError
from monitors.findings import duration

PAGE = 20
LISTED = ("user", "ip", "device", "session", "app")


class ListFilter(forms.Form):
    """What an address may ask of the list of entities."""

    q = forms.CharField(max_length=200, required=False)
    kind = forms.ChoiceField(choices=[(kind, KINDS[kind]) for kind in LISTED], required=False)


class PageFilter(forms.Form):
    """What an address may ask of an entity's page: a page of its alerts, and with `live` a look into the index."""

    before = forms.IntegerField(min_value=1, max_value=BIGGEST_ID, required=False)
    live = forms.BooleanField(required=False)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List what the latest alerts name most often, or what a search finds."""
    form = ListFilter(request.GET)
    form.is_valid()
    text, kind = form.cleaned_data.get("q", ""), form.cleaned_data.get("kind", "")
    context = {
        "section": "entities",
        "text": text,
        "kind": kind,
        "kinds": [(key, KINDS[key]) for key in LISTED],
        "found": entities.search(text, kind) if text else None,
        "listed": [] if text else entities.listed(kind),
        "counted": entities.MAX_LISTED,
    }
    return render(request, "alerts/entities.html", context)


@require_safe
def page(request: HttpRequest, kind: str, value: str) -> HttpResponse:
    """Show one entity, also one that no alert names; asked by htmx for a look into the index, answer with that part alone."""
    if kind not in KINDS:
        raise Http404("There is no such kind of entity.")
    form = PageFilter(request.GET)
    form.is_valid()
    before, live = form.cleaned_data.get("before"), form.cleaned_data.get("live")
    entity = entities.named(kind, value)
    if kind == "user" and not entity.rows and value != value.lower():
        return redirect("alerts:entity", kind, value.lower())  # logins are kept in small letters
    looked = _look(entity) if live else {}
    if live and request.headers.get("HX-Request") == "true":
        return render(request, "alerts/_entity_live.html", {"entity": entity, **looked})
    rows = querysets.with_ticket(entities.alerts_of(entity, PAGE + 1, before=before))
    found = list(rows)
    context = {
        "section": "entities",
        "entity": entity,
        "kind_words": KINDS[kind],
        "summary": entities.summary(entity),
        "alerts": found[:PAGE],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "before": before,
        "together": _by_kind(entities.together(entity)),
        "sightings": entities.sightings(entity),
        "exclusions": entities.exclusions_of(entity),
        "story": _story(entity, looked.get("look")) if kind == "session" else None,
        "asks": kind in entities.FIELDS,
        **looked,
    }
    return render(request, "alerts/entity.html", context)


def _look(entity: Named) -> dict[str, Any]:
    """Return what the index holds of it; or in words why that is not known, and what was kept with its alerts instead."""
    try:
        found = entities.look(entity)
    except MonitorsError as error:
        kept = story.kept(entity)
        return {"fault": str(error), "kept": kept, "heat": heat(story.by_weekday(kept.hours)) if kept.events else None}
    rows = evidence.rows(evidence.completed(found.events))
    return {
        "look": found,
        "rows": rows,
        "all_by": evidence.only_person(rows),
        "heat": heat(story.by_weekday(found.hours)),
        "days": entities.DAYS,
    }


def _story(entity: Named, look: Look | None) -> dict[str, Any]:
    """Return a session as one story: each moment with its row where it is an event, and each place with one."""
    told = story.of_session(entity, look.events if look else ())
    events = [moment.event for moment in told.moments if moment.event is not None]
    rows = iter(evidence.rows(evidence.completed([*events, *(place.event for place in told.places)])))
    moments = [(moment, next(rows) if moment.event is not None else None, _quiet(moment)) for moment in told.moments]
    return {"moments": moments, "places": [(place, next(rows)) for place in told.places]}


def _quiet(moment: story.Moment) -> str:
    return duration(moment.quiet.total_seconds()) if moment.quiet else ""


def _by_kind(found: list[entities.Together]) -> list[tuple[str, list[entities.Together]]]:
    """Return what stood in the same alerts, by kind in the order of KINDS."""
    groups = [(label, [one for one in found if one.entity.kind == kind]) for kind, label in KINDS.items()]
    return [(label, group) for label, group in groups if group]
