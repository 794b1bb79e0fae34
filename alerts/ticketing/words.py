"""
What a ticket, and a comment on it, say of an alert: as documents, in no language of Jira's yet.

Whatever comes from events was written by whoever caused them. It goes through `data()`, and the renderers make it inert.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.conf import settings

from alerts.models import Alert, Occurrence
from alerts.okta import event_words, place_words
from alerts.ticketing.document import Block, Code, Document, Line, Link, Paragraph, Points, Table, Text, data, paragraph
from core.text import few
from monitors import definitions
from monitors.errors import DefinitionError
from monitors.findings import duration, when
from monitors.models import find_detection

MAX_ROWS = 25
MAX_LINES = 20  # of one comment
MAX_NEW = 5  # values of a kind that a comment calls new
SEEN_FOR_NEW = 100  # occurrences that what is new is compared with


def description(alert: Alert, introduction: str = "", rows: int = MAX_ROWS) -> Document:
    """
    Return what a responder can work from: what fired, observed against limit, who, where, when, evidence, runbook, link back.

    `rows` says how many events at most are told, and for how many the search to repeat it asks.
    """
    occurrence = latest(alert)
    head = [
        *_rehearsed(alert),
        *(paragraph(*(data(line, 1000) for line in part.splitlines())) for part in introduction.split("\n\n") if part),
        what(alert),
        *_score(alert),
        *_observed(alert),
        who_and_when(alert, occurrence),
        *_others(alert),
    ]
    return [*head, *evidence(occurrence, rows), *_again(alert, occurrence, rows), *_runbook(alert), link_back(alert)]


def late_evidence(alert: Alert, rows: int = MAX_ROWS) -> Document:
    """Return a comment with what a description would say by now, for a ticket whose description somebody edited."""
    occurrence = latest(alert)
    said = "The evidence is more complete now. The description was edited, so it is left alone and this stands here."
    return [
        paragraph(said),
        what(alert),
        who_and_when(alert, occurrence),
        *evidence(occurrence, rows),
        link_back(alert),
    ]


def comment(fresh: Sequence[Occurrence], earlier: Iterable[Occurrence]) -> Document:
    """
    Return one comment on all occurrences that were not told yet, alert by alert, with what is new in them.

    `earlier` are those that were told; an alert with none among them joined the ticket's case just now. Needs `occurrence.alert`.
    """
    told = list(earlier)
    known_alerts = {occurrence.alert_id for occurrence in told}
    seen = {value for occurrence in told for value in _traits(occurrence)}
    document: Document = []
    alerts = {occurrence.alert_id: occurrence.alert for occurrence in fresh}
    for alert in alerts.values():
        mine = [occurrence for occurrence in fresh if occurrence.alert_id == alert.pk]
        if alert.pk in known_alerts or not told:
            document.append(
                paragraph(f"Seen again, {alert.occurrence_count} times in all. {data(alert.sentence, 500)}")
            )
        else:
            document.append(what(alert))
        document.append(Points(tuple((_span(occurrence),) for occurrence in mine[:MAX_LINES])))
        new = list(dict.fromkeys(value for one in mine for value in _traits(one) if value not in seen))
        if told and new:
            document.append(paragraph(f"New: {few(new, MAX_NEW, between='; ')}."))
        seen |= set(new)
        document.append(link_back(alert))
    return document


def latest(alert: Alert) -> Occurrence | None:
    """Return the alert's latest occurrence."""
    return alert.occurrences.order_by("-last_at").first()


def link(alert: Alert) -> str:
    """Return the alert's address in the portal."""
    return f"{settings.PORTAL_URL}/alerts/{alert.pk}/"


def link_back(alert: Alert) -> Paragraph:
    """Return the line that leads to the alert."""
    return paragraph(Link("Open in oktadetect", link(alert)))


def what(alert: Alert) -> Paragraph:
    """Return what happened, which detection says so, and how grave it is."""
    reasons = "".join(f" Raised or lowered, since {data(reason)}." for reason in alert.severity_reasons)
    word = definitions.SEVERITIES[alert.severity]
    told = f"Detection: {data(alert.detection)}. Severity: {alert.severity} ({word}).{reasons}"
    return paragraph(Text(data(alert.sentence, 1000), strong=True), told)


def who_and_when(alert: Alert, occurrence: Occurrence | None) -> Paragraph:
    """Return whom it is about, from when to when, from where, and where Okta's admin shows that user."""
    lines: list[Line] = [(f"Who: {data(alert.entity_name)} ({alert.entity_type} {data(alert.entity_id)})",)]
    if occurrence is not None:
        span = duration((occurrence.last_at - occurrence.first_at).total_seconds())
        lines.append(
            (f"When: {occurrence.first_at:%Y-%m-%d %H:%M:%S} to {occurrence.last_at:%Y-%m-%d %H:%M:%S} UTC ({span})",)
        )
        places = dict.fromkeys(place_words(event) for event in occurrence.events if place_words(event))
        if places:
            lines.append(("Where: " + "; ".join(data(place) for place in list(places)[:5]),))
    if alert.entity_type == "user" and settings.OKTADETECT_OKTA_ADMIN_URL and alert.entity_id.startswith("00u"):
        user = quote(data(alert.entity_id), safe="")
        lines.append((Link("User in Okta", f"{settings.OKTADETECT_OKTA_ADMIN_URL}/admin/user/profile/view/{user}"),))
    return Paragraph(tuple(lines))


def evidence(occurrence: Occurrence | None, rows: int = MAX_ROWS) -> list[Block]:
    """Return the events as a table of at most so many rows; nothing where there are none."""
    if occurrence is None or not occurrence.events:
        return []
    shown = occurrence.events[:rows]
    head = ("Time (UTC)", "Event", "Outcome", "Address", "Place", "Network", "Device", "uuid")
    table = [Table(head, tuple(map(_row, shown)))] if shown else []
    more = max(occurrence.count, len(occurrence.events)) > len(shown)
    return [*table, *([paragraph("More events stand in oktadetect.")] if more else [])]


def search_again(alert: Alert, occurrence: Occurrence, limit: int = MAX_ROWS) -> str:
    """Return the search that finds its events again, as it is typed into OpenSearch's console; empty where no monitor says where."""
    uuids = [event["uuid"] for event in occurrence.events if event.get("uuid")][:limit]
    if alert.monitor is None or not uuids:
        return ""
    profile = alert.monitor.profile()
    body = json.dumps({"query": {"terms": {profile.name("uuid"): uuids}}})
    # JSON itself opens a brace only before a quote; one within a text is written as its number, so that it opens no macro
    return f"GET {profile.pattern}/_search\n" + re.sub(r'\{(?!")', r"\\u007b", body)


def _again(alert: Alert, occurrence: Occurrence | None, rows: int) -> list[Block]:
    search = search_again(alert, occurrence, rows) if occurrence is not None and rows else ""
    return [paragraph("The search to repeat it:"), Code(search)] if search else []


def _rehearsed(alert: Alert) -> list[Block]:
    """Return that nothing of this happened, or that somebody wants it to look so; nothing for what claims nothing."""
    if alert.rehearsal_id:
        told = "This is a rehearsal. Its events are made up and signed; nothing happened, and this ticket is deleted again."
        return [paragraph(Text(told, strong=True))]
    return [paragraph(Text(data(alert.rehearsal_claim), strong=True))] if alert.rehearsal_claim else []


def _score(alert: Alert) -> list[Block]:
    """Return how weak signals came to a ticket; nothing where a ticket needs no sum."""
    score = alert.case.score
    if not score or not score.get("signals"):
        return []
    told = f"{score['sum']} points within {score['hours']} hours, {score['needed']} make a ticket:"
    signals = [(f"{one['points']}: {data(one['sentence'], 300)} (A-{one['alert']})",) for one in score["signals"]]
    return [paragraph(told), Points(tuple(signals[:MAX_LINES]))]


def _others(alert: Alert) -> list[Block]:
    """Return the other alerts of the case; nothing where there are none, or a sum tells them already."""
    if alert.case.score:
        return []
    others = Alert.objects.filter(case_id=alert.case_id).exclude(pk=alert.pk).order_by("-pk")[:MAX_LINES]
    told = tuple((f"{data(other.sentence, 300)} ", Link(str(other), link(other))) for other in others)
    return [paragraph("Worked as one with:"), Points(told)] if told else []


def _observed(alert: Alert) -> list[Block]:
    try:
        observations = find_detection(alert.detection_id).observed if alert.detection_id else ()
    except DefinitionError:
        observations = ()  # the detection left the catalogue; the alert stays readable
    rows = []
    for one in observations:
        if alert.observed.get(one.value) is None:
            continue
        limit = alert.limits.get(one.limit) if one.limit else None
        beside = f"{data(limit)} {one.unit}".strip() if limit is not None else "-"
        rows.append((data(one.label), f"{data(alert.observed[one.value])} {one.unit}".rstrip(), beside))
    return [Table(("What", "Observed", "Limit"), tuple(rows))] if rows else []


def _row(event: Mapping[str, Any]) -> tuple[str, ...]:
    at = when(event.get("t"))
    network = " ".join(str(event[key]) for key in ("asn", "as_org") if event.get(key))
    device = " ".join(str(event[key]) for key in ("os", "browser") if event.get(key))
    cells = [
        f"{at:%Y-%m-%d %H:%M:%S}" if at else "",
        event_words(event),
        event.get("result"),
        f"{event.get('ip') or ''}{' (proxy)' if event.get('proxy') else ''}",
        place_words(event),
        network,
        device,
        event.get("uuid"),
    ]
    return tuple(data(cell, 80) if cell else "" for cell in cells)


def _runbook(alert: Alert) -> list[Block]:
    try:
        steps = find_detection(alert.detection_id).runbook if alert.detection_id else ()
    except DefinitionError:
        steps = ()
    if not steps:
        return []
    return [paragraph(Text("Runbook", strong=True)), Points(tuple((data(step, 500),) for step in steps), numbered=True)]


def _span(occurrence: Occurrence) -> str:
    events = f"{occurrence.count} event{'' if occurrence.count == 1 else 's'}"
    return f"{occurrence.first_at:%Y-%m-%d %H:%M:%S} to {occurrence.last_at:%H:%M:%S} UTC: {events}"


def _traits(occurrence: Occurrence) -> list[str]:
    """Return what one occurrence may have that an earlier one had not: addresses, places, networks, devices."""
    traits = []
    for event in occurrence.events:
        device = " ".join(str(event[key]) for key in ("os", "browser") if event.get(key))
        network = str(event.get("as_org") or "")
        told = [("address", event.get("ip")), ("place", place_words(event)), ("network", network), ("device", device)]
        traits += [f"{kind} {data(value, 80)}" for kind, value in told if value]
    return traits
