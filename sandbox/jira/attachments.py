"""Attachments: files of an issue, kept in the store."""

import mimetypes
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from . import events, render
from .calls import Answer, Call, RefusedError, access_issue, issue_project, require, route
from .store import Row, now_ms

UPLOAD_LIMIT = 10 * 2**20
TEXT = "text/plain;charset=UTF-8"


@route("POST", "/issue/{}/attachments")
def attach(call: Call, id_or_key: str) -> Answer:
    """Attach the files of a form (``multipart/form-data``, each named ``file``): 200 with what was attached.

    Refused with 403 without ``X-Atlassian-Token: no-check``, with 413 when a file is too large.
    """
    if call.headers.get("x-atlassian-token", "").lower() not in {"no-check", "nocheck"}:
        return Answer(403, "XSRF check failed", content_type=TEXT)
    issue = access_issue(call, id_or_key)
    require(call, issue_project(call, issue), "CREATE_ATTACHMENTS")
    files = _files(call)
    if any(len(content) > UPLOAD_LIMIT for _, _, content in files):
        raise RefusedError(413, f"The file exceeds its maximum permitted size of {UPLOAD_LIMIT} bytes.")
    made = [_keep(call, issue, *file) for file in files]
    return Answer(200, [render.attachment(call, row) for row in made])


def _files(call: Call) -> list[tuple[str, str, bytes]]:
    """The files of the form: name, type, content. Parts of other names are passed over, as Jira does."""
    header = f"Content-Type: {call.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(header + call.raw_body)
    if message.get_content_type() != "multipart/form-data":
        raise RefusedError(415, "Content type is not multipart/form-data.")
    files = []
    for part in message.iter_parts():
        name = part.get_filename()
        if part.get_param("name", header="content-disposition") == "file" and name:
            content: Any = part.get_payload(decode=True)
            guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
            files.append((name, part.get_content_type() if "content-type" in part else guessed, content))
    return files


def _keep(call: Call, issue: Row, name: str, mime_type: str, content: bytes) -> Row:
    columns = {"issue": issue["id"], "author": call.caller.id, "created": now_ms()}
    attachment_id = call.store.insert(
        "attachment", {**columns, "filename": name, "mime_type": mime_type, "content": content}
    )
    row = _access_attachment(call, str(attachment_id))
    events.attachment_happened(call, "attachment_created", row)
    _note(call, row, {"to": str(row["id"]), "toString": name})
    return row


def _note(call: Call, row: Row, sides: dict[str, str]) -> None:
    """Tell the issue's changelog that a file has come or gone."""
    none = dict.fromkeys(("from", "fromString", "to", "toString"))
    told = {"field": "Attachment", "fieldtype": "jira", "fieldId": "attachment", **none, **sides}
    call.store.change_issue(row["issue"], {})
    events.issue_changed(call, row["issue"], [told])


def _access_attachment(call: Call, attachment_id: str) -> Row:
    row = call.store.attachment(attachment_id)
    if row is None:
        raise RefusedError(404, f"The attachment with id '{attachment_id}' does not exist")
    access_issue(call, str(row["issue"]))
    return row


@route("GET", "/attachment/meta")
def settings(_call: Call) -> Answer:
    """Whether there may be attachments, and how large."""
    return Answer(200, {"enabled": True, "uploadLimit": UPLOAD_LIMIT})


@route("GET", "/attachment/{}")
def read(call: Call, attachment_id: str) -> Answer:
    """What an attachment is, without its content."""
    return Answer(200, render.attachment(call, _access_attachment(call, attachment_id)))


@route("DELETE", "/attachment/{}")
def delete(call: Call, attachment_id: str) -> Answer:
    """Delete an attachment: 204."""
    row = _access_attachment(call, attachment_id)
    events.attachment_happened(call, "attachment_deleted", row)
    call.store.write("DELETE FROM attachment WHERE id = ?", [row["id"]])
    _note(call, row, {"from": str(row["id"]), "fromString": row["filename"]})
    return Answer(204)


@route("GET", "/attachment/content/{}")
def download(call: Call, attachment_id: str) -> Answer:
    """The file itself. (Jira Cloud redirects to its media store first, unless ``redirect=false``.)"""
    row = _access_attachment(call, attachment_id)
    content = call.store.row("SELECT content FROM attachment WHERE id = ?", [row["id"]])
    return Answer(200, content["content"] if content else b"", content_type=row["mime_type"])
