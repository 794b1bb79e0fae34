"""One Jira: authentication, the one dispatch function, and what a request suffers on its way.

Every request goes through ``Jira.dispatch``: a fault may strike before the handler (it does not run) or after it (it
has run and committed). That is the one place for trouble of any kind.
"""

import base64
import binascii
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import (  # noqa: F401 - importing the handlers fills the table of routes
    attachments,
    browse,
    comments,
    dynamic_webhooks,
    issues,
    jql,
    links,
    metadata,
    people,
    properties,
    screens,
    search,
    workflow,
)
from .calls import ROUTES, Answer, Call, RefusedError
from .faults import CAPTCHA_HEADERS, HTML, SIGN_IN_PAGE, Conditions, Fault, Faults
from .limits import Moves, RateLimit, date_in, rate_headers
from .site import Person, Site
from .store import Store
from .webhooks import Sender, read_webhooks, wanted_by

API = re.compile(r"^/rest/api/(2|3|latest)(/.*)$")
DOWNLOAD = re.compile(r"^/secure/attachment/(\d+)/[^/]*$")
NOT_AUTHENTICATED = "Client must be authenticated to access this resource."
IN_TRANSITION = "The issue could not be updated, because it is being updated by somebody else. Please try again."
REFUSALS: Mapping[str, tuple[Any, str]] = {
    "text": (NOT_AUTHENTICATED, "text/plain;charset=UTF-8"),
    "json": ({"errorMessages": [NOT_AUTHENTICATED], "errors": {}}, "application/json;charset=UTF-8"),
    "empty": (None, ""),
}


@dataclass(frozen=True)
class Request:
    """A request as it came over the socket; ``target`` is the path with its query, names of headers are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The parameters after the path."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


class Jira:
    """One Jira: its setup, its state and its troubles. ``refuse`` lets its socket refuse connections for a while."""

    def __init__(self, site: Site, store: Store, base_url: str, refuse: Callable[[float], None]) -> None:
        self.original_site = site
        self.site = site
        self.store = store
        self.base_url = base_url
        self.refuse = refuse
        self.faults = Faults()
        self.conditions = Conditions()
        self.sender = Sender()
        self._rate = RateLimit()
        self._moves = Moves()

    def dispatch(self, request: Request) -> Answer | None:
        """Answer a request, with what it suffers; ``None`` means that the connection is closed without an answer."""
        fault = self.faults.take(request.method, request.target)
        person = self._who(request.headers)
        number = self.store.log_request(
            method=request.method,
            path=request.target,
            body=request.body.decode(errors="replace"),
            caller=person.id if person else "",
            fault=str(fault or ""),
        )
        answer = self._suffer(request, fault)
        self.store.log_answer(number, answer.status if answer else 0)
        return answer

    def _suffer(self, request: Request, fault: Fault | None) -> Answer | None:
        conditions = self.conditions
        time.sleep(conditions.latency_ms / 1000)
        if conditions.rate_limit:
            wait_s = self._rate.wait_s(conditions.rate_limit, conditions.rate_window_s)
            if wait_s:
                return self._too_many(math.ceil(wait_s))
        if fault is None:
            return self._handle_alone(request, 0)
        if fault.when == "after":
            answer = self._handle_alone(request, 0)
            time.sleep(fault.latency_ms / 1000)
            return self._faulty(fault, answer)
        if fault.status is None:
            return self._faulty(fault, self._handle_alone(request, fault.latency_ms))
        time.sleep(fault.latency_ms / 1000)
        return self._faulty(fault, None)

    def _handle_alone(self, request: Request, latency_ms: int) -> Answer:
        """Answer a request, which takes a while; 409 for a second transition of the same issue in that while."""
        with self._moves.hold(request.method, request.path) as is_free:
            if not is_free:
                return Answer(409, {"errorMessages": [IN_TRANSITION], "errors": {}})
            time.sleep(latency_ms / 1000)
            return self.handle(request)

    def _too_many(self, seconds: int) -> Answer:
        conditions = self.conditions
        headers = rate_headers(self.site.profile, seconds, conditions.rate_limit, conditions.rate_window_s)
        return Answer(429, None, {"Retry-After": str(seconds), **headers})

    def _faulty(self, fault: Fault, answer: Answer | None) -> Answer | None:
        """What a fault leaves of an answer, or says in its place; ``None`` drops the connection."""
        if fault.status == 0:
            return None
        if fault.status is not None:
            headers = dict(fault.headers)
            typed = fault.retry_after or ""
            seconds = int(typed) if typed.isdigit() else 0
            if typed:
                headers = {"Retry-After": date_in(seconds) if fault.retry_as == "date" else typed, **headers}
            if fault.status == 429:
                headers = {**rate_headers(self.site.profile, seconds, 100, 60), **headers}
            answer = Answer(fault.status, fault.body or None, headers, fault.content_type)
        if answer and answer.body is None and fault.cut_at is not None:
            time.sleep(fault.stall_ms / 1000)
            return None  # there is no body to break off, so its head does
        return replace(answer, cut_at=fault.cut_at, stall_ms=fault.stall_ms) if answer else None

    def handle(self, request: Request) -> Answer:
        """Answer a request as a healthy Jira would; what a handler wrote is committed when this returns."""
        if request.method == "GET" and (request.path == "/" or request.path.startswith("/browse/")):
            return self._page(request.path)
        download = DOWNLOAD.match(request.path)
        match = API.match(f"/rest/api/2/attachment/content/{download[1]}" if download else request.path)
        if match is None or (self.site.profile == "dc" and match[1] == "3"):
            return Answer(404, {"message": f"null for uri: {request.path}", "status-code": 404})
        path = match[2]
        person = self._who(request.headers)
        if path.rstrip("/") != "/serverInfo":
            if self.conditions.captcha:
                return Answer(403, SIGN_IN_PAGE, CAPTCHA_HEADERS, HTML)
            if person is None:
                return self._stranger(path)
        call = self.call_by(person or self.site.caller, request, "3" if match[1] == "3" else "2")
        answer = self._answer(call, request.method, path)
        self.tell(call)
        return answer

    def call_by(self, person: Person, request: Request, version: str = "2") -> Call:
        """A request as a handler sees it."""
        return Call(
            site=self.site,
            caller=person,
            store=self.store,
            conditions=self.conditions,
            version=version,
            base_url=self.base_url,
            query=request.query,
            headers=request.headers,
            raw_body=request.body,
        )

    def _answer(self, call: Call, method: str, path: str) -> Answer:
        found = [(entry, entry.path.match(path)) for entry in ROUTES]
        methods = {entry.method for entry, match in found if match}
        for entry, match in found:
            if match and entry.method == method:
                try:
                    with self.store.transaction():
                        return entry.handler(call, *(unquote(group) for group in match.groups()))
                except RefusedError as refusal:
                    call.happened.clear()
                    return Answer(refusal.status, {"errorMessages": list(refusal.messages), "errors": refusal.errors})
        if methods:
            allowed = ", ".join(sorted(methods))
            return Answer(405, {"message": "HTTP 405 Method Not Allowed", "status-code": 405}, {"Allow": allowed})
        return Answer(404, {"message": f"null for uri: {path}", "status-code": 404})

    def tell(self, call: Call) -> None:
        """Put what a call did on its way to the webhooks that listen to it."""
        if not call.happened:
            return
        for webhook in read_webhooks(self.store.rows("SELECT * FROM webhook ORDER BY id")):
            for body in call.happened:
                if wanted_by(webhook, body["webhookEvent"]) and self._is_selected(webhook.jql, body):
                    self.sender.send(webhook, body)

    def _is_selected(self, text: str, body: Mapping[str, Any]) -> bool:
        """Whether the JQL of a webhook finds the issue; what is about no issue, or a deleted one, always passes."""
        issue = body.get("issue")
        if not text or issue is None or body["webhookEvent"] == "jira:issue_deleted":
            return True
        query = jql.parse(text, self.site)
        found = f"SELECT 1 FROM issue WHERE id = ? AND {query.where or '1'}"  # noqa: S608 - values are parameters
        return self.store.row(found, [issue["id"], *query.parameters]) is not None

    def _stranger(self, path: str) -> Answer:
        """What somebody gets whose credentials are not good: 401, but on Cloud a search that finds nothing."""
        reason = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
        if self.site.profile == "cloud" and path.rstrip("/") == "/search/jql":
            return Answer(200, {"issues": [], "isLast": True}, reason)
        body, content_type = REFUSALS[self.conditions.refusal]
        return Answer(401, body, {"WWW-Authenticate": 'Basic realm="Jira"', **reason}, content_type)

    def _who(self, headers: Mapping[str, str]) -> Person | None:
        """Who calls: an address and token (Cloud), a personal access token or a name and token (Data Center)."""
        if self.conditions.token_expired:
            return None
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        if self.site.profile == "dc" and scheme.lower() == "bearer":
            return self.site.caller if credential == self.site.token else None
        if scheme.lower() != "basic":
            return None
        try:
            user, _, token = base64.b64decode(credential, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.site.who_signs_in(user, token)

    def _page(self, path: str) -> Answer:
        if path == "/":
            return Answer(200, browse.list_page(self.store), browse.HEADERS, HTML)
        key = unquote(path.removeprefix("/browse/")).strip("/")
        issue = self.store.find_issue(key)
        if issue is None:
            return Answer(404, browse.missing_page(key), browse.HEADERS, HTML)
        if issue["key"] != key.upper():
            return Answer(302, None, {"Location": f"/browse/{issue['key']}"})
        return Answer(200, browse.issue_page(self.site, self.store, issue), browse.HEADERS, HTML)
