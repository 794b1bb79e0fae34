"""What happened, as the bodies of webhooks: told in the words of v2, whichever version the change came by.

Handlers note here what they do (``Call.happened``); after the commit the server hands it to ``webhooks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import parts, render
from .calls import Call
from .store import Row, now_ms

ISSUE_TYPE_NAMES = {"jira:issue_created": "issue_created", "jira:issue_deleted": "issue_deleted"}


def _note(call: Call, event: str, about: Mapping[str, Any]) -> None:
    call.happened.append({"timestamp": now_ms(), "webhookEvent": event, **about})


def issue_happened(call: Call, event: str, issue: Row) -> None:
    """Note that an issue was created, or is about to be deleted."""
    v2 = replace(call, version="2")
    about = {"issue_event_type_name": ISSUE_TYPE_NAMES[event], "user": parts.user(v2, call.caller)}
    _note(call, event, {**about, "issue": render.issue(v2, issue)})


def issue_changed(
    call: Call,
    issue_id: int,
    items: Sequence[Mapping[str, Any]],
    kind: str = "issue_generic",
    comment: Row | None = None,
) -> None:
    """Keep what was changed in the changelog, and note it; nothing when nothing was."""
    if not items and comment is None:
        return
    v2 = replace(call, version="2")
    about: dict[str, Any] = {"issue_event_type_name": kind, "user": parts.user(v2, call.caller)}
    about["issue"] = render.issue(v2, call.store.issue(issue_id))
    if items:
        history_id = call.store.add_history(issue_id, call.caller.id, items)
        about["changelog"] = {"id": str(history_id), "items": list(items)}
    if comment is not None:
        about["comment"] = render.comment(v2, comment)
    _note(call, "jira:issue_updated", about)


def comment_happened(call: Call, event: str, comment: Row) -> None:
    """Note ``comment_created``, ``comment_updated`` or ``comment_deleted``; Data Center tells the issue's, too."""
    v2 = replace(call, version="2")
    issue = render.brief_issue(v2, call.store.issue(comment["issue"]))
    _note(call, event, {"comment": render.comment(v2, comment), "issue": issue})
    if call.site.profile == "dc" and event == "comment_created":
        issue_changed(call, comment["issue"], [], "issue_commented", comment)


def attachment_happened(call: Call, event: str, attachment: Row) -> None:
    """Note ``attachment_created`` or ``attachment_deleted``; it names no issue, as Jira's does not."""
    _note(call, event, {"attachment": render.attachment(replace(call, version="2"), attachment)})


def link_happened(call: Call, event: str, link: Row) -> None:
    """Note ``issuelink_created`` or ``issuelink_deleted``."""
    kind = render.link_kind(link)
    told = {"id": kind.id, "name": kind.name, "outwardName": kind.outward, "inwardName": kind.inward}
    about = {
        "id": link["id"],
        "sourceIssueId": link["inward"],
        "destinationIssueId": link["outward"],
        "issueLinkType": {**told, "isSubTaskLinkType": False, "isSystemLinkType": False},
        "systemLink": False,
    }
    _note(call, event, {"issueLink": about})
