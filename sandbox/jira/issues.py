"""Issues: create, read, edit, assign, delete, and what changed when."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import comments, events, fields, render
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, issue_project, require, route
from .site import Project
from .store import Row, now_ms

NAMED_FIELDS: Mapping[str, Sequence[setup.Named | setup.Status]] = {
    "status": setup.STATUSES,
    "resolution": setup.RESOLUTIONS,
    "priority": setup.PRIORITIES,
    "issuetype": setup.ISSUE_TYPES,
    "security": (setup.TEAM_LEVEL, setup.MANAGEMENT_LEVEL),
}
# Columns that are no fields of their own, or whose change the changelog tells otherwise.
SILENT_COLUMNS = {"description_text", "custom", "resolved"}


@route("POST", "/issue")
def create(call: Call) -> Answer:
    """Create an issue: 201 with id and key, or 400 with every field that is wrong."""
    body = call.json_object()
    sent = body.get("fields") or {}
    project = _check_project(call, sent.get("project"))
    issue_type = _check_issue_type(call, project, sent.get("issuetype"))
    require(call, project, "CREATE_ISSUES", status=400 if call.site.profile == "cloud" else 403)
    fields.refuse_unsettable(sent, fields.settable(call, project))
    columns, labels = fields.columns_of(call, project, {"summary": None, **sent})
    at = now_ms()
    issue = call.store.add_issue(
        project.key,
        {
            "issuetype": issue_type.id,
            "status": project.workflow.first,
            "priority": setup.DEFAULT_PRIORITY,
            "reporter": call.caller.id,
            "created": at,
            "updated": at,
            "hidden_until": at + int(call.conditions.search_lag_s * 1000),
            "hidden_searches": call.conditions.search_lag_searches,
            **columns,
        },
        labels or [],
    )
    _set_properties(call, issue, body)
    events.issue_happened(call, "jira:issue_created", issue)
    return Answer(201, {"id": str(issue["id"]), "key": issue["key"], "self": f"{call.api_url}/issue/{issue['id']}"})


def _check_project(call: Call, value: Any) -> Project:
    if not isinstance(value, dict) or not (value.get("key") or value.get("id")):
        text = "project is required" if call.site.profile == "dc" else "Specify a valid project ID or key"
        raise RefusedError(400, errors={"project": text})
    project = call.site.project(value.get("key") or value.get("id"))
    if project is None:
        raise RefusedError(400, errors={"project": "valid project is required"})
    return project


def _check_issue_type(call: Call, project: Project, value: Any) -> setup.Named:
    if not isinstance(value, dict) or not (value.get("id") or value.get("name")):
        text = "issue type is required" if call.site.profile == "dc" else "Specify an issue type"
        raise RefusedError(400, errors={"issuetype": text})
    found = fields.find_named([t for t in setup.ISSUE_TYPES if t.id in project.issue_types], value)
    if found is None:
        text = "The issue type selected is invalid." if value.get("id") else "valid issue type is required"
        raise RefusedError(400, errors={"issuetype": text})
    return found


def _set_properties(call: Call, issue: Row, body: Mapping[str, Any]) -> None:
    for entry in body.get("properties") or []:
        call.store.set_property("issue", issue["id"], str(entry["key"]), entry.get("value"))


@route("GET", "/issue/{}")
def read(call: Call, id_or_key: str) -> Answer:
    """One issue, at once after it was written (only a search lags); a former key finds it under its new one."""
    issue = access_issue(call, id_or_key)
    answer = render.issue(call, issue, call.many("fields"), call.many("properties"))
    if "changelog" in call.many("expand"):
        histories = [render.history(call, row) for row in call.store.histories(issue["id"])]
        count = len(histories)
        answer["changelog"] = {"startAt": 0, "maxResults": count, "total": count, "histories": histories}
    return Answer(200, answer)


@route("PUT", "/issue/{}")
def edit(call: Call, id_or_key: str) -> Answer:
    """Change fields of an issue: 204 without a body."""
    issue = access_issue(call, id_or_key)
    require(call, issue_project(call, issue), "EDIT_ISSUES", status=400 if call.site.profile == "dc" else 403)
    body = call.json_object()
    items = apply_edit(call, issue, body.get("fields") or {}, body.get("update") or {})
    _set_properties(call, issue, body)
    events.issue_changed(call, issue["id"], items, "issue_updated")
    return Answer(204)


@route("PUT", "/issue/{}/assignee")
def assign(call: Call, id_or_key: str) -> Answer:
    """Assign an issue, or with ``null`` to nobody: 204."""
    issue = access_issue(call, id_or_key)
    require(call, issue_project(call, issue), "ASSIGN_ISSUES")
    name = "name" if call.site.profile == "dc" else "accountId"
    items = apply_edit(call, issue, {"assignee": {name: call.json_object().get(name)}}, {})
    events.issue_changed(call, issue["id"], items, "issue_assigned")
    return Answer(204)


@route("DELETE", "/issue/{}")
def delete(call: Call, id_or_key: str) -> Answer:
    """Delete an issue and all that hangs on it: 204."""
    issue = access_issue(call, id_or_key)
    require(call, issue_project(call, issue), "DELETE_ISSUES")
    events.issue_happened(call, "jira:issue_deleted", issue)
    call.store.delete_issue(issue["id"])
    return Answer(204)


def apply_edit(
    call: Call,
    issue: Row,
    values: Mapping[str, Any],
    operations: Mapping[str, Any],
    on_screen: set[str] | None = None,
) -> list[dict[str, Any]]:
    """Set fields and carry out operations (``{"labels": [{"add": "x"}]}``), all or nothing.

    ``on_screen`` are the fields of the screen, by default the project's. Returns what changed, for the changelog.
    """
    project = issue_project(call, issue)
    changed = dict(values)
    for name, steps in operations.items():
        if name == "comment":
            continue
        if name in changed:
            raise RefusedError(400, errors={name: f"Field '{name}' cannot appear in both 'fields' and 'update'"})
        changed[name] = _outcome(call, issue, name, steps)
    fields.refuse_unsettable(changed, fields.settable(call, project) if on_screen is None else on_screen)
    columns, labels = fields.columns_of(call, project, changed, issue=issue)
    if "issuetype" in changed:
        columns["issuetype"] = _check_issue_type(call, project, changed["issuetype"]).id
    before = call.store.labels(issue["id"])
    if labels is not None:
        call.store.set_labels(issue["id"], labels)
    call.store.change_issue(issue["id"], columns)
    items = [
        item(call, name, issue[name], columns[name])
        for name in columns
        if name not in SILENT_COLUMNS and issue[name] != columns[name]
    ]
    items += _custom_items(project, json.loads(issue["custom"]), json.loads(columns["custom"]))
    if labels is not None and sorted(set(labels)) != before:
        items.append(item(call, "labels", " ".join(before), " ".join(sorted(set(labels)))))
    for step in operations.get("comment", []):
        require(call, project, "ADD_COMMENTS")
        comments.add_comment(call, issue, (step.get("add") or {}))
    return items


def _outcome(call: Call, issue: Row, name: str, steps: Sequence[Mapping[str, Any]]) -> Any:
    """What a field is after its operations; labels and components can be added to."""
    value: Any = None
    if name == "labels":
        value = call.store.labels(issue["id"])
    elif name == "components":
        value = [{"id": component} for component in json.loads(issue["components"])]
    can_grow = name in {"labels", "components"}
    for step in steps:
        for verb, operand in step.items():
            if verb == "set":
                value = operand
            elif verb == "add" and can_grow:
                value = [*value, operand]
            elif verb == "remove" and can_grow:
                value = [one for one in value if one != operand]
            else:
                raise RefusedError(400, errors={name: f"Field does not support operation '{verb}'"})
    return value


def item(call: Call, name: str, before: Any, after: Any) -> dict[str, Any]:
    """One change as the changelog tells it: an id and a name where the field has both, else the text alone."""
    things = NAMED_FIELDS.get(name, ())
    told: dict[str, Any] = {"field": name, "fieldtype": "jira", "fieldId": name}
    for side, value in (("from", before), ("to", after)):
        text = None if value is None else str(value)
        told[side] = text if things or name == "assignee" else None
        if name == "assignee":
            person = call.site.person(text)
            told[f"{side}String"] = person.name if person else None
        else:
            told[f"{side}String"] = next((t.name for t in things if t.id == text), None) if things else text
    return told


def _custom_items(project: Project, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "field": field.name,
            "fieldtype": "custom",
            "fieldId": field.id,
            "from": None,
            "fromString": None if before.get(field.id) is None else str(before[field.id]),
            "to": None,
            "toString": None if after.get(field.id) is None else str(after[field.id]),
        }
        for field in project.custom_fields
        if before.get(field.id) != after.get(field.id)
    ]


@route("GET", "/issue/{}/changelog")
def changelog(call: Call, id_or_key: str) -> Answer:
    """What changed in an issue, oldest first, a page at a time."""
    issue = access_issue(call, id_or_key)
    rows = call.store.histories(issue["id"])
    start, size = call.page(100)
    page = rows[start : start + size]
    return Answer(
        200,
        {
            "self": f"{call.api_url}/issue/{issue['key']}/changelog?startAt={start}&maxResults={size}",
            "startAt": start,
            "maxResults": size,
            "total": len(rows),
            "isLast": start + len(page) >= len(rows),
            "values": [render.history(call, row) for row in page],
        },
    )


def move(call: Call, issue: Row, project: Project) -> str:
    """Move an issue to another project, as people do in Jira's pages; return its new key.

    Its status and type stay where the other project has them, else they are the first there. What the other project
    has no place for (components, security level) is lost.
    """
    before = issue_project(call, issue)
    status = issue["status"] if issue["status"] in project.workflow.statuses else project.workflow.first
    kind = issue["issuetype"] if issue["issuetype"] in project.issue_types else project.issue_types[0]
    call.store.move_issue(issue["id"], project.key)
    columns = {"status": status, "issuetype": kind, "components": "[]", "security": None}
    call.store.change_issue(issue["id"], columns)
    key = str(call.store.issue(issue["id"])["key"])
    items = [
        {**item(call, "project", before.name, project.name), "from": before.id, "to": project.id},
        item(call, "Key", issue["key"], key),
        *(item(call, name, issue[name], columns[name]) for name in columns if issue[name] != columns[name]),
    ]
    events.issue_changed(call, issue["id"], items, "issue_moved")
    return key
