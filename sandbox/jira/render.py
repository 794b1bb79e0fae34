"""How an issue looks in an answer and in a webhook, with all that hangs on it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import parts, prose
from . import site as setup
from .calls import Call, issue_project
from .store import Row


def all_fields(call: Call, issue: Row) -> dict[str, Any]:
    """Every field of an issue, as ``fields`` of an answer."""
    project = issue_project(call, issue)
    return {
        "project": parts.project(call, project),
        "issuetype": parts.issue_type(call, issue["issuetype"]),
        "summary": issue["summary"],
        "description": prose.body_for(call, issue["description"]),
        "status": parts.status(call, issue["status"]),
        "priority": parts.priority(call, issue["priority"]),
        "resolution": parts.resolution(call, issue["resolution"]),
        "resolutiondate": parts.timestamp(call, issue["resolved"]) if issue["resolved"] else None,
        "labels": call.store.labels(issue["id"]),
        "components": [parts.component(call, c) for c in project.components if c.id in json.loads(issue["components"])],
        "security": next((parts.security_level(call, s) for s in project.levels if s.id == issue["security"]), None),
        "assignee": parts.known_user(call, issue["assignee"]),
        "reporter": parts.known_user(call, issue["reporter"]),
        "creator": parts.known_user(call, issue["reporter"]),
        "duedate": issue["duedate"],
        "created": parts.timestamp(call, issue["created"]),
        "updated": parts.timestamp(call, issue["updated"]),
        "issuelinks": links(call, issue),
        "attachment": [attachment(call, row) for row in call.store.attachments(issue["id"])],
        "comment": comment_page(call, issue),
        **_custom_fields(call, project, json.loads(issue["custom"])),
    }


def _custom_fields(call: Call, project: setup.Project, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a project's custom fields; null where an issue has none, as Jira tells them."""
    return {field.id: _custom_value(call, field, kept.get(field.id)) for field in project.custom_fields}


def _custom_value(call: Call, field: setup.CustomField, value: Any) -> Any:
    if value is None:
        return None
    match field.kind:
        case "textarea":
            return prose.body_for(call, json.dumps(value))
        case "user":
            return parts.known_user(call, value)
        case "select":
            return parts.option(call, field, value)
        case "multiselect":
            return [parts.option(call, field, one) for one in value]
    return value


def wanted_fields(everything: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The fields that a client asked for: names, ``*all``, ``*navigable`` (no comments, no links), ``-name`` not."""
    wanted = {name for name in names if not name.startswith("-")}
    if not wanted or "*all" in wanted:
        wanted = set(everything)
    elif "*navigable" in wanted:
        wanted |= set(everything) - {"comment", "issuelinks", "attachment"}
    wanted -= {name[1:] for name in names if name.startswith("-")}
    return {name: value for name, value in everything.items() if name in wanted}


def issue(call: Call, row: Row, names: Sequence[str] = (), properties: Sequence[str] = ()) -> dict[str, Any]:
    """An issue as get, search and webhooks tell it."""
    answer: dict[str, Any] = {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": str(row["id"]),
        "self": f"{call.api_url}/issue/{row['id']}",
        "key": row["key"],
        "fields": wanted_fields(all_fields(call, row), names),
    }
    if properties:
        kept = call.store.properties("issue", row["id"])
        answer["properties"] = {
            entry["key"]: json.loads(entry["value"])
            for entry in kept
            if entry["key"] in properties or "*all" in properties
        }
    return answer


def brief_issue(call: Call, row: Row) -> dict[str, Any]:
    """An issue at the other end of a link, or in the webhook of a comment."""
    return {
        "id": str(row["id"]),
        "key": row["key"],
        "self": f"{call.api_url}/issue/{row['id']}",
        "fields": {
            "summary": row["summary"],
            "status": parts.status(call, row["status"]),
            "priority": parts.priority(call, row["priority"]),
            "issuetype": parts.issue_type(call, row["issuetype"]),
        },
    }


def history(call: Call, row: Row) -> dict[str, Any]:
    """One change, as the changelog tells it."""
    return {
        "id": str(row["id"]),
        "author": parts.known_user(call, row["author"]),
        "created": parts.timestamp(call, row["at"]),
        "items": json.loads(row["items"]),
    }


def comment(call: Call, row: Row, *, with_properties: bool = False) -> dict[str, Any]:
    """A comment."""
    answer = {
        "self": f"{call.api_url}/issue/{row['issue']}/comment/{row['id']}",
        "id": str(row["id"]),
        "author": parts.known_user(call, row["author"]),
        "body": prose.body_for(call, row["body"]),
        "updateAuthor": parts.known_user(call, row["editor"]),
        "created": parts.timestamp(call, row["created"]),
        "updated": parts.timestamp(call, row["updated"]),
        "jsdPublic": True,
    }
    if with_properties:
        answer["properties"] = [entity_property(kept) for kept in call.store.properties("comment", row["id"])]
    return answer


def comment_page(call: Call, row: Row) -> dict[str, Any]:
    """All comments of an issue, as its ``comment`` field."""
    comments = [comment(call, entry) for entry in call.store.comments(row["id"])]
    return {"comments": comments, "startAt": 0, "maxResults": len(comments), "total": len(comments)}


def attachment(call: Call, row: Row) -> dict[str, Any]:
    """An attachment; its ``content`` is where to fetch it."""
    is_dc = call.site.profile == "dc"
    where = f"/secure/attachment/{row['id']}/{row['filename']}" if is_dc else None
    return {
        "self": f"{call.api_url}/attachment/{row['id']}",
        "id": str(row["id"]),
        "filename": row["filename"],
        "author": parts.known_user(call, row["author"]),
        "created": parts.timestamp(call, row["created"]),
        "size": row["size"],
        "mimeType": row["mime_type"],
        "content": f"{call.base_url}{where}" if where else f"{call.api_url}/attachment/content/{row['id']}",
    }


def links(call: Call, row: Row) -> list[dict[str, Any]]:
    """The links of an issue, each with the issue at its other end, as its ``issuelinks`` field."""
    answers = []
    for found in call.store.links(row["id"]):
        side, other = ("outwardIssue", "outward") if found["inward"] == row["id"] else ("inwardIssue", "inward")
        answer = link(call, found)
        answers.append({name: answer[name] for name in ("id", "self", "type")} | {side: answer[f"{other}Issue"]})
    return answers


def link(call: Call, row: Row) -> dict[str, Any]:
    """An issue link with both its ends."""
    return {
        "id": str(row["id"]),
        "self": f"{call.api_url}/issueLink/{row['id']}",
        "type": parts.link_type(call, link_kind(row)),
        "inwardIssue": brief_issue(call, call.store.issue(row["inward"])),
        "outwardIssue": brief_issue(call, call.store.issue(row["outward"])),
    }


def link_kind(row: Row) -> setup.LinkType:
    """The type of an issue link."""
    return next(t for t in setup.LINK_TYPES if t.id == row["type"])


def entity_property(row: Row) -> dict[str, Any]:
    """A property of an issue or a comment."""
    return {"key": row["key"], "value": json.loads(row["value"])}
