"""Sockets, authentication, the one dispatch function, the request log and ``/_sandbox/``.

Every request goes through ``Jira.dispatch``: a fault may strike before the handler (it does not run) or after it (it
has run and committed). That is the one place for trouble of any kind.
"""

import base64
import binascii
import hmac
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import attached, browse, issues, metadata, search  # noqa: F401 - importing the handlers fills the table of routes
from .calls import ROUTES, Answer, Call, RefusedError
from .faults import BadFaultError, Conditions, Fault, Faults, check_fault
from .site import CustomField, Site
from .store import Store

API = re.compile(r"^/rest/api/(2|3|latest)(/.*)$")
HTML = "text/html;charset=UTF-8"
NOT_AUTHENTICATED = "Client must be authenticated to access this resource."
LONGEST_BODY = 16 * 2**20


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


class Jira:
    """One Jira: its setup, its state and its troubles."""

    def __init__(self, site: Site, store: Store, base_url: str) -> None:
        self.original_site = site
        self.site = site
        self.store = store
        self.base_url = base_url
        self.faults = Faults()
        self.conditions = Conditions()

    def dispatch(self, request: Request) -> Answer | None:
        """Answer a request, with what it suffers; ``None`` means that the connection is closed without an answer."""
        if request.path.startswith("/_sandbox"):
            return self.control(request)
        fault = self.faults.take(request.method, request.target)
        answer: Answer | None
        if fault and fault.when == "before":
            time.sleep(fault.latency_ms / 1000)
            answer = _faulty(fault, self.handle(request) if fault.status is None else None)
        else:
            answer = self.handle(request)
            if fault:
                time.sleep(fault.latency_ms / 1000)
                answer = _faulty(fault, answer)
        status = answer.status if answer else 0
        body = request.body.decode(errors="replace")
        self.store.log_request(request.method, request.target, body, status, str(fault or ""))
        return answer

    def handle(self, request: Request) -> Answer:
        """Answer a request as a healthy Jira would; what a handler wrote is committed when this returns."""
        if request.method == "GET" and (request.path == "/" or request.path.startswith("/browse/")):
            return self._page(request.path)
        match = API.match(request.path)
        if match is None or (self.site.profile == "dc" and match[1] == "3"):
            return Answer(404, {"message": f"null for uri: {request.path}", "status-code": 404})
        path = match[2]
        if path.rstrip("/") != "/serverInfo" and not self._is_caller(request.headers):
            return self._stranger(path)
        call = Call(
            site=self.site,
            store=self.store,
            conditions=self.conditions,
            version="3" if match[1] == "3" else "2",
            base_url=self.base_url,
            query=parse_qs(urlsplit(request.target).query, keep_blank_values=True),
            raw_body=request.body,
        )
        return self._answer(call, request.method, path)

    def _answer(self, call: Call, method: str, path: str) -> Answer:
        found = [(entry, entry.path.match(path)) for entry in ROUTES]
        methods = {entry.method for entry, match in found if match}
        for entry, match in found:
            if match and entry.method == method:
                try:
                    with self.store.transaction():
                        return entry.handler(call, *(unquote(group) for group in match.groups()))
                except RefusedError as refusal:
                    return Answer(refusal.status, {"errorMessages": list(refusal.messages), "errors": refusal.errors})
        if methods:
            return Answer(
                405,
                {"message": "HTTP 405 Method Not Allowed", "status-code": 405},
                {"Allow": ", ".join(sorted(methods))},
            )
        return Answer(404, {"message": f"null for uri: {path}", "status-code": 404})

    def _stranger(self, path: str) -> Answer:
        """What somebody gets whose credentials are not good: 401, but on Cloud a search that finds nothing."""
        if self.site.profile == "cloud" and path.rstrip("/") == "/search/jql":
            return Answer(200, {"issues": [], "isLast": True}, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
        return Answer(401, NOT_AUTHENTICATED, {"WWW-Authenticate": 'Basic realm="Jira"'}, "text/plain;charset=UTF-8")

    def _is_caller(self, headers: Mapping[str, str]) -> bool:
        """Whether the request carries the caller's e-mail address and token (Cloud) or personal access token (DC)."""
        if self.conditions.token_expired:
            return False
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        if self.site.profile == "dc" and scheme.lower() == "bearer":
            return hmac.compare_digest(credential.encode(), self.site.token.encode())
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(credential, validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(given, f"{self.site.caller.email}:{self.site.token}".encode())

    def _page(self, path: str) -> Answer:
        if path == "/":
            return Answer(200, browse.list_page(self.store), browse.HEADERS, HTML)
        key = unquote(path.removeprefix("/browse/")).strip("/")
        issue = self.store.find_issue(key)
        if issue is None:
            return Answer(404, browse.missing_page(key), browse.HEADERS, HTML)
        return Answer(200, browse.issue_page(self.site, self.store, issue), browse.HEADERS, HTML)

    # the sandbox's own endpoints: no authentication, never logged, never faulty

    def control(self, request: Request) -> Answer:
        """Answer ``/_sandbox/health``, ``/requests``, ``/faults``, ``/conditions``, ``/screen`` and ``/reset``."""
        try:
            body = json.loads(request.body or b"null")
            return self._control(request.method, request.path.removeprefix("/_sandbox"), body)
        except (BadFaultError, KeyError, TypeError, ValueError) as error:
            return Answer(400, {"error": str(error)})

    def _control(self, method: str, path: str, body: Any) -> Answer:
        match method, path:
            case "GET", "/health":
                return Answer(
                    200, {"profile": self.site.profile, "issues": len(self.store.rows("SELECT id FROM issue"))}
                )
            case "GET", "/requests":
                return Answer(200, [dict(row) for row in self.store.rows("SELECT * FROM request ORDER BY id")])
            case "GET", "/faults":
                return Answer(200, self.faults.waiting())
            case "POST", "/faults":
                self.faults.add(check_fault(body))
                return Answer(201, self.faults.waiting())
            case "DELETE", "/faults":
                self.faults.clear()
                return Answer(204)
            case "GET", "/conditions":
                return Answer(200, asdict(self.conditions))
            case "PUT", "/conditions":
                self.conditions = Conditions(**body)
                return Answer(204)
            case "PUT", "/screen":
                custom = tuple(CustomField(**entry) for entry in body.get("custom_fields", []))
                self.site = self.site.with_screen(
                    body["project"], off_screen=frozenset(body.get("off_screen", [])), custom_fields=custom
                )
                return Answer(204)
            case "POST", "/reset":
                self.site = self.original_site
                self.conditions = Conditions()
                self.faults.clear()
                self.store.erase()
                return Answer(204)
        return Answer(404, {"error": f"there is no {method} /_sandbox{path}"})


def _faulty(fault: Fault, answer: Answer | None) -> Answer | None:
    """What a fault leaves of an answer, or says in its place; ``None`` drops the connection."""
    if fault.status == 0:
        return None
    if fault.status is not None:
        retry = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
        answer = Answer(fault.status, fault.body, {**retry, **fault.headers}, fault.content_type)
    return replace(answer, cut_at=fault.cut_at, stall_ms=fault.stall_ms) if answer else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds without a byte, after which a connection is closed
    server: "Server"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            self.send_error(413)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        answer = self.server.jira.dispatch(request)
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        if answer.body is None:
            body = b""
        elif isinstance(answer.body, str):
            body = answer.body.encode()
        else:
            body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", answer.content_type)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: answer.cut_at])
        if answer.cut_at is not None:
            self.wfile.flush()
            time.sleep(answer.stall_ms / 1000)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Requests are logged in the store, with their bodies."""


class Server(ThreadingHTTPServer):
    """The socket of one Jira, on the loopback interface. Port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, store: Store, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.jira = Jira(site, store, f"http://127.0.0.1:{self.server_port}")

    def serve_in_background(self) -> threading.Thread:
        """Serve from a thread of its own until ``shutdown``."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        return thread
