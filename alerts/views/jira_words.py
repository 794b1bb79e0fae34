"""History lines about a ticket and about what people do in Jira, in words. Part of `alerts.views.history`."""

from collections.abc import Callable, Mapping
from typing import Any

Names = Mapping[str, str]
FIELDS = {"status": "status", "resolution": "resolution", "assignee": "assignee", "priority": "priority"}


def _changed(data: Mapping[str, Any], names: Names) -> tuple[str, str]:
    field, was, now = data.get("field"), data.get("was"), data.get("now")
    if field == "Link":
        return (f"linked it in Jira: {now}" if now else f"took a link away in Jira: {was}"), ""
    if field == "Key":
        return f"moved it in Jira from {was} to {now}", ""
    was, now = (names.get(side, side) if isinstance(side, str) else "none" for side in (was, now))
    return f"changed the {FIELDS.get(str(field), 'ticket')} in Jira from {was} to {now}", ""


def _commented(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "commented in Jira", str(data.get("text") or "")


def _moved(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"ticket {data.get('was')} is {data.get('now')} now: it was moved", ""


def _gone(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"Jira knows {data.get('key')} no more: it was deleted, or moved out of our sight", ""


def _back(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"Jira knows {data.get('key')} again", ""


def _replaced(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"asked for a new ticket in place of {data.get('key')}", ""


def _adopted(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"{data.get('key')} was found in Jira, made for this and not known here", ""


def _not_closed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "closed the ticket in Jira; the alert is about them, so somebody else judges it here", str(
        data.get("reason")
    )


SENTENCES: Mapping[str, Callable[[Mapping[str, Any], Names], tuple[str, str]]] = {
    "alert.not_closed": _not_closed,
    "ticket.adopted": _adopted,
    "ticket.back": _back,
    "ticket.changed": _changed,
    "ticket.commented": _commented,
    "ticket.gone": _gone,
    "ticket.moved": _moved,
    "ticket.replaced": _replaced,
}
