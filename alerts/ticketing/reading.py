"""
What Jira says of an issue, as plain values. Nothing is written here, in Jira or in the database.

Names and texts are other people's words: data, cut to what a row takes. Raises the errors of `alerts.ticketing.errors`; an answer
that lacks what it must hold is JiraUnknown, never an empty one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.ticketing import client
from alerts.ticketing.errors import JiraRefused, JiraUnknown
from core.text import storable

FIELDS = "status,resolution,assignee,priority,created,updated,labels"
PAGE = 100
MAX_PAGES = 100
TOLD_FIELDS = {"status", "resolution", "assignee", "priority", "Link", "Key"}
MAX_TEXT = 500
COMMENTS = 50


@dataclass(frozen=True)
class Actor:
    """Somebody who acts in Jira: an account id (Cloud) or user name (Data Center), and what Jira tells of them."""

    account: str
    name: str
    email: str = ""


@dataclass(frozen=True)
class Change:
    """
    One thing that was done to an issue: a field's value, or a comment.

    `id` is Jira's, with h for history and c for comments. For an assignee, `was` and `now` are actors; else texts.
    """

    id: str
    at: datetime
    by: Actor | None
    field: str
    was: str | Actor | None = None
    now: str | Actor | None = None
    is_ours: bool = False


@dataclass(frozen=True)
class Issue:
    """An issue as Jira holds it. `category` is new, indeterminate or done; names are empty where there is none."""

    id: str
    key: str
    status: str
    category: str
    resolution: str
    priority: str
    assignee: str
    created: datetime
    updated: datetime
    labels: tuple[str, ...]
    changes: tuple[Change, ...] = ()


def read(id_or_key: str) -> Issue | None:
    """
    Return the issue with what was done to it, oldest first; None when Jira surely knows none (deleted, or out of our sight).

    An issue goes by its id: its key changes when it is moved.
    """
    try:
        answer = client.call("GET", f"issue/{id_or_key}", params={"fields": FIELDS, "expand": "changelog"})
        comments = client.call(
            "GET",
            f"issue/{id_or_key}/comment",
            params={"orderBy": "-created", "maxResults": COMMENTS, "expand": "properties"},
        )
    except JiraRefused as error:
        if not is_missing(error):
            raise
        client.who_am_i()  # an address or an account that is wrong knows no issue at all: that is told as such
        return None
    changes = [*_changes(answer), *_comments(comments)]
    return _issue(answer, sorted(changes, key=lambda change: change.at))


def is_missing(error: JiraRefused) -> bool:
    """Whether Jira says that there is no such issue, or none for our eyes."""
    return str(error).startswith("Jira answered 404")


def search(jql: str, fields: str = FIELDS) -> Iterator[Issue]:
    """Yield the issues that a query finds, page after page, however short the pages are. Without what was done to them."""
    yield from (_issue(found) for found in pages(jql, fields))


def pages(jql: str, fields: str) -> Iterator[dict[str, Any]]:
    """Yield what a query finds as Jira tells it. Raises JiraUnknown when it finds more than MAX_PAGES pages: nobody is left out unsaid."""
    path = "search/jql"
    place: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        asked = {"jql": jql, "fields": fields, "maxResults": PAGE, **place}
        try:
            answer = client.call("GET", path, params=asked)
        except JiraRefused:
            if path == "search" or place:
                raise
            path = "search"  # Data Center knows only the old address
            answer = client.call("GET", path, params=asked)
        found = answer.get("issues")
        if not isinstance(found, list):
            raise JiraUnknown("Jira's answer lists no issues.")
        yield from found
        place = _next(answer, path, len(found))
        if not place:
            return
    raise JiraUnknown(f"Jira's search found more than {MAX_PAGES} pages.")


def _next(answer: Mapping[str, Any], path: str, found: int) -> dict[str, Any]:
    """Return where the next page begins; empty after the last."""
    if path == "search/jql":
        token = answer.get("nextPageToken")
        return {"nextPageToken": token} if token and not answer.get("isLast") else {}
    start = int(answer.get("startAt") or 0) + found
    return {"startAt": start} if found and start < int(answer.get("total") or 0) else {}


def _issue(answer: Mapping[str, Any], changes: list[Change] | None = None) -> Issue:
    fields = answer.get("fields")
    if not isinstance(fields, dict) or not answer.get("id") or not answer.get("key"):
        raise JiraUnknown("Jira's answer tells no fields of the issue.")
    status = fields.get("status") or {}
    category = (status.get("statusCategory") or {}).get("key")
    if not category:
        raise JiraUnknown("Jira's answer tells no status of the issue.")
    return Issue(
        id=str(answer["id"]),
        key=str(answer["key"])[:40],
        status=_text(status.get("name"), 80),
        category=str(category)[:16],
        resolution=_text((fields.get("resolution") or {}).get("name"), 80),
        priority=_text((fields.get("priority") or {}).get("name"), 80),
        assignee=_text((fields.get("assignee") or {}).get("displayName"), 200),
        created=when(fields.get("created")),
        updated=when(fields.get("updated")),
        labels=tuple(str(label) for label in fields.get("labels") or ()),
        changes=tuple(changes or ()),
    )


def _changes(answer: Mapping[str, Any]) -> Iterator[Change]:
    for history in (answer.get("changelog") or {}).get("histories") or ():
        by, at = actor(history.get("author")), when(history.get("created"))
        for place, item in enumerate(history.get("items") or ()):
            field = str(item.get("field") or "")
            if field in TOLD_FIELDS:
                yield Change(f"h{history.get('id')}.{place}", at, by, field, _side(item, "from"), _side(item, "to"))


def _side(item: Mapping[str, Any], side: str) -> str | Actor | None:
    text = item.get(f"{side}String")
    if text is None:
        return None
    words = _text(text, 200)
    return Actor(str(item.get(side) or text)[:128], words) if item.get("field") == "assignee" else words


def _comments(answer: Mapping[str, Any]) -> Iterator[Change]:
    comments = answer.get("comments")
    if not isinstance(comments, list):
        raise JiraUnknown("Jira's answer lists no comments.")
    for comment in comments:
        ours = any(one.get("key") == client.OPERATION_PROPERTY for one in comment.get("properties") or ())
        by, at = actor(comment.get("author")), when(comment.get("created"))
        yield Change(f"c{comment.get('id')}", at, by, "comment", now=_text(comment.get("body"), MAX_TEXT), is_ours=ours)


def actor(user: Any) -> Actor | None:
    """Return who a user of Jira's is; None for nobody, as in an anonymous comment."""
    if not isinstance(user, dict):
        return None
    account = str(user.get("accountId") or user.get("name") or user.get("key") or "")[:128]
    name = _text(user.get("displayName"), 200) or account
    return Actor(account, name, str(user.get("emailAddress") or "")[:254]) if account else None


def when(value: Any) -> datetime:
    """Return a time of Jira's, aware, whatever zone it was written in."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise JiraUnknown("Jira's answer holds a time that is none.") from error
    if at.tzinfo is None:
        raise JiraUnknown("Jira's answer holds a time without its zone.")
    return at


def _text(value: Any, limit: int) -> str:
    words = str(storable("" if value is None else str(value))).strip()
    return words if len(words) <= limit else words[: limit - 1] + "…"
