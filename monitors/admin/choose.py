"""The first click to a monitor: the catalogue, searched and filtered, and what this index cannot serve."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from monitors import profiles, told
from monitors.definitions import SEVERITIES, Definition
from monitors.models import IndexProfile, Monitor

ENGINES = {"classic": "Classic Engine", "identity": "Identity Engine"}


def page(request: HttpRequest, site: AdminSite, detections: Sequence[Definition]) -> HttpResponse:
    """Show the detections that the address asks for: ?q=…&attack=…&severity=…&engine=…"""
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "attack", "severity", "engine")}
    pattern = settings.OKTADETECT_INDEX_PATTERN
    row = IndexProfile.objects.filter(pattern=pattern).first()
    profile = row.profile() if row else profiles.template_profile(pattern)
    have = set(Monitor.objects.values_list("detection", flat=True))
    found = [
        {
            "definition": one,
            "sentence": told.plain(one, one.values({})),
            "severity": SEVERITIES[one.severity],
            "lacks": profiles.lacks(profile, one.needs()),
            "is_used": one.id in have,
        }
        for one in detections
        if _is_asked_for(one, asked)
    ]
    context = {
        **site.each_context(request),
        "title": "Choose a detection",
        "found": found,
        "total": len(detections),
        "asked": asked,
        "is_asked": any(asked.values()),
        "pattern": pattern,
        "techniques": sorted({technique for one in detections for technique in one.attack}),
        "severities": SEVERITIES,
        "engines": ENGINES,
        "opts": Monitor._meta,
    }
    return render(request, "admin/monitors/monitor/choose.html", context)


def _is_asked_for(one: Definition, asked: dict[str, str]) -> bool:
    text = " ".join([one.id, one.title, one.why, *one.attack, *one.event_types()]).lower()
    return (
        all(word in text for word in asked["q"].lower().split())
        and (not asked["attack"] or asked["attack"] in one.attack)
        and (not asked["severity"] or asked["severity"] == str(one.severity))
        and (not asked["engine"] or asked["engine"] in one.engines)
    )
