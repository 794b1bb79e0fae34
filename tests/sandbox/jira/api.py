"""A Jira stand-in booted for one test, and a client whose every answer is held to Jira Cloud's published schema."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from sandbox.jira.server import Server
from sandbox.jira.site import Profile, make_site
from sandbox.jira.store import Store

USER, TOKEN = "bot@example.com", "a-token"
SCHEMAS = Path(__file__).parents[4] / "shared" / "jira-openapi"
HOST = "https://your-domain.atlassian.net"


@cache
def schema(version: str) -> OpenAPI | None:
    """Jira Cloud's published description of this version; ``None`` in a checkout without it."""
    file = SCHEMAS / f"jira-cloud-v{version}.subset.json"
    if not file.exists():
        return None
    # Jira writes +0000, which strict date-time refuses.
    config = Config(extra_format_validators={"date-time": lambda _: True})
    return OpenAPI.from_dict(json.loads(file.read_text()), config=config)


@cache
def operations(version: str) -> dict[tuple[str, str], set[int]]:
    """The published operations: (method, path) and the statuses that each declares."""
    described = json.loads((SCHEMAS / f"jira-cloud-v{version}.subset.json").read_text())["paths"]
    return {
        (method, path): {int(status) for status in operation["responses"]}
        for path, methods in described.items()
        for method, operation in methods.items()
    }


@dataclass(frozen=True)
class Got:
    """An answer. ``json`` is ``None`` where there is no body, or one that is not JSON."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        kind = next((value for name, value in self.headers.items() if name.lower() == "content-type"), "")
        return json.loads(self.text) if kind.startswith("application/json") else None


@dataclass
class Api:
    """Talks to a running stand-in as its caller; answers of Cloud are checked as they come."""

    url: str
    profile: Profile = "cloud"
    version: str = "2"
    token: str = TOKEN
    user: str = USER
    seen: set[tuple[str, str]] = field(default_factory=set)

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 10
    ) -> Got:
        """Call ``/rest/api/N`` + path; ``timeout`` is in seconds."""
        full = f"/rest/api/{self.version}{path}"
        got = self.raw(method, full, body, {"Authorization": self.credential(), **(headers or {})}, timeout)
        if self.profile == "cloud":
            self._check(method, full, got)
        return got

    def raw(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 10
    ) -> Got:
        """Call any path, as nobody; a body of bytes is sent as it is."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Got(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call ``/_sandbox`` + path, which has to succeed."""
        got = self.raw(method, f"/_sandbox{path}", body)
        assert got.status < 300, got.text
        return got.json

    def as_ada(self) -> "Api":
        """The same Jira for an analyst."""
        return replace(self, user="ada@example.com")

    def upload(self, key: str, name: str, content: bytes, headers: Mapping[str, str] | None = None) -> Got:
        """Attach a file to an issue."""
        head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = head.encode() + b"Content-Type: text/plain\r\n\r\n" + content + b"\r\n--b--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        return self.send(
            "POST", f"/issue/{key}/attachments", body, {**kind, **(headers or {"X-Atlassian-Token": "no-check"})}
        )

    def close(self, key: str) -> None:
        """Take the step of SEC's workflow that ends in Done."""
        got = self.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "31"}})
        assert got.status == 204, got.text

    def create(self, **fields: Any) -> str:
        """Create an issue and return its key."""
        got = self.send("POST", "/issue", {"fields": {**self.minimal(), **fields}})
        assert got.status == 201, got.text
        return str(got.json["key"])

    def minimal(self) -> dict[str, Any]:
        """The least that makes an issue."""
        return {"project": {"key": "SEC"}, "issuetype": {"name": "Task"}, "summary": "Something"}

    def fields(self, key: str) -> dict[str, Any]:
        """The fields of an issue."""
        fields: dict[str, Any] = self.send("GET", f"/issue/{key}").json["fields"]
        return fields

    def search(self, jql: str, **parameters: Any) -> Any:
        """What ``/search/jql`` answers."""
        got = self.send("POST", "/search/jql", {"jql": jql, **parameters})
        assert got.status == 200, got.text
        return got.json

    def credential(self) -> str:
        """What stands in ``Authorization``."""
        if self.profile == "dc" and self.user == USER:
            return f"Bearer {self.token}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.token}".encode()).decode()

    def _check(self, method: str, full: str, got: Got) -> None:
        described = schema(self.version)
        if described is None:
            return
        path = full.partition("?")[0]
        template = _template(self.version, method.lower(), path)
        if template is None:
            return  # not one of the operations that were published with the subset
        self.seen.add((method.lower(), template))
        if got.status in operations(self.version)[method.lower(), template] and got.json is not None:
            # v2 describes the list of remote links as the one link that it is with a globalId.
            is_undescribed = self.version == "2" and template.endswith("/remotelink") and isinstance(got.json, list)
            for value in got.json if is_undescribed else [got.json]:
                text = json.dumps(_forgiven(value, self.version))
                response = MockResponse(text.encode(), got.status, content_type="application/json")
                described.validate_response(MockRequest(HOST, method.lower(), path), response)


def _forgiven(value: Any, version: str) -> Any:
    """The same without what Jira does and its schema refuses: nulls in a changelog, and in v2 its texts."""
    if isinstance(value, list):
        return [_forgiven(part, version) for part in value]
    if not isinstance(value, dict):
        return value
    if "fieldtype" in value:
        texts = {"fromString", "toString"} if version == "2" else set()
        return {name: part for name, part in value.items() if part is not None and name not in texts}
    return {name: _forgiven(part, version) for name, part in value.items()}


def _template(version: str, method: str, path: str) -> str | None:
    """The published path that this path means; one without a parameter goes first."""
    parts = path.split("/")

    def fits(template: str) -> bool:
        pieces = template.split("/")
        pairs = zip(pieces, parts, strict=False)
        return len(pieces) == len(parts) and all(piece.startswith("{") or piece == part for piece, part in pairs)

    found = [template for known, template in operations(version) if known == method and fits(template)]
    return min(found, key=lambda template: template.count("{"), default=None)


def boot(folder: Path, profile: Profile = "cloud") -> Server:
    """A stand-in on a free port, serving from a thread; its state lies in the folder."""
    server = Server(make_site(profile, USER, TOKEN), Store(folder), 0)
    server.serve_in_background()
    return server


def stop(server: Server) -> None:
    """Stop a stand-in as its program does."""
    server.shutdown()
    server.server_close()
    server.jira.store.close()
