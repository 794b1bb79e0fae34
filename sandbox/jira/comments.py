"""Comments: write, read, change, delete."""

from collections.abc import Mapping
from typing import Any

from . import events, prose, render
from .calls import Answer, Call, RefusedError, access_issue, issue_project, require, route
from .store import Row


def _check_body(call: Call, body: Mapping[str, Any]) -> tuple[Any, str]:
    """The words of a comment as they were sent, and what a search sees of them."""
    value = body.get("body")
    if not value:
        raise RefusedError(400, errors={"comment": "Comment body can not be empty!"})
    return value, prose.check_body_text(call, "comment", value)


def add_comment(call: Call, issue: Row, body: Mapping[str, Any]) -> Row:
    """Write a comment with its properties."""
    value, text = _check_body(call, body)
    comment = call.store.add_comment(issue["id"], call.caller.id, value, text)
    _set_properties(call, comment, body)
    events.comment_happened(call, "comment_created", comment)
    return comment


def _set_properties(call: Call, comment: Row, body: Mapping[str, Any]) -> None:
    for entry in body.get("properties") or []:
        call.store.set_property("comment", comment["id"], str(entry["key"]), entry.get("value"))


def _access_comment(call: Call, id_or_key: str, comment_id: str) -> Row:
    issue = access_issue(call, id_or_key)
    row = next((row for row in call.store.comments(issue["id"]) if str(row["id"]) == comment_id), None)
    if row is None:
        raise RefusedError(404, f"Can not find a comment for the id: {comment_id}.")
    return row


@route("GET", "/issue/{}/comment")
def read_comments(call: Call, id_or_key: str) -> Answer:
    """The comments of an issue, oldest first or ``orderBy=-created``; ``expand=properties`` tells their properties."""
    issue = access_issue(call, id_or_key)
    rows = call.store.comments(issue["id"])
    if call.one("orderBy") == "-created":
        rows.reverse()
    start, size = call.page(5000)
    with_properties = "properties" in call.many("expand")
    comments = [render.comment(call, row, with_properties=with_properties) for row in rows[start : start + size]]
    return Answer(200, {"startAt": start, "maxResults": size, "total": len(rows), "comments": comments})


@route("POST", "/issue/{}/comment")
def create_comment(call: Call, id_or_key: str) -> Answer:
    """Comment on an issue: 201 with the comment."""
    issue = access_issue(call, id_or_key)
    require(call, issue_project(call, issue), "ADD_COMMENTS")
    return Answer(201, render.comment(call, add_comment(call, issue, call.json_object())))


@route("GET", "/issue/{}/comment/{}")
def read_comment(call: Call, id_or_key: str, comment_id: str) -> Answer:
    """One comment."""
    row = _access_comment(call, id_or_key, comment_id)
    return Answer(200, render.comment(call, row, with_properties="properties" in call.many("expand")))


@route("PUT", "/issue/{}/comment/{}")
def edit_comment(call: Call, id_or_key: str, comment_id: str) -> Answer:
    """Put other words into a comment: 200 with the comment."""
    row = _access_comment(call, id_or_key, comment_id)
    require(call, issue_project(call, call.store.issue(row["issue"])), "ADD_COMMENTS")
    body = call.json_object()
    row = call.store.edit_comment(row, call.caller.id, *_check_body(call, body))
    _set_properties(call, row, body)
    events.comment_happened(call, "comment_updated", row)
    return Answer(200, render.comment(call, row))


@route("DELETE", "/issue/{}/comment/{}")
def delete_comment(call: Call, id_or_key: str, comment_id: str) -> Answer:
    """Delete a comment: 204."""
    row = _access_comment(call, id_or_key, comment_id)
    events.comment_happened(call, "comment_deleted", row)
    call.store.delete_comment(row)
    return Answer(204)
