"""Links of an issue: to other issues, and to pages elsewhere."""

import json
from typing import Any

from . import comments, events, render
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, issue_project, require, route
from .store import Row


@route("POST", "/issueLink")
def create_link(call: Call) -> Answer:
    """Link two issues: 201 without a body, also when the link is there already; it is not doubled."""
    body = call.json_object()
    kind = _check_link_type(body.get("type"))
    ends = [access_issue(call, _end(body.get(name))) for name in ("inwardIssue", "outwardIssue")]
    inward, outward = ends
    if inward["id"] == outward["id"]:
        raise RefusedError(400, "You cannot link an issue to itself.")
    for issue in ends:
        require(call, issue_project(call, issue), "LINK_ISSUES", issue["key"], status=401)
    columns = {"type": kind.id, "inward": inward["id"], "outward": outward["id"]}
    same = "type = :type AND inward = :inward AND outward = :outward"
    if call.store.row(f"SELECT id FROM link WHERE {same}", columns) is None:  # noqa: S608 - values are parameters
        _note_link(call, _access_link(call, str(call.store.insert("link", columns))), is_new=True)
    if body.get("comment"):
        comments.add_comment(call, inward, body["comment"])
    return Answer(201)


def _note_link(call: Call, link: Row, *, is_new: bool) -> None:
    """Tell both issues' changelogs, and the webhooks, that a link has come or gone."""
    kind = render.link_kind(link)
    for one, other, verb in (("inward", "outward", kind.outward), ("outward", "inward", kind.inward)):
        key = call.store.issue(link[other])["key"]
        sides = {"to": key, "toString": f"This issue {verb} {key}"}
        if not is_new:
            sides = {"from": key, "fromString": sides["toString"]}
        none = dict.fromkeys(("from", "fromString", "to", "toString"))
        told = {"field": "Link", "fieldtype": "jira", "fieldId": "issuelinks", **none, **sides}
        call.store.add_history(link[one], call.caller.id, [told])
        call.store.change_issue(link[one], {})
    events.link_happened(call, "issuelink_created" if is_new else "issuelink_deleted", link)


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
    return Answer(200, render.link(call, _access_link(call, link_id)))


@route("DELETE", "/issueLink/{}")
def delete_link(call: Call, link_id: str) -> Answer:
    """Take a link away: 204."""
    link = _access_link(call, link_id)
    _note_link(call, link, is_new=False)
    call.store.write("DELETE FROM link WHERE id = ?", [link["id"]])
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
    require(call, issue_project(call, issue), "LINK_ISSUES", issue["key"])
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
