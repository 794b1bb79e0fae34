"""Checking a ticket template before it is saved: its texts, and all that it names against what Jira's create screen takes."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from alerts.models import Alert, TicketTemplate
from alerts.ticketing import custom, fields, metadata, templates
from alerts.ticketing.errors import JiraError
from alerts.ticketing.templates import TemplateError
from core import clock

TEXTS = ("summary", "introduction", "labels", "components")


def check(template: TicketTemplate) -> dict[str, list[str]]:
    """
    Return what is wrong with the template, in sentences, by the name of its field; nothing when it can be saved.

    What Jira says of the custom fields is kept in `template.resolved` then. Texts are checked first: Jira is asked only where they
    hold, and only where the template names something of Jira's.
    """
    wrong: dict[str, list[str]] = {}
    for name in TEXTS:
        _try(wrong, name, getattr(template, name))
    if not isinstance(template.custom_fields, dict) or not all(
        isinstance(value, str) for value in template.custom_fields.values()
    ):
        wrong["custom_fields"] = ['Give names or ids with texts: {"Affected user": "{entity}"}.']
    else:
        for value in template.custom_fields.values():
            _try(wrong, "custom_fields", value)
    names = templates.listed(template.priorities)
    if names and len(names) != 5:
        wrong["priorities"] = ["Give five names, for severities 1 to 5, or none."]
    return wrong or _in_jira(template)


def preview(template: TicketTemplate, alert: Alert) -> dict[str, Any]:
    """Return the fields that the alert's ticket would be created with. The template must have passed `check`."""
    return fields.create(alert, "00000000-0000-0000-0000-000000000000", template)


def _try(wrong: dict[str, list[str]], name: str, text: str) -> None:
    try:
        templates.check(text)
    except TemplateError as error:
        wrong.setdefault(name, []).append(str(error))


def _in_jira(template: TicketTemplate) -> dict[str, list[str]]:
    named = {"components": template.components, "security": template.security_level, "assignee": template.assignee,
             "priority": template.priorities, "labels": template.labels}  # fmt: skip
    template.resolved = []
    if not any(named.values()) and not template.custom_fields:
        return {}
    try:
        types = metadata.issue_types(settings.JIRA_PROJECT)
        wanted = [one for one in types if one.get("name") == settings.JIRA_ISSUE_TYPE]
        if not wanted:
            return {"": [f"{settings.JIRA_PROJECT} has no issue type {settings.JIRA_ISSUE_TYPE}. See Pipeline → Jira."]}
        known = {str(one["fieldId"]): one for one in metadata.create_fields(settings.JIRA_PROJECT, wanted[0])}
    except JiraError as error:
        return {"": [f"What Jira takes could not be asked, so nothing was saved. {error}"]}
    wrong = {_OURS.get(name, name): [_off_screen(name)] for name, value in named.items() if value and name not in known}
    for name, asked in {"components": template.components, "security": template.security_level,
                        "priority": template.priorities}.items():  # fmt: skip
        missing = _missing(asked, known.get(name, {}))
        if missing:
            wrong[_OURS.get(name, name)] = missing
    template.resolved, unfit = custom.resolve(template.custom_fields, known.values())
    if unfit:
        wrong["custom_fields"] = unfit
    template.checked_at = clock.now()
    return wrong


_OURS = {"security": "security_level", "priority": "priorities"}


def _off_screen(name: str) -> str:
    screen = f"The create screen of {settings.JIRA_ISSUE_TYPE} in {settings.JIRA_PROJECT}"
    return f"{screen} has no field {name}. Put it there, or leave it empty."


def _missing(asked: str, field: Mapping[str, Any]) -> list[str]:
    """Return which of the fixed names Jira does not offer; what an alert fills in cannot be known before."""
    allowed = field.get("allowedValues")
    if not isinstance(allowed, list):
        return []
    names = {str(one.get("name")) for one in allowed}
    wanted = [name for name in templates.listed(asked) if "{" not in name]
    return [
        f"Jira offers no “{name}” there. It offers {', '.join(sorted(names)[:10])}."
        for name in wanted
        if name not in names
    ]
