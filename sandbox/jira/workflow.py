"""How an issue moves from one status to another."""

from typing import Any

from . import events, fields, issues, parts, screens
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, issue_project, may, require, route
from .store import Row, now_ms


@route("GET", "/issue/{}/transitions")
def transitions(call: Call, id_or_key: str) -> Answer:
    """The steps that an issue may take now, each with the status that it leads to.

    Each tells the fields of its screen with ``expand=transitions.fields``.
    """
    issue = access_issue(call, id_or_key)
    with_fields = "transitions.fields" in call.many("expand")
    steps = [_transition(call, issue, step, with_fields=with_fields) for step in _steps(call, issue)]
    return Answer(200, {"expand": "transitions", "transitions": steps})


def _steps(call: Call, issue: Row) -> list[setup.Transition]:
    """What the caller may do with an issue: nothing without the permission, as Jira tells it."""
    project = issue_project(call, issue)
    if not may(call, project, "TRANSITION_ISSUES"):
        return []
    return project.workflow.steps_from(issue["status"])


def _transition(call: Call, issue: Row, step: setup.Transition, *, with_fields: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": step.id,
        "name": step.name,
        "to": parts.status(call, step.to),
        "hasScreen": step.screen is not None,
        "isGlobal": step.sources is None,
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
    }
    if with_fields:
        told["fields"] = screens.transition_fields(call, issue_project(call, issue), step)
    return told


@route("POST", "/issue/{}/transitions")
def take_transition(call: Call, id_or_key: str) -> Answer:
    """Move an issue: 204. A resolution is set on the way into a done status and cleared on the way out."""
    issue = access_issue(call, id_or_key)
    require(call, issue_project(call, issue), "TRANSITION_ISSUES", status=400 if call.site.profile == "dc" else 403)
    body = call.json_object()
    wanted = str((body.get("transition") or {}).get("id", ""))
    if not wanted:
        raise RefusedError(400, "Missing 'transition' identifier")
    step = next((s for s in _steps(call, issue) if s.id == wanted), None)
    if step is None:
        raise RefusedError(400, f"Transition id '{wanted}' is not valid for this issue.")
    screen = dict(step.screen or ())
    values = dict(body.get("fields") or {})
    fields.refuse_unsettable(values, screen)
    _refuse_missing(call, issue, screen, values)
    resolution = _resolution_after(step, values.pop("resolution", None))
    items = issues.apply_edit(call, issue, values, body.get("update") or {}, set(screen))
    columns = {"status": step.to, "resolution": resolution, "resolved": now_ms() if resolution else None}
    call.store.change_issue(issue["id"], columns)
    items.append(issues.item(call, "status", issue["status"], step.to))
    if issue["resolution"] != resolution:
        items.append(issues.item(call, "resolution", issue["resolution"], resolution))
    events.issue_changed(call, issue["id"], items)
    return Answer(204)


def _refuse_missing(call: Call, issue: Row, screen: dict[str, bool], values: dict[str, Any]) -> None:
    """Refuse a transition whose screen asks for what was not sent."""
    custom = {field.id: field.name for field in issue_project(call, issue).custom_fields}
    system = setup.SYSTEM_FIELDS | setup.READ_ONLY_FIELDS
    errors = {
        name: f"{custom.get(name) or system[name][0]} is required."
        for name, is_required in screen.items()
        if is_required and values.get(name) in (None, "", [])
    }
    if errors:
        raise RefusedError(400, errors=errors)


def _resolution_after(step: setup.Transition, value: Any) -> str | None:
    category = next(s.category for s in setup.STATUSES if s.id == step.to)
    if category != "done":
        return None
    if value is None:
        return setup.DEFAULT_RESOLUTION
    found = fields.find_named(setup.RESOLUTIONS, value)
    if found is None:
        raise RefusedError(400, errors={"resolution": "The resolution selected is invalid."})
    return found.id
