"""What goes in and out of a handler, and the table of routes."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .faults import Conditions
from .site import Person, Project, Site
from .store import Row, Store

Json = Any  # what json.loads returns


class RefusedError(Exception):
    """Jira says no. Becomes an answer with Jira's usual error body; what the handler wrote is rolled back."""

    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})


@dataclass(frozen=True)
class Answer:
    """What is sent back. ``body`` is JSON unless it is text (``str``); ``None`` sends no body at all.

    ``cut_at`` and ``stall_ms`` are a fault's: how much of the body is sent, and how long nothing more comes.
    """

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=UTF-8"
    cut_at: int | None = None
    stall_ms: int = 0


@dataclass(frozen=True)
class Call:
    """One authenticated request, as a handler sees it. ``version`` is the API's: "2" or "3" ("latest" is 2).

    ``happened`` are the webhook bodies of what the handler did, in their order: see ``events``.
    """

    site: Site
    caller: Person
    store: Store
    conditions: Conditions
    version: str
    base_url: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    raw_body: bytes
    happened: list[dict[str, Json]] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        """The prefix of every ``self`` link."""
        return f"{self.base_url}/rest/api/{self.version}"

    def json_object(self) -> dict[str, Json]:
        """The request's body; refused with 400 unless it is a JSON object."""
        try:
            body = json.loads(self.raw_body or b"{}")
        except ValueError as error:
            raise RefusedError(
                400, "There was an error parsing JSON. Check that your request body is valid."
            ) from error
        if not isinstance(body, dict):
            raise RefusedError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return body

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def many(self, name: str) -> list[str]:
        """A list parameter: repeated, comma-separated, or both."""
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]

    def number(self, name: str, default: int) -> int:
        """A whole, non-negative number out of the query."""
        text = self.one(name, str(default))
        if not text.isdigit():
            raise RefusedError(400, f"The value '{text}' is not valid for the parameter '{name}'.")
        return int(text)

    def page_size(self, asked: int) -> int:
        """How much a page holds of what was asked for."""
        return min(asked, self.conditions.page_limit or asked)

    def page(self, default: int) -> tuple[int, int]:
        """Where a page starts, and how much it holds."""
        return self.number("startAt", 0), self.page_size(self.number("maxResults", default))


def access_issue(call: Call, id_or_key: str) -> Row:
    """The issue with this id or key; refused with 404 when it is not there, or not for the caller's eyes."""
    found = call.store.find_issue(id_or_key)
    if found is None or found["security"] in call.site.hidden_levels(call.caller):
        on_cloud = "Issue does not exist or you do not have permission to see it."
        raise RefusedError(404, "Issue Does Not Exist" if call.site.profile == "dc" else on_cloud)
    return found


def issue_project(call: Call, issue: Row) -> Project:
    """The project that an issue lies in."""
    project = call.site.project(issue["project"])
    assert project is not None  # noqa: S101 - the keys of issues are those of projects
    return project


DENIED = {
    "CREATE_ISSUES": "You do not have permission to create issues in this project.",
    "EDIT_ISSUES": "You do not have permission to edit issues in this project.",
    "ADD_COMMENTS": "You do not have the permission to comment on this issue.",
    "LINK_ISSUES": "No Link Issue Permission for issue '{}'",
    "TRANSITION_ISSUES": "You do not have permission to transition this issue.",
    "ASSIGN_ISSUES": "You do not have permission to assign issues.",
    "DELETE_ISSUES": "You do not have permission to delete issues in this project.",
    "CREATE_ATTACHMENTS": "You do not have permission to create attachments for this issue.",
}


def may(call: Call, project: Project, permission: str) -> bool:
    """Whether the caller may do something in a project; people may do everything."""
    return call.caller != call.site.caller or permission not in project.lacking


def require(call: Call, project: Project, permission: str, key: str = "", *, status: int = 403) -> None:
    """Refuse what the caller may not do in a project."""
    if not may(call, project, permission):
        raise RefusedError(status, DENIED[permission].format(key))


Handler = Callable[..., Answer]


@dataclass(frozen=True)
class Route:
    """A method and a path under ``/rest/api/N`` with the handler that answers it; groups are handed on in order."""

    method: str
    path: re.Pattern[str]
    handler: Handler


ROUTES: list[Route] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler: ``{}`` in the path stands for one segment, passed on as a string."""
    pattern = re.compile("^" + re.escape(path).replace(r"\{\}", "([^/]+)") + "/?$")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, handler))
        ROUTES.sort(key=lambda entry: entry.path.groups)  # `/issue/createmeta` before `/issue/{}`
        return handler

    return register
