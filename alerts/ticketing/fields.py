"""
Jira's fields of a ticket: rows in, what goes over the wire out. What the texts say stands in `words`, how they are written in
`markup` and `adf`; what a team wants beyond the defaults in its TicketTemplate.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from alerts.models import Alert, Occurrence, TicketTemplate
from alerts.models.template import SUMMARY
from alerts.ticketing import adf, custom, markup, templates, words
from alerts.ticketing.document import Body, Document, data, paragraph
from core.text import controls_shown
from monitors import definitions

LABEL = "oktadetect"  # of every ticket; with its create operation behind it, of that one alone
MAX_SUMMARY = 255
MAX_DESCRIPTION = 32_767
MAX_INTRODUCTION = 4_000
JIRA_TIME = "%Y-%m-%dT%H:%M:%S.000%z"
link = words.link


def template_of(alert: Alert) -> TicketTemplate:
    """Return how the alert's ticket is filled in: its monitor's template, else the one for all others, else the defaults (unsaved)."""
    rows = TicketTemplate.objects.filter(Q(monitor=alert.monitor_id) | Q(monitor=None))
    return rows.order_by(F("monitor").asc(nulls_last=True)).first() or TicketTemplate()


def values(alert: Alert) -> dict[str, Any]:
    """Return what a template may name, by name."""
    return {
        "entity": alert.entity_name,
        "entity_id": alert.entity_id,
        "entity_type": alert.entity_type,
        "sentence": alert.sentence,
        "detection": alert.detection,
        "monitor": alert.monitor.name if alert.monitor else "",
        "severity": alert.severity,
        "severity_word": definitions.SEVERITIES[alert.severity],
        "first_seen": alert.first_seen.strftime(JIRA_TIME),
        "last_seen": alert.last_seen.strftime(JIRA_TIME),
        "count": alert.occurrence_count,
        "alert": str(alert),
        "link": link(alert),
        "observed": alert.observed,
        "limits": alert.limits,
    }


def summary(alert: Alert, template: str = SUMMARY) -> str:
    """Return the template's one line (a rehearsal says so first) within Jira's 255 characters."""
    told = templates.render(template, values(alert)) or templates.render(SUMMARY, values(alert))
    return data(f"[Rehearsal] {told}" if alert.rehearsal_id else told, MAX_SUMMARY)


def label(operation_id: str) -> str:
    """Return the label by which the ticket of a create operation can be looked for."""
    return f"{LABEL}-{operation_id}"


def create(alert: Alert, operation_id: str, template: TicketTemplate | None = None) -> dict[str, Any]:
    """
    Return the fields of a new issue, by the alert's template unless another one is to be tried.

    A rehearsal's are the plain ones: its project may have no others.
    """
    template = TicketTemplate() if alert.rehearsal_id else template or template_of(alert)
    told = values(alert)
    fields: dict[str, Any] = {
        "project": {"key": settings.OKTADETECT_JIRA_REHEARSAL_PROJECT if alert.rehearsal_id else settings.JIRA_PROJECT},
        "issuetype": {"name": settings.JIRA_ISSUE_TYPE},
        "summary": summary(alert, template.summary),
        "description": description(alert, template),
        "priority": priority(alert, template),
        "labels": [LABEL, label(operation_id), *_labels(template.labels, told)],
    }
    components = [{"name": data(name, 255)} for name in templates.listed(templates.render(template.components, told))]
    optional = {
        "components": components,
        "security": {"name": template.security_level} if template.security_level else None,
        "assignee": _person(template.assignee),
    }
    fields |= {name: value for name, value in optional.items() if value}
    return fields | custom.values(template.resolved, told, said)


def priority(alert: Alert, template: TicketTemplate | None = None) -> dict[str, str]:
    """Return Jira's priority for the alert's severity."""
    names = templates.listed((template or template_of(alert)).priorities)
    return {"name": (names if len(names) == 5 else settings.JIRA_PRIORITIES)[alert.severity - 1]}


def description(alert: Alert, template: TicketTemplate | None = None) -> Body:
    """Return the description, within Jira's 32,767 characters: with fewer events where all do not fit."""
    template = template or template_of(alert)
    introduction = templates.render(template.introduction, values(alert))[:MAX_INTRODUCTION]
    return _fitted(lambda rows: words.description(alert, introduction, rows))


def late_evidence(alert: Alert) -> Body:
    """Return a comment with what a description would say by now, for a ticket whose description somebody edited."""
    return _fitted(lambda rows: words.late_evidence(alert, rows))


def comment(alert: Alert, fresh: Iterable[Occurrence]) -> Body:
    """Return one comment on all occurrences of the alert's case that were not told yet, with what is new in them."""
    told = list(fresh)
    case = Occurrence.objects.filter(alert__case_id=alert.case_id).exclude(
        pk__in=[occurrence.pk for occurrence in told]
    )
    earlier = list(case.select_related("alert").order_by("-last_at")[: words.SEEN_FOR_NEW])
    return _fitted(lambda rows: words.comment(told[: max(rows, 1) * 4], earlier))


def said(text: str) -> Body:
    """Return a sentence of ours as a comment."""
    return _rendered([paragraph(*text.splitlines())])


def digest(body: Body) -> str:
    """Return a hash by which a description is known again: of its words, whatever Jira made of line ends and outer space."""
    text = adf.words(body) if isinstance(body, dict) else body
    lines = (line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def entity_property(alert: Alert) -> dict[str, Any]:
    """Return what the issue's property `oktadetect.alert` holds, for searches and other programs."""
    return {
        "alert": alert.pk,
        "case": alert.case_id,
        "fingerprint": alert.fingerprint,
        "detection": alert.detection_id or data(alert.detection),
        "entityType": alert.entity_type,
        "entityId": data(alert.entity_id, 500),
        "url": link(alert),
    }


def remote_link(alert: Alert) -> dict[str, Any]:
    """Return the link from the issue to the alert; by its `globalId` the same one twice is one."""
    title = data(f"{alert}: {alert.detection} for {alert.entity_name}", MAX_SUMMARY)
    return {
        "globalId": f"system=oktadetect&alert={alert.pk}",
        "application": {"type": "oktadetect", "name": "oktadetect"},
        "object": {"url": link(alert), "title": title, "summary": data(alert.sentence, MAX_SUMMARY)},
    }


def _fitted(build: Callable[[int], Document]) -> Body:
    """Return the first that fits of the same with all events, fewer, or none; at the very last the end is cut off."""
    for rows in (words.MAX_ROWS, 12, 5, 0):
        document = build(rows)
        if _size(body := _rendered(document)) <= MAX_DESCRIPTION:
            return body
    while _size(body := _rendered(document)) > MAX_DESCRIPTION:
        document = document[:-1]
    return body


def _rendered(document: Document) -> Body:
    return adf.render(document) if settings.JIRA_API_VERSION == 3 else markup.render(document)


def _size(body: Body) -> int:
    return len(body) if isinstance(body, str) else len(json.dumps(body))


def _labels(template: str, told: dict[str, Any]) -> list[str]:
    """Return labels: each word of the template is one, whose values' spaces become underscores, as Jira takes none."""
    made = ("_".join(controls_shown(templates.render(word, told)).split())[:255] for word in template.split())
    return [one for one in dict.fromkeys(made) if one and not one.startswith(LABEL)]


def _person(name: str) -> dict[str, str] | None:
    """Return somebody as Jira names people: Cloud by account id (it is spoken to with an e-mail address), Data Center by name."""
    if not name:
        return None
    return {"accountId": name} if settings.JIRA_USER else {"name": name}
