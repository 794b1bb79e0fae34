"""
What a ticket says. Pure but for settings: rows in, Jira's fields out.

Whatever comes from events was written by whoever caused them. In wiki markup it stands only escaped, so that it can make no link,
mention, macro or table cell of its own.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from alerts.models import Alert, Occurrence
from alerts.okta import event_words, place_words
from core.text import controls_shown
from monitors import definitions
from monitors.errors import DefinitionError
from monitors.findings import duration, when
from monitors.models import find_detection

MAX_SUMMARY = 255
MAX_DESCRIPTION = 32_767
MAX_ROWS = 25

# Every character that wiki markup reads as its own. A backslash before it makes it a letter.
_MARKUP = re.compile(r"([\\*_?\-+^~{}\[\]()!|#@<>&:%/'\"=])")


def plain(value: Any, limit: int = 200) -> str:
    """Return event data as wiki text that can only be read: on one line, cut, controls written out, every mark-up character escaped."""
    words = controls_shown(" ".join(str(value).split()))
    cut = words if len(words) <= limit else words[: limit - 1] + "…"
    return _MARKUP.sub(r"\\\1", cut)


def summary(alert: Alert) -> str:
    """Return `Security Alert: <detection> for <entity>` (a rehearsal says so first), on one line, within Jira's 255 characters."""
    rehearsal = "[Rehearsal] " if alert.rehearsal_id else ""
    words = controls_shown(" ".join(f"{rehearsal}Security Alert: {alert.detection} for {alert.entity_name}".split()))
    return words if len(words) <= MAX_SUMMARY else words[: MAX_SUMMARY - 1] + "…"


def label(operation_id: str) -> str:
    """Return the label by which the ticket of a create operation can be looked for."""
    return f"oktadetect-{operation_id}"


def create(alert: Alert, operation_id: str) -> dict[str, Any]:
    """Return the fields of a new issue."""
    return {
        "project": {"key": settings.OKTADETECT_JIRA_REHEARSAL_PROJECT if alert.rehearsal_id else settings.JIRA_PROJECT},
        "issuetype": {"name": settings.JIRA_ISSUE_TYPE},
        "summary": summary(alert),
        "description": description(alert),
        "priority": {"name": settings.JIRA_PRIORITIES[alert.severity - 1]},
        "labels": ["oktadetect", label(operation_id)],
    }


def description(alert: Alert) -> str:
    """Return what a responder can work from: what fired, observed against limit, who, where, when, evidence, runbook, link back."""
    occurrence = alert.occurrences.order_by("-last_at").first()
    parts = [_rehearsed(alert), _what(alert), _observed(alert), _who_and_when(alert, occurrence)]
    head = "\n\n".join(filter(None, parts))
    tail = "\n\n".join(filter(None, [_runbook(alert), f"[Open in oktadetect|{link(alert)}]"]))
    room = MAX_DESCRIPTION - len(head) - len(tail) - 10
    return "\n\n".join(filter(None, [head, _evidence(occurrence, room), tail]))


def digest(text: str) -> str:
    """Return a hash by which a description is known again: of its words, whatever Jira made of line ends and outer space."""
    lines = (line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def late_evidence(alert: Alert) -> str:
    """Return a comment with what a description would say by now, for a ticket whose description somebody edited."""
    occurrence = alert.occurrences.order_by("-last_at").first()
    said = "The evidence is more complete now. The description was edited, so it is left alone and this stands here."
    head = "\n\n".join([said, _what(alert), _who_and_when(alert, occurrence)])
    tail = f"[Open in oktadetect|{link(alert)}]"
    return "\n\n".join(filter(None, [head, _evidence(occurrence, MAX_DESCRIPTION - len(head) - len(tail) - 10), tail]))


def _rehearsed(alert: Alert) -> str:
    """Return that nothing of this happened, or that somebody wants it to look so; empty for what claims nothing."""
    if alert.rehearsal_id:
        return "*This is a rehearsal.* Its events are made up and signed; nothing happened, and this ticket is deleted again."
    return f"*{plain(alert.rehearsal_claim)}*" if alert.rehearsal_claim else ""


def link(alert: Alert) -> str:
    """Return the alert's address in the portal."""
    return f"{settings.PORTAL_URL}/alerts/{alert.pk}/"


def comment(alert: Alert, fresh: Iterable[Occurrence]) -> str:
    """Return one comment on all occurrences that were not told yet."""
    lines = [
        f"* {occurrence.first_at:%Y-%m-%d %H:%M:%S} to {occurrence.last_at:%H:%M:%S} UTC: "
        f"{occurrence.count} event{'' if occurrence.count == 1 else 's'}"
        for occurrence in fresh
    ]
    seen = f"Seen again, {alert.occurrence_count} times in all. {plain(alert.sentence, 500)}"
    return "\n".join([seen, *lines[:20], f"[Open in oktadetect|{link(alert)}]"])


def _what(alert: Alert) -> str:
    reasons = "".join(f" Raised or lowered, since {plain(reason)}." for reason in alert.severity_reasons)
    word = definitions.SEVERITIES[alert.severity]
    return f"*{plain(alert.sentence, 1000)}*\nDetection: {plain(alert.detection)}. Severity: {alert.severity} ({word}).{reasons}"


def _observed(alert: Alert) -> str:
    try:
        observations = find_detection(alert.detection_id).observed if alert.detection_id else ()
    except DefinitionError:
        observations = ()  # the detection left the catalogue; the alert stays readable
    rows = []
    for one in observations:
        if alert.observed.get(one.value) is None:
            continue
        limit = alert.limits.get(one.limit) if one.limit else None
        beside = f"{plain(limit)} {one.unit}".strip() if limit is not None else "\\-"
        rows.append(f"|{plain(one.label)}|{plain(alert.observed[one.value])} {one.unit}".rstrip() + f"|{beside}|")
    return "\n".join(["||What||Observed||Limit||", *rows]) if rows else ""


def _who_and_when(alert: Alert, occurrence: Occurrence | None) -> str:
    lines = [f"Who: {plain(alert.entity_name)} ({alert.entity_type} {plain(alert.entity_id)})"]
    if occurrence is not None:
        span = duration((occurrence.last_at - occurrence.first_at).total_seconds())
        lines.append(
            f"When: {occurrence.first_at:%Y-%m-%d %H:%M:%S} to {occurrence.last_at:%Y-%m-%d %H:%M:%S} UTC ({span})"
        )
        places = dict.fromkeys(place_words(event) for event in occurrence.events if place_words(event))
        if places:
            lines.append("Where: " + "; ".join(plain(place) for place in list(places)[:5]))
    if alert.entity_type == "user" and settings.OKTADETECT_OKTA_ADMIN_URL and alert.entity_id.startswith("00u"):
        lines.append(
            f"[User in Okta|{settings.OKTADETECT_OKTA_ADMIN_URL}/admin/user/profile/view/{plain(alert.entity_id)}]"
        )
    return "\n".join(lines)


def _evidence(occurrence: Occurrence | None, room: int) -> str:
    if occurrence is None or not occurrence.events:
        return ""
    rows = ["||Time (UTC)||Event||Outcome||Address||Place||Network||Device||uuid||"]
    used = len(rows[0])
    for event in occurrence.events[:MAX_ROWS]:
        row = _row(event)
        used += len(row) + 1
        if used > room:
            rows.append("More events stand in oktadetect.")
            break
        rows.append(row)
    return "\n".join(rows)


def _row(event: Mapping[str, Any]) -> str:
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
    return "|" + "|".join(plain(cell, 80) if cell else " " for cell in cells) + "|"


def _runbook(alert: Alert) -> str:
    try:
        steps = find_detection(alert.detection_id).runbook if alert.detection_id else ()
    except DefinitionError:
        steps = ()
    return "\n".join(["*Runbook*", *(f"# {plain(step, 500)}" for step in steps)]) if steps else ""
