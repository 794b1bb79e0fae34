"""Issues: create, read, edit, delete, move through the workflow, and what changed when."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import attached, fields, parts
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, route
from .site import Project
from .store import Row, now_ms


def issue_project(call: Call, issue: Row) -> Project:
    """The project that an issue lies in."""
    project = call.site.project(issue["project"])
    assert project is not None  # noqa: S101 - the keys of issues are those of projects
    return project


def all_fields(call: Call, issue: Row) -> dict[str, Any]:
    """Every field of an issue, as ``fields`` of an answer."""
    return {
        "project": parts.project(call, issue["project"]),
        "issuetype": parts.issue_type(call, issue["issuetype"]),
        "summary": issue["summary"],
        "description": fields.body_for(call, issue["description"]),
        "status": parts.status(call, issue["status"]),
        "priority": parts.priority(call, issue["priority"]),
        "resolution": parts.resolution(call, issue["resolution"]),
        "resolutiondate": parts.timestamp(issue["resolved"]) if issue["resolved"] else None,
        "labels": call.store.labels(issue["id"]),
        "assignee": parts.known_user(call, issue["assignee"]),
        "reporter": parts.known_user(call, issue["reporter"]),
        "duedate": issue["duedate"],
        "created": parts.timestamp(issue["created"]),
        "updated": parts.timestamp(issue["updated"]),
        "issuelinks": attached.links_of(call, issue),
        "comment": attached.comment_page(call, issue),
        **json.loads(issue["custom"]),
    }


def wanted_fields(everything: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The fields that a client asked for: names, ``*all``, ``*navigable`` (no comments, no links), ``-name`` not."""
    wanted = {name for name in names if not name.startswith("-")}
    if not wanted or "*all" in wanted:
        wanted = set(everything)
    elif "*navigable" in wanted:
        wanted |= set(everything) - {"comment", "issuelinks"}
    wanted -= {name[1:] for name in names if name.startswith("-")}
    return {name: value for name, value in everything.items() if name in wanted}


def issue_answer(call: Call, issue: Row, names: Sequence[str], properties: Sequence[str]) -> dict[str, Any]:
    """An issue as get and search tell it."""
    answer: dict[str, Any] = {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": str(issue["id"]),
        "self": f"{call.api_url}/issue/{issue['id']}",
        "key": issue["key"],
        "fields": wanted_fields(all_fields(call, issue), names),
    }
    if properties:
        kept = call.store.properties("issue", issue["id"])
        answer["properties"] = {
            row["key"]: json.loads(row["value"]) for row in kept if row["key"] in properties or "*all" in properties
        }
    return answer


@route("POST", "/issue")
def create(call: Call) -> Answer:
    """Create an issue: 201 with id and key, or 400 with every field that is wrong."""
    body = call.json_object()
    sent = body.get("fields") or {}
    project = _check_project(call, sent.get("project"))
    issue_type = _check_issue_type(sent.get("issuetype"), call)
    if not project.writable:
        raise RefusedError(
            400 if call.site.profile == "cloud" else 403, "You do not have permission to create issues in this project."
        )
    fields.refuse_unsettable(project, list(sent))
    columns, labels = fields.columns_of(call, project, {"summary": None, **sent}, custom={})
    at = now_ms()
    issue = call.store.add_issue(
        project.key,
        {
            "issuetype": issue_type.id,
            "status": setup.FIRST_STATUS,
            "priority": setup.DEFAULT_PRIORITY,
            "reporter": call.site.caller.id,
            "created": at,
            "updated": at,
            "hidden_until": at + int(call.conditions.search_lag_s * 1000),
            "hidden_searches": call.conditions.search_lag_searches,
            **columns,
        },
        labels or [],
    )
    for entry in body.get("properties") or []:
        call.store.set_property("issue", issue["id"], str(entry["key"]), entry.get("value"))
    return Answer(201, {"id": str(issue["id"]), "key": issue["key"], "self": f"{call.api_url}/issue/{issue['id']}"})


def _check_project(call: Call, value: Any) -> Project:
    if not isinstance(value, dict) or not (value.get("key") or value.get("id")):
        text = "project is required" if call.site.profile == "dc" else "Specify a valid project ID or key"
        raise RefusedError(400, errors={"project": text})
    project = call.site.project(value.get("key") or value.get("id"))
    if project is None:
        raise RefusedError(400, errors={"project": "valid project is required"})
    return project


def _check_issue_type(value: Any, call: Call) -> setup.Named:
    if not isinstance(value, dict) or not (value.get("id") or value.get("name")):
        text = "issue type is required" if call.site.profile == "dc" else "Specify an issue type"
        raise RefusedError(400, errors={"issuetype": text})
    found = fields.find_named(setup.ISSUE_TYPES, value)
    if found is None:
        text = "The issue type selected is invalid." if value.get("id") else "valid issue type is required"
        raise RefusedError(400, errors={"issuetype": text})
    return found


@route("GET", "/issue/{}")
def read(call: Call, id_or_key: str) -> Answer:
    """One issue, at once after it was written (only a search lags)."""
    issue = access_issue(call, id_or_key)
    answer = issue_answer(call, issue, call.many("fields"), call.many("properties"))
    if "changelog" in call.many("expand"):
        histories = [_history(call, row) for row in _histories(call, issue)]
        answer["changelog"] = {
            "startAt": 0,
            "maxResults": len(histories),
            "total": len(histories),
            "histories": histories,
        }
    return Answer(200, answer)


@route("PUT", "/issue/{}")
def edit(call: Call, id_or_key: str) -> Answer:
    """Change fields of an issue: 204 without a body."""
    issue = access_issue(call, id_or_key)
    body = call.json_object()
    apply_edit(call, issue, body.get("fields") or {}, body.get("update") or {})
    for entry in body.get("properties") or []:
        call.store.set_property("issue", issue["id"], str(entry["key"]), entry.get("value"))
    return Answer(204)


@route("PUT", "/issue/{}/assignee")
def assign(call: Call, id_or_key: str) -> Answer:
    """Assign an issue, or with ``null`` to nobody: 204."""
    issue = access_issue(call, id_or_key)
    body = call.json_object()
    name = "name" if call.site.profile == "dc" else "accountId"
    apply_edit(call, issue, {"assignee": {name: body.get(name)}}, {})
    return Answer(204)


@route("DELETE", "/issue/{}")
def delete(call: Call, id_or_key: str) -> Answer:
    """Delete an issue and all that hangs on it: 204."""
    call.store.delete_issue(access_issue(call, id_or_key)["id"])
    return Answer(204)


def apply_edit(call: Call, issue: Row, values: Mapping[str, Any], operations: Mapping[str, Any]) -> None:
    """Set fields and carry out operations (``{"labels": [{"add": "x"}]}``), all or nothing; noted in the changelog."""
    project = issue_project(call, issue)
    changed = dict(values)
    for name, steps in operations.items():
        if name == "comment":
            continue
        if name in changed:
            raise RefusedError(400, errors={name: f"Field '{name}' cannot appear in both 'fields' and 'update'"})
        changed[name] = _outcome(name, steps, call.store.labels(issue["id"]))
    fields.refuse_unsettable(project, list(changed))
    columns, labels = fields.columns_of(call, project, changed, custom=json.loads(issue["custom"]))
    if "issuetype" in changed:
        columns["issuetype"] = _check_issue_type(changed["issuetype"], call).id
    before = call.store.labels(issue["id"])
    if labels is not None:
        call.store.set_labels(issue["id"], labels)
    call.store.change_issue(issue["id"], columns)
    items = [
        _item(name, issue[name], columns[name]) for name in columns if name != "custom" and issue[name] != columns[name]
    ]
    if labels is not None and sorted(set(labels)) != before:
        items.append(_item("labels", " ".join(before), " ".join(sorted(set(labels)))))
    call.store.add_history(issue["id"], call.site.caller.id, items)
    for step in operations.get("comment", []):
        attached.add_comment(call, issue, (step.get("add") or {}))


def _outcome(name: str, steps: Sequence[Mapping[str, Any]], labels: list[str]) -> Any:
    """What a field is after its operations; only labels can be added to."""
    value: Any = list(labels) if name == "labels" else None
    for step in steps:
        for verb, operand in step.items():
            if verb == "set":
                value = operand
            elif verb == "add" and name == "labels":
                value = [*value, operand]
            elif verb == "remove" and name == "labels":
                value = [label for label in value if label != operand]
            else:
                raise RefusedError(400, errors={name: f"Field does not support operation '{verb}'"})
    return value


def _item(name: str, before: Any, after: Any) -> dict[str, Any]:
    """One change as the changelog tells it: an id and a name where the field has both, else the text alone."""
    things = NAMED_FIELDS.get(name, ())
    told: dict[str, Any] = {"field": name, "fieldtype": "jira", "fieldId": name}
    for side, value in (("from", before), ("to", after)):
        text = None if value is None else str(value)
        told[side] = text if things else None
        told[f"{side}String"] = _name(things, text) if things else text
    return told


NAMED_FIELDS: Mapping[str, Sequence[setup.Named | setup.Status]] = {
    "status": setup.STATUSES,
    "resolution": setup.RESOLUTIONS,
    "priority": setup.PRIORITIES,
    "issuetype": setup.ISSUE_TYPES,
}


@route("GET", "/issue/{}/transitions")
def transitions(call: Call, id_or_key: str) -> Answer:
    """The steps that an issue may take now, each with the status that it leads to."""
    issue = access_issue(call, id_or_key)
    steps = [
        {
            "id": step.id,
            "name": step.name,
            "to": parts.status(call, step.to),
            "hasScreen": False,
            "isGlobal": True,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
        }
        for step in setup.TRANSITIONS
        if step.to != issue["status"]
    ]
    return Answer(200, {"expand": "transitions", "transitions": steps})


@route("POST", "/issue/{}/transitions")
def take_transition(call: Call, id_or_key: str) -> Answer:
    """Move an issue: 204. A resolution is set on the way into a done status and cleared on the way out."""
    issue = access_issue(call, id_or_key)
    body = call.json_object()
    wanted = str((body.get("transition") or {}).get("id", ""))
    if not wanted:
        raise RefusedError(400, "Missing 'transition' identifier")
    step = next((t for t in setup.TRANSITIONS if t.id == wanted and t.to != issue["status"]), None)
    if step is None:
        raise RefusedError(400, f"Transition id '{wanted}' is not valid for this issue.")
    values = dict(body.get("fields") or {})
    resolution = _resolution_after(step, values.pop("resolution", None))
    apply_edit(call, issue, values, body.get("update") or {})
    columns = {"status": step.to, "resolution": resolution, "resolved": now_ms() if resolution else None}
    call.store.change_issue(issue["id"], columns)
    items = [_item("status", issue["status"], step.to)]
    if issue["resolution"] != resolution:
        items.append(_item("resolution", issue["resolution"], resolution))
    call.store.add_history(issue["id"], call.site.caller.id, items)
    return Answer(204)


def _resolution_after(step: setup.Transition, value: Any) -> str | None:
    category = next(s.category for s in setup.STATUSES if s.id == step.to)
    if category != "done":
        if value is not None:
            raise RefusedError(
                400,
                errors={
                    "resolution": "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."
                },
            )
        return None
    if value is None:
        return setup.DEFAULT_RESOLUTION
    found = fields.find_named(setup.RESOLUTIONS, value)
    if found is None:
        raise RefusedError(400, errors={"resolution": "The resolution selected is invalid."})
    return found.id


def _name(things: Sequence[setup.Named | setup.Status], thing_id: str | None) -> str | None:
    return next((t.name for t in things if t.id == thing_id), None)


def _histories(call: Call, issue: Row) -> list[Row]:
    return call.store.rows("SELECT * FROM history WHERE issue = ? ORDER BY id", [issue["id"]])


def _history(call: Call, row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "author": parts.known_user(call, row["author"]),
        "created": parts.timestamp(row["at"]),
        "items": json.loads(row["items"]),
    }


@route("GET", "/issue/{}/changelog")
def changelog(call: Call, id_or_key: str) -> Answer:
    """What changed in an issue, oldest first, a page at a time."""
    issue = access_issue(call, id_or_key)
    rows = _histories(call, issue)
    start, size = call.number("startAt", 0), call.number("maxResults", 100)
    page = rows[start : start + size]
    return Answer(
        200,
        {
            "self": f"{call.api_url}/issue/{issue['key']}/changelog?startAt={start}&maxResults={size}",
            "startAt": start,
            "maxResults": size,
            "total": len(rows),
            "isLast": start + len(page) >= len(rows),
            "values": [_history(call, row) for row in page],
        },
    )
