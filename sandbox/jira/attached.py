"""What hangs on an issue: comments, issue links, remote links, properties."""

import json
from collections.abc import Mapping
from typing import Any

from . import fields, parts
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, route
from .store import Row

# comments


def comment_page(call: Call, issue: Row) -> dict[str, Any]:
    """All comments of an issue, as its ``comment`` field."""
    comments = [_comment(call, issue, row) for row in call.store.comments(issue["id"])]
    return {"comments": comments, "startAt": 0, "maxResults": len(comments), "total": len(comments)}


def add_comment(call: Call, issue: Row, body: Mapping[str, Any]) -> Row:
    """Write a comment with its properties."""
    value = body.get("body")
    if not value:
        raise RefusedError(400, errors={"comment": "Comment body can not be empty!"})
    text = fields.check_body_text(call, "comment", value)
    comment = call.store.add_comment(issue["id"], call.site.caller.id, value, text)
    for entry in body.get("properties") or []:
        call.store.set_property("comment", comment["id"], str(entry["key"]), entry.get("value"))
    return comment


def _comment(call: Call, issue: Row, row: Row, *, with_properties: bool = False) -> dict[str, Any]:
    author = parts.known_user(call, row["author"])
    answer = {
        "self": f"{call.api_url}/issue/{issue['id']}/comment/{row['id']}",
        "id": str(row["id"]),
        "author": author,
        "body": fields.body_for(call, row["body"]),
        "updateAuthor": author,
        "created": parts.timestamp(row["created"]),
        "updated": parts.timestamp(row["updated"]),
        "jsdPublic": True,
    }
    if with_properties:
        answer["properties"] = [_property(kept) for kept in call.store.properties("comment", row["id"])]
    return answer


@route("GET", "/issue/{}/comment")
def read_comments(call: Call, id_or_key: str) -> Answer:
    """The comments of an issue, oldest first or ``orderBy=-created``; ``expand=properties`` tells their properties."""
    issue = access_issue(call, id_or_key)
    rows = call.store.comments(issue["id"])
    if call.one("orderBy") == "-created":
        rows.reverse()
    start, size = call.number("startAt", 0), call.number("maxResults", 5000)
    page = rows[start : start + size]
    with_properties = "properties" in call.many("expand")
    comments = [_comment(call, issue, row, with_properties=with_properties) for row in page]
    return Answer(200, {"startAt": start, "maxResults": size, "total": len(rows), "comments": comments})


@route("POST", "/issue/{}/comment")
def create_comment(call: Call, id_or_key: str) -> Answer:
    """Comment on an issue: 201 with the comment."""
    issue = access_issue(call, id_or_key)
    row = add_comment(call, issue, call.json_object())
    return Answer(201, _comment(call, issue, row))


@route("GET", "/issue/{}/comment/{}")
def read_comment(call: Call, id_or_key: str, comment_id: str) -> Answer:
    """One comment."""
    issue = access_issue(call, id_or_key)
    row = next((row for row in call.store.comments(issue["id"]) if str(row["id"]) == comment_id), None)
    if row is None:
        raise RefusedError(404, f"Can not find a comment for the id: {comment_id}.")
    return Answer(200, _comment(call, issue, row, with_properties="properties" in call.many("expand")))


# issue links


def links_of(call: Call, issue: Row) -> list[dict[str, Any]]:
    """The links of an issue, each with the issue at its other end, as its ``issuelinks`` field."""
    rows = call.store.rows("SELECT * FROM link WHERE inward = :id OR outward = :id ORDER BY id", {"id": issue["id"]})
    answers = []
    for row in rows:
        side, other = ("outwardIssue", "outward") if row["inward"] == issue["id"] else ("inwardIssue", "inward")
        answer = _link(call, row)
        answers.append({name: answer[name] for name in ("id", "self", "type")} | {side: answer[f"{other}Issue"]})
    return answers


def _link(call: Call, row: Row) -> dict[str, Any]:
    kind = next(t for t in setup.LINK_TYPES if t.id == row["type"])
    return {
        "id": str(row["id"]),
        "self": f"{call.api_url}/issueLink/{row['id']}",
        "type": parts.link_type(call, kind),
        "inwardIssue": _linked(call, call.store.issue(row["inward"])),
        "outwardIssue": _linked(call, call.store.issue(row["outward"])),
    }


def _linked(call: Call, issue: Row) -> dict[str, Any]:
    return {
        "id": str(issue["id"]),
        "key": issue["key"],
        "self": f"{call.api_url}/issue/{issue['id']}",
        "fields": {
            "summary": issue["summary"],
            "status": parts.status(call, issue["status"]),
            "priority": parts.priority(call, issue["priority"]),
            "issuetype": parts.issue_type(call, issue["issuetype"]),
        },
    }


@route("POST", "/issueLink")
def create_link(call: Call) -> Answer:
    """Link two issues: 201 without a body, also when the link is there already; it is not doubled."""
    body = call.json_object()
    kind = _check_link_type(body.get("type"))
    ends = [access_issue(call, _end(body.get(name))) for name in ("inwardIssue", "outwardIssue")]
    inward, outward = ends
    if inward["id"] == outward["id"]:
        raise RefusedError(400, "You cannot link an issue to itself.")
    call.store.write(
        "INSERT OR IGNORE INTO link (type, inward, outward) VALUES (?, ?, ?)", [kind.id, inward["id"], outward["id"]]
    )
    if body.get("comment"):
        add_comment(call, inward, body["comment"])
    return Answer(201)


def _check_link_type(value: Any) -> setup.LinkType:
    wanted = value if isinstance(value, dict) else {}
    found = next(
        (t for t in setup.LINK_TYPES if str(wanted.get("id", "")) == t.id or wanted.get("name") == t.name), None
    )
    if found is None:
        raise RefusedError(404, f"No issue link type with name '{wanted.get('name') or wanted.get('id')}' found.")
    return found


def _end(value: Any) -> str:
    return str(value.get("key") or value.get("id") or "") if isinstance(value, dict) else ""


def _access_link(call: Call, link_id: str) -> Row:
    found = call.store.row("SELECT * FROM link WHERE id = ?", [link_id])
    if found is None:
        raise RefusedError(404, f"No issue link with id '{link_id}' exists.")
    return found


@route("GET", "/issueLink/{}")
def read_link(call: Call, link_id: str) -> Answer:
    """One link, with both ends."""
    return Answer(200, _link(call, _access_link(call, link_id)))


@route("DELETE", "/issueLink/{}")
def delete_link(call: Call, link_id: str) -> Answer:
    """Take a link away: 204."""
    call.store.write("DELETE FROM link WHERE id = ?", [_access_link(call, link_id)["id"]])
    return Answer(204)


# remote links


@route("GET", "/issue/{}/remotelink")
def read_remote_links(call: Call, id_or_key: str) -> Answer:
    """The remote links of an issue; with ``globalId`` the one link, or 404."""
    issue = access_issue(call, id_or_key)
    global_id = call.one("globalId")
    if global_id:
        return Answer(200, _remote_link(call, issue, _access_remote_link(call, issue, global_id)))
    rows = call.store.rows("SELECT * FROM remote_link WHERE issue = ? ORDER BY id", [issue["id"]])
    return Answer(200, [_remote_link(call, issue, row) for row in rows])


def _access_remote_link(call: Call, issue: Row, global_id: str) -> Row:
    found = call.store.row("SELECT * FROM remote_link WHERE issue = ? AND global_id = ?", [issue["id"], global_id])
    if found is None:
        raise RefusedError(404, f"No remote issue link with globalId '{global_id}' found.")
    return found


@route("POST", "/issue/{}/remotelink")
def put_remote_link(call: Call, id_or_key: str) -> Answer:
    """Link to a page elsewhere: 201.

    With a ``globalId`` that is known the link is replaced: 200, and what is left out is lost.
    """
    issue = access_issue(call, id_or_key)
    body = call.json_object()
    target = body.get("object") or {}
    errors = {name: f"'{name}' is required." for name in ("title", "url") if not target.get(name)}
    if errors:
        raise RefusedError(400, errors=errors)
    global_id = body.get("globalId")
    kept = json.dumps({name: body[name] for name in ("application", "relationship", "object") if body.get(name)})
    known = call.store.row("SELECT id FROM remote_link WHERE issue = ? AND global_id = ?", [issue["id"], global_id])
    if known:
        call.store.write("UPDATE remote_link SET body = ? WHERE id = ?", [kept, known["id"]])
    link_id = (
        known["id"]
        if known
        else call.store.write(
            "INSERT INTO remote_link (issue, global_id, body) VALUES (?, ?, ?)", [issue["id"], global_id, kept]
        )
    )
    return Answer(
        200 if known else 201, {"id": link_id, "self": f"{call.api_url}/issue/{issue['key']}/remotelink/{link_id}"}
    )


def _remote_link(call: Call, issue: Row, row: Row) -> dict[str, Any]:
    answer = {"id": row["id"], "self": f"{call.api_url}/issue/{issue['key']}/remotelink/{row['id']}"}
    if row["global_id"]:
        answer["globalId"] = row["global_id"]
    return {**answer, **json.loads(row["body"])}


@route("DELETE", "/issue/{}/remotelink")
def delete_remote_link(call: Call, id_or_key: str) -> Answer:
    """Take the remote link with this ``globalId`` away: 204."""
    issue = access_issue(call, id_or_key)
    row = _access_remote_link(call, issue, call.one("globalId"))
    call.store.write("DELETE FROM remote_link WHERE id = ?", [row["id"]])
    return Answer(204)


# properties


def _property(row: Row) -> dict[str, Any]:
    return {"key": row["key"], "value": json.loads(row["value"])}


def _owner(call: Call, kind: str, id_or_key: str) -> int:
    """The id of the issue or comment that a property belongs to; refused with 404 when it is not there."""
    if kind == "issue":
        return int(access_issue(call, id_or_key)["id"])
    found = call.store.row("SELECT id FROM comment WHERE id = ?", [id_or_key])
    if found is None:
        raise RefusedError(404, f"Can not find a comment for the id: {id_or_key}.")
    return int(found["id"])


def _property_keys(call: Call, kind: str, id_or_key: str) -> Answer:
    owner_id = _owner(call, kind, id_or_key)
    prefix = f"{call.api_url}/{kind}/{id_or_key}/properties"
    keys = [{"self": f"{prefix}/{row['key']}", "key": row["key"]} for row in call.store.properties(kind, owner_id)]
    return Answer(200, {"keys": keys})


def _read_property(call: Call, kind: str, id_or_key: str, key: str) -> Answer:
    row = call.store.property(kind, _owner(call, kind, id_or_key), key)
    if row is None:
        raise RefusedError(404, f"The property {key} does not exist.")
    return Answer(200, _property(row))


def _put_property(call: Call, kind: str, id_or_key: str, key: str) -> Answer:
    try:
        value = json.loads(call.raw_body)
    except ValueError as error:
        raise RefusedError(400, "The value of the property has to be valid JSON.") from error
    is_new = call.store.set_property(kind, _owner(call, kind, id_or_key), key, value)
    return Answer(201 if is_new else 200)


def _delete_property(call: Call, kind: str, id_or_key: str, key: str) -> Answer:
    owner_id = _owner(call, kind, id_or_key)
    _read_property(call, kind, id_or_key, key)
    call.store.write("DELETE FROM property WHERE owner = ? AND owner_id = ? AND key = ?", [kind, owner_id, key])
    return Answer(204)


for _kind in ("issue", "comment"):
    for _method, _path, _handler in (
        ("GET", "/{}/properties", _property_keys),
        ("GET", "/{}/properties/{}", _read_property),
        ("PUT", "/{}/properties/{}", _put_property),
        ("DELETE", "/{}/properties/{}", _delete_property),
    ):
        route(_method, f"/{_kind}{_path}")(lambda call, *found, _h=_handler, _k=_kind: _h(call, _k, *found))
