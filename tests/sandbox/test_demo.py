"""The demo's command line, its portal's address and passwords, and what it asks Jira."""

import json
import stat
import threading
from collections.abc import Generator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.demo.issues import issues_since
from sandbox.demo.portal import Portal
from sandbox.demo.run import parse
from sandbox.processes import SandboxError
from sandbox.world import World


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    environ = {"SANDBOX_DIR": str(tmp_path), "OKTADETECT_WEBHOOK_URL": "http://127.0.0.1:4711"}
    return Portal(World.of(environ, say=lambda _: None))


def test_one_round_has_at_least_forty_attacks_in_half_a_minute() -> None:
    options = parse(["--once", "--json"])
    assert (options.once, options.as_json, options.attacks, options.seconds, options.interval) == (
        True, True, 42, 30.0, 10,
    )  # fmt: skip


def test_a_demo_to_watch_goes_slower() -> None:
    options = parse([])
    assert (options.attacks, options.seconds) == (6, 60.0)


def test_json_without_an_end_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--json"])
    assert "--json goes with --once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "bind"),
    [
        ({}, "127.0.0.1:4711"),
        ({"OKTADETECT_WEBHOOK_URL": "http://portal.internal"}, "portal.internal:80"),
        ({"OKTADETECT_WEBHOOK_URL": "https://portal.example.com", "OKTADETECT_BIND": "0.0.0.0:8000"}, "0.0.0.0:8000"),
    ],
)
def test_the_web_listens_where_opensearch_posts_to_unless_told_otherwise(
    portal: Portal, environ: dict[str, str], bind: str
) -> None:
    portal.world.environ = {**portal.world.environ, **environ}
    assert portal.bind == bind


def test_a_taken_port_is_said_before_anything_starts(portal: Portal) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        address = f"http://127.0.0.1:{taken.server_port}"
        portal.world.environ = {**portal.world.environ, "OKTADETECT_WEBHOOK_URL": address}
        portal.paths.records.mkdir(parents=True, exist_ok=True)
        with pytest.raises(SandboxError, match="Another program listens"):
            portal.make_room()


def test_passwords_stay_the_same_and_are_for_their_owner_only(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def manage(*arguments: str, stdin: str = "") -> str:
        given.append((arguments, stdin.strip()))
        return ""

    monkeypatch.setattr(portal, "manage", manage)
    first, second = portal.users(), portal.users()
    assert first == second
    assert set(first) == {"admin", "analyst"}
    assert given[:2] == [
        (("ensure_user", "admin", "--admin"), first["admin"]),
        (("ensure_user", "analyst"), first["analyst"]),
    ]
    (file,) = portal.paths.state("demo").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


class JiraOfOneSearch(BaseHTTPRequestHandler):
    """Answers the search that it has, one issue a page, and 404 to the other."""

    keys = ("SEC-3", "SEC-2", "SEC-1")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        assert "ORDER BY created DESC" in query["jql"][0]
        is_cloud = self.path.startswith("/rest/api/2/search/jql")
        if is_cloud != self.server.is_cloud:  # type: ignore[attr-defined]
            self._answer(404, {"message": "null for uri"})
            return
        at = int((query.get("nextPageToken") or query.get("startAt") or ["0"])[0])
        fields = {
            "summary": f"Security Alert: X for {self.keys[at]}",
            "created": f"2026-11-24T12:0{3 - at}:00.000+0000",
        }
        page: dict[str, Any] = {"issues": [{"key": self.keys[at], "fields": fields}], "total": len(self.keys)}
        if is_cloud and at + 1 < len(self.keys):
            page["nextPageToken"] = str(at + 1)
        self._answer(200, page)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def jira(request: pytest.FixtureRequest) -> Generator[str, None, None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), JiraOfOneSearch) as server:
        server.is_cloud = request.param  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_issues_are_read_page_by_page_back_to_the_start_of_the_run(jira: str) -> None:
    since = datetime(2026, 11, 24, 12, 2, tzinfo=UTC)
    found = issues_since({"JIRA_URL": jira, "JIRA_TOKEN": "t"}, since)
    assert [(issue.key, issue.about) for issue in found] == [("SEC-3", "SEC-3"), ("SEC-2", "SEC-2")]


def test_a_jira_that_is_away_is_said_in_words() -> None:
    with pytest.raises(SandboxError, match="cannot be asked"):
        issues_since({"JIRA_URL": "http://127.0.0.1:9", "JIRA_TOKEN": "t"}, datetime(2026, 11, 24, tzinfo=UTC))
