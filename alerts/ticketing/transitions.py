"""
Bringing a ticket's status to where its case is. A step is chosen by the category of the status that it leads to, never by its name.

Where no step leads from a status in which nobody began to one that is done, the ticket goes by way of one in which it is worked on.

Whether the case is open or closed is read when the request is about to leave: an older wish never overtakes a newer one, and a
ticket that is there already (an earlier request's answer was lost, a person was quicker) is left alone.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django.conf import settings

from alerts.choices import Status
from alerts.models import Alert
from alerts.ticketing import client
from alerts.ticketing.errors import JiraRefused, JiraUnknown

DONE = "done"
OPEN = ("indeterminate", "new")  # what is reopened is being worked on, rather than waiting to be
MAX_NAMED = 5


def prepared(case_id: int, key: str) -> Callable[[], dict[str, Any]]:
    """
    Return the request that brings the issue where its case is; one that does nothing where it is there already.

    Its result is {status, category}, as the issue then stands, and `onward` where another step must follow. Raises JiraRefused, with
    what to change, when no step leads there.
    """
    wanted = OPEN if Alert.objects.filter(case_id=case_id).exclude(status=Status.CLOSED).exists() else (DONE,)
    name, category = _status(key)
    if category in wanted or (category != DONE and DONE not in wanted):
        return lambda: {"status": name, "category": category}
    answer = client.call("GET", f"issue/{key}/transitions", params={"expand": "transitions.fields"})
    step = _chosen(answer.get("transitions"), wanted, (name, category))
    body: dict[str, Any] = {"transition": {"id": str(step["id"])}}
    if "resolution" in _asked(step):
        body["fields"] = {"resolution": {"name": settings.OKTADETECT_JIRA_RESOLUTION}}
    to = step["to"]
    result: dict[str, Any] = {"status": str(to.get("name") or ""), "category": category_of(to)}
    if category_of(to) not in wanted:
        result["onward"] = True
    return partial(_take, key, body, result)


def _take(key: str, body: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    client.call("POST", f"issue/{key}/transitions", body=body)
    return result


def _status(key: str) -> tuple[str, str]:
    """Return the issue's status and its category."""
    fields = client.call("GET", f"issue/{key}", params={"fields": "status"}).get("fields")
    status = fields.get("status") if isinstance(fields, dict) else None
    if not isinstance(status, dict) or not category_of(status):
        raise JiraUnknown("Jira's answer tells no status of the ticket.")
    return str(status.get("name") or ""), category_of(status)


def category_of(status: Mapping[str, Any]) -> str:
    """Return the key of a status's category: new, indeterminate or done; empty where Jira tells none."""
    return str((status.get("statusCategory") or {}).get("key") or "")


def _chosen(steps: Any, wanted: tuple[str, ...], now: tuple[str, str]) -> dict[str, Any]:
    """
    Return the first step into the first wanted category that asks for nothing which we cannot give, else the first on the way there.

    `now` is the name and the category of the status that the issue has.
    """
    if not isinstance(steps, list):
        raise JiraUnknown("Jira's answer lists no transitions.")
    leading = [
        step
        for category in wanted
        for step in steps
        if isinstance(step, dict) and category_of(step.get("to") or {}) == category
    ]
    free = [step for step in leading if not lacking(step)] or (on_the_way(steps, now[1]) if DONE in wanted else [])
    if free:
        return free[0]
    goal = "done" if DONE in wanted else "open"
    if not leading:
        raise JiraRefused(
            f"No transition leads from “{now[0]}” to a {goal} status, or we may not take it. Add one to the workflow, or move it by hand."
        )
    asked = sorted({field for step in leading for field in lacking(step)})[:MAX_NAMED]
    hint = " Name one in OKTADETECT_JIRA_RESOLUTION." if asked == ["resolution"] else ""
    raise JiraRefused(
        f"Every transition from “{now[0]}” to a {goal} status asks for {', '.join(asked)}.{hint} "
        "Make it optional on that screen, or move it by hand."
    )


def on_the_way(steps: Iterable[Any], category: str) -> list[dict[str, Any]]:
    """Return the steps that lead nearer to done from a status of that category: from one where nobody began to one that is worked on."""
    if category != "new":
        return []
    dicts = (step for step in steps if isinstance(step, dict))
    return [step for step in dicts if category_of(step.get("to") or {}) == "indeterminate" and not lacking(step)]


def _asked(step: Mapping[str, Any]) -> set[str]:
    """Return the fields that a step's screen insists on."""
    fields = step.get("fields") or {}
    return {name for name, one in fields.items() if one.get("required") and not one.get("hasDefaultValue")}


def lacking(step: Mapping[str, Any]) -> set[str]:
    """Return the fields that a step's screen insists on and that we cannot give: with any, we cannot take it."""
    return _asked(step) - ({"resolution"} if settings.OKTADETECT_JIRA_RESOLUTION else set())
